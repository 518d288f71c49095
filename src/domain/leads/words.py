"""Words in what people write, of any script: case, width, accents and invisible marks make no difference."""

from __future__ import annotations

import unicodedata
from itertools import groupby

JOINING = 9
"""The combining class of what joins letters of Indian scripts: no accent."""


def plain(text: str) -> str:
    """`text` in compatible form and lower case, with ASCII digits and nothing invisible: ４٢२ becomes 422."""
    return "".join(_plain(character) for character in unicodedata.normalize("NFKC", text)).casefold()


def words(text: str) -> set[str]:
    """The words without their accents, digits apart: José is Jose, and 50eur is 50 and eur.

    Vowels of Indian scripts are no accents, though Unicode calls them marks too: मीरा is not मेरा.
    """
    bare = (one for one in unicodedata.normalize("NFD", plain(text)) if not _is_accent(one))
    return {"".join(run) for kind, run in groupby(bare, _kind) if kind}


def _plain(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return "" if unicodedata.category(character) == "Cf" else character


def _is_accent(character: str) -> bool:
    return unicodedata.combining(character) not in {0, JOINING}


def _kind(character: str) -> str:
    """Whether it belongs to a word, to a number, or (empty) to neither."""
    return {"L": "word", "M": "word", "N": "number"}.get(unicodedata.category(character)[0], "")
