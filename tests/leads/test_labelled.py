"""Sixty conversations in five languages: what is read from them is exactly what is right, on every store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from domain.leads.runs import Extraction
from tests.leads.business import Business, shown
from tests.leads.labelled import Conversation, Run, conversations

ALL = list(conversations())


@pytest.mark.parametrize("conversation", ALL, ids=[f"{one.language}: {one.title}" for one in ALL])
async def test_a_conversation_becomes_exactly_the_right_lead(business: Business, conversation: Conversation) -> None:
    await business.opens(conversation.number, conversation.form)
    said: dict[str, list[tuple[bool, str]]] = {}
    for run in conversation.runs:
        said.setdefault(run.to, []).extend(run.says)
        await business.talks(run.says, run.to)

        extraction = await business.reads(*run.answers)

        assert_shown(business, said[run.to], len(run.answers))
        assert_right(extraction, run)
    assert await _lead(business) == conversation.lead


def assert_shown(business: Business, said: Sequence[tuple[bool, str]], attempts: int) -> None:
    """Each attempt was shown all that was said, in order, and told who said it."""
    expected = [
        {"number": number, "from": "customer" if is_customer else "business", "text": text}
        for number, (is_customer, text) in enumerate(said, 1)
    ]
    for asked in business.model.asked[-attempts:]:
        assert [{name: one[name] for name in ("number", "from", "text")} for one in shown(asked)] == expected


def assert_right(extraction: Extraction, run: Run) -> None:
    assert [error["code"] for error in extraction.errors] == run.errors
    assert extraction.attempt == len(run.answers)
    if run.kept is None:
        assert (extraction.status, extraction.data) == ("failed", None)
        return
    assert extraction.status == "completed"
    assert extraction.data == {name: value for name, (value, _) in run.kept.items()}
    assert extraction.evidence == {name: numbers for name, (_, numbers) in run.kept.items()}
    assert extraction.dropped == run.dropped


async def _lead(business: Business) -> Mapping[str, list[Any]]:
    leads = await business.leads()
    assert len(leads) <= 1
    return {name: [one.value for one in values] for lead in leads for name, values in lead.fields.items()}


def test_there_are_sixty_and_twelve_in_each_language() -> None:
    assert Counter(one.language for one in ALL) == dict.fromkeys(
        ("arabic", "english", "hindi", "portuguese", "spanish"), 12
    )
