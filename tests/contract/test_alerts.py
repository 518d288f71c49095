import asyncio
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from structlog.testing import capture_logs

from application.pages import PageRequest
from application.ports.alerts import Watched
from application.ports.answers import AnsweredBefore
from domain.alert_rules import Limits
from domain.delivery import Ambiguous
from domain.monitoring import Alert, AlertKind, AlertState
from domain.shared import InvalidInput, NotFound
from tests.builders import an_id, named
from tests.contract.listing import all_pages
from tests.contract.paths import Path, Shop, a_receipt, a_reply

OVERFLOW = AlertKind.QUEUE_OVERFLOW
NOBODY = None


async def _alerts(path: Path, user_id: UUID | None = None, state: AlertState | None = None) -> list[Alert]:
    return await all_pages(lambda page: path.alerts.list(user_id, state, page), limit=2)


async def _causes(path: Path, state: AlertState = AlertState.OPEN) -> list[tuple[AlertKind, str, UUID | None]]:
    return [(alert.kind, alert.subject, alert.user_id) for alert in await _alerts(path, state=state)]


async def _undecided_reply(path: Path, shop: Shop) -> UUID:
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    await worker.settles(turn, Ambiguous({"detail": "cut"}))
    return reply.parts[0].message_id


async def _blocked(path: Path, shop: Shop, **fields: object) -> UUID:
    worker = await path.a_worker()
    conversation_id = await path.writes(shop, **fields)
    await worker.turns.begin(conversation_id, worker.id)
    return conversation_id


# --- reported by whoever notices


async def test_a_cause_opens_one_alert_and_is_counted_while_that_is_open(path: Path) -> None:
    shop = await path.a_shop()

    assert await path.alerts.raise_alert(OVERFLOW, "a number", shop.user.id, "10 wait.")
    assert not await path.alerts.raise_alert(OVERFLOW, "a number", shop.user.id, "20 wait.")

    (alert,) = await _alerts(path)
    assert (alert.kind, alert.subject, alert.user_id) == (OVERFLOW, "a number", shop.user.id)
    assert (alert.times, alert.detail, alert.resolved_at) == (2, "20 wait.", None)
    assert alert.opened_at <= alert.last_seen_at < alert.opened_at + timedelta(minutes=1)


async def test_another_kind_or_another_subject_is_another_cause(path: Path) -> None:
    await path.alerts.raise_alert(OVERFLOW, "a", NOBODY, "")
    await path.alerts.raise_alert(OVERFLOW, "b", NOBODY, "")
    await path.alerts.raise_alert(AlertKind.PROVIDER_OUTAGE, "a", NOBODY, "")

    assert sorted(await _causes(path)) == [
        (AlertKind.PROVIDER_OUTAGE, "a", None),
        (OVERFLOW, "a", None),
        (OVERFLOW, "b", None),
    ]


async def test_a_cause_that_ended_and_comes_back_opens_another_alert(path: Path) -> None:
    await path.alerts.raise_alert(OVERFLOW, "a", NOBODY, "")

    assert await path.alerts.resolve(OVERFLOW, "a")
    assert not await path.alerts.resolve(OVERFLOW, "a")
    assert await path.alerts.raise_alert(OVERFLOW, "a", NOBODY, "")

    first, second = await _alerts(path)
    assert (first.times, second.times, second.resolved_at) == (1, 1, None)
    assert first.resolved_at is not None
    assert first.resolved_at >= first.opened_at


async def test_two_dozen_who_notice_at_once_open_one_alert(path: Path) -> None:
    opened = await asyncio.gather(*(path.alerts.raise_alert(OVERFLOW, "a", NOBODY, "") for _ in range(24)))

    assert sum(opened) == 1
    assert [alert.times for alert in await _alerts(path)] == [24]


async def test_an_alert_needs_its_user_and_goes_with_them(path: Path) -> None:
    shop = await path.a_shop(0)
    await path.alerts.raise_alert(OVERFLOW, "a", shop.user.id, "")
    await path.alerts.raise_alert(OVERFLOW, "b", NOBODY, "")
    with pytest.raises(NotFound, match=r"There is no such user\.$"):
        await path.alerts.raise_alert(OVERFLOW, "c", an_id(), "")

    await path.world.users.erase(shop.user.id)

    assert await _causes(path) == [(OVERFLOW, "b", None)]


async def test_alerts_are_listed_by_user_and_by_state(path: Path) -> None:
    shop, other = await path.a_shop(), await path.a_shop()
    for subject, owner in (("a", shop.user.id), ("b", shop.user.id), ("c", other.user.id), ("d", NOBODY)):
        await path.alerts.raise_alert(OVERFLOW, subject, owner, "")
    await path.alerts.resolve(OVERFLOW, "a")
    await path.alerts.resolve(OVERFLOW, "d")

    async def subjects(user_id: UUID | None, state: AlertState | None) -> set[str]:
        return {alert.subject for alert in await _alerts(path, user_id, state)}

    assert await subjects(None, None) == {"a", "b", "c", "d"}
    assert await subjects(None, AlertState.OPEN) == {"b", "c"}
    assert await subjects(None, AlertState.RESOLVED) == {"a", "d"}
    assert await subjects(shop.user.id, None) == {"a", "b"}
    assert await subjects(shop.user.id, AlertState.OPEN) == {"b"}
    assert await subjects(shop.user.id, AlertState.RESOLVED) == {"a"}


async def test_alerts_are_listed_in_the_order_they_opened_from_either_end(path: Path) -> None:
    for subject in "abcde":
        await path.alerts.raise_alert(OVERFLOW, subject, NOBODY, "")

    oldest_first = await _alerts(path)
    newest_first = await all_pages(lambda page: path.alerts.list(None, None, page), limit=2, newest_first=True)

    assert {alert.subject for alert in oldest_first} == set("abcde")
    assert newest_first == oldest_first[::-1]
    with pytest.raises(InvalidInput):
        await path.alerts.list(None, None, PageRequest(cursor="nonsense"))


# --- sends that stay undecided


async def test_a_send_that_stays_undecided_is_alerted_once(path: Path) -> None:
    shop = await path.a_shop()
    message_id = await _undecided_reply(path, shop)
    assert await path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60)) == Watched()

    await path.time.passes(61)

    assert await path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60)) == Watched(opened=1)
    assert await path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60)) == Watched()
    assert await _causes(path) == [(AlertKind.SEND_UNDECIDED, str(message_id), shop.user.id)]
    assert [alert.times for alert in await _alerts(path)] == [1]


@pytest.mark.parametrize("word", ["delivered", "failed"])
async def test_a_receipt_that_decides_the_send_resolves_its_alert(path: Path, word: str) -> None:
    shop = await path.a_shop()
    message_id, still_open = await _undecided_reply(path, shop), await _undecided_reply(path, shop)
    await path.time.passes(61)
    await path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60))

    await path.inbox.record([a_receipt(shop.number, word, message_id=message_id)])

    assert await path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60)) == Watched(resolved=1)
    assert await path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60)) == Watched()
    assert await _causes(path) == [(AlertKind.SEND_UNDECIDED, str(still_open), shop.user.id)]
    assert await _causes(path, AlertState.RESOLVED) == [(AlertKind.SEND_UNDECIDED, str(message_id), shop.user.id)]


async def test_a_turn_that_ended_for_good_is_never_alerted(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    await worker.answers(await worker.begins(await path.writes(shop)))
    await path.time.passes(1_000)

    assert await path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60)) == Watched()


async def test_other_alerts_are_none_of_the_watch_of_sends(path: Path) -> None:
    await path.alerts.raise_alert(OVERFLOW, "a", NOBODY, "")

    assert await path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60)) == Watched()
    assert await _causes(path) == [(OVERFLOW, "a", None)]


# --- credits that ran out


async def test_the_owner_is_alerted_once_however_many_messages_are_blocked(path: Path) -> None:
    shop, other = await path.a_shop(0), await path.a_shop(0)
    for address in "123":
        await _blocked(path, shop, address=address)

    assert await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits()) == Watched(opened=1)
    await _blocked(path, shop, address="4")
    assert await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits()) == Watched()
    await _blocked(path, other)
    assert await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits()) == Watched(opened=1)

    owners = [shop.user.id, other.user.id]
    assert await _causes(path) == [(AlertKind.CREDITS_EXHAUSTED, str(owner), owner) for owner in owners]


async def test_an_owner_whose_messages_were_given_up_is_not_alerted_again(path: Path) -> None:
    shop = await path.a_shop(0)
    await _blocked(path, shop)
    await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits())
    await path.time.passes(3_601)
    assert await path.world.credits.expire_blocked(1, 10) == 1

    assert await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits()) == Watched()
    await _blocked(path, shop)
    assert await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits()) == Watched()


async def test_credits_that_ran_out_again_after_a_top_up_are_alerted_again(path: Path) -> None:
    shop = await path.a_shop(0)
    conversation_id = await _blocked(path, shop)
    await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits())

    await path.world.credits.add(shop.user.id, 1, None, None)
    await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits())
    assert await _causes(path) == []
    worker = await path.a_worker()
    await worker.answers(await worker.begins(conversation_id))
    await _blocked(path, shop)

    assert await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits()) == Watched(opened=1)
    assert len(await _alerts(path)) == 2


async def test_a_top_up_resolves_the_alert_itself(path_on_postgres: Path) -> None:
    path = path_on_postgres
    shop, other = await path.a_shop(0), await path.a_shop(0)
    await _blocked(path, shop)
    await _blocked(path, other)
    await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits())

    with capture_logs() as lines:
        for _ in range(2):
            await path.world.credits.add(shop.user.id, 1, None, None)

    assert await _causes(path) == [(AlertKind.CREDITS_EXHAUSTED, str(other.user.id), other.user.id)]
    ended = {"kind": "credits_exhausted", "subject": str(shop.user.id), "user_id": str(shop.user.id)}
    assert lines == [{"event": "alert_resolved", "log_level": "info", **ended}]


async def test_a_top_up_that_is_sent_twice_resolves_nothing_the_second_time(path_on_postgres: Path) -> None:
    path = path_on_postgres
    shop = await path.a_shop(0)
    await path.world.credits.add(shop.user.id, 1, None, named())
    worker = await path.a_worker()
    await worker.answers(await worker.begins(await path.writes(shop)))
    await _blocked(path, shop)
    await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits())

    with pytest.raises(AnsweredBefore):
        await path.world.credits.add(shop.user.id, 1, None, named())

    assert len(await _causes(path)) == 1


# --- the real store


async def test_two_sweepers_at_once_open_and_resolve_each_alert_once(path_on_postgres: Path) -> None:
    path = path_on_postgres
    shops = [await path.a_shop() for _ in range(3)]
    replies = [(shop, await _undecided_reply(path, shop)) for shop in shops for _ in range(4)]
    await path.time.passes(61)

    opened = await asyncio.gather(*(path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60)) for _ in range(8)))
    for shop, message_id in replies:
        receipt = a_receipt(shop.number, "read", message_id=message_id, platform_message_id=f"wamid.{message_id}")
        await path.inbox.record([receipt])
    resolved = await asyncio.gather(*(path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60)) for _ in range(8)))

    assert sum(one.opened for one in opened) == len(replies)
    assert sum(one.resolved for one in resolved) == len(replies)
    assert {alert.times for alert in await _alerts(path)} == {1}


async def test_a_user_who_is_being_erased_is_neither_waited_for_nor_alerted(path_on_postgres: Path, database) -> None:
    path = path_on_postgres
    leaving, staying = await path.a_shop(0), await path.a_shop(0)
    await _blocked(path, leaving)
    await _blocked(path, staying)

    async with await psycopg.AsyncConnection.connect(database.url_judge) as eraser:
        await eraser.execute("delete from users where id = %s", (leaving.user.id,))
        noticed = await asyncio.wait_for(path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits()), 10)

    assert noticed == Watched(opened=1)
    assert await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits()) == Watched()
    assert await _causes(path) == [(AlertKind.CREDITS_EXHAUSTED, str(staying.user.id), staying.user.id)]


async def test_an_alert_that_opens_is_one_warning_and_tells_no_detail(path_on_postgres: Path) -> None:
    path = path_on_postgres
    shop = await path.a_shop()
    message_id = await _undecided_reply(path, shop)
    await path.time.passes(61)

    with capture_logs() as lines:
        for _ in range(2):
            await path.alerts.raise_alert(OVERFLOW, "a", NOBODY, "4917012345")
            await path.alerts.watch(AlertKind.SEND_UNDECIDED, Limits(60))

    assert [(line["event"], line["log_level"], line["kind"], line["subject"], line["user_id"]) for line in lines] == [
        ("alert_opened", "warning", "queue_overflow", "a", None),
        ("alert_opened", "warning", "send_undecided", str(message_id), str(shop.user.id)),
    ]
    assert "4917012345" not in str(lines)
