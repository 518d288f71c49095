"""What a model answered, read against the form and the transcript: what is proved is kept, the rest is noted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from domain.leads.currencies import CURRENCIES
from domain.leads.evidence import names_money, proofs
from domain.leads.form import Field, FieldKind, JsonValue, LeadForm, strict_schema
from domain.leads.transcript import Line
from domain.leads.values import NotAValue, normalised

ERRORS_MAX = 20
CITED_MAX = 50
NO_CURRENCY = "no customer's message that was shown names it"
NO_MESSAGE = "no customer's message that was shown proves it"


class InvalidReading(Exception):
    """The answer does not fit the form. `errors` name places and rules, and hold nothing anybody wrote."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class ProvedValue:
    """A value, the numbers of the messages that prove it, and when the last of them was written."""

    value: JsonValue
    evidence: tuple[int, ...]
    proven_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run found. `dropped` tells of each value that was not believed why."""

    values: Mapping[str, ProvedValue]
    dropped: Mapping[str, str]


def read(form: LeadForm, answer: str, lines: Sequence[Line], region: str | None) -> Reading:
    """What is proved in the model's answer. Raises InvalidReading."""
    answered = _fitting(form, answer)
    customers = {line.number: line for line in lines if line.is_customer}
    values: dict[str, ProvedValue] = {}
    dropped: dict[str, str] = {}
    for field in form.fields:
        if (given := answered[field.name]) is None:
            continue
        cited = [customers[number] for number in dict.fromkeys(given["evidence"][:CITED_MAX]) if number in customers]
        try:
            values[field.name] = _proved(field, given["value"], cited, region)
        except NotAValue as reason:
            dropped[field.name] = str(reason)
        else:
            if field.kind is FieldKind.MONEY and not field.is_list and _is_made_up(given["value"], cited):
                dropped[f"{field.name}.currency"] = NO_CURRENCY
    return Reading(values, dropped)


def _fitting(form: LeadForm, answer: str) -> dict[str, Any]:
    """The answer as JSON that fits the form. Raises InvalidReading."""
    try:
        answered = json.loads(answer, parse_constant=_refused_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidReading(["the answer is not JSON"]) from error
    errors = list(_errors(form, answered))[:ERRORS_MAX]
    if errors:
        raise InvalidReading(errors)
    fitting: dict[str, Any] = answered
    return fitting


def _refused_constant(name: str) -> None:
    raise ValueError(name)


def _errors(form: LeadForm, answered: JsonValue) -> list[str]:
    wrong = [f"{_path(error)}: {_rule(error)}" for error in _validator(form).iter_errors(answered)]
    if wrong:
        return wrong
    checked = (
        (field, value)
        for field in form.fields
        if (given := answered[field.name]) is not None
        for value in (given["value"] if field.is_list else [given["value"]])
    )
    return [
        f"{field.name}.value: it breaks the rule {error.validator} {error.validator_value}"
        for field, value in checked
        if field.kind is not FieldKind.MONEY
        for error in _own_rules(json.dumps(field.schema)).iter_errors(value)
    ]


def _path(error: ValidationError) -> str:
    return ".".join(map(str, error.absolute_path)) or "the answer"


def _rule(error: ValidationError) -> str:
    """What was expected there, without what was found."""
    if error.validator == "anyOf":
        return "it must be null, or an object with value (as the form says) and evidence (numbers of messages)"
    if error.validator == "required":
        return "every field must be there"
    return f"it breaks the rule {error.validator}"


@lru_cache(maxsize=256)
def _validator(form: LeadForm) -> Draft202012Validator:
    return Draft202012Validator(strict_schema(form))


@lru_cache(maxsize=1_024)
def _own_rules(written: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(written))


def _proved(field: Field, value: JsonValue, cited: Sequence[Line], region: str | None) -> ProvedValue:
    """The value with the messages that prove it; of a list the items that are proved. Raises NotAValue."""
    if not field.is_list:
        kept = _kept(field, value, cited, region)
        return _value(kept, proofs(field, kept, cited, region))
    items: list[Any] = []
    lines: list[Line] = []
    for one in value[: field.items_max]:
        with suppress(NotAValue):  # one number that is none takes nothing from the others
            kept = _kept(field, one, cited, region)
            if kept not in items and (found := proofs(field, kept, cited, region)):
                items.append(kept)
                lines += found
    return _value(items, lines)


def _kept(field: Field, value: JsonValue, cited: Sequence[Line], region: str | None) -> JsonValue:
    """The value as it is kept, money without a currency that nobody named. Raises NotAValue."""
    if field.kind is FieldKind.MONEY and _is_made_up(value, cited):
        value = value | {"currency": None}
    return normalised(field, value, region)


def _is_made_up(money: Mapping[str, Any], cited: Sequence[Line]) -> bool:
    """Whether the model names a currency that no customer did."""
    code = (money["currency"] or "").strip().upper()
    return code in CURRENCIES and not names_money(cited, code)


def _value(value: JsonValue, proving: Sequence[Line]) -> ProvedValue:
    if not proving:
        raise NotAValue(NO_MESSAGE)
    numbers = sorted({line.number for line in proving})
    return ProvedValue(value, tuple(numbers), max(line.at for line in proving))
