from datetime import timedelta

import pytest

from domain.channels import ChannelType
from domain.loops import PROMPT_MESSAGES, SAME_IN_A_ROW, Line, is_auto_replier
from domain.windows import MARGIN_SECONDS, Heard, is_window_open
from tests.fakes.clock import MONDAY_MORNING

HOUR = 3600.0


@pytest.mark.parametrize(
    ("channel", "is_from_ad", "hours"),
    [
        (ChannelType.WHATSAPP, False, 24),
        (ChannelType.WHATSAPP, True, 72),
        (ChannelType.INSTAGRAM, False, 24),
        (ChannelType.INSTAGRAM, True, 24),
    ],
)
def test_a_window_closes_a_minute_before_its_time(channel, is_from_ad, hours) -> None:
    heard = Heard(1, MONDAY_MORNING, is_from_ad)
    end = MONDAY_MORNING + timedelta(seconds=hours * HOUR - MARGIN_SECONDS)

    assert is_window_open(channel, heard, end - timedelta(seconds=1))
    assert not is_window_open(channel, heard, end)


def test_a_web_chat_has_no_window() -> None:
    assert is_window_open(ChannelType.WEBCHAT, Heard(1, MONDAY_MORNING), MONDAY_MORNING + timedelta(days=400))


def _chat(exchanges: int, gap_seconds: float, *, same: bool = True) -> list[Line]:
    """They write, we reply at once, and so on; the last word is theirs."""
    lines, at = [], MONDAY_MORNING
    for place in range(exchanges):
        lines.append(Line(is_ours=False, digest="x" if same else str(place), at=at))
        lines.append(Line(is_ours=True, digest="y", at=at))
        at += timedelta(seconds=gap_seconds)
    return lines[:-1]


def test_the_same_text_again_and_again_is_a_machine_s() -> None:
    assert is_auto_replier(_chat(SAME_IN_A_ROW, 30))
    assert not is_auto_replier(_chat(SAME_IN_A_ROW - 1, 30))
    assert not is_auto_replier(_chat(SAME_IN_A_ROW, 31))
    assert not is_auto_replier(_chat(SAME_IN_A_ROW, 1, same=False))


def test_who_is_always_prompt_is_a_machine() -> None:
    assert is_auto_replier(_chat(PROMPT_MESSAGES + 1, 5, same=False))
    assert not is_auto_replier(_chat(PROMPT_MESSAGES, 5, same=False))
    assert not is_auto_replier(_chat(PROMPT_MESSAGES + 1, 5.5, same=False))


def test_a_person_who_writes_many_at_once_is_none() -> None:
    burst = [Line(is_ours=False, digest="x", at=MONDAY_MORNING) for _ in range(200)]

    assert not is_auto_replier(burst)
    assert not is_auto_replier([Line(is_ours=True, digest="y", at=MONDAY_MORNING), *burst])
    assert not is_auto_replier([])


def test_what_has_no_text_is_not_the_same() -> None:
    lines = [Line(line.is_ours, None, line.at) for line in _chat(SAME_IN_A_ROW, 5)]

    assert not is_auto_replier(lines)
