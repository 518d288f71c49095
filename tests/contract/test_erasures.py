"""What must not stay with the model's provider: noted by whatever makes it so, and worked off."""

from __future__ import annotations

import asyncio

import pytest

from application.ports.turns import TurnLost
from domain.erasing import Erasure, ErasureKind
from tests.contract.paths import Path, Shop, Worker, a_reply

LONG = 600.0


async def _due(path: Path, limit: int = 100) -> list[Erasure]:
    """What is noted, once the calls that may be under way have ended."""
    await path.world.backstage.time_passes(LONG)
    return sorted(await path.world.erasures.claim(60, limit), key=lambda one: one.openai_id)


async def _names(path: Path) -> list[str]:
    return [one.openai_id for one in await _due(path)]


async def _answered(path: Path, shop: Shop, worker: Worker, conversation: str, response: str) -> None:
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.attach_model_conversation(turn, conversation)
    reply = a_reply(response_id=response)
    await worker.turns.record_reply(turn, reply)


@pytest.mark.parametrize("what", ["a customer", "a phone number", "a user"])
async def test_what_goes_here_is_to_be_erased_there(path: Path, what: str) -> None:
    shop, other, worker = await path.a_shop(), await path.a_shop(), await path.a_worker()
    await _answered(path, shop, worker, "conv_1", "resp_1")
    await _answered(path, other, worker, "conv_2", "resp_2")
    conversation_id = (await path.messages(shop))[0].conversation_id
    customer = (await path.world.conversations.get(shop.user.id, conversation_id)).customer

    if what == "a customer":
        await path.world.customer_records.erase(shop.user.id, customer.id)
    elif what == "a phone number":
        await path.world.phone_numbers.remove(shop.user.id, shop.number.id)
    else:
        await path.world.users.erase(shop.user.id)

    assert await path.world.erasures.claim(60, 10) == []
    assert await _due(path) == [
        Erasure(ErasureKind.CONVERSATION, "conv_1", 1),
        Erasure(ErasureKind.RESPONSE, "resp_1", 1),
    ]


async def test_a_conversation_that_another_one_replaces_is_to_be_erased(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.attach_model_conversation(turn, "conv_old")
    await worker.turns.attach_model_conversation(turn, "conv_old", "item_1")
    assert await _names(path) == []

    await worker.turns.attach_model_conversation(turn, "conv_new")

    assert await _names(path) == ["conv_old"]


async def test_what_was_opened_for_a_lost_turn_is_to_be_erased_unless_it_is_gone_on_with(path: Path) -> None:
    shop, worker, other = await path.a_shop(), await path.a_worker(), await path.a_worker()
    conversation_id = await path.writes(shop)
    lost = await worker.begins(conversation_id)
    await worker.turns.attach_model_conversation(lost, "conv_kept")
    await path.time.leases_run_out()
    await other.turns.renew_lease(other.id, ())
    await other.begins(conversation_id)

    for opened in ("conv_kept", "conv_orphan"):
        with pytest.raises(TurnLost):
            await worker.turns.attach_model_conversation(lost, opened)
    with pytest.raises(TurnLost):
        await worker.turns.record_reply(lost, a_reply(response_id="resp_of_the_living"))

    assert await _names(path) == ["conv_orphan"]


async def test_an_answer_to_somebody_who_is_gone_is_to_be_erased(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await path.world.phone_numbers.remove(shop.user.id, shop.number.id)

    with pytest.raises(TurnLost):
        await worker.turns.attach_model_conversation(turn, "conv_late")
    with pytest.raises(TurnLost):
        await worker.turns.record_reply(turn, a_reply(response_id="resp_late"))

    assert await _names(path) == ["conv_late", "resp_late"]


async def test_what_is_claimed_is_one_callers_until_it_is_put_off_or_done(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    await _answered(path, shop, worker, "conv_1", "resp_1")
    await path.world.users.erase(shop.user.id)
    path.shops.clear()
    erasures = path.world.erasures

    conversation, response = await _due(path)
    assert await erasures.claim(60, 10) == []
    await erasures.done([response])
    await erasures.put_off(conversation, 30)
    assert await erasures.claim(60, 10) == []
    await path.world.backstage.time_passes(31)

    (again,) = await erasures.claim(60, 10)
    assert (again.openai_id, again.attempts) == ("conv_1", 2)
    await erasures.done([again])
    assert await _due(path) == []


async def test_two_who_claim_at_once_get_different_ones(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    for place in range(4):
        await worker.answers(await worker.begins(await path.writes(shop, address=f"49{place}")))
    for place in range(4):
        turn = await worker.begins(await path.writes(shop, address=f"49{place}"))
        await worker.turns.attach_model_conversation(turn, f"conv_{place}")
        await worker.turns.attach_model_conversation(turn, f"conv_new_{place}")
    await path.world.backstage.time_passes(LONG)

    claimed = await asyncio.gather(*(path.world.erasures.claim(60, 2) for _ in range(4)))

    names = [one.openai_id for each in claimed for one in each]
    assert sorted(names) == [f"conv_{place}" for place in range(4)]
