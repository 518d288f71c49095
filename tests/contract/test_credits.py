import asyncio
from contextlib import nullcontext
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.pages import PageRequest
from application.ports.answers import AnsweredBefore, KeyReused
from application.ports.conversations import MessageFilter
from domain.conversations import Message
from domain.credits import AMOUNT_MAX, Account, EntryKind
from domain.shared import InvalidInput, NotFound
from domain.users import User
from tests.builders import a_conversation, a_message, an_id, named
from tests.contract.listing import all_pages
from tests.contract.worlds import World, memory_world, postgres_world

ADDITIONS = st.lists(
    st.tuples(
        st.integers(1, AMOUNT_MAX),
        st.none() | st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=5),
        st.none() | st.sampled_from(["monday", "tuesday"]),
    ),
    max_size=12,
)


async def test_added_credits_are_a_line_of_the_ledger_and_in_the_account(world: World) -> None:
    user = await world.has_user()

    added = await world.credits.add(user.id, 50, "October 💶", None)

    entry = added.entry
    assert (entry.kind, entry.amount, entry.balance_change, entry.held_change) == (EntryKind.ADD, 50, 50, 0)
    assert (entry.turn_id, entry.note) == (None, "October 💶")
    assert added.account == Account(balance=50, held=0)
    assert await world.credits.account(user.id) == added.account
    assert await _lines(world, user.id) == [entry]


async def test_credits_need_a_user(world: World) -> None:
    with pytest.raises(NotFound, match="user"):
        await world.credits.account(an_id())
    with pytest.raises(NotFound, match="user"):
        await world.credits.add(an_id(), 1, None, None)
    with pytest.raises(NotFound, match="user"):
        await world.credits.add(an_id(), 1, None, named())


async def test_added_credits_leave_what_is_held_alone(world: World) -> None:
    user = await world.has_user()
    await world.credits.add(user.id, 5, None, None)
    await world.backstage.move_credits(user.id, EntryKind.HOLD, 2, an_id())

    added = await world.credits.add(user.id, 5, None, None)

    assert added.account == Account(balance=10, held=2)


async def test_many_posts_without_a_key_add_each(world: World) -> None:
    user = await world.has_user()

    answers = await asyncio.gather(*(world.credits.add(user.id, 1, None, None) for _ in range(64)))

    assert sorted(answer.account.balance for answer in answers) == list(range(1, 65))
    assert len(await _lines(world, user.id)) == 64


async def test_added_credits_put_blocked_messages_back_to_waiting(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    own = [await _blocked_message(world, user) for _ in range(2)]
    others = await _blocked_message(world, stranger)

    await world.credits.add(user.id, 1, None, None)

    assert await _messages(world, user) == [replace(one, status="received", reason=None) for one in own]
    assert await _messages(world, stranger) == [others]


async def test_credits_leave_messages_alone_that_were_not_blocked_for_want_of_them(world: World) -> None:
    user = await world.has_user()
    phone_number = await world.has_phone_number(user)
    conversation = a_conversation(phone_number.id)
    sticker = a_message(conversation, type="sticker", text=None, status="unanswerable", reason="type_not_answered")
    await world.backstage.keep(conversation, sticker)

    await world.credits.add(user.id, 1, None, None)

    assert await _messages(world, user) == [sticker]


async def test_the_ledger_is_listed_line_by_line_for_its_user_alone(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    turn_id = an_id()
    await world.credits.add(user.id, 5, None, None)
    await world.credits.add(stranger.id, 5, None, None)
    await world.backstage.move_credits(user.id, EntryKind.HOLD, 1, turn_id)
    await world.backstage.move_credits(user.id, EntryKind.CAPTURE, 1, turn_id)

    lines = await _lines(world, user.id, limit=2)

    assert [(line.kind, line.turn_id) for line in lines] == [
        (EntryKind.ADD, None),
        (EntryKind.HOLD, turn_id),
        (EntryKind.CAPTURE, turn_id),
    ]
    newest_first = await all_pages(lambda page: world.credits.entries(user.id, page), limit=2, newest_first=True)
    assert newest_first == lines[::-1]


@pytest.mark.parametrize("cursor", ["nonsense", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk", "MSAy"])
async def test_a_cursor_that_nobody_gave_out_is_refused(world: World, cursor: str) -> None:
    user = await world.has_user()
    await world.credits.add(user.id, 5, None, None)

    with pytest.raises(InvalidInput):
        await world.credits.entries(user.id, PageRequest(cursor=cursor))


@given(additions=ADDITIONS)
async def test_the_account_is_the_sum_of_the_ledger(additions: list[tuple[int, str | None, str | None]]) -> None:
    await _check_sums(memory_world(), additions)


@pytest.mark.timeout(120)
def test_the_account_is_the_sum_of_the_ledger_in_postgres(database) -> None:
    @settings(max_examples=25, deadline=None)
    @given(additions=ADDITIONS)
    def check(additions: list[tuple[int, str | None, str | None]]) -> None:
        async def run() -> None:
            async with postgres_world(database.url, database.url_judge) as world:
                await _check_sums(world, additions)

        asyncio.run(run())

    check()


async def _check_sums(world: World, additions: list[tuple[int, str | None, str | None]]) -> None:
    """Whatever is posted, one after the other or under a key again, the account is what the lines add up to."""
    user = await world.has_user()
    first_requests: dict[str, tuple[int, str | None]] = {}
    for amount, note, key in additions:
        if key is None:
            await world.credits.add(user.id, amount, note, None)
            continue
        is_new, first = key not in first_requests, first_requests.setdefault(key, (amount, note))
        expected = AnsweredBefore if first == (amount, note) else KeyReused
        with nullcontext() if is_new else pytest.raises(expected):
            await world.credits.add(user.id, amount, note, named(key, repr((amount, note)).encode(), user.id))
    lines = await _lines(world, user.id, limit=5)
    account = await world.credits.account(user.id)
    assert account.balance == sum(line.balance_change for line in lines)
    assert account.held == sum(line.held_change for line in lines)
    posted = [amount for amount, _, key in additions if key is None] + [amount for amount, _ in first_requests.values()]
    assert sorted(line.amount for line in lines) == sorted(posted)


async def _lines(world: World, user_id: UUID, limit: int = 50):
    return await all_pages(lambda page: world.credits.entries(user_id, page), limit=limit)


async def _blocked_message(world: World, user: User) -> Message:
    conversation = a_conversation((await world.has_phone_number(user)).id)
    message = a_message(conversation, status="blocked", reason="insufficient_credits")
    await world.backstage.keep(conversation, message)
    return message


async def _messages(world: World, user: User) -> list[Message]:
    return await all_pages(lambda page: world.conversations.messages(user.id, MessageFilter(), page))
