"""The model's Markdown as each platform shows it, in as many messages as its limit asks for."""

from adapters.channels.wording.platforms import instagram_texts, whatsapp_texts

__all__ = ["instagram_texts", "whatsapp_texts"]
