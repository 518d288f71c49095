"""The browser's side of web chat: sessions, messages, the stream, and the widget itself."""
