"""Telling the outside world of alerts: again and again, for a day."""

from __future__ import annotations

from datetime import date

import pytest

from application.alert_telling import TellOfAlerts
from application.monitoring import WatchModels
from application.ports.alerts import Watched
from domain.alert_deliveries import GIVEN_UP_SECONDS, AlertEvent, Destination, retry_seconds
from domain.monitoring import AlertKind
from domain.shared import Unavailable
from tests.builders import a_prompt, a_voice, an_agent
from tests.fakes.alert_deliveries import MemoryAlertDeliveries, ToldSender
from tests.fakes.model_catalogue import ToldCatalogue
from tests.fakes.registry import MemoryPrompts
from tests.unit.application.desk import Desk

OUTAGE = AlertKind.PROVIDER_OUTAGE
DAY = 24 * 3_600


@pytest.fixture
def sender() -> ToldSender:
    return ToldSender()


@pytest.fixture
def tell(desk: Desk, sender: ToldSender) -> TellOfAlerts:
    return TellOfAlerts(Destination.WEBHOOK, MemoryAlertDeliveries(desk.store), sender)


async def test_what_opened_and_what_ended_is_told_once(desk: Desk, tell: TellOfAlerts, sender: ToldSender) -> None:
    await desk.alerts.raise_alert(OUTAGE, "openai", None, "It is out.")
    await desk.alerts.resolve(OUTAGE, "openai")

    assert [list(await tell()) for _ in range(3)] == [[], [], []]

    assert [one.event for one in sender.told] == [AlertEvent.OPENED, AlertEvent.RESOLVED]


async def test_a_destination_that_is_out_is_tried_less_and_less_and_told_when_it_is_back(
    desk: Desk, tell: TellOfAlerts, sender: ToldSender
) -> None:
    await desk.alerts.raise_alert(OUTAGE, "openai", None, "")
    sender.is_down = True

    (failed,) = await tell()
    assert (failed.reason, failed.is_given_up, failed.delivery.attempts) == ("It answered 503.", False, 1)
    assert await tell() == []
    desk.clock.advance(5)
    assert len(await tell()) == 1
    desk.clock.advance(5)
    assert await tell() == []
    sender.is_down = False
    desk.clock.advance(5)
    assert await tell() == []

    assert [one.attempts for one in sender.told] == [3]


async def test_after_a_day_it_is_given_up_and_said(desk: Desk, tell: TellOfAlerts, sender: ToldSender) -> None:
    await desk.alerts.raise_alert(OUTAGE, "openai", None, "")
    sender.is_down = True
    outcomes = []
    for _ in range(2 * DAY // 600):
        outcomes += await tell()
        desk.clock.advance(600)

    assert [one.is_given_up for one in outcomes].count(True) == 1
    assert outcomes[-1].is_given_up
    assert len(outcomes) < 40


async def test_without_a_sender_nothing_is_kept(desk: Desk) -> None:
    await desk.alerts.raise_alert(OUTAGE, "openai", None, "")

    await TellOfAlerts(Destination.EMAIL, MemoryAlertDeliveries(desk.store), None)()

    assert {name[2] for name in desk.store.alert_deliveries} == {Destination.WEBHOOK}


def test_waits_double_up_to_an_hour_and_end_after_a_day() -> None:
    assert [retry_seconds(attempts, 0) for attempts in (1, 2, 3, 11, 1_000)] == [5, 10, 20, 3_600, 3_600]
    assert retry_seconds(1, GIVEN_UP_SECONDS - 1) == 5
    assert retry_seconds(1, GIVEN_UP_SECONDS) is None


# --- models that end


async def test_the_provider_is_asked_once_a_day_and_what_it_said_is_looked_for_all_the_time(desk: Desk) -> None:
    catalogue = ToldCatalogue()
    watch = WatchModels(desk.alerts, catalogue, desk.clock)
    catalogue.dates = {"gpt-5": date(2026, 12, 11)}
    assert await watch() == Watched()

    prompt = await MemoryPrompts(desk.store).add(a_prompt(desk.user.id, voice=a_voice(model="gpt-5")))
    await desk.agents.change(
        an_agent(desk.user.id, id=desk.agent.id, phone_number_id=desk.number.id, prompt_id=prompt.id)
    )
    assert await watch() == Watched(opened=1)
    assert catalogue.asked == 1

    catalogue.dates = {}
    assert await watch() == Watched()
    desk.clock.advance(DAY)
    assert await watch() == Watched(resolved=1)
    assert catalogue.asked == 2


async def test_a_provider_that_is_out_is_asked_again_at_the_next_look(desk: Desk) -> None:
    catalogue = ToldCatalogue()
    catalogue.is_down = True
    watch = WatchModels(desk.alerts, catalogue, desk.clock)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await watch()

    assert catalogue.asked == 2
