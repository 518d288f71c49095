"""Web chat: sessions, messages, the stream of a visitor, and what its owner sets up."""
