"""Numbers in what people write: any digits of the world, any separators, and words that multiply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from domain.leads.words import plain

THOUSAND, LAKH, MILLION, CRORE = Decimal(1_000), Decimal(100_000), Decimal(1_000_000), Decimal(10_000_000)
MULTIPLIERS = {
    **dict.fromkeys(
        ("k", "thousand", "mil", "miles", "ألف", "ألفا", "الف", "الفا", "آلاف", "الاف", "हज़ार", "हजार", "tausend"),
        THOUSAND,
    ),
    **dict.fromkeys(("l", "lakh", "lakhs", "lac", "lacs", "लाख"), LAKH),
    **dict.fromkeys(("m", "mn", "mio", "million", "millions", "millón", "millon", "millones"), MILLION),
    **dict.fromkeys(("milhão", "milhao", "milhões", "milhoes", "مليون", "ملايين", "मिलियन"), MILLION),
    **dict.fromkeys(("crore", "crores", "cr", "करोड़", "करोड"), CRORE),
}
GROUPED = r"\d{1,3}(?:[ \u00a0\u202f'\u2019]\d{2,3})*[ \u00a0\u202f'\u2019]\d{3}(?:[.,]\d+)?"
NUMBER = re.compile(rf"({GROUPED}|\d+(?:[.,\u066c\u066b]\d+)*)\s*([^\W\d_][\w\u093c\u094d\u093e-\u094c]*)?")
BLANK = re.compile(r"[ \u00a0\u202f'\u2019]")
SEPARATORS = re.compile(r"[.,\u066c\u066b]")
DIGITS = re.compile(r"\d(?:[\s().\-/\u2010\u2013\u2212]{0,3}\d)*")


def runs_of_digits(text: str) -> Iterator[str]:
    """Digits that stand together as in a telephone number, without what is between them."""
    for found in DIGITS.finditer(plain(text)):
        yield re.sub(r"\D", "", found[0])


def readings(text: str) -> set[Decimal]:
    """Every amount that a number in `text` may mean: 1.500 is both 1500 and 1.5, and 5k is 5 and 5000.

    Digits with blanks between are one number or several: "we are 4 600 euros at most".
    """
    found: set[Decimal] = set()
    for number, word in NUMBER.findall(plain(text)):
        for value in (each for part in {*BLANK.split(number), BLANK.sub("", number)} for each in _values(part)):
            found.add(value)
            if multiplier := _MULTIPLIERS.get(word):
                found.add(value * multiplier)
    return found


_MULTIPLIERS = {plain(word): multiplier for word, multiplier in MULTIPLIERS.items()}


def _values(number: str) -> Iterator[Decimal]:
    groups = SEPARATORS.split(number)
    if len(groups) == 1:
        yield Decimal(number)
        return
    if all(len(group) in {2, 3} for group in groups[1:]) and len(groups[-1]) == len("000"):
        yield Decimal("".join(groups))
    yield Decimal("".join(groups[:-1]) + "." + groups[-1])
