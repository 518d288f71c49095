import pytest

from application.alerting import ProviderWatch
from application.conversations.guards import GuardedGateway, GuardedModel
from application.pages import PageRequest
from application.ports.briefings import Briefing
from domain.answers import NotHeard, TryAgain, Uncertain
from domain.breaker import FAILURES_MAX, OPEN_SECONDS
from domain.channels import ChannelType, Template
from domain.delivery import Accepted, Ambiguous, Deferred, Pace, Refused
from domain.monitoring import AlertState
from domain.shared import Unavailable
from tests.builders import an_id
from tests.unit.application.desk import Desk

A_BRIEFING = Briefing("prm_1", 1, None, ChannelType.WHATSAPP, "42", "EAAG")
ANOTHER = Briefing("prm_1", 1, None, ChannelType.INSTAGRAM, "42", "IGAA")
ON_WEB_CHAT = Briefing("prm_1", 1, None, ChannelType.WEBCHAT, "42", None)
OUTAGES = [Uncertain("cut"), TryAgain("no quota", is_outage=True)]


def _model(desk: Desk) -> GuardedModel:
    return GuardedModel(desk.model, ProviderWatch("openai", desk.alerts, desk.clock))


def _gateway(desk: Desk) -> GuardedGateway:
    return GuardedGateway(desk.gateway, ProviderWatch("meta", desk.alerts, desk.clock))


async def _alerts(desk: Desk, state: AlertState = AlertState.OPEN) -> list[tuple[str, str, int]]:
    page = await desk.alerts.list(None, state, PageRequest())
    return [(alert.kind.value, alert.subject, alert.times) for alert in page.items]


async def _is_out(desk: Desk, model: GuardedModel) -> None:
    desk.model.says(*[Uncertain("cut")] * FAILURES_MAX)
    for _ in range(FAILURES_MAX):
        await model.answer(None)


@pytest.mark.parametrize("outage", OUTAGES)
async def test_after_so_many_failures_the_model_is_left_alone_and_people_are_told(desk: Desk, outage) -> None:
    model = _model(desk)
    desk.model.says(*[outage] * FAILURES_MAX)
    for _ in range(FAILURES_MAX):
        assert await model.answer(None) == outage

    held_back = await model.answer(None), await model.recall(None), await model.open_conversation(an_id(), (), 5)

    assert held_back == (TryAgain("The model's provider is out.", OPEN_SECONDS),) * 3
    assert len(desk.model.calls) == FAILURES_MAX
    assert await _alerts(desk) == [("provider_outage", "openai", 1)]


async def test_the_first_trial_that_succeeds_lets_everybody_go_on_and_ends_the_alert(desk: Desk) -> None:
    model = _model(desk)
    await _is_out(desk, model)
    desk.clock.advance(OPEN_SECONDS)

    assert await model.recall(None) == NotHeard()

    assert not isinstance(await model.answer(None), TryAgain)
    assert await _alerts(desk) == []
    assert len(await _alerts(desk, AlertState.RESOLVED)) == 1


async def test_an_outage_that_goes_on_is_told_once(desk: Desk) -> None:
    model = _model(desk)
    await _is_out(desk, model)
    for _ in range(3):
        desk.clock.advance(OPEN_SECONDS)
        desk.model.says(Uncertain("cut"))
        await model.answer(None)

    assert await _alerts(desk) == [("provider_outage", "openai", 1)]


async def test_the_outage_of_a_process_that_is_gone_ends_with_the_first_success_of_another(desk: Desk) -> None:
    await _is_out(desk, _model(desk))

    await _model(desk).answer(None)

    assert await _alerts(desk) == []


async def test_a_rate_of_one_s_own_is_no_outage(desk: Desk) -> None:
    model = _model(desk)
    desk.model.says(*[TryAgain("rate")] * 2 * FAILURES_MAX)
    for _ in range(2 * FAILURES_MAX):
        await model.answer(None)

    assert len(desk.model.asked) == 2 * FAILURES_MAX
    assert await _alerts(desk) == []


@pytest.mark.parametrize("outage", [Ambiguous({"code": 1}), Deferred({}, is_outage=True)])
async def test_a_message_held_back_was_surely_not_sent(desk: Desk, outage) -> None:
    gateway = _gateway(desk)
    desk.gateway.says(*[outage] * FAILURES_MAX)
    for _ in range(FAILURES_MAX):
        await gateway.send(A_BRIEFING, None)

    held_back = await gateway.send(A_BRIEFING, None)

    assert held_back == Deferred({"detail": "The platform is out."}, OPEN_SECONDS)
    assert len(desk.gateway.sent) == FAILURES_MAX
    assert await _alerts(desk) == [("provider_outage", "meta", 1)]


@pytest.mark.parametrize("outcome", [Accepted("wamid.1"), Refused({}), Deferred({})])
async def test_a_platform_that_answers_is_there(desk: Desk, outcome) -> None:
    gateway = _gateway(desk)
    desk.gateway.says(*[Ambiguous({})] * (FAILURES_MAX - 1), outcome, *[Ambiguous({})] * (FAILURES_MAX - 1))
    for _ in range(2 * FAILURES_MAX - 1):
        await gateway.send(A_BRIEFING, None)

    assert await gateway.send(A_BRIEFING, None) == Accepted("wamid.reply.1")


async def test_alerts_that_cannot_be_written_fail_no_call(desk: Desk) -> None:
    async def fails(*_):
        raise Unavailable("Postgres does not answer.")

    desk.alerts.raise_alert = desk.alerts.resolve = fails
    model = _model(desk)

    await _is_out(desk, model)
    desk.clock.advance(OPEN_SECONDS)

    assert await model.recall(None) == NotHeard()


async def test_a_number_that_was_told_to_slow_down_sends_nothing_until_then(desk: Desk) -> None:
    gateway = _gateway(desk)
    desk.gateway.says(Deferred({"code": 130429}, 30.0, pace=Pace.NUMBER))
    await gateway.send(A_BRIEFING, None)
    desk.clock.advance(10)

    held_back = await gateway.send(A_BRIEFING, None), await gateway.send_template(A_BRIEFING, None, Template("t", "en"))
    await gateway.show_typing(A_BRIEFING, "4917012345", "wamid.1")

    assert held_back == (Deferred({"detail": "The phone number was told to slow down."}, 20.0, pace=Pace.NUMBER),) * 2
    assert (len(desk.gateway.sent), desk.gateway.typing) == (1, [])
    assert await gateway.send(ANOTHER, None) == Accepted("wamid.reply.1")
    desk.clock.advance(20)
    assert await gateway.send(A_BRIEFING, None) == Accepted("wamid.reply.2")
    assert await _alerts(desk) == []


async def test_one_customer_s_pace_holds_nobody_else_back(desk: Desk) -> None:
    gateway = _gateway(desk)
    desk.gateway.says(Deferred({"code": 131056}, pace=Pace.CUSTOMER))
    await gateway.send(A_BRIEFING, None)

    assert await gateway.send(A_BRIEFING, None) == Accepted("wamid.reply.1")


async def test_no_sign_of_life_is_shown_while_the_platform_is_out(desk: Desk) -> None:
    gateway = _gateway(desk)
    await gateway.show_typing(A_BRIEFING, "4917012345", "wamid.1")
    desk.gateway.says(*[Ambiguous({})] * FAILURES_MAX)
    for _ in range(FAILURES_MAX):
        await gateway.send(A_BRIEFING, None)

    await gateway.show_typing(A_BRIEFING, "4917012345", "wamid.2")

    assert desk.gateway.typing == ["wamid.1"]


async def test_a_web_chat_waits_for_no_platform_that_is_out(desk: Desk) -> None:
    gateway = _gateway(desk)
    desk.gateway.says(*[Ambiguous({})] * FAILURES_MAX, Accepted("ours"))
    for _ in range(FAILURES_MAX):
        await gateway.send(A_BRIEFING, None)

    assert await gateway.send(ON_WEB_CHAT, None) == Accepted("ours")
