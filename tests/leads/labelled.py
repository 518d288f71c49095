"""The labelled conversations: what was said, what a model answers, and what is rightly kept of it.

A conversation has one run or several. A text of `says` begins with `C: ` (the customer) or `B: ` (the business);
numbers count on through the runs of one phone number. `answer` is what the model says, `answers` one for each attempt:
text that is sent as it stands, or fields. Fields, of an answer and of what is `kept`, are a value with the numbers of
the messages that are said to prove it, and do prove it. `lead` holds each field's values, the one that counts first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from application.ports.lead_model import LeadOutcome
from domain.answers import Answered, NotAnswered, Usage
from domain.conversations import UnansweredReason
from domain.leads.form import DEFAULT_FORM
from domain.leads.reading import NO_CURRENCY, NO_MESSAGE

HERE = Path(__file__).parent
FORMS: Mapping[str, Any] = json.loads((HERE / "forms.json").read_text())
REFUSED = NotAnswered(UnansweredReason.REFUSED, "The model refused to answer.")
REASONS = {
    "unproved": NO_MESSAGE,
    "unnamed": NO_CURRENCY,
    "not so many digits": "no telephone number there has so many digits",
    "no date": "it is no date of the form YYYY-MM-DD",
}


@dataclass(frozen=True)
class Run:
    """One reading: of what was said to which phone number, answered how, and what is right."""

    to: str
    says: Sequence[tuple[bool, str]]
    answers: Sequence[LeadOutcome]
    errors: Sequence[str]
    kept: Mapping[str, tuple[Any, list[int]]] | None
    dropped: Mapping[str, str]


@dataclass(frozen=True)
class Conversation:
    """A customer's talk with a business, and the lead that comes of it; empty when there is none."""

    title: str
    language: str
    number: str | None
    form: Mapping[str, Any] | None
    runs: Sequence[Run]
    lead: Mapping[str, list[Any]]


def conversations() -> Iterator[Conversation]:
    """All of them, by language."""
    for file in sorted((HERE / "conversations").glob("*.json")):
        written = json.loads(file.read_text())
        for one in written["conversations"]:
            yield _conversation(file.stem, {"number": written["number"]} | one)


def _conversation(language: str, one: Mapping[str, Any]) -> Conversation:
    form = FORMS[one["form"]] if "form" in one else None
    runs = [_run(run, form) for run in one.get("runs", [one])]
    lead = one.get("lead", {name: [value] for name, (value, _) in (runs[0].kept or {}).items()})
    return Conversation(one["title"], language, one["number"], form, runs, lead)


def _run(run: Mapping[str, Any], form: Mapping[str, Any] | None) -> Run:
    names = (form or DEFAULT_FORM)["properties"]
    answers = run["answers"] if "answers" in run else [run["answer"]]
    return Run(
        run.get("to", "sales"),
        [(line.startswith("C: "), line[len("C: ") :]) for line in run["says"]],
        [_outcome(answer, names) for answer in answers],
        run.get("errors", []),
        None if run.get("failed") else {name: tuple(value) for name, value in run["kept"].items()},
        {name: REASONS[reason] for name, reason in run.get("dropped", {}).items()},
    )


def _outcome(answer: str | Mapping[str, Any], names: Mapping[str, Any]) -> LeadOutcome:
    if answer == "REFUSED":
        return REFUSED
    if isinstance(answer, str):
        return Answered(answer, "resp_1", "gpt-5.5", Usage(100, 10))
    given = {name: {"value": value, "evidence": evidence} for name, (value, evidence) in answer.items()}
    return Answered(json.dumps(dict.fromkeys(names) | given), "resp_1", "gpt-5.5", Usage(100, 10))
