"""Values as they are kept: telephone numbers in E.164, e-mail addresses, dates, money; or why one is none."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import phonenumbers

from domain.leads.currencies import CURRENCIES
from domain.leads.form import Field, FieldKind, JsonValue
from domain.leads.words import plain
from domain.shared import storable

AMOUNT_MAX = 1e15
EMAIL_LENGTH_MAX = 254
EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
"""As browsers check it, with a dot in the domain."""
INTERNATIONAL = re.compile(r"^\s*00(?=[1-9])")
"""How most of the world dials abroad; where the business's region is known, that region's way counts."""
INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Controls, and what turns the direction of a text: it would turn what stands beside it in a table or terminal too."""


class NotAValue(Exception):
    """What the model gave is no such value. The words never repeat it."""


def region_of(business_number: str | None) -> str | None:
    """The region (ISO 3166) of a business's own number; numbers without a country code are read as there."""
    if not business_number:
        return None
    try:
        number = phonenumbers.parse(business_number, None)
    except phonenumbers.NumberParseException:
        return None
    known = phonenumbers.region_code_for_number(number)
    return known or _main_region(number.country_code or 0)


def _main_region(country_code: int) -> str | None:
    """Test numbers of platforms belong to nobody, and so to no region; their country code still says where they are."""
    region = phonenumbers.region_code_for_country_code(country_code)
    return None if region == phonenumbers.UNKNOWN_REGION else region


def normalised(field: Field, value: JsonValue, region: str | None) -> JsonValue:
    """One value as it is kept. Raises NotAValue."""
    match field.kind:
        case FieldKind.PHONE:
            return _phone(value, region)
        case FieldKind.EMAIL:
            return _email(value)
        case FieldKind.DATE:
            return _date(value)
        case FieldKind.MONEY:
            return _money(value, field.currency)
        case FieldKind.NUMBER | FieldKind.BOOLEAN | FieldKind.CHOICE:
            return value
    return _text(value)


def _text(value: str) -> str:
    text = " ".join(INVISIBLE.sub(" ", storable(value)).split())
    if not text:
        raise NotAValue("it is empty")
    return text


def _phone(value: str, region: str | None) -> str:
    try:
        number = phonenumbers.parse(INTERNATIONAL.sub("+", plain(value)) if region is None else plain(value), region)
    except phonenumbers.NumberParseException as error:
        raise NotAValue("it is no telephone number, or lacks its country code") from error
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise NotAValue("no telephone number there has so many digits")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(value: str) -> str:
    address = plain(value).strip().removeprefix("mailto:")
    if len(address) > EMAIL_LENGTH_MAX or not EMAIL.fullmatch(address) or ".." in address:
        raise NotAValue("it is no e-mail address")
    return address


def _date(value: str) -> str:
    try:
        return date.fromisoformat(plain(value).strip()).isoformat()
    except ValueError as error:
        raise NotAValue("it is no date of the form YYYY-MM-DD") from error


def _money(value: dict[str, Any], currency: str | None) -> dict[str, Any]:
    amount = Decimal(str(value["amount"]))
    if not 0 <= amount <= Decimal(AMOUNT_MAX):
        raise NotAValue("it is no amount of money")
    code = (value["currency"] or currency or "").strip().upper() or None
    if code is not None and code not in CURRENCIES:
        raise NotAValue("its currency is no code of ISO 4217")
    return {"amount": _number(round(amount, 2)), "currency": code}


def _number(amount: Decimal) -> int | float:
    return int(amount) if amount == amount.to_integral_value() else float(amount)
