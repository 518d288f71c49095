"""The lead form: which values a business wants of a customer, as a small part of JSON Schema.

Fields are flat: one value, or a list of such. `x-type: money` asks for an amount with its currency, `x-currency`
says which one is meant when the customer names none, and `x-verbatim` that the customer's own words must be found.
What a model is asked for is made of it (`strict_schema`): every field null, or a value with its evidence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from domain.leads.currencies import CURRENCIES
from domain.shared import InvalidInput

FIELDS_MAX = 50
CHOICES_MAX = 100
TEXT_LENGTH_MAX = 1_000
"""Of a description or a choice: all of them travel with every call."""
FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")

OF_THE_FORM = frozenset({"$schema", "type", "title", "description", "properties", "required", "additionalProperties"})
OF_A_FIELD = frozenset(
    {
        *("type", "title", "description", "enum", "format", "minimum", "maximum", "minLength", "maxLength"),
        *("items", "maxItems", "x-type", "x-currency", "x-verbatim"),
    }
)
TYPES = frozenset({"string", "number", "integer", "boolean", "array"})
FORMATS = frozenset({"email", "phone", "date"})

Schema = dict[str, Any]
JsonValue: TypeAlias = Any
"""What JSON holds; which form it has is checked where it comes in."""


class FieldKind(StrEnum):
    """How a value is normalised and proved."""

    TEXT = "text"
    VERBATIM = "verbatim"
    CHOICE = "choice"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    MONEY = "money"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a business wants to know. `schema` is that of one value, without null."""

    name: str
    kind: FieldKind
    schema: Schema
    is_list: bool = False
    items_max: int | None = None
    currency: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class LeadForm:
    """A form that was checked. `digest` names it: runs tell by it which form they answered."""

    fields: tuple[Field, ...] = field(hash=False)
    digest: str


DEFAULT_FORM: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 200, "x-verbatim": True, "description": "The customer's own name."},
        "email": {"type": "string", "format": "email", "description": "The customer's e-mail address."},
        "telephone": {"type": "string", "format": "phone", "description": "A number to call the customer on."},
        "company": {"type": "string", "maxLength": 200, "x-verbatim": True, "description": "Whom they write for."},
        "need": {"type": "string", "maxLength": 500, "description": "What the customer wants, in a sentence."},
        "budget": {"type": "object", "x-type": "money", "description": "What the customer is ready to spend."},
        "urgency": {"type": "string", "enum": ["low", "medium", "high"], "description": "How soon they need it."},
        "language": {"type": "string", "maxLength": 35, "description": "The customer's language, as in BCP 47."},
        "consent": {
            "type": "boolean",
            "description": "Whether the customer agreed to be contacted; null if not asked.",
        },
        "summary": {"type": "string", "maxLength": 1000, "description": "The conversation in two sentences."},
    },
}
"""What is wanted where an agent has no form of its own."""


def read_form(form: Mapping[str, Any] | None) -> LeadForm:
    """The form, checked; the default one for None. Raises InvalidInput with the path of what is wrong in it."""
    return _read(json.dumps(DEFAULT_FORM if form is None else form))


@lru_cache(maxsize=256)
def _read(written: str) -> LeadForm:
    form = json.loads(written)
    _must_be_an_object(form)
    properties = form["properties"]
    fields = tuple(_field(name, properties[name], f"lead_form.properties.{name}") for name in properties)
    digest = sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:16]
    return LeadForm(fields, digest)


def strict_schema(form: LeadForm) -> Schema:
    """What the model must answer: every field there, null or a value with the numbers of the messages that prove it."""
    return _object({field.name: {"anyOf": [_answer(field), {"type": "null"}]} for field in form.fields})


def _answer(field: Field) -> Schema:
    value: Schema = {"type": "array", "items": _asked(field)} if field.is_list else _asked(field)
    if field.description:
        value = value | {"description": field.description}
    numbers = {"type": "array", "items": {"type": "integer"}}
    return _object({"value": value, "evidence": numbers})


def _asked(field: Field) -> Schema:
    """A value as strict output knows it: what it does not know (lengths, our formats) is checked here afterwards."""
    if field.kind is FieldKind.MONEY:
        return _object({"amount": {"type": "number"}, "currency": {"type": ["string", "null"]}})
    return {keyword: field.schema[keyword] for keyword in ("type", "enum") if keyword in field.schema}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _must_be_an_object(form: JsonValue) -> None:
    if not isinstance(form, dict) or form.get("type") != "object":
        raise InvalidInput("lead_form.type", 'It must be "object": a form has named fields.')
    _must_know(form, OF_THE_FORM, "lead_form")
    properties = form.get("properties")
    if not isinstance(properties, dict) or not 1 <= len(properties) <= FIELDS_MAX:
        raise InvalidInput("lead_form.properties", f"It must name between 1 and {FIELDS_MAX} fields.")
    if form.get("additionalProperties") not in (None, False):
        raise InvalidInput("lead_form.additionalProperties", "It must be false or absent.")
    _must_be_schema(form, "lead_form")


def _must_be_schema(schema: Schema, place: str) -> None:
    """Raise InvalidInput where a keyword has a value that JSON Schema does not know."""
    wrong = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    if wrong is not None:
        path = ".".join([place, *map(str, wrong.absolute_path)])
        raise InvalidInput(path, f"It is not what JSON Schema expects there: {wrong.validator}.")


def _must_know(schema: Schema, known: frozenset[str], place: str) -> None:
    for keyword in schema:
        if keyword not in known:
            raise InvalidInput(f"{place}.{keyword}", f"A lead form takes only {', '.join(sorted(known))} here.")


def _field(name: str, schema: JsonValue, place: str) -> Field:
    if not FIELD_NAME.fullmatch(name):
        raise InvalidInput(place, "A field's name has 1 to 64 letters, digits, _ or -, and begins with no digit.")
    if not isinstance(schema, dict):
        raise InvalidInput(place, "It must be an object that describes the field.")
    _must_know(schema, OF_A_FIELD, place)
    if len(description := schema.get("description", "")) > TEXT_LENGTH_MAX:
        raise InvalidInput(f"{place}.description", f"It must have at most {TEXT_LENGTH_MAX} characters.")
    if _type(schema, place) != "array":
        return _single(name, schema, place, description)
    items = schema.get("items")
    if not isinstance(items, dict):
        raise InvalidInput(f"{place}.items", "A list must say what is in it.")
    _must_know(items, OF_A_FIELD, f"{place}.items")
    if _type(items, f"{place}.items") == "array":
        raise InvalidInput(f"{place}.items.type", "A list holds no lists.")
    one = _single(name, items, f"{place}.items", description)
    return Field(one.name, one.kind, one.schema, True, schema.get("maxItems"), one.currency, description)


def _type(schema: Schema, place: str) -> str:
    """The one type beside null."""
    named = schema.get("type")
    types = [one for one in (named if isinstance(named, list) else [named]) if one != "null"]
    is_money = schema.get("x-type") == "money"
    if is_money and types in ([None], ["object"], []):
        return "object"
    if len(types) != 1 or types[0] not in TYPES:
        detail = f"It must be one of {', '.join(sorted(TYPES))}, with or without null; for money use x-type."
        raise InvalidInput(f"{place}.type", detail)
    return str(types[0])


def _single(name: str, schema: Schema, place: str, description: str) -> Field:
    kind = _kind(schema, _type(schema, place), place)
    currency = schema.get("x-currency")
    if currency is not None and currency not in CURRENCIES:
        raise InvalidInput(f"{place}.x-currency", "It must be a code of ISO 4217, for instance EUR.")
    value = {keyword: rule for keyword, rule in schema.items() if keyword not in {"title", "description"}}
    value["type"] = _type(schema, place)
    if "enum" in value:
        value["enum"] = _choices(value["enum"], place)
    return Field(name, kind, value, currency=currency, description=description)


def _kind(schema: Schema, type_: str, place: str) -> FieldKind:
    if schema.get("x-type") not in (None, "money"):
        raise InvalidInput(f"{place}.x-type", "It must be money or absent.")
    if type_ == "object":
        return FieldKind.MONEY
    if type_ in {"number", "integer"}:
        return FieldKind.NUMBER
    if type_ == "boolean":
        return FieldKind.BOOLEAN
    if (format_ := schema.get("format")) is not None:
        if format_ not in FORMATS:
            raise InvalidInput(f"{place}.format", f"It must be one of {', '.join(sorted(FORMATS))}.")
        return FieldKind(format_)
    if "enum" in schema:
        return FieldKind.CHOICE
    return FieldKind.VERBATIM if schema.get("x-verbatim") is True else FieldKind.TEXT


def _choices(choices: list[Any], place: str) -> list[str]:
    texts = [choice for choice in choices if choice is not None]
    are_texts = all(isinstance(choice, str) and 1 <= len(choice) <= TEXT_LENGTH_MAX for choice in texts)
    if not are_texts or not 1 <= len(texts) <= CHOICES_MAX:
        raise InvalidInput(f"{place}.enum", f"It must hold between 1 and {CHOICES_MAX} texts that are not empty.")
    return texts
