from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.channels import ChannelType, InboundMessage
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


@pytest.mark.parametrize(
    ("type_", "text", "is_answered"),
    [
        ("text", "Hello", True),
        ("text", "🥐", True),
        ("text", "", False),
        ("text", " \n\t ", False),
        ("text", None, False),
        ("image", None, False),
        ("reaction", "👍", False),
        ("unknown", "Hello", False),
    ],
)
def test_only_a_text_that_says_something_waits_for_an_answer(type_, text, is_answered) -> None:
    message = InboundMessage(ChannelType.WHATSAPP, "1", "2", None, "wamid.1", type_, text, MONDAY_MORNING)

    expected = (InboundStatus.RECEIVED, None) if is_answered else (InboundStatus.UNANSWERABLE, UnansweredReason.TYPE)
    assert initial_status(message) == expected


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_a_pseudonym_is_stable_and_hides_the_address(address: str) -> None:
    user, other = uuid4(), uuid4()

    name = pseudonym(user, address)

    assert name == pseudonym(user, address)
    assert name != pseudonym(other, address)
    assert len(name) == 32
    assert set(name) <= set("0123456789abcdef")
