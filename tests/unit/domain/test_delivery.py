import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.answers import NotAnswered
from domain.conversations import InboundStatus, OutboundStatus, TurnStatus, UnansweredReason
from domain.credits import EntryKind
from domain.delivery import (
    BACKOFF_SECONDS_FIRST,
    BACKOFF_SECONDS_MAX,
    Accepted,
    Ambiguous,
    Deferred,
    Refused,
    Settlement,
    backoff_seconds,
    settlement_of_send,
    settlement_without_reply,
)

CHANCES = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("outcome", "settlement"),
    [
        (
            Accepted("wamid.1"),
            Settlement(
                TurnStatus.ANSWERED,
                InboundStatus.ANSWERED,
                None,
                OutboundStatus.SENT,
                EntryKind.CAPTURE,
                "wamid.1",
            ),
        ),
        (
            Refused({"code": 131047}),
            Settlement(
                TurnStatus.FAILED,
                InboundStatus.UNANSWERABLE,
                UnansweredReason.SEND_FAILED,
                OutboundStatus.FAILED,
                EntryKind.RELEASE,
                error={"code": 131047},
            ),
        ),
        (
            Ambiguous({"code": 1}),
            Settlement(TurnStatus.UNDECIDED, None, None, OutboundStatus.UNKNOWN, None, error={"code": 1}),
        ),
    ],
)
def test_what_the_platform_said_decides_how_the_turn_ends(outcome, settlement) -> None:
    assert settlement_of_send(outcome) == settlement


@pytest.mark.parametrize("reason", UnansweredReason)
def test_a_turn_without_an_answer_keeps_its_reason_and_frees_its_credit(reason: UnansweredReason) -> None:
    settlement = settlement_without_reply(NotAnswered(reason, "why"))

    assert (settlement.reason, settlement.entry, settlement.turn) == (
        reason,
        EntryKind.RELEASE,
        TurnStatus.UNANSWERABLE,
    )
    assert settlement.inbound is InboundStatus.UNANSWERABLE
    assert settlement.error == {"detail": "why"}


@given(st.integers(1, 10_000), CHANCES)
def test_waiting_stays_within_its_bounds(attempt: int, chance: float) -> None:
    assert BACKOFF_SECONDS_FIRST / 2 <= backoff_seconds(attempt, chance) <= BACKOFF_SECONDS_MAX


@given(st.integers(1, 100), CHANCES)
def test_waiting_never_gets_shorter_with_more_failures(attempt: int, chance: float) -> None:
    assert backoff_seconds(attempt, chance) <= backoff_seconds(attempt + 1, chance)


@given(st.integers(1, 100), CHANCES, st.floats(0, 1_000))
def test_what_was_asked_for_is_never_undercut(attempt: int, chance: float, asked: float) -> None:
    assert backoff_seconds(attempt, chance, asked) >= max(asked, backoff_seconds(attempt, chance))


def test_chance_spreads_over_the_upper_half() -> None:
    assert [backoff_seconds(3, chance) for chance in (0.0, 0.5)] == [1.0, 1.5]


def test_a_deferred_message_that_is_given_up_was_refused_and_tells_whose_fault_it_is() -> None:
    assert Deferred({"code": 133004}, is_our_fault=True).given_up() == Refused({"code": 133004}, is_our_fault=True)
    assert Deferred({"code": 4}).given_up() == Refused({"code": 4})
