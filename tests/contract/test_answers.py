"""What holds of every port method that creates or spends: the same request acts once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from application.pages import PageRequest
from application.ports.answers import AnsweredBefore, AnswerLost, KeyReused, Once, StillRunning
from domain.shared import Conflict, NotFound
from domain.users import User
from tests.builders import a_phone_number, a_prompt, a_user, a_voice, an_agent, an_api_key, an_id, named
from tests.contract.worlds import World, postgres_world
from tests.fakes.vault import PlainVault
from tests.rig.postgres import Database

Act = Callable[[World, User, Once[Any] | None], Awaitable[Any]]
AT_ONCE = 16
PAGE = PageRequest(200)


async def _adds_a_user(world: World, user: User, once: Once[Any] | None) -> Any:
    new = a_user()
    return await world.users.add(new, an_api_key(new.id), once)


async def _adds_a_key(world: World, user: User, once: Once[Any] | None) -> Any:
    return await world.users.add_key(an_api_key(user.id), once)


async def _adds_a_phone_number(world: World, user: User, once: Once[Any] | None) -> Any:
    return await world.phone_numbers.add(a_phone_number(user.id), None, once)


async def _adds_a_prompt(world: World, user: User, once: Once[Any] | None) -> Any:
    return await world.prompts.add(a_prompt(user.id), once)


async def _adds_a_version(world: World, user: User, once: Once[Any] | None) -> Any:
    (prompt,) = (await world.prompts.list(user.id, PAGE)).items
    return await world.prompts.add_version(user.id, prompt.id, a_voice(), once)


async def _adds_an_agent(world: World, user: User, once: Once[Any] | None) -> Any:
    return await world.agents.add(an_agent(user.id), once)


async def _adds_credits(world: World, user: User, once: Once[Any] | None) -> Any:
    return await world.credits.add(user.id, 10, None, once)


WAYS = [
    _adds_a_user,
    _adds_a_key,
    _adds_a_phone_number,
    _adds_a_prompt,
    _adds_a_version,
    _adds_an_agent,
    _adds_credits,
]
every_way = pytest.mark.parametrize("act", WAYS, ids=lambda way: way.__name__.removeprefix("_"))


@pytest.fixture
async def user(world: World) -> User:
    """A user with a prompt, so that it may get another version."""
    user = await world.has_user()
    await world.prompts.add(a_prompt(user.id))
    return user


async def _things(world: World, user: User) -> list[int]:
    """How much there is of each thing that can be made."""
    prompts = (await world.prompts.list(user.id, PAGE)).items
    lists = (
        await world.users.list(PAGE),
        await world.users.list_keys(user.id, PAGE),
        await world.phone_numbers.list(user.id, PAGE),
        await world.agents.list(user.id, PAGE),
        await world.credits.entries(user.id, PAGE),
    )
    return [len(prompts), sum(prompt.version for prompt in prompts), *(len(page.items) for page in lists)]


async def _answer(act: Act, world: World, user: User, once: Once[Any]) -> bytes | Exception:
    try:
        return repr(await act(world, user, once)).encode()
    except AnsweredBefore as before:
        return before.answer
    except StillRunning as running:
        return running


@every_way
async def test_the_same_request_acts_once_and_is_answered_as_before(world: World, user: User, act: Act) -> None:
    first = await _answer(act, world, user, named())
    made = await _things(world, user)

    with pytest.raises(AnsweredBefore) as before:
        await act(world, user, named())

    assert before.value.answer == first
    assert await _things(world, user) == made


@every_way
async def test_another_request_under_the_same_key_is_refused(world: World, user: User, act: Act) -> None:
    await act(world, user, named())
    made = await _things(world, user)

    with pytest.raises(KeyReused) as refusal:
        await act(world, user, named(request=b"another"))

    assert refusal.value.field == "Idempotency-Key"
    assert await _things(world, user) == made


@every_way
async def test_many_at_once_under_one_key_act_once(world: World, user: User, act: Act) -> None:
    before = await _things(world, user)

    found = await asyncio.gather(*(_answer(act, world, user, named()) for _ in range(AT_ONCE)))

    told = {answer for answer in found if isinstance(answer, bytes)}
    assert len(told) == 1
    assert {await _answer(act, world, user, named())} == told
    made = await _things(world, user)
    await act(world, user, None)
    once_more = await _things(world, user)
    assert [b - a for a, b in zip(before, made, strict=True)] == [b - a for a, b in zip(made, once_more, strict=True)]


@every_way
async def test_a_request_whose_answer_could_not_be_made_has_not_acted(database: Database, act: Act) -> None:
    async with postgres_world(database.url, database.url_judge) as world:
        user = await world.has_user()
        await world.prompts.add(a_prompt(user.id))
        made = await _things(world, user)

        with pytest.raises(ZeroDivisionError):
            await act(world, user, named(render=lambda _: b"" * (1 // 0)))

        assert await _things(world, user) == made
        assert isinstance(await _answer(act, world, user, named()), bytes)


async def test_a_request_that_was_refused_may_come_again(world: World, user: User) -> None:
    number = await world.has_phone_number(user)
    there = await world.has_agent(user, number)
    wanted = an_agent(user.id, phone_number_id=number.id)
    with pytest.raises(Conflict):
        await world.agents.add(wanted, named())
    await world.agents.remove(user.id, there.id)

    assert await world.agents.add(wanted, named()) == wanted


async def test_whoever_is_unknown_keeps_no_answer(world: World) -> None:
    with pytest.raises(NotFound):
        await world.credits.add(an_id(), 1, None, named())
    user = await world.has_user()

    await world.credits.add(user.id, 1, None, named())


async def test_a_key_is_its_owners_own(world: World, user: User) -> None:
    stranger = await world.has_user()
    for owner in (user, stranger):
        await world.credits.add(owner.id, 10, None, named(owner=owner.id))
    await world.credits.add(user.id, 10, None, named())

    assert [(await world.credits.account(each.id)).balance for each in (user, stranger)] == [20, 10]


async def test_the_administrators_key_is_one_over_all_users(world: World, user: User) -> None:
    other = await world.has_user()
    await world.credits.add(user.id, 10, None, named(request=b"for one"))

    with pytest.raises(KeyReused):
        await world.credits.add(other.id, 10, None, named(request=b"for the other"))

    assert (await world.credits.account(other.id)).balance == 0


async def test_an_answer_that_no_key_opens_is_lost_and_the_request_does_not_act_again(world: World, user: User) -> None:
    await world.credits.add(user.id, 10, None, named())

    class OtherVault(PlainVault):
        def unseal_answer(self, sealed: bytes, name: bytes) -> bytes:
            return super().unseal_answer(b"other" + sealed, name)

    with pytest.raises(AnswerLost):
        await world.credits.add(user.id, 10, None, named(vault=OtherVault()))
    assert (await world.credits.account(user.id)).balance == 10


async def test_an_answer_goes_with_the_user_it_is_about(world: World, user: User) -> None:
    await world.credits.add(user.id, 10, None, named())
    await world.users.erase(user.id)
    other = await world.has_user()

    assert (await world.credits.add(other.id, 10, None, named())).account.balance == 10


async def test_old_answers_are_forgotten_in_batches_and_the_requests_are_new_ones(world: World, user: User) -> None:
    for key in ("a", "b", "c"):
        await world.credits.add(user.id, 1, None, named(key))
    await world.backstage.answers_age(31)
    await world.credits.add(user.id, 1, None, named("young"))

    assert [await world.answers.forget(30, 2) for _ in range(3)] == [2, 1, 0]

    await world.credits.add(user.id, 1, None, named("a"))
    with pytest.raises(AnsweredBefore):
        await world.credits.add(user.id, 1, None, named("young"))
