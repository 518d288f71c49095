"""The judge: reads the journals of the provider and the platform, and the rows of the store, and nothing else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from uuid import UUID

from domain.conversations import OUTBOUND_ORDER, Message
from domain.credits import TURN_PRICE
from tests.simulation.platform import Taken
from tests.simulation.world import World


def violations(world: World) -> list[str]:
    """Every promise that was broken, in a sentence each."""
    return [
        *_lost(world),
        *_duplicates(world),
        *_disorder(world),
        *_heard_twice(world),
        *_charges(world),
        *_unasked(world),
        *_outdated(world),
    ]


def _lost(world: World) -> Iterator[str]:
    rows = _rows_by_text(world)
    complete = [turn_id for turn_id, taken in _replies(world).items() if _is_complete(world, turn_id, taken)]
    answered = {text for turn_id in complete for taken in _replies(world)[turn_id] for text in taken.answers}
    for text in {message.text or "" for delivery in world.door.accepted for message in delivery.messages}:
        stored = rows[text]
        if len(stored) != 1:
            yield f"lost: {text} was accepted and is stored {len(stored)} times"
            continue
        status, is_delivered = stored[0].status, text in answered
        if is_delivered != (status == "answered"):
            yield f"lost: {text} is {status}, and the platform has {'a' if is_delivered else 'no'} reply to it"
        if status == "unanswerable" and not stored[0].reason:
            yield f"lost: {text} has neither reply nor reason"
        if status == "received" and not _is_undecided(world, stored[0]):
            yield f"lost: {text} still waits"


def _is_undecided(world: World, message: Message) -> bool:
    return message.turn_id is not None and world.store.turns[message.turn_id].status == "undecided"


def _duplicates(world: World) -> Iterator[str]:
    for name, times in Counter(taken.message_id for taken in world.platform.taken).items():
        if times > 1:
            yield f"duplicate: {name} was sent {times} times"
    firsts = [taken for taken in world.platform.taken if not taken.is_follow_up]
    for text, times in Counter(text for taken in firsts for text in taken.answers).items():
        if times > 1:
            yield f"duplicate: {text} was answered {times} times"


def _disorder(world: World) -> Iterator[str]:
    rows = _rows_by_text(world)
    for conversation_id in world.store.conversations:
        numbers = [message.sequence_number for message in world.store.messages_of(conversation_id)]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"disorder: the numbers of a conversation are {numbers}"
    for chat in _chats(world).values():
        yield from _parts_in_disorder(world, chat)
        firsts = [taken for taken in chat if not taken.is_follow_up]
        order = [rows[text][0].sequence_number for taken in firsts for text in taken.answers if rows[text]]
        if order != sorted(order):
            yield f"disorder: {[taken.text for taken in chat]} is no order of the inbox"
        last = max(order, default=0)
        for message in world.store.messages_of(rows[chat[0].answers[0]][0].conversation_id):
            is_open = message.status in {"received", "blocked"} and not _is_undecided(world, message)
            if is_open and message.sequence_number < last:
                yield f"disorder: a reply ignores {message.text}"


def _parts_in_disorder(world: World, chat: list[Taken]) -> Iterator[str]:
    """A later part has its first before it, and that one was not reported as failed when nothing went wrong."""
    firsts: set[str] = set()
    for taken in chat:
        whole = " ".join(taken.answers)
        if taken.is_follow_up and whole not in firsts:
            yield f"disorder: {taken.text} was sent before its first part"
        firsts.add(whole)


def _unasked(world: World) -> Iterator[str]:
    for pause in world.pauses:
        for turn in world.store.turns.values():
            if turn.conversation_id == pause.conversation_id and pause.since < turn.begun_at < pause.until:
                yield f"unasked: a turn began at {turn.begun_at} in a conversation paused until {pause.until}"


def _outdated(world: World) -> Iterator[str]:
    """A reply speaks the version that was the latest when its turn began, or a later one."""
    for reply in world.store.messages.values():
        if reply.turn_id is None or reply.prompt_id is None or reply.prompt_version is None:
            continue
        begun_at = world.store.turns[reply.turn_id].begun_at
        latest = sum(one.created_at < begun_at for one in world.store.prompts[reply.prompt_id])
        if reply.prompt_version < latest:
            yield f"outdated: {reply.text} speaks version {reply.prompt_version} of a prompt that has {latest}"


def _heard_twice(world: World) -> Iterator[str]:
    yield from (f"misuse: {misuse}" for misuse in world.model.misuses)
    for name, conversation in world.model.conversations.items():
        heard = Counter(item.text for item in conversation.items + conversation.coming if item.role == "user")
        seeded = {item.text for item in conversation.items if item.role == "seed"}
        for text, times in heard.items():
            if times > 1 or text in seeded:
                yield f"heard twice: {text} in {name}"


def _charges(world: World) -> Iterator[str]:
    store = world.store
    yield from _wrong_sums(world)
    owed, charged = Counter(), Counter()
    for taken in world.platform.taken:
        reply = store.messages.get(taken.message_id)
        if reply is None or reply.turn_id is None:
            yield f"charge: the platform has a reply nobody wrote down: {taken.text}"
            continue
        furthest = max([*taken.statuses, "sent"], key=[*map(str, OUTBOUND_ORDER)].index)
        if reply.status != furthest:
            yield f"charge: the platform has said {furthest} of a reply that is {reply.status}"
    for turn_id, replies in _replies(world).items():
        owed[turn_id] = TURN_PRICE if _is_complete(world, turn_id, replies) else 0
    for entry in (entry for entries in store.entries.values() for entry in entries if entry.turn_id):
        charged[entry.turn_id] -= entry.balance_change
    for turn_id in {*owed, *charged}:
        if owed[turn_id] != charged[turn_id]:
            yield f"charge: {charged[turn_id]} was charged for a turn that owes {owed[turn_id]}"


def _wrong_sums(world: World) -> Iterator[str]:
    store = world.store
    for user_id, account in store.accounts.items():
        entries = store.entries[user_id]
        balance, held = sum(one.balance_change for one in entries), sum(one.held_change for one in entries)
        if (balance, held) != (account.balance, account.held):
            yield f"charge: the ledger says {balance} and {held}, the account {account}"
        undecided = sum(one.user_id == user_id and one.status == "undecided" for one in store.turns.values())
        if held != undecided * TURN_PRICE:
            yield f"charge: {held} are held for {undecided} undecided turns"


def _replies(world: World) -> dict[UUID, list[Taken]]:
    """What the platform has taken of each turn's reply."""
    replies: dict[UUID, list[Taken]] = defaultdict(list)
    for taken in world.platform.taken:
        reply = world.store.messages.get(taken.message_id)
        if reply is not None and reply.turn_id is not None:
            replies[reply.turn_id].append(taken)
    return replies


def _is_complete(world: World, turn_id: UUID, taken: list[Taken]) -> bool:
    """Whether the customer has got the whole reply."""
    parts = {part.id for part in world.store.replies_of(turn_id)}
    return parts == {one.message_id for one in taken} and not any(one.has_failed for one in taken)


def _rows_by_text(world: World) -> dict[str, list[Message]]:
    rows: dict[str, list[Message]] = defaultdict(list)
    for message in world.store.messages.values():
        if message.direction == "inbound":
            rows[message.text or ""].append(message)
    return rows


def _chats(world: World) -> dict[tuple[str, str], list[Taken]]:
    chats: dict[tuple[str, str], list[Taken]] = defaultdict(list)
    for taken in world.platform.taken:
        chats[taken.account, taken.address].append(taken)
    return chats
