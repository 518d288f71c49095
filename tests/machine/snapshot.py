"""What stands in the store of one user, read in one statement, and what must always hold in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.machine.model import RANKS, Model

SNAPSHOT = """
select
    (select to_jsonb(a) from credit_accounts a where user_id = %(user)s),
    (select coalesce(jsonb_agg(jsonb_build_array(kind, balance_change, held_change, turn_id) order by id), '[]')
        from credit_entries where user_id = %(user)s),
    (select coalesce(jsonb_agg(jsonb_build_array(id, status, last_sequence_number, agent_id) order by id), '[]')
        from conversations where user_id = %(user)s),
    (select coalesce(jsonb_agg(jsonb_build_array(id, status, conversation_id, worker_id, fence, crashes) order by id),
        '[]') from turns where user_id = %(user)s),
    (select coalesce(jsonb_agg(jsonb_build_array(id, direction, status, conversation_id, turn_id, sequence_number,
        reason) order by id), '[]') from messages where user_id = %(user)s)
"""
HAS_ENDED = {"answered", "unanswerable"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows as lists, in the order of the statement."""

    account: dict[str, Any]
    entries: list[list[Any]]
    conversations: list[list[Any]]
    turns: list[list[Any]]
    messages: list[list[Any]]

    @classmethod
    def taken(cls, connection: psycopg.Connection, user_id: object) -> Snapshot:
        row = connection.execute(SNAPSHOT, {"user": user_id}, prepare=True).fetchone()
        assert row
        return cls(*row)


def broken(now: Snapshot) -> Iterator[str]:
    """Every promise that the rows alone show to be broken."""
    sums = (sum(line[1] for line in now.entries), sum(line[2] for line in now.entries))
    account = (now.account["balance"], now.account["held"])
    if account != sums or not 0 <= account[1] <= account[0]:
        yield f"the account is {account}, its ledger {sums}"
    ends = Counter(line[3] for line in now.entries if line[0] in {"capture", "release"})
    holds = Counter(line[3] for line in now.entries if line[0] == "hold")
    waiting = {turn[0] for turn in now.turns if turn[1] in {"open", "undecided"}}
    if ends + Counter(waiting) != holds:
        yield "a hold has no end, or two"
    open_turns = Counter(turn[2] for turn in now.turns if turn[1] == "open")
    if any(count > 1 for count in open_turns.values()):
        yield "a conversation has two open turns"
    yield from _wrong_numbers(now)
    yield from _without_end(now)
    yield from _in_halves(now)


def _wrong_numbers(now: Snapshot) -> Iterator[str]:
    numbers: dict[str, list[int]] = {conversation[0]: [] for conversation in now.conversations}
    for message in now.messages:
        numbers[message[3]].append(message[5])
    for id_, _, last, _ in now.conversations:
        if sorted(numbers[id_]) != list(range(1, last + 1)):
            yield f"the numbers of a conversation of {last} are {sorted(numbers[id_])}"


def _without_end(now: Snapshot) -> Iterator[str]:
    """A customer's message has been answered, has a reason why not, or somebody will still take it."""
    active = {conversation[0] for conversation in now.conversations if conversation[1] == "active"}
    waiting = {turn[0] for turn in now.turns if turn[1] in {"open", "undecided"}}
    replies = Counter(message[4] for message in now.messages if message[1] == "outbound")
    for _, direction, status, conversation_id, turn_id, _, reason in now.messages:
        if direction == "outbound":
            continue
        is_waiting = turn_id in waiting if turn_id else conversation_id in active
        if status in {"received", "blocked"} and not is_waiting:
            yield f"a message is {status}, and nobody will ever take it"
        if status == "unanswerable" and not reason:
            yield "a message has neither reply nor reason"
        if status == "answered" and not replies[turn_id]:
            yield "a message is answered without a reply"


def _in_halves(now: Snapshot) -> Iterator[str]:
    """Charged is what was taken whole, and what is decided leaves no part waiting."""
    waiting = {turn[0] for turn in now.turns if turn[1] in {"open", "undecided"}}
    charged = Counter(line[3] for line in now.entries if line[0] == "capture")
    charged -= Counter(line[3] for line in now.entries if line[0] == "refund")
    for _, direction, status, _, turn_id, *_ in now.messages:
        if direction == "outbound" and status == "pending" and turn_id not in waiting:
            yield "a turn is decided, and a part of its reply waits"
        if direction == "outbound" and charged[turn_id] and status not in {"sent", "delivered", "read"}:
            yield f"a reply is charged of which a part is {status}"


def backwards(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """Statuses that went back."""
    earlier = {message[0]: message[2] for message in before.messages}
    for id_, direction, status, *_ in now.messages:
        was = earlier.get(id_, status)
        if direction == "outbound" and RANKS[status] < RANKS[was] and {status, was} != {"pending", "sending"}:
            yield f"a reply that was {was} is {status}"
        if direction == "inbound" and was in HAS_ENDED and status not in HAS_ENDED:
            yield f"a message that was {was} is {status}"


def unlike(model: Model, now: Snapshot) -> Iterator[str]:
    """Where the rows are not what the model believes."""
    if (now.account["balance"], now.account["held"]) != (model.balance, model.held):
        yield f"the account is {now.account}, not {model.balance}, {model.held}"
    turns = sorted((str(p.id), p.status, p.worker and str(p.worker.id), p.fence, p.crashes) for p in model.plays)
    stored = [(id_, status, worker, fence, crashes) for id_, status, _, worker, fence, crashes in now.turns]
    if stored != turns:
        yield f"the turns are {stored}, not {turns}"
    replies = {str(part.id): part.status for _, part in model.parts}
    if (said := {each[0]: each[2] for each in now.messages if each[1] == "outbound"}) != replies:
        yield f"the replies are {said}, not {replies}"
    untaken = Counter((each[3], each[2]) for each in now.messages if each[1] == "inbound" and each[4] is None)
    expected = {(str(talk.id), "received"): talk.received for talk in model.talks}
    expected |= {(str(talk.id), "blocked"): talk.blocked for talk in model.talks}
    if any(untaken[key] != count for key, count in expected.items()):
        yield f"what waits is {dict(untaken)}, not {expected}"
