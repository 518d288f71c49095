from dataclasses import replace
from datetime import timedelta

import pytest

from application.channels.refresh_tokens import RefreshTokens
from application.pages import PageRequest
from application.ports.context_cache import SealedContext
from application.ports.token_refresh import NotRefreshed, TokenRefused
from domain.channels import ChannelType
from domain.monitoring import AlertState
from tests.builders import a_phone_number, an_id
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.context_cache import MemoryContextCache
from tests.fakes.token_refresh import MemoryAgeingTokens, ScriptedIssuer
from tests.unit.application.desk import Desk

HOUR = 3_600
DAY = 24 * HOUR


class Shop:
    """A desk with an Instagram account whose token is 50 days old."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.issuer = ScriptedIssuer()
        self.contexts = MemoryContextCache()
        ageing = MemoryAgeingTokens(desk.store)
        self.refresh = RefreshTokens(ageing, self.issuer, desk.vault, self.contexts, desk.alerts)

    async def opens(self, token: str) -> "Shop":
        self.number = a_phone_number(self.desk.user.id, type=ChannelType.INSTAGRAM)
        await self.desk.phone_numbers.add(self.number, self.desk.vault.seal(token, self.number.id))
        self.desk.clock.advance(50 * DAY)
        self.contexts.kept[self.number.id] = SealedContext(an_id(), b"old", MONDAY_MORNING)
        return self

    @property
    def token(self) -> str:
        return self.desk.vault.unseal(self.desk.store.sealed_tokens[self.number.id], self.number.id)

    async def alerts(self) -> list[tuple[str, str]]:
        page = await self.desk.alerts.list(self.desk.user.id, AlertState.OPEN, PageRequest())
        return [(alert.kind.value, alert.subject) for alert in page.items]


@pytest.fixture
async def shop(desk: Desk) -> Shop:
    return await Shop(desk).opens("IGAA0")


async def test_an_old_token_is_renewed_once_and_its_end_is_known_from_then_on(shop: Shop) -> None:
    assert await shop.refresh()
    assert not await shop.refresh()

    number = await shop.desk.phone_numbers.get(shop.desk.user.id, shop.number.id)
    assert (shop.issuer.asked, shop.token) == (["IGAA0"], "IGAA1")
    assert number.token_expires_at == shop.desk.clock.now() + timedelta(days=60)
    assert shop.contexts.kept == {}

    shop.desk.clock.advance(50 * DAY + 1)
    assert await shop.refresh()
    assert shop.token == "IGAA2"


async def test_a_token_that_is_refused_is_told_to_its_owner_until_it_is_replaced(shop: Shop) -> None:
    shop.issuer.outcomes = [TokenRefused("No.")]

    assert await shop.refresh()

    assert shop.token == "IGAA0"
    assert await shop.alerts() == [("access_refused", str(shop.number.id))]
    shop.desk.clock.advance(HOUR)
    assert await shop.refresh()
    assert await shop.alerts() == []


async def test_after_any_other_failure_it_is_tried_again_an_hour_later(shop: Shop) -> None:
    shop.issuer.outcomes = [NotRefreshed("Busy.")]
    await shop.refresh()
    assert not await shop.refresh()
    assert (shop.token, await shop.alerts()) == ("IGAA0", [])

    shop.desk.clock.advance(HOUR)
    await shop.refresh()

    assert shop.token == "IGAA2"


async def test_a_token_that_no_key_opens_is_the_owner_s_to_set_again(shop: Shop) -> None:
    shop.desk.store.sealed_tokens[shop.number.id] = shop.desk.vault.seal("IGAA", an_id())

    assert await shop.refresh()

    assert shop.issuer.asked == []
    assert await shop.alerts() == [("access_refused", str(shop.number.id))]


async def test_a_page_token_does_not_end_and_is_left_alone(desk: Desk) -> None:
    shop = await Shop(desk).opens("EAAG")

    assert await shop.refresh()

    assert (shop.issuer.asked, shop.token, await shop.alerts()) == ([], "EAAG", [])


async def test_what_the_owner_set_while_it_was_asked_for_stays(shop: Shop) -> None:
    async def refresh(access_token):
        number = await shop.desk.phone_numbers.get(shop.desk.user.id, shop.number.id)
        await shop.desk.phone_numbers.change(replace(number), shop.desk.vault.seal("the owner's", number.id))
        return await ScriptedIssuer().refresh(access_token)

    shop.issuer.refresh = refresh
    await shop.refresh()

    assert shop.token == "the owner's"
