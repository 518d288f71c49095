import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import psycopg
import pytest

from adapters.clock import RandomIds
from adapters.persistence.database import Database
from adapters.persistence.inbox import PostgresInbox
from adapters.persistence.turns import PostgresTurns
from application.ports.turns import NoTurn, Recorded, Settled, TurnLost, Waiting, WaitingFilter
from domain.answers import NotAnswered
from domain.conversations import OutboundStatus, Turn, UnansweredReason
from domain.credits import Account, EntryKind
from domain.delivery import Accepted, Ambiguous, Refused, settlement_without_reply
from tests.builders import an_id
from tests.contract.paths import AT_ONCE, Path, Worker, a_receipt, a_reply, a_text

EVERYTHING = WaitingFilter()
NOT_ANSWERED = settlement_without_reply(NotAnswered(UnansweredReason.REFUSED, "No \x00 and \ud800."))


# --- beginning


async def test_a_turn_takes_all_that_is_unanswered_and_holds_a_credit(path: Path) -> None:
    shop = await path.a_shop(5)
    worker = await path.a_worker()
    await path.inbox.accept([a_text(shop.number, text="Hello"), a_text(shop.number, type="image", text=None)])
    conversation_id = await path.writes(shop, text="Are you open?")

    turn = await worker.begins(conversation_id)

    assert [(one.sequence_number, one.text) for one in turn.questions] == [(1, "Hello"), (3, "Are you open?")]
    assert (turn.fence, turn.attempts, turn.replies) == (1, 1, ())
    assert (turn.user_id, turn.agent_id, turn.address) == (shop.user.id, shop.agent.id, "4917012345")
    assert await path.account(shop) == Account(5, 1)


async def test_there_is_no_turn_where_nobody_waits(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    conversation_id = await path.writes(shop)
    archived = await path.writes(shop, address="1")
    await path.world.conversations.archive(shop.user.id, archived)
    turn = await worker.begins(conversation_id)
    await worker.answers(turn)

    assert await worker.turns.begin(conversation_id, worker.id) is NoTurn.NOTHING
    assert await worker.turns.begin(archived, worker.id) is NoTurn.NOTHING
    assert await worker.turns.begin(an_id(), worker.id) is NoTurn.NOTHING


@pytest.mark.parametrize("how", ["archived", "agent moved", "agent removed"])
async def test_what_waits_in_a_conversation_that_ends_is_given_up(path: Path, how: str) -> None:
    shop, poor = await path.a_shop(), await path.a_shop(0)
    worker = await path.a_worker()
    for each in (shop, poor):
        conversation_id = await path.writes(each)
        if each is poor:
            await worker.turns.begin(conversation_id, worker.id)

        if how == "archived":
            await path.world.conversations.archive(each.user.id, conversation_id)
        elif how == "agent moved":
            await path.world.agents.change(replace(each.agent, phone_number_id=None))
        else:
            await path.world.agents.remove(each.user.id, each.agent.id)

        await path.world.credits.add(each.user.id, 1, None, None)
        assert await path.outcome(each, conversation_id) == [("unanswerable", "conversation_archived")]


async def test_a_turn_under_way_outlives_its_conversation(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    conversation_id = await path.writes(shop)
    turn = await worker.begins(conversation_id)

    await path.world.conversations.archive(shop.user.id, conversation_id)
    await worker.answers(turn)

    assert [status for status, _ in await path.outcome(shop, conversation_id)] == ["answered", "sent"]


async def test_there_is_no_turn_without_an_agent(path: Path) -> None:
    shop = await path.a_shop()
    await path.world.agents.remove(shop.user.id, shop.agent.id)
    worker = await path.a_worker()
    conversation_id = await path.writes(shop)

    assert await worker.turns.begin(conversation_id, worker.id) is NoTurn.NOTHING


async def test_a_turn_in_the_hands_of_a_living_worker_is_busy_for_all(path: Path) -> None:
    shop = await path.a_shop()
    one, other = await path.a_worker(), await path.a_worker()
    turn = await one.begins(await path.writes(shop))
    await path.writes(shop)

    assert await other.turns.begin(turn.conversation_id, other.id) is NoTurn.BUSY
    assert await one.turns.begin(turn.conversation_id, one.id) is NoTurn.BUSY


async def test_two_dozen_workers_at_once_make_one_turn(path: Path) -> None:
    shop = await path.a_shop()
    conversation_id = await path.writes(shop)
    workers = [await path.a_worker() for _ in range(24)]

    found = await asyncio.gather(*(worker.turns.begin(conversation_id, worker.id) for worker in workers))

    assert sum(isinstance(one, Turn) for one in found) == 1
    assert [one for one in found if not isinstance(one, Turn)] == [NoTurn.BUSY] * 23
    assert await path.account(shop) == Account(100, 1)


async def test_one_worker_that_is_woken_twice_at_once_begins_once(path: Path) -> None:
    shop = await path.a_shop()
    conversation_id = await path.writes(shop)
    worker = await path.a_worker()

    found = await asyncio.gather(*(worker.turns.begin(conversation_id, worker.id) for _ in range(5)))

    assert sorted(map(type, found), key=str) == sorted([Turn, *[NoTurn] * 4], key=str)


# --- handing over


async def test_a_turn_is_resumed_when_its_worker_has_been_silent_past_its_lease(path: Path) -> None:
    shop = await path.a_shop()
    dead = await path.a_worker()
    turn = await dead.begins(await path.writes(shop, text="Hello"))
    await path.writes(shop, text="Anyone?")
    await path.time.leases_run_out()
    heir = await path.a_worker()

    resumed = await heir.begins(turn.conversation_id)

    assert (resumed.id, resumed.fence, resumed.attempts) == (turn.id, turn.fence + 1, 2)
    assert [question.text for question in resumed.questions] == ["Hello"]
    assert await path.account(shop) == Account(100, 1)
    assert await path.ledger(shop) == [EntryKind.ADD, EntryKind.HOLD]


async def test_a_worker_that_says_it_lives_keeps_what_it_works_on_and_gives_up_the_rest(path: Path) -> None:
    shop = await path.a_shop()
    worker, other = await path.a_worker(), await path.a_worker()
    kept = await worker.begins(await path.writes(shop, address="1"))
    dropped = await worker.begins(await path.writes(shop, address="2"))

    await worker.turns.renew_lease(worker.id, {kept.conversation_id})

    assert await other.turns.begin(kept.conversation_id, other.id) is NoTurn.BUSY
    assert (await other.begins(dropped.conversation_id)).fence == 2


async def test_a_renewed_lease_outlives_the_old_one(path: Path) -> None:
    shop = await path.a_shop()
    worker, other = await path.a_worker(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await path.time.leases_run_out()

    await worker.turns.renew_lease(worker.id, [turn.conversation_id])

    assert await other.turns.begin(turn.conversation_id, other.id) is NoTurn.BUSY


async def test_what_a_worker_held_is_free_as_soon_as_it_stops(path: Path) -> None:
    shop = await path.a_shop()
    worker, other = await path.a_worker(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))

    await worker.turns.end_lease(worker.id)

    assert (await other.begins(turn.conversation_id)).id == turn.id


@pytest.mark.parametrize("status", [OutboundStatus.PENDING, OutboundStatus.SENDING])
async def test_whoever_resumes_a_turn_is_told_of_the_reply_and_how_far_it_came(path: Path, status) -> None:
    shop = await path.a_shop()
    dead = await path.a_worker()
    turn = await dead.begins(await path.writes(shop))
    reply = a_reply("Until six. 🕕")
    await dead.turns.record_reply(turn, reply)
    await dead.turns.mark_reply(turn, reply.parts[0].message_id, status)
    await dead.turns.end_lease(dead.id)

    resumed = await (await path.a_worker()).begins(turn.conversation_id)

    assert (resumed.replies[0].message_id, resumed.replies[0].text, resumed.replies[0].status) == (
        reply.parts[0].message_id,
        reply.parts[0].text,
        status,
    )


# --- the fence

Write = Callable[[Worker, Turn], Awaitable[object]]
WRITES: dict[str, Write] = {
    "attach": lambda worker, turn: worker.turns.attach_model_conversation(turn, "conv_of_the_dead"),
    "record_reply": lambda worker, turn: worker.turns.record_reply(turn, a_reply()),
    "mark_reply": lambda worker, turn: worker.turns.mark_reply(turn, turn.id, OutboundStatus.PENDING),
    "settle": lambda worker, turn: worker.settles(turn, Accepted("wamid.of.the.dead")),
    "settle without a reply": lambda worker, turn: worker.turns.settle(turn, NOT_ANSWERED),
}


@pytest.mark.parametrize("write", WRITES)
async def test_a_worker_that_lost_its_turn_changes_nothing(path: Path, write: str) -> None:
    shop = await path.a_shop()
    late = await path.a_worker()
    turn = await late.begins(await path.writes(shop))
    await late.turns.record_reply(turn, a_reply())
    await path.time.leases_run_out()
    heir = await path.a_worker()
    resumed = await heir.begins(turn.conversation_id)
    before = await path.messages(shop), await path.account(shop), await path.ledger(shop)

    with pytest.raises(TurnLost):
        await WRITES[write](late, turn)

    assert (await path.messages(shop), await path.account(shop), await path.ledger(shop)) == before
    conversation = await path.world.conversations.get(shop.user.id, turn.conversation_id)
    assert conversation.openai_conversation_id is None
    await heir.settles(resumed, Accepted("wamid.of.the.heir"))


@pytest.mark.parametrize("write", WRITES)
async def test_a_turn_that_has_ended_takes_no_more_writes(path: Path, write: str) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await worker.answers(turn)
    before = await path.messages(shop), await path.account(shop)

    with pytest.raises(TurnLost):
        await WRITES[write](worker, turn)

    assert (await path.messages(shop), await path.account(shop)) == before


async def test_one_lost_turn_does_not_spoil_the_batch_it_stands_in(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turns = [await worker.begins(await path.writes(shop, address=str(place))) for place in range(6)]
    stale = [replace(turn, fence=turn.fence - 1) if place % 2 else turn for place, turn in enumerate(turns)]

    recorded = await asyncio.gather(
        *(worker.turns.record_reply(turn, a_reply()) for turn in stale), return_exceptions=True
    )
    settled = await asyncio.gather(
        *(worker.settles(turn, Accepted(f"wamid.{turn.id}")) for turn in stale), return_exceptions=True
    )

    assert list(map(type, recorded)) == [Recorded, TurnLost] * 3
    assert list(map(type, settled)) == [Settled, TurnLost] * 3
    assert await path.account(shop) == Account(97, 3)


async def test_a_reply_of_which_the_platform_has_spoken_waits_no_more(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    await path.inbox.record([a_receipt(shop.number, "delivered", message_id=reply.parts[0].message_id)])

    with pytest.raises(TurnLost):
        await worker.turns.mark_reply(turn, reply.parts[0].message_id, OutboundStatus.PENDING)

    assert (await path.messages(shop))[1].status == "delivered"
    await worker.settles(turn, Ambiguous({}))


async def test_a_reply_is_not_marked_by_one_worker_while_another_takes_the_turn_over(path: Path, request) -> None:
    if "postgres" not in request.node.callspec.id:
        pytest.skip("a fake has no transactions that overlap")
    database = request.getfixturevalue("database")
    shop = await path.a_shop()
    late, heir = await path.a_worker(), await path.a_worker()
    turn = await late.begins(await path.writes(shop))
    reply = a_reply()
    await late.turns.record_reply(turn, reply)
    await late.turns.mark_reply(turn, reply.parts[0].message_id, OutboundStatus.PENDING)
    await late.turns.end_lease(late.id)
    async with await psycopg.AsyncConnection.connect(database.url_judge) as taking_over:
        statement = """select turn_id, fence, replies
            from begin_turns(%s::uuid[], %s::uuid[], '{f}', %s, 1, 0, false, 30, 3, 9, 600)"""
        cursor = await taking_over.execute(statement, ([turn.conversation_id], [an_id()], heir.id))
        ((turn_id, fence, ((_, _, status, _),)),) = await cursor.fetchall()
        marking = asyncio.create_task(late.turns.mark_reply(turn, reply.parts[0].message_id, OutboundStatus.SENDING))
        attaching = asyncio.create_task(late.turns.attach_model_conversation(turn, "conv_of_the_dead"))
        await _waiting_for_locks(database.url, 2)
        await taking_over.commit()

    outcomes = await asyncio.gather(marking, attaching, return_exceptions=True)

    assert list(map(type, outcomes)) == [TurnLost, TurnLost]
    assert (turn_id, fence, status) == (turn.id, 2, "pending")
    assert (await path.messages(shop))[1].status == "pending"


async def _waiting_for_locks(url: str, count: int) -> None:
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while len(await (await connection.execute(waiting)).fetchall()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # a lock sends no signal


# --- credits


async def test_without_credit_a_message_is_blocked_until_a_top_up(path: Path) -> None:
    shop = await path.a_shop(0)
    worker = await path.a_worker()
    conversation_id = await path.writes(shop)

    found = await worker.turns.begin(conversation_id, worker.id)

    assert found is NoTurn.BLOCKED
    assert await path.outcome(shop, conversation_id) == [("blocked", "insufficient_credits")]
    assert await worker.turns.waiting(EVERYTHING, 10) == []
    await path.world.credits.add(shop.user.id, 1, None, None)
    assert await worker.turns.waiting(EVERYTHING, 10) == [Waiting(conversation_id, shop.number.id)]
    await worker.answers(await worker.begins(conversation_id))
    assert (await path.outcome(shop, conversation_id))[0] == ("answered", None)
    assert await path.account(shop) == Account(0, 0)


async def test_a_blocked_message_is_answered_together_with_the_next_one(path: Path) -> None:
    shop = await path.a_shop(0)
    worker = await path.a_worker()
    conversation_id = await path.writes(shop, text="Hello")
    await worker.turns.begin(conversation_id, worker.id)
    await path.world.credits.add(shop.user.id, 1, None, None)
    await path.writes(shop, text="Anyone?")

    turn = await worker.begins(conversation_id)

    assert [question.text for question in turn.questions] == ["Hello", "Anyone?"]


@pytest.mark.parametrize("credits_", [1, 5])
async def test_many_turns_at_once_never_hold_more_than_there_is(path: Path, credits_: int) -> None:
    shop = await path.a_shop(credits_)
    conversations = [await path.writes(shop, address=str(place)) for place in range(16)]
    workers = [await path.a_worker() for _ in range(4)]

    found = await asyncio.gather(
        *(workers[place % 4].turns.begin(one, workers[place % 4].id) for place, one in enumerate(conversations))
    )

    assert sum(isinstance(one, Turn) for one in found) == credits_
    assert found.count(NoTurn.BLOCKED) == 16 - credits_
    assert await path.account(shop) == Account(credits_, credits_)


async def test_in_one_batch_each_user_pays_for_their_own_turns(path: Path) -> None:
    poor, rich = await path.a_shop(1), await path.a_shop(9)
    conversations = [await path.writes(shop, address=str(n)) for n in range(3) for shop in (poor, rich)]
    worker = await path.a_worker()

    found = await asyncio.gather(*(worker.turns.begin(one, worker.id) for one in conversations))

    assert [isinstance(one, Turn) for one in found] == [True, True, False, True, False, True]
    assert (await path.account(poor), await path.account(rich)) == (Account(1, 1), Account(9, 3))


async def test_what_the_turns_of_a_removed_phone_number_held_is_free_again(path: Path) -> None:
    shop = await path.a_shop(10)
    worker = await path.a_worker()
    undecided = await worker.begins(await path.writes(shop, address="1"))
    await worker.turns.record_reply(undecided, a_reply())
    await worker.settles(undecided, Ambiguous({}))
    answered = await worker.begins(await path.writes(shop, address="2"))
    await worker.answers(answered)
    turn = await worker.begins(await path.writes(shop, address="3"))

    await path.world.phone_numbers.remove(shop.user.id, shop.number.id)

    assert await path.account(shop) == Account(9, 0)
    with pytest.raises(TurnLost):
        await worker.turns.settle(turn, NOT_ANSWERED)


# --- settling


@pytest.mark.parametrize(
    ("outcome", "question", "reply", "entries", "account"),
    [
        (
            Accepted("wamid.r"),
            ("answered", None),
            ("sent", "wamid.r"),
            [EntryKind.HOLD, EntryKind.CAPTURE],
            Account(9, 0),
        ),
        (Accepted(None), ("answered", None), ("sent", None), [EntryKind.HOLD, EntryKind.CAPTURE], Account(9, 0)),
        (
            Refused({"code": 131047}),
            ("unanswerable", "send_failed"),
            ("failed", None),
            [EntryKind.HOLD, EntryKind.RELEASE],
            Account(10, 0),
        ),
        (Ambiguous({"code": 1}), ("received", None), ("unknown", None), [EntryKind.HOLD], Account(10, 1)),
    ],
)
async def test_a_turn_ends_as_the_platform_said(path: Path, outcome, question, reply, entries, account) -> None:
    shop = await path.a_shop(10)
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.record_reply(turn, a_reply())

    settled = await worker.settles(turn, outcome)

    asked, said = await path.messages(shop)
    assert settled == Settled(more=False)
    assert ((asked.status, asked.reason), (said.status, said.platform_message_id)) == (question, reply)
    assert said.error == getattr(outcome, "error", None)
    assert await path.ledger(shop) == [EntryKind.ADD, *entries]
    assert await path.account(shop) == account
    assert await worker.turns.waiting(EVERYTHING, 10) == []


async def test_a_turn_without_a_reply_says_why_and_costs_nothing(path: Path) -> None:
    shop = await path.a_shop(1)
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))

    await worker.turns.settle(turn, NOT_ANSWERED)

    assert await path.outcome(shop, turn.conversation_id) == [("unanswerable", "model_refused")]
    assert await path.account(shop) == Account(1, 0)


async def test_a_reply_that_is_given_up_before_it_was_sent_has_failed(path: Path) -> None:
    shop = await path.a_shop(1)
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    await worker.turns.mark_reply(turn, reply.parts[0].message_id, OutboundStatus.PENDING)

    await worker.turns.settle(turn, NOT_ANSWERED)

    assert [status for status, _ in await path.outcome(shop, turn.conversation_id)] == ["unanswerable", "failed"]


async def test_settling_tells_that_the_customer_wrote_meanwhile(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await path.writes(shop, text="And on Sunday?")

    await worker.turns.record_reply(turn, a_reply())
    settled = await worker.settles(turn, Accepted("wamid.r"))

    assert settled == Settled(more=True)
    following = await worker.begins(turn.conversation_id)
    assert [question.text for question in following.questions] == ["And on Sunday?"]
    assert [one.sequence_number for one in await path.messages(shop)] == [1, 2, 3]


async def test_a_message_nobody_answers_is_not_more(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await path.writes(shop, type="reaction", text=None)

    settled = await worker.turns.settle(turn, NOT_ANSWERED)

    assert settled == Settled(more=False)


async def test_the_models_conversation_is_kept_for_the_next_turn(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.attach_model_conversation(turn, "conv_1")
    await worker.answers(turn)
    await path.writes(shop)

    following = await worker.begins(turn.conversation_id)

    assert (turn.openai_conversation_id, following.openai_conversation_id) == (None, "conv_1")


# --- waiting


async def test_waiting_lists_who_has_no_answer_and_nobody_at_work_numbers_in_turn_and_oldest_first(path: Path) -> None:
    shop, other = await path.a_shop(), await path.a_shop()
    worker, dead = await path.a_worker(), await path.a_worker()
    left = await dead.begins(await path.writes(shop, address="left"))
    first = await path.writes(shop, address="first")
    second = await path.writes(other, address="second")
    await worker.begins(await path.writes(shop, address="busy"))
    await worker.answers(await worker.begins(await path.writes(shop, address="answered")))
    await path.writes(shop, address="unanswerable", type="image", text=None)
    await dead.turns.end_lease(dead.id)

    waiting = await worker.turns.waiting(EVERYTHING, 10)

    numbers = [shop.number.id, other.number.id, shop.number.id]
    places = [left.conversation_id, second, first]
    assert waiting == [Waiting(*place) for place in zip(places, numbers, strict=True)]
    assert await worker.turns.waiting(EVERYTHING, 2) == waiting[:2]
    assert await worker.turns.waiting(WaitingFilter(phone_number_id=other.number.id), 10) == waiting[1:2]
    assert await worker.turns.waiting(WaitingFilter(user_id=shop.user.id), 10) == waiting[::2]


async def test_waiting_can_leave_out_what_has_only_just_come(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    old = await path.writes(shop, address="old")
    await path.time.passes(60)
    await path.writes(shop, address="new")

    waiting = await worker.turns.waiting(WaitingFilter(older_than_seconds=30), 10)

    assert waiting == [Waiting(old, shop.number.id)]


# --- all at once


async def test_everyone_writing_at_once_in_any_order_never_meets_a_deadlock(database, path_on_postgres) -> None:
    """Many processes on few conversations: messages, turns, receipts, top-ups and heartbeats cross all the time."""
    path = path_on_postgres
    shops = [await path.a_shop(1_000) for _ in range(3)]
    customers = [(shop, str(address)) for shop in shops for address in range(4)]
    known = [await path.writes(shop, address=address) for shop, address in customers]
    replies: list[tuple[object, object, str]] = []
    ids = RandomIds()
    over = asyncio.get_running_loop().time() + 3

    async def hammering(seed: int) -> int:
        dice = random.Random(seed)  # noqa: S311
        rounds = 0
        async with Database(database.url, connections_max=4).opened() as pool:
            inbox, worker = PostgresInbox(pool, ids), Worker(PostgresTurns(pool, ids, 30, **AT_ONCE))
            holding: set[object] = set()

            async def takes_a_turn(conversation_id) -> None:
                holding.add(conversation_id)
                turn = await worker.turns.begin(conversation_id, worker.id)
                if not isinstance(turn, Turn):
                    return
                reply = a_reply()
                try:
                    await worker.turns.attach_model_conversation(turn, "conv_1")
                    if not turn.replies:
                        await worker.turns.record_reply(turn, reply)
                    name = f"wamid.{turn.id}"
                    replies.append((turn.phone_number_id, reply.parts[0].message_id, name))
                    await worker.settles(turn, dice.choice([Accepted(name), Ambiguous({}), Refused({})]))
                except TurnLost:
                    pass
                finally:
                    holding.discard(conversation_id)

            async def somebody_writes() -> None:
                batch = [a_text(shop.number, address=address) for shop, address in dice.choices(customers, k=6)]
                await inbox.accept(batch + batch[:2])

            async def receipts_come() -> None:
                numbers = {shop.number.id: shop.number for shop in shops}
                chosen = dice.choices(replies, k=6) if replies else []
                await inbox.record(
                    [
                        a_receipt(
                            numbers[number],
                            dice.choice(["sent", "delivered", "failed"]),
                            message_id=message_id,
                            platform_message_id=name,
                        )
                        for number, message_id, name in chosen
                    ]
                )

            await worker.turns.renew_lease(worker.id, ())
            while asyncio.get_running_loop().time() < over:
                rounds += 1
                jobs = [somebody_writes(), receipts_come(), somebody_writes()]
                jobs += [takes_a_turn(one) for one in dice.sample(known, k=5)]
                if seed % 2:
                    jobs.append(worker.turns.renew_lease(worker.id, list(holding)))
                    jobs.append(path.world.credits.add(dice.choice(shops).user.id, 1, None, None))
                dice.shuffle(jobs)
                await asyncio.gather(*jobs)
        return rounds

    rounds = await asyncio.gather(*map(hammering, range(4)))

    assert all(count > 3 for count in rounds), rounds
    with psycopg.connect(database.url_judge) as connection:
        (deadlocks,) = connection.execute(
            "select deadlocks from pg_stat_database where datname = current_database()"
        ).fetchone()
    assert deadlocks == 0
