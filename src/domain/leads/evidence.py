"""Whether a customer's messages prove a value: what can be looked for must be found there, and the rest be cited."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import phonenumbers

from domain.leads.currencies import names_currency
from domain.leads.form import Field, FieldKind, JsonValue
from domain.leads.numbers import readings, runs_of_digits
from domain.leads.transcript import Line
from domain.leads.words import plain, words


def proofs(field: Field, value: JsonValue, cited: Sequence[Line], region: str | None) -> list[Line]:
    """The messages that prove the (normalised) value, in the order given.

    Telephone numbers, e-mail addresses, numbers, amounts and words that must be verbatim are looked for. What a model
    puts into words of its own (a need, a choice, a date that was "next Friday") only has to cite a customer's message.
    """
    if field.kind is FieldKind.VERBATIM:
        return _saying_all(words(value), cited)
    return [line for line in cited if _proves(line.text, field, value, region)]


def names_money(cited: Sequence[Line], code: str) -> bool:
    """Whether one of the messages names that currency."""
    return any(names_currency(plain(line.text), words(line.text), code) for line in cited)


def _saying_all(wanted: set[str], cited: Sequence[Line]) -> list[Line]:
    """The messages with all of the words; without any such one, those that have them together ("Ana" … "Silva")."""
    found = [(line, words(line.text) & wanted) for line in cited]
    whole = [line for line, said in found if wanted and said == wanted]
    together = set().union(*(said for _, said in found)) == wanted
    return whole or [line for line, said in found if said and together]


def _proves(text: str, field: Field, value: JsonValue, region: str | None) -> bool:
    match field.kind:
        case FieldKind.PHONE:
            number = phonenumbers.parse(value, None)
            return any(_is_number(digits, number, region) for digits in runs_of_digits(text))
        case FieldKind.EMAIL:
            return re.search(rf"(?<![\w.+-]){re.escape(value)}(?![\w-]|\.\w)", plain(text)) is not None
        case FieldKind.NUMBER:
            return Decimal(str(value)) in readings(text)
        case FieldKind.MONEY:
            return Decimal(str(value["amount"])) in readings(text)
    return True


def _is_number(digits: str, number: phonenumbers.PhoneNumber, region: str | None) -> bool:
    """Whether it stands in the digits: with its country code, or as people of the business's own country write it."""
    code, national = number.country_code, phonenumbers.national_significant_number(number)
    if re.search(f"{code}0?{national}", digits):
        return True
    if region is None or phonenumbers.country_code_for_region(region) != code:
        return False
    return national in digits or _is_written_at_home(digits, number, region)


def _is_written_at_home(digits: str, number: phonenumbers.PhoneNumber, region: str) -> bool:
    """Some countries write other digits at home than abroad: 011 15 2345 6789 is +54 9 11 2345 6789."""
    try:
        return phonenumbers.parse(digits, region) == number
    except phonenumbers.NumberParseException:
        return False
