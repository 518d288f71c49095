"""Where a process may be made to end: written as a setting, checked at the start, deadly once."""

import os
from types import SimpleNamespace

import pytest

from entrypoints import crash_points
from entrypoints.crash_points import CrashPoint, Rigged, parse_crash_point


class Deaths(Exception):
    """Stands for SIGKILL."""


class Gateway:
    def __init__(self):
        self.sent = []

    async def send(self, text):
        self.sent.append(text)
        return f"took {text}"


@pytest.fixture(autouse=True)
def deaths(monkeypatch):
    def kill(pid, number):
        raise Deaths

    monkeypatch.setattr(crash_points, "os", SimpleNamespace(kill=kill, getpid=os.getpid))


def test_a_point_is_a_moment_a_port_and_a_call():
    assert parse_crash_point("before:gateway.send") == CrashPoint(is_after=False, port="gateway", method="send")
    assert parse_crash_point("after:queue.claim:3").passing == 3
    assert parse_crash_point("before:model.answer:text=A: b").text == "A: b"


@pytest.mark.parametrize(
    "wrong", ["", "gateway.send", "during:gateway.send", "before:gateway.sent", "before:nobody.send"]
)
def test_a_point_on_no_path_is_refused(wrong):
    with pytest.raises(ValueError, match=r"before|no call"):
        parse_crash_point(wrong)


async def test_it_ends_before_or_after_the_call(tmp_path):
    before, after = Gateway(), Gateway()
    for gateway, point in ((before, "before:gateway.send"), (after, "after:gateway.send")):
        with pytest.raises(Deaths):
            await Rigged(gateway, parse_crash_point(point), tmp_path / point).send("Hello")
    assert (before.sent, after.sent) == ([], ["Hello"])


def test_a_call_that_nobody_awaits_can_be_deadly_too(tmp_path):
    rigged = Rigged(SimpleNamespace(new=lambda: 7), parse_crash_point("after:ids.new:2"), tmp_path / "token")
    assert rigged.new() == 7
    with pytest.raises(Deaths):
        rigged.new()


async def test_it_ends_once_at_the_passing_that_is_named(tmp_path):
    gateway, point = Gateway(), parse_crash_point("before:gateway.send:2")
    first = Rigged(gateway, point, tmp_path / "token")
    assert await first.send("1") == "took 1"
    with pytest.raises(Deaths):
        await first.send("2")

    restarted = Rigged(gateway, point, tmp_path / "token")

    assert [await restarted.send(text) for text in "234"] == ["took 2", "took 3", "took 4"]


async def test_a_text_ends_whoever_carries_it_again_and_again(tmp_path):
    rigged = Rigged(Gateway(), parse_crash_point("before:gateway.send:text=BOOM"), tmp_path / "token")
    assert await rigged.send("Hello") == "took Hello"
    for _ in range(2):
        with pytest.raises(Deaths):
            await rigged.send("A BOOM")
