from dataclasses import replace

from adapters.persistence.channel_health import PostgresChannelHealth
from adapters.persistence.database import Database
from application.pages import PageRequest
from domain.channels import ChannelType, Notice
from tests.contract.paths import Path, Shop, a_text
from tests.contract.worlds import MemoryBackstage
from tests.fakes.channel_health import MemoryChannelHealth
from tests.fakes.clock import MONDAY_MORNING


def a_notice(account: str | None, business: str | None = None, **fields) -> Notice:
    content = fields.pop("content", {"event": "DISABLED_UPDATE", "odd": "\x00"})
    return Notice(
        ChannelType.WHATSAPP, account, business, fields.pop("field", "account_update"), content, MONDAY_MORNING
    )


async def _shown(path: Path, shop: Shop, number=None) -> list[str]:
    number = number or shop.number
    backstage = path.world.backstage
    if isinstance(backstage, MemoryBackstage):
        page = await MemoryChannelHealth(backstage._store).notices(shop.user.id, number.id, PageRequest())
        return [notice.field for notice in page.items]
    async with Database(backstage._url).opened() as database:
        page = await PostgresChannelHealth(database).notices(shop.user.id, number.id, PageRequest())
        return [notice.field for notice in page.items]


async def test_a_notice_is_kept_once_however_it_is_written(path: Path) -> None:
    account = (await path.a_shop()).number.meta_phone_number_id
    notice = a_notice(account, content={"a": 1, "b": [{"c": None}]})
    again = replace(notice, content={"b": [{"c": None}], "a": 1})

    assert [await path.inbox.keep_notices([notice, again]), await path.inbox.keep_notices([again])] == [1, 0]


async def test_a_phone_number_shows_what_names_it_or_the_account_above_it_alone(path: Path) -> None:
    shop, stranger = await path.a_shop(), await path.a_shop()
    await path.writes(shop, business="waba")
    account = shop.number.meta_phone_number_id

    for field, names in {"own": (account, "waba"), "above": (None, "waba"), "other": ("7", "waba")}.items():
        await path.inbox.keep_notices([a_notice(*names, field=field)])
    await path.inbox.keep_notices([a_notice(None, field="nobody's")])

    assert await _shown(path, shop) == ["own", "above"]
    assert await _shown(path, stranger) == []
    assert await _shown(path, stranger, shop.number) == []


async def test_with_its_phone_number_all_goes_that_names_it(path: Path) -> None:
    shop, stays = await path.a_shop(), await path.a_shop()
    await path.inbox.accept([a_text(one.number, business="waba") for one in (shop, stays)])
    await path.inbox.keep_notices([a_notice(one.number.meta_phone_number_id) for one in (shop, stays)])
    await path.inbox.keep_notices([a_notice(None, "waba")])

    await path.world.phone_numbers.remove(shop.user.id, shop.number.id)

    assert len(await _shown(path, stays)) == 2
    await path.world.users.erase(shop.user.id)
    await path.world.users.erase(stays.user.id)
    assert await path.world.backstage.rows_left() == 0
