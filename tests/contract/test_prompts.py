import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from application.pages import PageRequest
from domain.agents import Voice
from domain.shared import InvalidInput, NotFound
from tests.builders import a_prompt, a_voice, an_id
from tests.contract.listing import all_pages
from tests.contract.worlds import World
from tests.fakes.clock import MONDAY_MORNING


@pytest.mark.parametrize(
    "voice", [a_voice(), Voice("", "gpt-5"), a_voice(instructions="Sei höflich. 🙂\n\tImmer.", temperature=0.1)]
)
async def test_a_prompt_is_read_back_as_it_was_added(world: World, voice: Voice) -> None:
    user = await world.has_user()
    prompt = a_prompt(user.id, voice=voice)

    added = await world.prompts.add(prompt)

    assert added == prompt
    assert await world.prompts.get(user.id, prompt.id) == prompt


async def test_a_prompt_needs_a_user(world: World) -> None:
    with pytest.raises(NotFound, match="user"):
        await world.prompts.add(a_prompt(an_id()))


@pytest.mark.parametrize("prompt_id", ["prm_0", "", "pmpt_1", "\x00", "\ud800"])
async def test_there_is_no_prompt_under_an_unknown_id(world: World, prompt_id: str) -> None:
    user = await world.has_user()

    with pytest.raises(NotFound, match="prompt"):
        await world.prompts.get(user.id, prompt_id)
    with pytest.raises(NotFound, match="prompt"):
        await world.prompts.add_version(user.id, prompt_id, a_voice())


async def test_a_strangers_prompt_does_not_exist(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    prompt = await world.prompts.add(a_prompt(user.id))

    with pytest.raises(NotFound, match="prompt"):
        await world.prompts.get(stranger.id, prompt.id)
    with pytest.raises(NotFound, match="prompt"):
        await world.prompts.add_version(stranger.id, prompt.id, a_voice())
    assert await world.prompts.get(user.id, prompt.id) == prompt


async def test_a_new_version_is_the_latest_from_then_on(world: World) -> None:
    user = await world.has_user()
    prompt = await world.prompts.add(a_prompt(user.id))
    kinder = a_voice(instructions="Answer even more kindly.", model="gpt-5", temperature=None)

    second = await world.prompts.add_version(user.id, prompt.id, kinder)

    assert second == replace(prompt, version=2, voice=kinder)
    assert await world.prompts.get(user.id, prompt.id) == second


async def test_versions_that_are_added_at_once_get_numbers_of_their_own(world: World) -> None:
    user = await world.has_user()
    prompt = await world.prompts.add(a_prompt(user.id))
    voices = [a_voice(instructions=f"Style {style}") for style in range(12)]

    added = await asyncio.gather(*(world.prompts.add_version(user.id, prompt.id, voice) for voice in voices))

    assert sorted(one.version for one in added) == list(range(2, 14))
    assert [one.voice for one in added] == voices
    assert await world.prompts.get(user.id, prompt.id) == max(added, key=lambda one: one.version)


async def test_prompts_are_listed_with_their_latest_version_for_their_user_alone(world: World) -> None:
    user = await world.has_user()
    days = [MONDAY_MORNING + timedelta(days=day) for day in (0, 0, 1)]
    prompts = [await world.prompts.add(a_prompt(user.id, created_at=day)) for day in days]
    await world.prompts.add(a_prompt((await world.has_user()).id))
    prompts[1] = await world.prompts.add_version(user.id, prompts[1].id, a_voice(model="gpt-5"))

    assert await all_pages(lambda page: world.prompts.list(user.id, page), limit=1) == prompts
    newest_first = await all_pages(lambda page: world.prompts.list(user.id, page), limit=2, newest_first=True)
    assert newest_first == prompts[::-1]


async def test_a_cursor_that_nobody_gave_out_is_refused(world: World) -> None:
    user = await world.has_user()

    with pytest.raises(InvalidInput):
        await world.prompts.list(user.id, PageRequest(cursor="MTIz"))


async def test_every_version_can_be_read_and_none_changes(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    prompt = await world.prompts.add(a_prompt(user.id))
    voices = [prompt.voice, a_voice(instructions="Be brief."), a_voice(instructions="Be kind.")]
    for voice in voices[1:]:
        await world.prompts.add_version(user.id, prompt.id, voice)

    listed = await all_pages(lambda page: world.prompts.versions(user.id, prompt.id, page), limit=2)
    second = await world.prompts.version(user.id, prompt.id, 2)

    assert [(one.version, one.voice) for one in listed] == list(enumerate(voices, 1))
    assert second == listed[1]
    for owner, prompt_id, version in ((user, prompt.id, 4), (stranger, prompt.id, 1), (user, a_prompt(user.id).id, 1)):
        with pytest.raises(NotFound, match="prompt version"):
            await world.prompts.version(owner.id, prompt_id, version)
    with pytest.raises(NotFound, match="prompt"):
        await world.prompts.versions(stranger.id, prompt.id, PageRequest())
