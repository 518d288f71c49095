"""Customers found, read whole, and erased, turns in flight included."""

from __future__ import annotations

import pytest

from application.pages import PageRequest
from application.ports.conversations import ConversationFilter
from application.ports.customer_records import CustomerFilter
from application.ports.turns import NoTurn, TurnLost
from domain.channels import ChannelType, Medium, MediumKind
from domain.conversations import OutboundStatus
from domain.credits import Account, EntryKind
from domain.customers import KnownCustomer
from domain.delivery import Accepted
from domain.shared import NotFound
from tests.builders import an_id
from tests.contract.listing import all_pages
from tests.contract.paths import Path, Shop, a_reply, a_text

PHOTO = Medium(MediumKind.IMAGE, "77", None, "image/jpeg", "ab" * 32, None)


async def _customers(path: Path, shop: Shop, **wanted: object) -> list[KnownCustomer]:
    records = path.world.customer_records
    return await all_pages(lambda page: records.list(shop.user.id, CustomerFilter(**wanted), page), limit=2)


async def _only(path: Path, shop: Shop) -> KnownCustomer:
    (customer,) = await _customers(path, shop)
    return customer


async def test_customers_are_listed_for_their_business_alone_and_found_by_any_name(path: Path) -> None:
    shop, other = await path.a_shop(), await path.a_shop()
    for address in ("491", "492", "493"):
        await path.writes(shop, address=address, name="Kim", aliases=(f"user-{address}",))
    await path.writes(other, address="491")

    everyone = await _customers(path, shop)

    assert {one.address for one in everyone} == {"491", "492", "493"}
    assert {one.user_id for one in everyone} == {shop.user.id}
    (kim,) = await _customers(path, shop, customer="user-492")
    assert (kim.address, kim.name, set(kim.aliases)) == ("492", "Kim", {"492", "user-492"})
    assert await _customers(path, shop, customer="492") == [kim]
    assert await _customers(path, shop, customer=str(kim.id), type=ChannelType.WHATSAPP) == [kim]
    assert await _customers(path, shop, type=ChannelType.INSTAGRAM) == []
    assert await _customers(path, shop, customer="nobody") == []
    assert await path.world.customer_records.get(shop.user.id, kim.id) == kim


async def test_a_strangers_customer_does_not_exist(path: Path) -> None:
    shop, stranger = await path.a_shop(), await path.a_shop()
    await path.writes(shop)
    customer = await _only(path, shop)

    for owner, customer_id in ((stranger.user.id, customer.id), (shop.user.id, an_id())):
        with pytest.raises(NotFound, match="customer"):
            await path.world.customer_records.get(owner, customer_id)
        with pytest.raises(NotFound, match="customer"):
            await path.world.customer_records.erase(owner, customer_id)
    assert await _only(path, shop) == customer


async def test_what_was_said_and_the_turns_are_read_in_order(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    for _ in range(3):
        conversation_id = await path.writes(shop)
        await worker.answers(await worker.begins(conversation_id))
    records = path.world.customer_records

    said = await all_pages(lambda page: records.messages(shop.user.id, conversation_id, page), limit=2)
    turns = await all_pages(lambda page: records.turns(shop.user.id, conversation_id, page), limit=2)

    assert [message.sequence_number for message in said] == [1, 2, 3, 4, 5, 6]
    assert [message.model for message in said] == [None, "gpt-5-mini"] * 3
    assert {turn.id for turn in turns} == {message.turn_id for message in said}
    assert [turn.response_id for turn in turns] == ["resp_1"] * 3
    assert list((await records.messages(an_id(), conversation_id, PageRequest())).items) == []
    assert list((await records.turns(an_id(), conversation_id, PageRequest())).items) == []


async def test_consents_are_read_back(path: Path) -> None:
    shop = await path.a_shop()
    await path.writes(shop, text="STOP")
    customer = await _only(path, shop)

    (consent,) = await all_pages(
        lambda page: path.world.customer_records.consents(shop.user.id, customer.id, page), limit=1
    )

    assert (consent.kind, consent.phone_number_id) == ("stop", shop.number.id)


async def test_an_erased_customer_leaves_nothing_but_the_ledger(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    rows_before = await path.world.backstage.rows_left()
    conversation_id = await path.writes(shop, text="START")
    await worker.turns.renew_lease(worker.id, ())
    customer = await _only(path, shop)
    (message,) = await path.messages(shop, conversation_id)
    await path.world.backstage.bring(message, PHOTO)

    await path.world.customer_records.erase(shop.user.id, customer.id)

    assert await path.world.backstage.rows_left() - rows_before <= 0
    assert await path.messages(shop) == []
    assert await _customers(path, shop) == []


async def test_only_that_customer_is_erased_and_comes_back_as_somebody_new(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    await path.writes(shop, address="491")
    left = await path.writes(shop, address="492")
    (gone,) = await _customers(path, shop, customer="491")

    await path.world.customer_records.erase(shop.user.id, gone.id)

    conversations = await path.world.conversations.list(shop.user.id, ConversationFilter(), PageRequest())
    assert [one.id for one in conversations.items] == [left]
    await worker.answers(await worker.begins(left))
    again = await path.writes(shop, address="491")
    (new,) = await _customers(path, shop, customer="491")
    assert new.id != gone.id
    assert [message.sequence_number for message in await path.messages(shop, again)] == [1]


async def test_a_turn_in_flight_is_lost_and_costs_nothing_when_its_customer_is_erased(path: Path) -> None:
    shop, worker = await path.a_shop(10), await path.a_worker()
    conversation_id = await path.writes(shop)
    turn = await worker.begins(conversation_id)
    customer = await _only(path, shop)

    await path.world.customer_records.erase(shop.user.id, customer.id)

    with pytest.raises(TurnLost):
        await worker.turns.record_reply(turn, a_reply())
    with pytest.raises(TurnLost):
        await worker.turns.confirm(turn, 1)
    assert await worker.turns.begin(conversation_id, worker.id) is NoTurn.NOTHING
    assert await path.account(shop) == Account(10, 0)
    assert await path.ledger(shop) == [EntryKind.ADD, EntryKind.HOLD, EntryKind.RELEASE]


async def test_a_reply_that_is_being_sent_goes_no_further_when_its_customer_is_erased(path: Path) -> None:
    shop, worker = await path.a_shop(10), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply("First.", "Second.")
    await worker.turns.record_reply(turn, reply)
    first, second = reply.parts

    await path.world.customer_records.erase(shop.user.id, (await _only(path, shop)).id)

    with pytest.raises(TurnLost):
        await worker.turns.pass_on(turn, first.message_id, "wamid.first", second.message_id)
    with pytest.raises(TurnLost):
        await worker.turns.mark_reply(turn, second.message_id, OutboundStatus.SENDING)
    with pytest.raises(TurnLost):
        await worker.settles(turn, Accepted("wamid.first"))
    assert await path.account(shop) == Account(10, 0)


async def test_what_was_paid_stays_paid_and_is_still_reported(path: Path) -> None:
    shop, worker = await path.a_shop(10), await path.a_worker()
    await worker.answers(await worker.begins(await path.writes(shop)))

    await path.world.customer_records.erase(shop.user.id, (await _only(path, shop)).id)

    assert await path.account(shop) == Account(9, 0)
    assert EntryKind.CAPTURE in await path.ledger(shop)


async def test_what_waits_to_be_claimed_goes_with_the_customer_who_wrote_it(path: Path) -> None:
    shop = await path.a_shop()
    await path.writes(shop, address="491")
    await path.world.phone_numbers.remove(shop.user.id, shop.number.id)
    await path.inbox.accept([a_text(shop.number, address="491"), a_text(shop.number, address="492")])
    assert await path.inbox.unclaimed() == 2
    await path.world.phone_numbers.add(shop.number, None)

    await path.world.customer_records.erase(shop.user.id, (await _only(path, shop)).id)

    assert await path.inbox.unclaimed() == 1
