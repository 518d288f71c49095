from dataclasses import replace
from datetime import timedelta

import pytest

from application.pages import PageRequest
from application.ports.conversations import ConversationFilter, MessageFilter
from domain.channels import ChannelSettings, ChannelStatus, ChannelType, Template
from domain.shared import Conflict, NotFound
from tests.builders import a_conversation, a_message, a_phone_number, an_id
from tests.contract.listing import all_pages
from tests.contract.worlds import World
from tests.fakes.clock import MONDAY_MORNING


@pytest.mark.parametrize("type_", list(ChannelType))
async def test_a_phone_number_is_read_back_as_it_was_added(world: World, type_: ChannelType) -> None:
    user = await world.has_user()
    phone_number = a_phone_number(
        user.id, type=type_, display_name=None, number=None, allowed_origins=("https://a.example", "https://b.example")
    )

    added = await world.phone_numbers.add(phone_number, None)

    assert added == phone_number
    assert await world.phone_numbers.get(user.id, phone_number.id) == phone_number


async def test_an_account_is_connected_once_whoever_asks(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    taken = await world.has_phone_number(user)

    for owner in (user, stranger):
        with pytest.raises(Conflict):
            await world.phone_numbers.add(
                a_phone_number(owner.id, meta_phone_number_id=taken.meta_phone_number_id), None
            )


async def test_the_same_account_may_be_another_platforms(world: World) -> None:
    user = await world.has_user()
    await world.has_phone_number(user, meta_phone_number_id="17")

    instagram = await world.has_phone_number(user, type=ChannelType.INSTAGRAM, instagram_account_id="17")

    assert await world.phone_numbers.get(user.id, instagram.id) == instagram


async def test_a_user_may_have_many_web_chats(world: World) -> None:
    user = await world.has_user()

    chats = [await world.has_phone_number(user, type=ChannelType.WEBCHAT) for _ in range(2)]

    assert await all_pages(lambda page: world.phone_numbers.list(user.id, page)) == chats


async def test_a_phone_number_needs_a_user(world: World) -> None:
    with pytest.raises(NotFound, match="user"):
        await world.phone_numbers.add(a_phone_number(an_id()), None)


async def test_a_strangers_phone_number_does_not_exist(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    phone_number = await world.has_phone_number(user)

    with pytest.raises(NotFound, match="phone number"):
        await world.phone_numbers.get(stranger.id, phone_number.id)
    with pytest.raises(NotFound, match="phone number"):
        await world.phone_numbers.change(replace(phone_number, user_id=stranger.id), b"stolen")
    with pytest.raises(NotFound, match="phone number"):
        await world.phone_numbers.remove(stranger.id, phone_number.id)
    assert await world.phone_numbers.get(user.id, phone_number.id) == phone_number


async def test_phone_numbers_are_listed_for_their_user_alone(world: World) -> None:
    user = await world.has_user()
    hours = [MONDAY_MORNING + timedelta(hours=hour) for hour in range(3)]
    own = [await world.has_phone_number(user, created_at=hour) for hour in hours]
    await world.has_phone_number(await world.has_user())

    assert await all_pages(lambda page: world.phone_numbers.list(user.id, page), limit=2) == own
    newest_first = await all_pages(lambda page: world.phone_numbers.list(user.id, page), limit=2, newest_first=True)
    assert newest_first == own[::-1]


async def test_a_change_keeps_the_token_unless_one_is_given(world: World) -> None:
    user = await world.has_user()
    phone_number = a_phone_number(user.id)
    await world.phone_numbers.add(phone_number, b"sealed once")
    renamed = replace(phone_number, display_name="Back shop", number=None, allowed_origins=("https://c.example",))

    assert await world.phone_numbers.change(renamed, None) == renamed
    assert await world.phone_numbers.get(user.id, phone_number.id) == renamed
    assert await world.backstage.sealed_token(phone_number.id) == b"sealed once"

    await world.phone_numbers.change(renamed, b"sealed again")
    assert await world.backstage.sealed_token(phone_number.id) == b"sealed again"


SETTINGS = ChannelSettings(
    shows_typing=False,
    template=Template("come_back", "en_US"),
    hears_stop=False,
    stop_words=("halt", "basta"),
    start_words=("los",),
    human_pause_minutes=0,
    unreadable_sentence="I cannot open this.",
)


async def test_settings_are_read_back_as_they_were_stored(world: World) -> None:
    user = await world.has_user()
    number = await world.has_phone_number(user, settings=SETTINGS)
    assert (await world.phone_numbers.get(user.id, number.id)).settings == SETTINGS

    changed = replace(number, settings=replace(SETTINGS, template=None, stop_words=()))
    await world.phone_numbers.change(changed, None)

    assert await world.phone_numbers.get(user.id, number.id) == changed


STOPPED = {
    "status": ChannelStatus.UNAUTHORIZED,
    "status_detail": {"code": 190},
    "token_expires_at": MONDAY_MORNING + timedelta(days=9),
}


@pytest.mark.parametrize("resumes", [{"sealed_token": b"new"}, {"sealed_token": None, "resumes": True}])
async def test_a_stopped_number_answers_again_with_a_new_token_or_when_told(world: World, resumes) -> None:
    user = await world.has_user()
    number = await world.has_phone_number(user, **STOPPED)

    changed = await world.phone_numbers.change(number, **resumes)

    assert (changed.status, changed.status_detail) == (ChannelStatus.ACTIVE, None)
    assert (changed.token_expires_at is None) == (resumes["sealed_token"] is not None)
    assert await world.phone_numbers.get(user.id, number.id) == changed


async def test_a_change_of_something_else_leaves_the_status_to_the_platform(world: World) -> None:
    user = await world.has_user()
    number = await world.has_phone_number(user, **STOPPED)
    as_it_was_read = replace(number, status=ChannelStatus.ACTIVE, status_detail=None, display_name="Back shop")

    changed = await world.phone_numbers.change(as_it_was_read, None)

    assert changed == replace(number, display_name="Back shop")


async def test_a_removed_phone_number_takes_its_conversations_along(world: World) -> None:
    user = await world.has_user()
    removed, kept = await world.has_phone_number(user), await world.has_phone_number(user)
    gone, stays = a_conversation(removed.id), a_conversation(kept.id)
    await world.backstage.keep(gone, a_message(gone))
    await world.backstage.keep(stays, message := a_message(stays))

    await world.phone_numbers.remove(user.id, removed.id)

    with pytest.raises(NotFound):
        await world.phone_numbers.get(user.id, removed.id)
    assert list((await world.conversations.list(user.id, ConversationFilter(), PageRequest())).items) == [stays]
    assert list((await world.conversations.messages(user.id, MessageFilter(), PageRequest())).items) == [message]


async def test_the_agent_of_a_removed_phone_number_answers_nowhere(world: World) -> None:
    user = await world.has_user()
    phone_number = await world.has_phone_number(user)
    agent = await world.has_agent(user, phone_number)

    await world.phone_numbers.remove(user.id, phone_number.id)

    assert await world.agents.get(user.id, agent.id) == replace(agent, phone_number_id=None)


async def test_an_account_can_be_connected_again_after_it_was_removed(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    phone_number = await world.has_phone_number(user)
    await world.phone_numbers.remove(user.id, phone_number.id)

    again = await world.has_phone_number(stranger, meta_phone_number_id=phone_number.meta_phone_number_id)

    assert await world.phone_numbers.get(stranger.id, again.id) == again
