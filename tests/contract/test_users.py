import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from application.pages import PageRequest
from domain.conversations import InboundStatus
from domain.credits import Account, EntryKind
from domain.shared import InvalidInput, NotFound
from domain.users import Scope
from tests.builders import a_conversation, a_message, a_prompt, a_user, an_agent, an_api_key, an_id, named
from tests.contract.listing import all_pages
from tests.contract.worlds import World
from tests.fakes.clock import MONDAY_MORNING


async def test_a_user_is_read_back_as_it_was_added(world: World) -> None:
    user = a_user(name="Zoë's 花店 💐")

    added = await world.users.add(user, an_api_key(user.id))

    assert added == user
    assert await world.users.get(user.id) == user


async def test_a_new_user_has_an_empty_account(world: World) -> None:
    user = await world.has_user()

    assert await world.credits.account(user.id) == Account(balance=0, held=0)


async def test_nobody_is_found_under_an_unknown_id(world: World) -> None:
    with pytest.raises(NotFound, match="user"):
        await world.users.get(an_id())
    with pytest.raises(NotFound, match="user"):
        await world.users.change(a_user(id=an_id()))
    with pytest.raises(NotFound, match="user"):
        await world.users.erase(an_id())
    with pytest.raises(NotFound, match="user"):
        await world.users.add_key(an_api_key(an_id()))


async def test_a_user_is_changed(world: World) -> None:
    user = await world.has_user(name="Bakery")

    renamed = await world.users.change(replace(user, name="Patisserie", low_balance_threshold=5))

    assert renamed == replace(user, name="Patisserie", low_balance_threshold=5)
    assert await world.users.get(user.id) == renamed


async def test_users_are_listed_in_the_order_in_which_they_came(world: World) -> None:
    later = [await world.has_user(created_at=MONDAY_MORNING + timedelta(hours=hours)) for hours in (3, 1, 2)]
    first, second, third = sorted(later, key=lambda user: user.created_at)

    assert await all_pages(world.users.list, limit=2) == [first, second, third]
    assert await all_pages(world.users.list, limit=2, newest_first=True) == [third, second, first]


async def test_users_that_came_at_once_are_listed_once_each(world: World) -> None:
    users = [await world.has_user() for _ in range(7)]

    assert await all_pages(world.users.list, limit=3) == users


async def test_a_list_stays_whole_while_users_are_added_and_erased(world: World) -> None:
    users = [await world.has_user(created_at=MONDAY_MORNING + timedelta(hours=hours)) for hours in range(1, 5)]
    page = await world.users.list(PageRequest(limit=2))

    await world.has_user(created_at=MONDAY_MORNING)
    await world.users.erase(users[1].id)
    rest = await world.users.list(PageRequest(limit=2, cursor=page.next_cursor))

    assert [*page.items, *rest.items] == users
    assert rest.next_cursor is None


async def test_a_list_of_nothing_is_one_empty_page(world: World) -> None:
    page = await world.users.list(PageRequest())

    assert list(page.items) == []
    assert page.next_cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "nonsense", "MTIz", "eyJhIjogMX0", "ÿ", "9" * 400, "MSAy", "\x00"])
async def test_a_cursor_that_nobody_gave_out_is_refused(world: World, cursor: str) -> None:
    await world.has_user()

    with pytest.raises(InvalidInput) as refusal:
        await world.users.list(PageRequest(cursor=cursor))

    assert refusal.value.field == "cursor"


async def test_a_key_is_found_by_its_id(world: World) -> None:
    user = await world.has_user()
    key = an_api_key(user.id, digest=bytes(range(32)))
    await world.users.add_key(key)

    found = await world.users.find_key(key.id)

    assert found is not None
    assert replace(found, last_used_at=None) == key
    assert await world.users.find_key(an_id()) is None


async def test_the_last_use_of_a_key_is_noted_once_a_minute(world: World) -> None:
    user = await world.has_user()
    key = await world.users.add_key(an_api_key(user.id))

    used = [await world.users.find_key(key.id) for _ in range(3)]
    await world.backstage.a_minute_passes()
    (kept,) = [row for row in await all_pages(lambda page: world.users.list_keys(user.id, page)) if row.id == key.id]
    used_later = await world.users.find_key(key.id)

    assert key.last_used_at is None
    first, *others = [found.last_used_at for found in used]
    assert first is not None
    assert others == [first, first]
    assert kept.last_used_at < used_later.last_used_at


async def test_a_hot_key_is_found_by_everyone_at_once(world: World) -> None:
    user = await world.has_user()
    key = await world.users.add_key(an_api_key(user.id))

    found = await asyncio.gather(*(world.users.find_key(key.id) for _ in range(32)))

    assert {row.id for row in found} == {key.id}


async def test_keys_are_listed_for_their_user_alone(world: World) -> None:
    user = a_user()
    first_key = an_api_key(user.id)
    await world.users.add(user, first_key)
    second_key = await world.users.add_key(an_api_key(user.id, created_at=MONDAY_MORNING + timedelta(days=1)))
    await world.has_user()

    keys = await all_pages(lambda page: world.users.list_keys(user.id, page), limit=1)

    assert keys == [first_key, second_key]


async def test_a_removed_key_is_gone(world: World) -> None:
    user = await world.has_user()
    key = await world.users.add_key(an_api_key(user.id))

    await world.users.remove_key(user.id, key.id)

    assert await world.users.find_key(key.id) is None
    with pytest.raises(NotFound, match="API key"):
        await world.users.remove_key(user.id, key.id)


async def test_nobody_removes_a_strangers_key(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    key = await world.users.add_key(an_api_key(user.id))

    with pytest.raises(NotFound, match="API key"):
        await world.users.remove_key(stranger.id, key.id)

    assert await world.users.find_key(key.id) is not None


async def test_erasing_a_user_leaves_nothing_behind(world: World) -> None:
    user = await world.has_user()
    await _fill(world, user)
    assert await world.backstage.rows_left() > 10

    await world.users.erase(user.id)

    assert await world.backstage.rows_left() == 0


async def test_erasing_a_user_leaves_everyone_else_alone(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    await _fill(world, stranger)
    rows_of_both = await world.backstage.rows_left()

    await _fill(world, user)
    await world.users.erase(user.id)

    assert await world.users.get(stranger.id) == stranger
    # The user itself, its first key and its account were counted as well.
    assert await world.backstage.rows_left() == rows_of_both - 3


async def _fill(world: World, user) -> None:
    """One of everything."""
    phone_number = await world.has_phone_number(user)
    prompt = await world.prompts.add(a_prompt(user.id))
    await world.prompts.add_version(user.id, prompt.id, prompt.voice)
    agent = await world.agents.add(an_agent(user.id, prompt_id=prompt.id, phone_number_id=phone_number.id))
    conversation = a_conversation(phone_number.id, agent_id=agent.id, message_count=2)
    turn_id = an_id()
    asked = a_message(conversation, turn_id=turn_id, status=InboundStatus.ANSWERED)
    answered = a_message(conversation, turn_id=turn_id, sequence_number=2, direction="outbound")
    await world.backstage.keep(conversation, asked, answered)
    await world.credits.add(user.id, 10, "welcome", named(owner=user.id))
    await world.backstage.move_credits(user.id, EntryKind.HOLD, 1, turn_id)


async def test_a_key_is_kept_with_its_scopes(world: World) -> None:
    user = await world.has_user()
    key = await world.users.add_key(an_api_key(user.id, scopes=frozenset({Scope.READ, Scope.WRITE})))

    listed = await all_pages(lambda page: world.users.list_keys(user.id, page))

    assert (await world.users.find_key(key.id)).scopes == {Scope.READ, Scope.WRITE}
    assert {row.id: row.scopes for row in listed}[key.id] == {Scope.READ, Scope.WRITE}


async def test_an_erased_user_tells_which_phone_numbers_went(world: World) -> None:
    user = await world.has_user()
    numbers = {(await world.has_phone_number(user)).id for _ in range(2)}

    assert set(await world.users.erase(user.id)) == numbers
