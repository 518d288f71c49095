"""Forms, transcripts, values and their proofs."""

# ruff: noqa: RUF001 - digits of other scripts are what is tested

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from domain.leads.evidence import names_money, proofs
from domain.leads.form import DEFAULT_FORM, Field, FieldKind, read_form, strict_schema
from domain.leads.merging import OLDER_MAX, LeadValue, merged
from domain.leads.numbers import readings
from domain.leads.prompt import INSTRUCTIONS, VERSION
from domain.leads.reading import InvalidReading, read
from domain.leads.transcript import CHARACTERS_MAX, CUT, FIRST, MESSAGE_CHARACTERS_MAX, Line, cut, written
from domain.leads.values import NotAValue, normalised, region_of
from tests.builders import an_id
from tests.fakes.clock import MONDAY_MORNING


def a_field(kind: FieldKind, **fields: Any) -> Field:
    return Field("it", kind, {}, **fields)


def test_the_words_of_the_prompt_belong_to_their_version() -> None:
    # A change of the words needs a new VERSION.
    assert {VERSION: sha256(INSTRUCTIONS.encode()).hexdigest()[:12]} == {1: "b7e4c6c3748a"}, (
        "raise VERSION with a change"
    )


def test_the_strict_schema_leaves_nothing_out_and_allows_nothing_else() -> None:
    schema = strict_schema(read_form(None))
    objects = [schema, *(choice for one in schema["properties"].values() for choice in one["anyOf"])]
    for one in [each for each in objects if each["type"] == "object"]:
        assert one["required"] == list(one["properties"])
        assert one["additionalProperties"] is False
    Draft202012Validator.check_schema(schema)


def proves(text: str, field: Field, value: Any, region: str | None = None) -> bool:
    return bool(proofs(field, value, [Line(1, True, MONDAY_MORNING, text)], region))


def test_a_form_is_named_by_what_it_says_not_by_the_order_of_its_words() -> None:
    one = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}}
    other = {"properties": {"b": {"type": "number"}, "a": {"type": "string"}}, "type": "object"}
    assert read_form(one).digest == read_form(other).digest != read_form(DEFAULT_FORM).digest


@pytest.mark.parametrize(
    ("text", "region", "kept"),
    [
        ("612 34 56 78", "ES", "+34612345678"),
        ("+55 (11) 91234-5678", None, "+5511912345678"),
        ("٠٥٠ ١٢٣ ٤٥٦٧", "AE", "+971501234567"),
        ("०९८१०१२३४५६", "IN", "+919810123456"),
    ],
)
def test_a_telephone_number_is_kept_in_e164(text: str, region: str | None, kept: str) -> None:
    field = a_field(FieldKind.PHONE)
    assert normalised(field, text, region) == kept
    assert proves(f"Call me: {text}, please", field, kept, region)
    assert not proves("Call me: 612 34 56 79", field, kept, region)


@pytest.mark.parametrize(
    ("text", "region"), [("612345678", None), ("555-0123", "US"), ("12", "ES"), ("no number", "ES"), ("+999123", None)]
)
def test_what_is_no_telephone_number_is_none(text: str, region: str | None) -> None:
    with pytest.raises(NotAValue):
        normalised(a_field(FieldKind.PHONE), text, region)


def test_the_region_is_that_of_the_business() -> None:
    assert (region_of("+34 911 234 567"), region_of("call us"), region_of(None)) == ("ES", None, None)


def test_a_test_number_that_belongs_to_nobody_still_has_its_countrys_region() -> None:
    assert region_of("+1 555 123 4567") == "US"


def test_a_currency_is_named_by_its_code_a_name_or_a_sign() -> None:
    for text, code in [("50 eur", "EUR"), ("R$50", "BRL"), ("بالدرهم", "MAD"), ("50रुपये", "INR"), ("50 zloty", "PLN")]:
        assert names_money([Line(1, True, MONDAY_MORNING, text)], code), text
    for text, code in [("50", "EUR"), ("realmente 50", "BRL"), ("50 euros", "USD"), ("rsvp", "INR")]:
        assert not names_money([Line(1, True, MONDAY_MORNING, text)], code), text


def test_an_address_is_kept_in_lower_case_and_proved_whole() -> None:
    field = a_field(FieldKind.EMAIL)
    assert normalised(field, " Kim.Li@Example.COM ", None) == "kim.li@example.com"
    assert proves("KIM.LI@example.com!", field, "kim.li@example.com")
    assert not proves("notkim.li@example.com", field, "kim.li@example.com")
    for wrong in ("kim@", "kim@host", "kim@@example.com", "k..i@example.com", "kim@example.com\nBcc: x@y.zz"):
        with pytest.raises(NotAValue):
            normalised(field, wrong, None)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("about 1.500,50 €", "1500.50"),
        ("$1,500.50", "1500.50"),
        ("5k", "5000"),
        ("5L", "500000"),
        ("٥٠ ألفا", "50000"),
        ("we are 4 600 euros at most", "600"),
        ("5 mil euros", "5000"),
        ("2 lakh rupees", "200000"),
        ("₹1,50,000", "150000"),
        ("١٥٠٠ درهم", "1500"),
        ("5 ألف", "5000"),
        ("५० हज़ार", "50000"),
        ("1 500 000 reais", "1500000"),
        ("2,5 milhões", "2500000"),
    ],
)
def test_an_amount_is_found_however_it_is_written(text: str, amount: str) -> None:
    assert Decimal(amount) in readings(text)


def test_money_has_an_amount_and_a_currency_or_none() -> None:
    field = a_field(FieldKind.MONEY)
    assert normalised(field, {"amount": 5000.0, "currency": "eur"}, None) == {"amount": 5000, "currency": "EUR"}
    assert normalised(field, {"amount": 9.999, "currency": None}, None) == {"amount": 10, "currency": None}
    own = a_field(FieldKind.MONEY, currency="BRL")
    assert normalised(own, {"amount": 1.5, "currency": None}, None) == {"amount": 1.5, "currency": "BRL"}
    for wrong in (
        {"amount": -1, "currency": None},
        {"amount": 1e300, "currency": None},
        {"amount": 1, "currency": "XYZ"},
    ):
        with pytest.raises(NotAValue):
            normalised(field, wrong, None)


def test_a_date_is_a_date() -> None:
    field = a_field(FieldKind.DATE)
    assert normalised(field, "2026-02-28", None) == "2026-02-28"
    for wrong in ("2026-02-30", "tomorrow", "28/02/2026"):
        with pytest.raises(NotAValue):
            normalised(field, wrong, None)


def test_verbatim_words_are_all_there_accents_apart() -> None:
    field = a_field(FieldKind.VERBATIM)
    assert proves("soy JOSÉ garcía", field, "Jose Garcia")
    assert not proves("soy José", field, "José García")


def _lines(*texts: str) -> list[Line]:
    return [Line(place, place % 2 == 1, MONDAY_MORNING, text) for place, text in enumerate(texts, 1)]


def _answer(form: dict[str, Any], **values: tuple[Any, list[int]]) -> str:
    given_values = {name: {"value": value, "evidence": evidence} for name, (value, evidence) in values.items()}
    return json.dumps(dict.fromkeys(form["properties"]) | given_values)


def test_what_only_the_business_said_is_not_believed() -> None:
    lines = _lines("Hello", "Write to shop@example.com", "ok")
    reading = read(read_form(None), _answer(DEFAULT_FORM, email=("shop@example.com", [2])), lines, None)
    assert (dict(reading.values), list(reading.dropped)) == ({}, ["email"])


def test_of_a_list_the_items_are_kept_that_are_proved() -> None:
    form = {
        "type": "object",
        "properties": {"mails": {"type": "array", "items": {"type": "string", "format": "email"}}},
    }
    answer = _answer(form, mails=(["a@example.com", "b@example.com", "A@example.com"], [1, 3]))
    reading = read(read_form(form), answer, _lines("a@example.com", "yes?", "that is all"), None)
    assert reading.values["mails"].value == ["a@example.com"]
    assert reading.values["mails"].evidence == (1,)


NOT_FITTING = [
    "no json",
    "[]",
    "{}",
    '{"name": "Kim"}',
    "NaN",
    "[" * 100_000,
    _answer(DEFAULT_FORM, name=(5, [1])),
    _answer(DEFAULT_FORM, name=("Kim", ["1"])),
    _answer(DEFAULT_FORM, urgency=("extreme", [1])),
    _answer(DEFAULT_FORM, name=("K" * 201, [1])),
    _answer(DEFAULT_FORM).replace("}", ', "more": 1}'),
]


@pytest.mark.parametrize("answer", NOT_FITTING, ids=range(len(NOT_FITTING)))
def test_what_does_not_fit_the_form_is_refused_without_repeating_it(answer: str) -> None:
    with pytest.raises(InvalidReading) as refusal:
        read(read_form(None), answer, _lines("I am Kim"), None)
    assert refusal.value.errors
    assert "extreme" not in str(refusal.value)


@given(st.text(), st.lists(st.integers(), max_size=5))
def test_no_text_and_no_citation_breaks_the_reader(text: str, evidence: list[int]) -> None:
    lines = _lines(text, "yes?", text)
    given_values = dict.fromkeys(("need", "email", "telephone", "language"), (text, evidence))
    try:
        reading = read(read_form(None), _answer(DEFAULT_FORM, **given_values), lines, "ES")
    except InvalidReading:
        return
    for value in reading.values.values():
        assert set(value.evidence) <= {1, 3} & set(evidence)


@given(st.lists(st.text(max_size=3_000), max_size=60))
def test_a_transcript_stays_within_bounds_and_tells_every_gap(texts: list[str]) -> None:
    lines = _lines(*texts)
    shown = cut(lines)
    assert sum(len(line.text) for line in shown[FIRST:]) <= CHARACTERS_MAX
    assert all(len(line.text) <= MESSAGE_CHARACTERS_MAX + len(CUT) for line in shown)
    begin, *told, end = written(shown, "5eed").split("\n")
    assert (begin, end) == ("BEGIN 5eed", "END 5eed")
    objects = [json.loads(line) for line in told]
    assert sum(one.get("left_out", 1) for one in objects) == (shown[-1].number if shown else 0)


def _value(value: str, minute: int, read_minute: int = 0) -> LeadValue:
    at = MONDAY_MORNING + timedelta(minutes=minute)
    return LeadValue(value, (1,), an_id(), an_id(), at, MONDAY_MORNING + timedelta(minutes=read_minute))


def test_the_newest_proof_counts_and_of_two_readings_of_it_the_later_one() -> None:
    values = merged((), [_value("a", 1), _value("b", 3), _value("c", 2), _value("d", 3, 1)])
    assert [one.value for one in values] == ["d", "b", "c", "a"]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 50)), max_size=40), st.integers(0, 40))
def test_merging_in_any_order_comes_to_the_same(found: list[tuple[str, int]], place: int) -> None:
    values = [_value(value, minute, number) for number, (value, minute) in enumerate(found)]
    whole = merged((), values)
    assert merged(merged((), values[place:]), values[:place]) == whole
    assert merged(whole, whole) == whole
    assert len(whole) <= OLDER_MAX
