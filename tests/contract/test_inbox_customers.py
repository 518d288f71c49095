"""Who a customer is: one person, whatever the platform calls them."""

import asyncio
from datetime import timedelta

from application.pages import PageRequest
from application.ports.conversations import ConversationFilter
from domain.channels import Move
from domain.conversations import ConversationStatus
from tests.contract.kept import Kept, Known
from tests.contract.paths import Path, Shop, a_text
from tests.fakes.clock import MONDAY_MORNING

PHONE, USER_ID = "4917012345", "DE.1349"


def _later(seconds: float):
    return MONDAY_MORNING + timedelta(seconds=seconds)


def _a_move(shop: Shop, before: str, after: str, at=MONDAY_MORNING) -> Move:
    return Move(shop.number.type, shop.number.meta_phone_number_id, before, after, at)


async def _conversations(path: Path, shop: Shop, status: ConversationStatus):
    page = await path.world.conversations.list(shop.user.id, ConversationFilter(status=status), PageRequest())
    return page.items


async def test_one_who_is_known_by_two_names_stays_one_customer(path: Path) -> None:
    shop = await path.a_shop()
    both = await path.writes(shop, address=PHONE, aliases=(USER_ID,), username="kim")

    assert await path.writes(shop, address=USER_ID, name=None, written_at=_later(1)) == both
    assert await path.writes(shop, address=PHONE, written_at=_later(2)) == both

    assert await Kept(path, shop).customers() == [Known(PHONE, "Kim", "kim", (PHONE, USER_ID))]


async def test_the_address_is_what_the_newest_message_calls_the_customer_whatever_comes_first(path: Path) -> None:
    shop = await path.a_shop()
    await path.writes(shop, address=PHONE, aliases=(USER_ID,))
    await path.writes(shop, address=USER_ID, written_at=_later(20), name="Kim K.")

    await path.writes(shop, address=PHONE, written_at=_later(10), name="Old name")

    (known,) = await Kept(path, shop).customers()
    assert (known.address, known.name) == (USER_ID, "Kim K.")


async def test_two_customers_of_one_message_are_one_from_then_on(path: Path) -> None:
    shop = await path.a_shop()
    older = await path.writes(shop, address=PHONE, text="1")
    newer = await path.writes(shop, address=USER_ID, text="2", name=None, written_at=_later(1))
    assert older != newer

    merged = await path.writes(shop, address=PHONE, aliases=(USER_ID,), text="3", written_at=_later(2))

    assert [one.aliases for one in await Kept(path, shop).customers()] == [(PHONE, USER_ID)]
    assert merged == newer  # the one in which more was going on
    (active,) = await _conversations(path, shop, ConversationStatus.ACTIVE)
    (archived,) = await _conversations(path, shop, ConversationStatus.ARCHIVED)
    assert (active.id, active.customer.id) == (merged, archived.customer.id)
    assert [(one.text, one.sequence_number) for one in await path.messages(shop, merged)] == [
        ("2", 1),
        ("1", 2),
        ("3", 3),
    ]
    assert archived.message_count == 0


async def test_what_was_answered_before_a_merge_stays_where_it_was_said(path: Path) -> None:
    shop = await path.a_shop()
    worker = await path.a_worker()
    first = await path.writes(shop, address=PHONE, text="asked")
    turn = await worker.begins(first)
    await path.writes(shop, address=PHONE, text="waits")
    await worker.answers(turn)
    await path.writes(shop, address=USER_ID, text="elsewhere")

    merged = await path.writes(shop, address=PHONE, aliases=(USER_ID,), text="both")

    assert [(one.text, one.sequence_number) for one in await path.messages(shop, first)] == [
        ("asked", 1),
        ("Until six.", 2),
    ]
    assert [one.text for one in await path.messages(shop, merged)] == ["elsewhere", "waits", "both"]


async def test_one_batch_may_make_two_strangers_one(path: Path) -> None:
    shop = await path.a_shop()

    await path.inbox.accept(
        [
            a_text(shop.number, address=PHONE),
            a_text(shop.number, address=USER_ID),
            a_text(shop.number, address=PHONE, aliases=(USER_ID,)),
        ]
    )

    (active,) = await _conversations(path, shop, ConversationStatus.ACTIVE)
    assert [one.sequence_number for one in await path.messages(shop, active.id)] == [1, 2, 3]
    assert len(await Kept(path, shop).customers()) == 1


async def test_whatever_meets_at_once_ends_as_one_customer(path: Path) -> None:
    shop = await path.a_shop()
    texts = [
        a_text(shop.number, **names)
        for names in 6
        * ({"address": PHONE}, {"address": USER_ID}, {"address": PHONE, "aliases": (USER_ID,)}, {"address": "other"})
    ]

    async def brings(text) -> None:
        await path.new_inbox().accept([text])

    await asyncio.gather(*map(brings, texts))
    await path.writes(shop, address=PHONE, aliases=(USER_ID,))

    assert sorted(one.aliases for one in await Kept(path, shop).customers()) == [(PHONE, USER_ID), ("other",)]
    assert len(await path.messages(shop)) == 25


async def test_the_same_name_at_another_business_is_another_customer(path: Path) -> None:
    one, other = await path.a_shop(), await path.a_shop()

    await path.writes(one, address=PHONE, aliases=(USER_ID,))
    await path.writes(other, address=PHONE)

    assert (await Kept(path, other).customers())[0].aliases == (PHONE,)


async def test_after_a_move_the_customer_is_found_under_both_names(path: Path) -> None:
    shop = await path.a_shop()
    conversation = await path.writes(shop, address=PHONE)

    assert list(await path.inbox.note_moves([_a_move(shop, PHONE, "4930", _later(1))] * 2)) == [True, True]

    assert (await Kept(path, shop).customers())[0].address == "4930"
    assert await path.writes(shop, address="4930", written_at=_later(2)) == conversation
    assert await path.writes(shop, address=PHONE, written_at=_later(3)) == conversation


async def test_a_move_of_the_name_nobody_uses_leaves_the_address(path: Path) -> None:
    shop = await path.a_shop()
    await path.writes(shop, address=PHONE, aliases=(USER_ID,))

    await path.inbox.note_moves([_a_move(shop, USER_ID, "DE.new", _later(1))])

    (known,) = await Kept(path, shop).customers()
    assert (known.address, known.aliases) == (PHONE, (PHONE, USER_ID, "DE.new"))


async def test_a_move_makes_two_customers_one(path: Path) -> None:
    shop = await path.a_shop()
    await path.writes(shop, address=PHONE)
    await path.writes(shop, address="4930")

    await path.inbox.note_moves([_a_move(shop, PHONE, "4930")])

    assert len(await Kept(path, shop).customers()) == 1


async def test_a_move_of_a_stranger_makes_nobody_known(path: Path) -> None:
    shop = await path.a_shop()

    assert list(await path.inbox.note_moves([_a_move(shop, "1", "2")])) == [False]

    assert await Kept(path, shop).customers() == []
