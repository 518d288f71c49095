import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from adapters.persistence.database import Database
from domain.channels import ChannelStatus, ChannelType, PhoneNumber
from domain.tokens import TRIES_APART
from tests.builders import a_phone_number
from tests.contract.worlds import World, postgres_world

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


async def _has_token(world: World, old: timedelta, left: timedelta | None, **fields) -> PhoneNumber:
    user = await world.has_user()
    number = a_phone_number(user.id, **{"type": ChannelType.INSTAGRAM} | fields)
    await world.phone_numbers.add(number, b"sealed")
    await world.backstage.token_is(number.id, old=old, left=left)
    return number


@pytest.mark.parametrize(
    ("old", "left", "is_due"),
    [
        (5 * DAY, 10 * DAY - MINUTE, True),
        (5 * DAY, 10 * DAY + MINUTE, False),
        (5 * DAY, -DAY, True),
        (DAY + MINUTE, 5 * DAY, True),
        (DAY - MINUTE, 5 * DAY, False),
        (50 * DAY + MINUTE, None, True),
        (50 * DAY - MINUTE, None, False),
    ],
)
async def test_a_token_is_due_ten_days_before_its_end_or_when_it_is_old(world: World, old, left, is_due) -> None:
    number = await _has_token(world, old, left)

    claimed = await world.ageing_tokens.claim()

    assert (claimed is not None) == is_due
    if claimed:
        assert (claimed.phone_number_id, claimed.user_id, claimed.sealed) == (number.id, number.user_id, b"sealed")


@pytest.mark.parametrize(
    "fields",
    [{"type": ChannelType.WHATSAPP}, {"type": ChannelType.WEBCHAT}, {"status": ChannelStatus.UNAUTHORIZED}],
)
async def test_only_instagram_s_tokens_end_and_a_refused_one_is_its_owner_s(world: World, fields) -> None:
    await _has_token(world, 55 * DAY, DAY, **fields)

    assert await world.ageing_tokens.claim() is None


async def test_a_parked_number_s_token_is_renewed_too(world: World) -> None:
    await _has_token(world, 55 * DAY, DAY, status=ChannelStatus.PARKED)

    assert await world.ageing_tokens.claim()


async def test_of_many_who_claim_at_once_one_has_it_and_again_an_hour_later(world: World) -> None:
    await _has_token(world, 55 * DAY, DAY)

    claimed = await asyncio.gather(*(world.ageing_tokens.claim() for _ in range(8)))

    assert sum(one is not None for one in claimed) == 1
    await world.backstage.tries_were(TRIES_APART - MINUTE)
    assert await world.ageing_tokens.claim() is None
    await world.backstage.tries_were(MINUTE)
    assert await world.ageing_tokens.claim()


async def test_the_new_token_takes_the_old_one_s_place_with_its_end(world: World) -> None:
    number = await _has_token(world, 55 * DAY, DAY)
    claimed = await world.ageing_tokens.claim()
    assert claimed

    assert await world.ageing_tokens.keep(claimed, b"renewed", 60 * 86_400)

    assert await world.backstage.sealed_token(number.id) == b"renewed"
    expires_at = (await world.phone_numbers.get(number.user_id, number.id)).token_expires_at
    assert expires_at
    assert expires_at > datetime(2025, 1, 1, tzinfo=UTC)
    await world.backstage.tries_were(DAY)
    assert await world.ageing_tokens.claim() is None


async def test_a_token_that_the_owner_set_meanwhile_stays(world: World) -> None:
    number = await _has_token(world, 55 * DAY, DAY)
    claimed = await world.ageing_tokens.claim()
    assert claimed
    await world.phone_numbers.change(number, b"the owner's")

    assert not await world.ageing_tokens.keep(claimed, b"renewed", 60 * 86_400)

    assert await world.backstage.sealed_token(number.id) == b"the owner's"
    assert (await world.phone_numbers.get(number.user_id, number.id)).token_expires_at is None


async def test_a_row_that_somebody_is_claiming_is_left_to_them(database) -> None:
    async with postgres_world(database.url, database.url_judge) as world, Database(database.url).opened() as other:
        await _has_token(world, 55 * DAY, DAY)

        async with other.house.transaction() as connection:
            await connection.execute("select from phone_numbers for update")
            assert await asyncio.wait_for(world.ageing_tokens.claim(), 5) is None

        assert await world.ageing_tokens.claim()
