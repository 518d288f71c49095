"""What each platform shows of the model's text, and how much of it in one message."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.channels.wording.document import Style, read
from adapters.channels.wording.runs import Mark, Words
from adapters.channels.wording.splitting import Fits, split
from adapters.channels.wording.whatsapp_style import STYLE, adapted

WHATSAPP_CHARACTERS_MAX = 4_000
WHATSAPP_UTF16_UNITS_MAX = 4_096
"""Meta says 4,096 characters and not what a character is: both counts are kept."""
INSTAGRAM_BYTES_MAX = 1_000

PLAIN = Style(code=Mark(is_block=True, is_verbatim=True), quote=Mark(line="> ", is_block=True))


def whatsapp_texts(markdown: str) -> Sequence[str]:
    """The messages that WhatsApp is handed."""
    return _texts(markdown, adapted(read(markdown, STYLE)), _fits_whatsapp)


def instagram_texts(markdown: str) -> Sequence[str]:
    """The messages that Instagram is handed: it formats nothing."""
    return _texts(markdown, read(markdown, PLAIN), _fits_instagram)


def _texts(markdown: str, words: Words, fits: Fits) -> Sequence[str]:
    """The words as messages; the text as it was written where Markdown leaves nothing of it to show."""
    return split(words, fits) or (markdown,)


def _fits_whatsapp(text: str) -> bool:
    is_short = len(text) <= WHATSAPP_CHARACTERS_MAX
    return is_short and len(text.encode("utf-16-le", "surrogatepass")) // 2 <= WHATSAPP_UTF16_UNITS_MAX


def _fits_instagram(text: str) -> bool:
    return len(text.encode(errors="surrogatepass")) <= INSTAGRAM_BYTES_MAX
