import asyncio
import random
from dataclasses import replace

import psycopg
import pytest

from adapters.persistence.database import Database, Scope
from adapters.persistence.inbox import PostgresInbox
from application.pages import PageRequest
from application.ports.conversations import ConversationFilter
from application.ports.inbox import Acceptance, ChangeOutcome, ReceiptOutcome, Stored
from domain.channels import Change, InboundMessage
from domain.credits import Account, EntryKind
from domain.delivery import Accepted, Ambiguous
from tests.builders import a_phone_number, an_agent, an_id
from tests.contract.paths import Path, Shop, a_receipt, a_reply, a_text
from tests.fakes.clock import MONDAY_MORNING, CountingIds

DUPLICATE, UNCLAIMED = Stored(Acceptance.DUPLICATE), Stored(Acceptance.UNCLAIMED)
ACCEPT_OF_BEFORE = """
select outcome, conversation_id, phone_number_id, sequence_number from accept_messages(
    %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[]
) order by place
"""
NOBODYS = a_phone_number(an_id(), meta_phone_number_id="nobody's")


async def _names(path: Path, shop: Shop) -> list[str | None]:
    page = await path.world.conversations.list(shop.user.id, ConversationFilter(), PageRequest())
    return [conversation.customer.name for conversation in page.items]


# --- accepting


async def test_the_first_message_opens_a_conversation_with_the_agent_of_the_phone_number(path: Path) -> None:
    shop = await path.a_shop()

    (stored,) = await path.inbox.accept([a_text(shop.number, text="Hello 🥐")])

    assert (stored.acceptance, stored.phone_number_id, stored.sequence_number) == (
        Acceptance.ACCEPTED,
        shop.number.id,
        1,
    )
    conversation = await path.world.conversations.get(shop.user.id, stored.conversation_id)
    assert (conversation.agent_id, conversation.customer.address) == (shop.agent.id, "4917012345")
    (message,) = await path.messages(shop)
    assert (message.text, message.status, message.author) == ("Hello 🥐", "received", "customer")


async def test_messages_are_numbered_in_the_order_given_each_customer_apart(path: Path) -> None:
    shop = await path.a_shop()
    texts = [a_text(shop.number, address=address, text=str(place)) for place, address in enumerate("1212211")]

    stored = await path.inbox.accept(texts)

    assert [place.sequence_number for place in stored] == [1, 1, 2, 2, 3, 3, 4]
    said = await path.messages(shop, stored[0].conversation_id)
    assert [message.text for message in said] == ["0", "2", "5", "6"]


async def test_what_no_agent_answers_is_stored_with_the_reason(path: Path) -> None:
    shop = await path.a_shop()

    await path.inbox.accept([a_text(shop.number, type="image", text=None), a_text(shop.number, text=" \n")])

    assert [(one.status, one.reason) for one in await path.messages(shop)] == [
        ("unanswerable", "type_not_answered")
    ] * 2


async def test_a_message_that_comes_again_is_stored_once(path: Path) -> None:
    shop = await path.a_shop()
    text = a_text(shop.number)
    await path.inbox.accept([text])

    again = await path.inbox.accept([text])

    assert again == [DUPLICATE]
    assert len(await path.messages(shop)) == 1


async def test_a_message_that_stands_twice_in_one_delivery_is_stored_once(path: Path) -> None:
    shop = await path.a_shop()
    text, other = a_text(shop.number), a_text(shop.number)

    first, again, second = await path.inbox.accept([text, text, other])

    assert (first.sequence_number, again, second.sequence_number) == (1, DUPLICATE, 2)


async def test_a_message_delivered_twenty_times_at_once_is_stored_once(path: Path) -> None:
    shop = await path.a_shop()
    text, follow_up = a_text(shop.number), a_text(shop.number)
    inboxes = [path.new_inbox() for _ in range(20)]

    answers = await asyncio.gather(*(inbox.accept([text, follow_up]) for inbox in inboxes))

    accepted = [place for answer in answers for place in answer if place.acceptance is Acceptance.ACCEPTED]
    assert [place.sequence_number for place in accepted] == [1, 2]
    assert len(await path.messages(shop)) == 2


async def test_the_same_platform_id_on_two_phone_numbers_is_two_messages(path: Path) -> None:
    one, other = await path.a_shop(), await path.a_shop()

    stored = await path.inbox.accept([a_text(shop.number, platform_message_id="wamid.same") for shop in (one, other)])

    assert [place.acceptance for place in stored] == [Acceptance.ACCEPTED] * 2


async def test_one_delivery_may_mix_phone_numbers_strangers_and_duplicates(path: Path) -> None:
    one, other = await path.a_shop(), await path.a_shop()
    known = a_text(one.number)
    await path.inbox.accept([known])

    stored = await path.inbox.accept(
        [a_text(other.number), known, a_text(NOBODYS), a_text(one.number), a_text(other.number)]
    )

    assert [(place.acceptance.value, place.sequence_number) for place in stored] == [
        ("accepted", 1),
        ("duplicate", None),
        ("unclaimed", None),
        ("accepted", 2),
        ("accepted", 2),
    ]
    assert stored[1:3] == [DUPLICATE, UNCLAIMED]
    assert {place.phone_number_id for place in (stored[0], stored[4])} == {other.number.id}


async def test_many_writers_over_many_conversations_leave_no_gap(path: Path) -> None:
    shops = [await path.a_shop() for _ in range(3)]
    customers = [(shop, str(address)) for shop in shops for address in range(6)]
    inboxes = [path.new_inbox() for _ in range(8)]
    dice = random.Random(7)  # noqa: S311

    async def writes(inbox) -> None:
        for _ in range(6):
            batch = dice.choices(customers, k=9)
            await inbox.accept([a_text(shop.number, address=address) for shop, address in batch])

    await asyncio.gather(*map(writes, inboxes))

    counts = [len(await path.messages(shop)) for shop in shops]
    assert sum(min(count, 200) for count in counts) > 300  # the rest is checked by the invariants


async def test_a_customer_is_called_by_the_name_that_came_last(path: Path) -> None:
    shop = await path.a_shop()
    await path.writes(shop, name="Kim")

    await path.inbox.accept([a_text(shop.number, name=name) for name in ("Zoe", "Ada", None)])

    assert await _names(path, shop) == ["Ada"]


async def test_after_an_archived_conversation_the_customer_starts_another(path: Path) -> None:
    shop = await path.a_shop()
    first = await path.writes(shop)
    await path.world.conversations.archive(shop.user.id, first)

    second = await path.writes(shop)

    assert second != first
    assert [one.sequence_number for one in await path.messages(shop)] == [1, 1]


# --- unclaimed


async def test_what_is_written_to_nobody_is_kept_and_counted_once(path: Path) -> None:
    text = a_text(NOBODYS)

    stored = [await path.inbox.accept([text, a_text(NOBODYS)]), await path.inbox.accept([text])]

    assert stored == [[UNCLAIMED, UNCLAIMED], [UNCLAIMED]]
    assert await path.inbox.unclaimed() == 2


async def test_unclaimed_messages_are_accepted_in_the_order_of_their_arrival_once_the_number_is_known(
    path: Path,
) -> None:
    for place in range(5):
        await path.inbox.accept([a_text(NOBODYS, text=str(place)), a_text(replace(NOBODYS, meta_phone_number_id="?"))])
    shop = await path.a_shop(meta_phone_number_id=NOBODYS.meta_phone_number_id)

    claimed = [*await path.inbox.claim_unclaimed(3), *await path.inbox.claim_unclaimed(3)]

    assert [place.sequence_number for place in claimed] == [1, 2, 3, 4, 5]
    assert [message.text for message in await path.messages(shop)] == ["0", "1", "2", "3", "4"]
    assert list(await path.inbox.claim_unclaimed(3)) == []
    assert await path.inbox.unclaimed() == 5


async def test_unclaimed_messages_are_claimed_once_by_many_at_once(path: Path) -> None:
    await path.inbox.accept([a_text(NOBODYS, text=str(place)) for place in range(20)])
    shop = await path.a_shop(meta_phone_number_id=NOBODYS.meta_phone_number_id)

    claims = await asyncio.gather(*(path.new_inbox().claim_unclaimed(100) for _ in range(6)))

    assert sum(map(len, claims)) == 20
    assert len(await path.messages(shop)) == 20


# --- receipts


async def _sent(path: Path, shop: Shop) -> tuple[str, object]:
    """A conversation with a question and its accepted reply: the platform's id of the reply, and ours."""
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = await worker.answers(turn, f"wamid.reply.{turn.id.hex}")
    return f"wamid.reply.{turn.id.hex}", (turn.conversation_id, reply.parts[0].message_id)


async def test_a_receipt_moves_a_message_forward_and_never_back(path: Path) -> None:
    shop = await path.a_shop()
    platform_id, (conversation_id, _) = await _sent(path, shop)

    outcomes = []
    for status in ("delivered", "sent", "read", "delivered", "failed", "read"):
        outcomes += await path.inbox.record([a_receipt(shop.number, status, platform_message_id=platform_id)])

    recorded, old = ReceiptOutcome.RECORDED, ReceiptOutcome.OLD
    assert outcomes == [recorded, old, recorded, old, old, old]
    assert await path.outcome(shop, conversation_id) == [("answered", None), ("read", None)]
    assert await path.account(shop) == Account(99, 0)


async def test_of_several_receipts_in_one_delivery_the_furthest_counts_whatever_their_order(path: Path) -> None:
    shop = await path.a_shop()
    platform_id, (conversation_id, _) = await _sent(path, shop)

    outcomes = await path.inbox.record(
        [a_receipt(shop.number, status, platform_message_id=platform_id) for status in ("read", "failed", "delivered")]
    )

    assert outcomes == [ReceiptOutcome.RECORDED, ReceiptOutcome.OLD, ReceiptOutcome.OLD]
    assert (await path.outcome(shop, conversation_id))[1] == ("read", None)
    assert await path.ledger(shop) == [EntryKind.ADD, EntryKind.HOLD, EntryKind.CAPTURE]


async def test_a_receipt_of_no_message_of_ours_is_unknown(path: Path) -> None:
    shop, stranger = await path.a_shop(), await path.a_shop()
    platform_id, (_, message_id) = await _sent(path, shop)
    question = (await path.messages(shop))[0]

    outcomes = await path.inbox.record(
        [
            a_receipt(shop.number, "read"),
            a_receipt(NOBODYS, "read", platform_message_id=platform_id),
            a_receipt(stranger.number, "read", platform_message_id=platform_id, message_id=message_id),
            a_receipt(shop.number, "read", platform_message_id=question.platform_message_id, message_id=question.id),
        ]
    )

    assert outcomes == [ReceiptOutcome.UNKNOWN] * 4


async def test_every_receipt_gets_its_own_answer_also_beside_one_that_names_two_messages(path: Path) -> None:
    shop = await path.a_shop()
    _, (_, first_id) = await _sent(path, shop)
    second, (_, second_id) = await _sent(path, shop)

    outcomes = await path.inbox.record(
        [
            a_receipt(shop.number, "read", platform_message_id=second, message_id=first_id),
            a_receipt(shop.number, "read"),
            a_receipt(shop.number, "failed", platform_message_id=second, message_id=second_id),
        ]
    )

    assert outcomes == [ReceiptOutcome.RECORDED, ReceiptOutcome.UNKNOWN, ReceiptOutcome.RECORDED]
    said = {message.id: message.status for message in await path.messages(shop)}
    assert (said[first_id], said[second_id]) == ("read", "failed")


async def test_a_reply_that_fails_after_it_was_accepted_is_refunded_once(path: Path) -> None:
    shop = await path.a_shop()
    platform_id, (conversation_id, _) = await _sent(path, shop)
    failed = a_receipt(shop.number, "failed", platform_message_id=platform_id, error={"code": 131026})

    outcomes = [*await path.inbox.record([failed]), *await path.inbox.record([failed])]

    assert outcomes == [ReceiptOutcome.RECORDED, ReceiptOutcome.OLD]
    assert await path.outcome(shop, conversation_id) == [("unanswerable", "send_failed"), ("failed", None)]
    assert (await path.messages(shop))[1].error == {"code": 131026}
    assert await path.ledger(shop) == [EntryKind.ADD, EntryKind.HOLD, EntryKind.CAPTURE, EntryKind.REFUND]
    assert await path.account(shop) == Account(100, 0)


@pytest.mark.parametrize(
    ("status", "entry", "outcome"),
    [
        ("sent", EntryKind.CAPTURE, [("answered", None), ("sent", None)]),
        ("delivered", EntryKind.CAPTURE, [("answered", None), ("delivered", None)]),
        ("failed", EntryKind.RELEASE, [("unanswerable", "send_failed"), ("failed", None)]),
    ],
)
async def test_a_receipt_decides_a_turn_whose_send_was_undecided(path: Path, status, entry, outcome) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    await worker.settles(turn, Ambiguous({"detail": "cut"}))
    assert await path.account(shop) == Account(100, 1)

    receipt = a_receipt(shop.number, status, message_id=reply.parts[0].message_id, platform_message_id="wamid.late")
    outcomes = await path.inbox.record([receipt])

    assert outcomes == [ReceiptOutcome.RECORDED]
    assert await path.outcome(shop, turn.conversation_id) == outcome
    assert (await path.messages(shop))[1].platform_message_id == "wamid.late"
    assert await path.ledger(shop) == [EntryKind.ADD, EntryKind.HOLD, entry]


@pytest.mark.parametrize("sent", [Accepted("wamid.ours"), Ambiguous({"detail": "cut"})])
@pytest.mark.parametrize(("status", "answered"), [("sent", True), ("read", True), ("failed", False)])
async def test_a_receipt_that_comes_before_our_own_record_is_heeded(path: Path, sent, status, answered) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    receipt = a_receipt(shop.number, status, message_id=reply.parts[0].message_id, platform_message_id="wamid.ours")
    await path.inbox.record([receipt])

    await worker.settles(turn, sent)

    question = ("answered", None) if answered else ("unanswerable", "send_failed")
    assert await path.outcome(shop, turn.conversation_id) == [question, (status, None)]
    assert await path.ledger(shop) == [
        EntryKind.ADD,
        EntryKind.HOLD,
        EntryKind.CAPTURE if answered else EntryKind.RELEASE,
    ]


async def test_twenty_receipts_at_once_refund_once(path: Path) -> None:
    shop = await path.a_shop()
    platform_id, _ = await _sent(path, shop)
    failed = a_receipt(shop.number, "failed", platform_message_id=platform_id)

    outcomes = await asyncio.gather(*(path.new_inbox().record([failed]) for _ in range(20)))

    assert sum(outcome == [ReceiptOutcome.RECORDED] for outcome in outcomes) == 1
    assert await path.account(shop) == Account(100, 0)


async def test_whatever_the_platform_tells_of_an_error_can_be_stored(path: Path) -> None:
    shop = await path.a_shop()
    platform_id, _ = await _sent(path, shop)
    error = {"code": 1, "title": "half \ud83d and \x00 nothing", "literally": r"\u0000", "data": [{"x": "\x00"}]}

    (outcome,) = await path.inbox.record(
        [a_receipt(shop.number, "failed", platform_message_id=platform_id, error=error)]
    )

    assert outcome is ReceiptOutcome.RECORDED


# --- races that only a real store has


async def test_a_conversation_opened_while_an_agent_is_being_linked_gets_that_agent(path: Path, request) -> None:
    if "postgres" not in request.node.callspec.id:
        pytest.skip("a fake has no transactions that overlap")
    database = request.getfixturevalue("database")
    shop = await path.a_shop()
    number = await path.world.phone_numbers.add(a_phone_number(shop.user.id), None)
    agent = an_agent(shop.user.id, phone_number_id=number.id)
    async with await psycopg.AsyncConnection.connect(database.url_judge) as linking:
        await linking.execute("select from phone_numbers where id = %s for update", (number.id,))
        await linking.execute(
            "insert into agents (id, user_id, name, prompt_id, phone_number_id) values (%s, %s, 'A', 'pmpt_a', %s)",
            (agent.id, shop.user.id, number.id),
        )
        writing = asyncio.create_task(path.inbox.accept([a_text(number)]))
        await _somebody_waits_for_a_lock(database.url)
        await linking.commit()

    (stored,) = await writing

    conversation = await path.world.conversations.get(shop.user.id, stored.conversation_id)
    assert conversation.agent_id == agent.id


async def _somebody_waits_for_a_lock(url: str) -> None:
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while not await (await connection.execute(waiting)).fetchall():  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # a lock sends no signal


async def test_a_change_waits_for_the_message_that_is_being_stored(path: Path, request) -> None:
    if "postgres" not in request.node.callspec.id:
        pytest.skip("a fake has no transactions that overlap")
    database = request.getfixturevalue("database")
    shop = await path.a_shop()
    text = a_text(shop.number)
    change = Change(text.channel, text.account, text.platform_message_id, "Edited", MONDAY_MORNING)
    async with await psycopg.AsyncConnection.connect(database.url_judge) as storing:
        await storing.execute(ACCEPT_OF_BEFORE, _columns_of_before(text))
        changing = asyncio.create_task(path.inbox.note_changes([change]))
        await _somebody_waits_for_a_lock(database.url)
        await storing.commit()

    assert list(await changing) == [ChangeOutcome.APPLIED]
    assert [message.text for message in await path.messages(shop)] == ["Edited"]


def _columns_of_before(text: InboundMessage) -> list[list[object]]:
    columns = [text.channel, text.account, text.address, text.name, text.platform_message_id, text.type, text.text]
    return [[an_id()] for _ in range(3)] + [[each] for each in [*columns, text.written_at, "received", None]]


async def test_whoever_is_still_at_work_with_the_arguments_of_before_stores_the_same(path: Path, request) -> None:
    if "postgres" not in request.node.callspec.id:
        pytest.skip("only a schema is older than who uses it")
    shop = await path.a_shop()
    both = await path.writes(shop, aliases=("DE.17",))
    named = _columns_of_before(a_text(shop.number, address="DE.17"))

    async with await psycopg.AsyncConnection.connect(request.getfixturevalue("database").url_judge) as connection:
        rows = await (await connection.execute(ACCEPT_OF_BEFORE, named)).fetchall()

    assert rows == [("accepted", both, shop.number.id, 2)]


async def test_a_batch_that_one_process_gathered_is_stored_through_one_call(database, monkeypatch) -> None:
    calls = []

    async def counted(scope, statement, parameters):
        calls.append(statement)
        return await fetch(scope, statement, parameters)

    fetch = Scope.fetch
    monkeypatch.setattr(Scope, "fetch", counted)
    async with Database(database.url).opened() as opened:
        inbox = PostgresInbox(opened, CountingIds())
        await asyncio.gather(*(inbox.accept([a_text(NOBODYS)]) for _ in range(50)))

    assert len(calls) == 1
