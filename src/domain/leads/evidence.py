"""Whether a customer's message proves a value: what can be looked for must be found there, and the rest be cited."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

import phonenumbers

from domain.leads.form import Field, FieldKind, JsonValue
from domain.leads.numbers import plain, readings, runs_of_digits

WORD = re.compile(r"\w+")


def proves(text: str, field: Field, value: JsonValue) -> bool:
    """Whether a message with this text may prove the (normalised) value.

    Telephone numbers, e-mail addresses, numbers, amounts and words that must be verbatim are looked for. What a model
    puts into words of its own (a need, a choice, a date that was "next Friday") only has to cite a customer's message.
    """
    match field.kind:
        case FieldKind.PHONE:
            return any(_national(value) in digits for digits in runs_of_digits(text))
        case FieldKind.EMAIL:
            return re.search(rf"(?<![\w.+-]){re.escape(value)}(?![\w-])", plain(text)) is not None
        case FieldKind.NUMBER:
            return Decimal(str(value)) in readings(text)
        case FieldKind.MONEY:
            return Decimal(str(value["amount"])) in readings(text)
        case FieldKind.VERBATIM:
            return bool(words := _words(value)) and words <= _words(text)
    return True


def _national(number: str) -> str:
    return phonenumbers.national_significant_number(phonenumbers.parse(number, None))


def _words(text: str) -> set[str]:
    """The words without their accents: José and Jose are one."""
    bare = "".join(one for one in unicodedata.normalize("NFD", plain(text)) if not unicodedata.combining(one))
    return set(WORD.findall(bare))
