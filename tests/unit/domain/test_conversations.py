from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.channels import ChannelType, InboundMessage, Medium, MediumKind
from domain.conversations import (
    OUTBOUND_ORDER,
    InboundStatus,
    OutboundStatus,
    UnansweredReason,
    initial_status,
    later,
    pseudonym,
)
from tests.fakes.clock import MONDAY_MORNING

STATUSES = st.sampled_from(OutboundStatus)


@given(STATUSES, st.lists(STATUSES))
def test_no_row_of_reports_takes_a_message_back(status: OutboundStatus, reports: list[OutboundStatus]) -> None:
    for report in reports:
        after = later(status, report)
        assert OUTBOUND_ORDER.index(after) >= OUTBOUND_ORDER.index(status)
        status = after


@given(st.lists(STATUSES, min_size=1), st.randoms(use_true_random=False))
def test_the_order_of_reports_does_not_matter(reports: list[OutboundStatus], dice) -> None:
    def last(reported: list[OutboundStatus]) -> OutboundStatus:
        status = OutboundStatus.PENDING
        for report in reported:
            status = later(status, report)
        return status

    shuffled = dice.sample(reports, len(reports))

    assert last(shuffled) == last(reports)


def test_a_delivery_outweighs_a_failure() -> None:
    assert later(OutboundStatus.FAILED, OutboundStatus.DELIVERED) is OutboundStatus.DELIVERED
    assert later(OutboundStatus.READ, OutboundStatus.FAILED) is OutboundStatus.READ


PHOTO = Medium(MediumKind.IMAGE, platform_id="1")


@pytest.mark.parametrize(
    ("type_", "fields", "is_answered"),
    [
        ("text", {"text": "Hello"}, True),
        ("text", {"text": "🥐"}, True),
        ("text", {"text": ""}, False),
        ("text", {"text": " \n\t ", "content": {"reply_to": {"id": "1"}, "forwarded": "once"}}, False),
        ("text", {}, False),
        ("image", {"media": (PHOTO,)}, True),
        ("image", {}, False),
        ("image", {"media": (PHOTO,), "content": {"errors": [{"code": 131052}]}}, True),
        ("ephemeral", {"content": {"errors": [{"code": 131051}], "group": "g"}}, False),
        ("location", {"content": {"location": {"latitude": 1, "longitude": 2}}}, True),
        ("contacts", {"content": {"contacts": [{}]}}, True),
        ("order", {"content": {"order": {"items": []}}}, True),
        ("interactive", {"content": {"flow": {"answers": {}}}}, True),
        ("button", {"text": "Yes"}, True),
        ("postback", {"text": "Menu"}, True),
        ("story_mention", {"content": {"shares": [{"kind": "story_mention"}]}}, True),
        ("ephemeral", {"content": {"ephemeral": True}}, True),
        ("reaction", {"text": "👍", "content": {"reaction": {"to": "1"}}}, False),
        ("system", {"content": {"system": {"kind": "x"}}}, False),
        ("edit", {"text": "Hello", "content": {"edit": {"of": "1"}}}, False),
        ("revoke", {"content": {"revoke": {"of": "1"}}}, False),
        ("unsupported", {"content": {"errors": []}}, False),
        ("unknown", {"text": "Hello"}, False),
        ("a kind of tomorrow", {"text": "Hello"}, False),
    ],
)
def test_only_what_says_something_to_an_agent_waits_for_an_answer(type_, fields, is_answered) -> None:
    message = a_message(type_, **fields)

    expected = (InboundStatus.RECEIVED, None) if is_answered else (InboundStatus.UNANSWERABLE, UnansweredReason.TYPE)
    assert initial_status(message) == expected
    shown = initial_status(replace(message, is_standby=True))
    assert shown == (InboundStatus.UNANSWERABLE, UnansweredReason.STANDBY)


def a_message(type_: str, text: str | None = None, **fields) -> InboundMessage:
    return InboundMessage(ChannelType.WHATSAPP, "1", "2", None, "wamid.1", type_, text, MONDAY_MORNING, **fields)


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_a_pseudonym_is_stable_and_hides_the_address(address: str) -> None:
    user, other = uuid4(), uuid4()

    name = pseudonym(user, address)

    assert name == pseudonym(user, address)
    assert name != pseudonym(other, address)
    assert len(name) == 32
    assert set(name) <= set("0123456789abcdef")
