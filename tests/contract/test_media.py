"""The rows of files: claimed, settled, shown, and what is left to delete when they go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from application.pages import PageRequest
from application.ports.conversations import MessageFilter
from application.ports.media import Later
from domain.channels import ChannelType, Medium, MediumKind, PhoneNumber
from domain.conversations import Message
from domain.media import (
    ATTEMPTS_MAX,
    Fetched,
    MediumStatus,
    MissingReason,
    StoredMedium,
    Unfetchable,
    storage_key,
)
from domain.shared import NotFound
from domain.users import User
from tests.builders import a_conversation, a_message, a_phone_number, an_id
from tests.contract.worlds import World
from tests.fakes.vault import PlainVault

PHOTO = Medium(MediumKind.IMAGE, "77", None, "image/jpeg", "ab" * 32, None)
CAKE = Fetched("image/jpeg", 5, "ab" * 32)


@dataclass
class Desk:
    world: World
    user: User
    number: PhoneNumber
    message: Message

    async def media(self) -> list[StoredMedium]:
        return list(await self.world.media.of_messages([self.message.id]))

    async def claimed(self, limit: int = 10) -> list:
        return list(await self.world.media.claim_waiting(5, 60, limit))


@pytest.fixture
async def desk(world: World) -> Desk:
    user = await world.has_user()
    number = a_phone_number(user.id)
    await world.phone_numbers.add(number, PlainVault().seal("EAAG", number.id))
    conversation = a_conversation(number.id, message_count=1)
    message = a_message(conversation, type="image", text=None, content={"forwarded": "once"})
    await world.backstage.keep(conversation, message)
    return Desk(world, user, number, message)


async def test_a_file_is_claimed_with_all_it_takes_to_fetch_it(desk: Desk) -> None:
    id_ = await desk.world.backstage.bring(desk.message, PHOTO)
    (claimed,) = await desk.world.media.claim_of([desk.message.id], 60)
    account = desk.number.meta_phone_number_id
    assert (claimed.id, claimed.user_id, claimed.channel) == (id_, desk.user.id, ChannelType.WHATSAPP)
    assert (claimed.account, claimed.access_token, claimed.medium, claimed.attempts) == (account, "EAAG", PHOTO, 1)
    assert "EAAG" not in repr(claimed)


async def test_what_is_claimed_in_passing_is_one_callers_until_it_is_due_again(desk: Desk) -> None:
    ids = {await desk.world.backstage.bring(desk.message, PHOTO, place) for place in range(3)}
    first, second = await desk.claimed(2), await desk.claimed(2)
    assert {one.id for one in first} | {one.id for one in second} == ids
    assert (len(first), len(second), await desk.claimed()) == (2, 1, [])

    await desk.world.backstage.time_passes(61)

    assert {one.attempts for one in await desk.claimed()} == {2}


async def test_of_many_schedulers_at_once_each_file_is_claimed_by_one(desk: Desk) -> None:
    ids = [await desk.world.backstage.bring(desk.message, PHOTO, place) for place in range(12)]
    claimed = await asyncio.gather(*(desk.claimed(3) for _ in range(8)))
    assert sorted(one.id for each in claimed for one in each) == sorted(ids)


async def test_a_turn_claims_what_somebody_else_is_fetching_too(desk: Desk) -> None:
    await desk.world.backstage.bring(desk.message, PHOTO)
    await desk.claimed()
    (claimed,) = await desk.world.media.claim_of([desk.message.id], 60)
    assert claimed.attempts == 2


async def test_a_file_that_came_just_now_is_left_to_the_turn(desk: Desk) -> None:
    await desk.world.backstage.bring(desk.message, PHOTO, age_seconds=1)
    assert await desk.claimed() == []


async def test_a_file_that_was_fetched_is_kept_and_found(desk: Desk) -> None:
    id_ = await desk.world.backstage.bring(desk.message, PHOTO)
    await desk.world.media.settle({id_: CAKE})
    (medium,) = await desk.media()
    assert (medium.status, medium.bytes, medium.mime_type) == (MediumStatus.KEPT, 5, "image/jpeg")
    assert medium.storage_key == storage_key(desk.user.id, id_)
    assert await desk.world.media.get(desk.user.id, desk.message.id, 0) == medium
    assert await desk.world.media.claim_of([desk.message.id], 60) == []


@pytest.mark.parametrize("reason", MissingReason)
async def test_a_file_that_will_never_be_had_is_missing_for_a_reason(desk: Desk, reason: MissingReason) -> None:
    id_ = await desk.world.backstage.bring(desk.message, PHOTO)
    await desk.world.media.settle({id_: Unfetchable(reason)})
    (medium,) = await desk.media()
    assert (medium.status, medium.reason, medium.storage_key) == (MediumStatus.MISSING, reason, None)
    assert await desk.claimed() == []


async def test_of_two_that_fetched_the_one_that_succeeded_is_right(desk: Desk) -> None:
    kept_first, missed_first = [await desk.world.backstage.bring(desk.message, PHOTO, place) for place in range(2)]
    missed = Unfetchable(MissingReason.GONE)
    await desk.world.media.settle({kept_first: CAKE, missed_first: missed})
    await desk.world.media.settle({kept_first: missed, missed_first: CAKE, an_id(): CAKE})
    assert [one.status for one in await desk.media()] == [MediumStatus.KEPT] * 2


async def test_a_file_is_tried_again_after_its_pause(desk: Desk) -> None:
    id_ = await desk.world.backstage.bring(desk.message, PHOTO)
    await desk.claimed()
    await desk.world.media.settle({id_: Later(100)})
    await desk.world.backstage.time_passes(90)
    assert await desk.claimed() == []
    await desk.world.backstage.time_passes(20)
    assert [one.id for one in await desk.claimed()] == [id_]


async def test_a_file_that_nobody_came_back_from_is_given_up(desk: Desk) -> None:
    await desk.world.backstage.bring(desk.message, PHOTO)
    for _ in range(ATTEMPTS_MAX):
        assert len(await desk.claimed()) == 1
        await desk.world.backstage.time_passes(61)
    assert await desk.claimed() == []
    (medium,) = await desk.media()
    assert (medium.status, medium.reason) == (MediumStatus.MISSING, MissingReason.OUT_OF_TIME)


async def test_a_file_of_another_user_is_not_found(desk: Desk) -> None:
    await desk.world.backstage.bring(desk.message, PHOTO)
    stranger = await desk.world.has_user()
    for user_id, place in ((stranger.id, 0), (desk.user.id, 1)):
        with pytest.raises(NotFound):
            await desk.world.media.get(user_id, desk.message.id, place)


async def test_a_page_of_messages_shows_their_files_and_what_they_are(desk: Desk) -> None:
    for place in (1, 0):
        await desk.world.backstage.bring(desk.message, PHOTO, place)
    page = await desk.world.conversations.messages(desk.user.id, MessageFilter(), PageRequest())
    (message,) = page.items
    assert message.content == {"forwarded": "once"}
    assert list(message.media) == await desk.media()
    assert [one.place for one in message.media] == [0, 1]


@pytest.mark.parametrize("erased", ["user", "phone number"])
async def test_files_of_what_is_erased_are_left_to_delete_and_then_forgotten(desk: Desk, erased: str) -> None:
    kept, fetching = [await desk.world.backstage.bring(desk.message, PHOTO, place) for place in range(2)]
    await desk.world.media.claim_of([desk.message.id], 60)
    untouched = await desk.world.backstage.bring(desk.message, PHOTO, 2)
    await desk.world.media.settle({kept: CAKE})
    if erased == "user":
        await desk.world.users.erase(desk.user.id)
    else:
        await desk.world.phone_numbers.remove(desk.user.id, desk.number.id)

    assert await desk.media() == []
    assert await desk.world.media.claim_deletions(60, 10) == [storage_key(desk.user.id, kept)]
    assert await desk.world.media.claim_deletions(60, 10) == []
    await desk.world.media.forget_deletions([storage_key(desk.user.id, kept)])
    await desk.world.backstage.time_passes(301)
    late = await desk.world.media.claim_deletions(60, 10)
    assert storage_key(desk.user.id, fetching) in late
    assert storage_key(desk.user.id, untouched) not in late


async def test_a_deletion_that_failed_is_tried_again(desk: Desk) -> None:
    id_ = await desk.world.backstage.bring(desk.message, PHOTO)
    await desk.world.media.settle({id_: CAKE})
    await desk.world.users.erase(desk.user.id)
    assert await desk.world.media.claim_deletions(60, 10)
    await desk.world.backstage.time_passes(61)
    assert await desk.world.media.claim_deletions(60, 10)
