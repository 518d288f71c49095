"""The writes of a turn, gathered: begin_turns, record_replies, settle_turns of the schema; and workers' leases."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

from adapters.gatherer import Gatherer
from adapters.persistence.database import Database
from adapters.persistence.rows import storable_json
from application.ports.clock import Ids
from application.ports.turns import (
    NoTurn,
    NotYet,
    Place,
    Recorded,
    ReplyRecord,
    Settled,
    TurnLost,
    Waiting,
    WaitingFilter,
)
from domain.channels import ChannelStatus
from domain.conversations import CRASHES_MAX, LaneScope, OutboundStatus, Question, Said, StoredReply, Turn
from domain.credits import TURN_PRICE
from domain.delivery import Parked, Settlement
from domain.loops import LOOKED_BACK_SECONDS, TURNS_MIN, Line
from domain.windows import Heard

BATCH_MAX = 256
TEMPLATE = "template"
CODES = ("class", "code", "subcode")
"""What of the platform's error is kept with a parked phone number: never its free text."""

# The contexts are named when all turns have begun, behind the locks.
BEGIN = """
with begun as materialized (
    select * from begin_turns(%s::uuid[], %s::uuid[], %s::boolean[], %s, %s, %s, %s, %s, %s, %s, %s, %s)
), contexts as materialized (
    select context_versions(array_agg(agent_id order by place), array_agg(phone_number_id order by place)) as versions
    from begun
)
select state, quiet_seconds, turn_id, fence, user_id, phone_number_id, agent_id, address, openai_conversation_id,
    last_item_id, attempts, crashes, questions, replies, heard, lately, versions[place]
from begun cross join contexts order by place
"""

RECORD_REPLIES = """
select recorded, is_asked_again from record_replies(
    %s::uuid[], %s::bigint[], %s::text[], %s::integer[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::uuid[], %s::text[], %s::text[]
) order by place
"""

SETTLE = """
select settled, more from settle_turns(
    %s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[],
    %s::text[], %s::uuid[]
) order by place
"""

ATTACH = """
select attached from attach_model_conversations(%s::uuid[], %s::bigint[], %s::text[], %s::text[]) order by place
"""
# What a lost turn leaves with the provider is nobody's: a conversation that no other worker goes on with, and the
# answer to somebody who is gone.
FORGET_CONVERSATION = """
select note_erasures('conversation', array[%(openai_id)s]) where not exists (
    select from turns t join conversations c on c.id = t.conversation_id
    where t.id = %(turn)s and c.openai_conversation_id = %(openai_id)s
)
"""
FORGET_RESPONSE = """
select note_erasures('response', array[%(openai_id)s::text]) where not exists (select from turns where id = %(turn)s)
"""
MARK = "select mark_reply(%s, %s, %s, %s)"
FOLLOW = "select pass_on_reply(%s, %s, %s, %s, %s)"
REPLACE = "select replace_reply(%s, %s, %s, %s)"
PARK = "select park_turn(%s, %s, %s, %s, %s, %s)"
CONFIRM = """
select exists (
    select from turns t join workers w on w.id = t.worker_id
    where t.id = %s and t.fence = %s and t.status = 'open'
        and w.lease_until > clock_timestamp() + %s * interval '1 second'
)
"""

JOIN = """
insert into workers (id, lease_until, host, process_id, started_at)
values (%s, clock_timestamp() + %s * interval '1 second', %s, %s, %s)
on conflict (id) do update set lease_until = excluded.lease_until,
    host = excluded.host, process_id = excluded.process_id, started_at = excluded.started_at
"""

# Turns that somebody is writing are passed over: whoever does has them in hand, and nobody waits in a circle.
RENEW = """
with renewed as (
    insert into workers (id, lease_until)
    values (%(worker)s, clock_timestamp() + %(seconds)s * interval '1 second')
    on conflict (id) do update set lease_until = excluded.lease_until
)
update turns set worker_id = null, crashes = crashes + (conversation_id = any (%(crashed)s))::integer where id in (
    select id from turns
    where status = 'open' and worker_id = %(worker)s and conversation_id <> all (%(holding)s)
    for no key update skip locked
)
"""

LEAVE = """
with gone as (delete from workers where id = %(worker)s)
update turns set worker_id = null where id in (
    select id from turns where status = 'open' and worker_id = %(worker)s for no key update skip locked
)
"""

TRANSCRIPT = """
select author, text from messages
where conversation_id = %s and sequence_number < %s and text is not null
    and (direction = 'inbound' or status in ('unknown', 'sent', 'delivered', 'read'))
order by sequence_number desc limit %s
"""

WAITING = """
with found as (
    select c.id as conversation_id, c.phone_number_id, min(m.created_at) as since
    from messages m join conversations c on c.id = m.conversation_id
    where m.status = 'received' and m.turn_id is null
        and m.created_at <= clock_timestamp() - %(age)s * interval '1 second'
        and c.status = 'active' and c.agent_id is not null
        and (c.paused_until is null or c.paused_until <= clock_timestamp())
        and (%(phone_number)s::uuid is null or c.phone_number_id = %(phone_number)s)
        and (%(user)s::uuid is null or c.user_id = %(user)s)
        and not exists (
            select from turns t join workers w on w.id = t.worker_id
            where t.conversation_id = c.id and t.status = 'open' and w.lease_until > clock_timestamp()
        )
    group by c.id
    -- What a worker lets be quiet is in its hands.
    having least(
        max(m.created_at) + %(quiet)s * interval '1 second', min(m.created_at) + 5 * %(quiet)s * interval '1 second'
    ) <= clock_timestamp() - %(age)s * interval '1 second'
    union all
    select t.conversation_id, t.phone_number_id, t.begun_at
    from turns t
    where (
            t.status = 'open'
            -- Decided by now: the rest of the reply can be sent. While another turn is open it waits.
            or t.status = 'undecided' and exists (select from unsent_rests u where u.turn_id = t.id)
                and not exists (select from turns o where o.conversation_id = t.conversation_id and o.status = 'open')
                and not exists (
                    select from messages m
                    where m.turn_id = t.id and m.direction = 'outbound' and m.status in ('unknown', 'sending')
                )
        )
        and (%(phone_number)s::uuid is null or t.phone_number_id = %(phone_number)s)
        and (%(user)s::uuid is null or t.user_id = %(user)s)
        and not exists (select from workers w where w.id = t.worker_id and w.lease_until > clock_timestamp())
), waiting as (
    select conversation_id, phone_number_id, min(since) as since,
        row_number() over (partition by phone_number_id order by min(since)) as place
    from found where exists (select from phone_numbers n where n.id = found.phone_number_id and n.status = 'active')
        and not exists (
            select from conversations c where c.id = found.conversation_id and is_in_doubt(c.in_doubt_id, %(undecided)s)
        )
    group by conversation_id, phone_number_id
)
-- Numbers take turns: one with thousands waiting must not keep another's lost entry from being found.
select conversation_id, phone_number_id from waiting order by place, since limit %(limit)s
"""


class PostgresTurns:
    """Turns in Postgres. Each write of a turn carries its fence, and an old one changes nothing."""

    def __init__(
        self,
        database: Database,
        ids: Ids,
        lease_seconds: float,
        quiet_seconds: float,
        undecided_seconds: float,
        lane_scope: LaneScope,
    ) -> None:
        self._database = database
        self._ids = ids
        self._lease_seconds = lease_seconds
        self._quiet_seconds = quiet_seconds
        self._undecided_seconds = undecided_seconds
        self._one_per_number = lane_scope is LaneScope.PHONE_NUMBER
        self._begun = Gatherer(self._begin, items_max=BATCH_MAX)
        self._attached = Gatherer(self._attach, items_max=BATCH_MAX)
        self._recorded = Gatherer(self._record_replies, items_max=BATCH_MAX)
        self._settled = Gatherer(self._settle, items_max=BATCH_MAX)

    async def begin(self, conversation_id: UUID, worker_id: UUID, *, at_once: bool = False) -> Turn | NoTurn | NotYet:
        """Take the conversation's turn; see the port."""
        return await self._begun.one((conversation_id, worker_id, at_once))

    async def transcript(self, turn: Turn, limit: int) -> Sequence[Said]:
        """What was said before; see the port."""
        before = turn.questions[0].sequence_number
        rows = await self._database.house.fetch(TRANSCRIPT, (turn.conversation_id, before, limit))
        return [Said(author, text) for author, text in reversed(rows)]

    async def confirm(self, turn: Turn, seconds: float) -> None:
        """Look whether the turn is still ours; see the port."""
        ((is_held,),) = await self._database.house.fetch(CONFIRM, (turn.id, turn.fence, seconds))
        if not is_held:
            raise TurnLost

    async def attach_model_conversation(
        self, turn: Turn, openai_conversation_id: str, last_item_id: str | None = None
    ) -> None:
        """Keep the id of the model's conversation; see the port."""
        if not await self._attached.one((turn, openai_conversation_id, last_item_id)):
            named = {"turn": turn.id, "openai_id": openai_conversation_id}
            await self._database.house.fetch(FORGET_CONVERSATION, named)
            raise TurnLost

    async def record_reply(self, turn: Turn, reply: ReplyRecord) -> Recorded:
        """Write the reply down; see the port."""
        recorded = await self._recorded.one((turn, reply))
        if recorded is None:
            await self._database.house.fetch(FORGET_RESPONSE, {"turn": turn.id, "openai_id": reply.response_id})
            raise TurnLost
        return recorded

    async def mark_reply(self, turn: Turn, message_id: UUID, status: OutboundStatus) -> None:
        """Note that a part waits or is about to be sent; see the port."""
        await self._must_change(MARK, (turn.id, turn.fence, message_id, status))

    async def pass_on(
        self, turn: Turn, message_id: UUID, platform_message_id: str | None, next_message_id: UUID
    ) -> bool:
        """Note that one part was taken and the next is about to be sent; see the port."""
        parameters = (turn.id, turn.fence, message_id, platform_message_id, next_message_id)
        ((outcome,),) = await self._database.house.fetch(FOLLOW, parameters)
        if outcome == "lost":
            raise TurnLost
        return bool(outcome == "passed")

    async def replace_reply(self, turn: Turn, message_id: UUID, text: str) -> None:
        """Put a template in the place of the reply; see the port."""
        await self._must_change(REPLACE, (turn.id, turn.fence, message_id, text))

    async def park(self, turn: Turn, message_id: UUID, parked: Parked, token_version: UUID | None) -> bool:
        """Hand the turn back because its phone number is parked; see the port."""
        codes = {name: parked.error[name] for name in CODES if name in parked.error}
        row = (turn.id, turn.fence, message_id, parked.status, storable_json(codes), token_version)
        ((status,),) = await self._database.house.fetch(PARK, row)
        if status is None:
            raise TurnLost
        return bool(status != ChannelStatus.ACTIVE)

    async def settle(self, turn: Turn, settlement: Settlement) -> Settled:
        """End the turn; see the port."""
        settled = await self._settled.one((turn, settlement))
        if settled is None:
            raise TurnLost
        return settled

    async def join(self, worker_id: UUID, place: Place) -> None:
        """Say that the worker begins to live; see the port."""
        values = (worker_id, self._lease_seconds, place.host, place.process_id, place.started_at)
        await self._database.house.execute(JOIN, values)

    async def renew_lease(self, worker_id: UUID, holding: Collection[UUID], crashed: Collection[UUID] = ()) -> None:
        """Say that the worker lives; see the port."""
        told = {"holding": list(holding), "crashed": list(crashed)}
        parameters = {"worker": worker_id, "seconds": self._lease_seconds, **told}
        await self._database.house.execute(RENEW, parameters)

    async def end_lease(self, worker_id: UUID) -> None:
        """Say that the worker has stopped; see the port."""
        await self._database.house.execute(LEAVE, {"worker": worker_id})

    async def waiting(self, wanted: WaitingFilter, limit: int) -> Sequence[Waiting]:
        """Conversations that should be queued; see the port."""
        rows = await self._database.house.fetch(
            WAITING,
            {
                "age": wanted.older_than_seconds,
                "quiet": self._quiet_seconds,
                "undecided": self._undecided_seconds,
                "phone_number": wanted.phone_number_id,
                "user": wanted.user_id,
                "limit": limit,
            },
        )
        return [Waiting(*row) for row in rows]

    async def _must_change(self, statement: LiteralString, parameters: Sequence[Any]) -> None:
        ((was_changed,),) = await self._database.house.fetch(statement, parameters)
        if not was_changed:
            raise TurnLost

    async def _begin(self, wanted: list[tuple[UUID, UUID, bool]]) -> Sequence[Turn | NoTurn | NotYet]:
        (worker_id,) = {worker_id for _, worker_id, _ in wanted}  # a process is one worker, so a batch is too
        # Asked for twice in one batch, a conversation is begun once; whoever asked second finds it busy.
        places: dict[UUID, int] = {}
        for place, (conversation_id, _, _) in enumerate(wanted):
            places.setdefault(conversation_id, place)
        at_once = [wanted[place][2] for place in places.values()]
        turn_ids = [self._ids.new() for _ in places]
        limits = (TURN_PRICE, self._quiet_seconds, self._one_per_number, self._lease_seconds, CRASHES_MAX)
        looked_back = (TURNS_MIN, LOOKED_BACK_SECONDS)
        rows = await self._database.house.fetch(
            BEGIN, (list(places), turn_ids, at_once, worker_id, *limits, *looked_back, self._undecided_seconds)
        )
        found: list[Turn | NoTurn | NotYet] = [NoTurn.BUSY] * len(wanted)
        for (conversation_id, place), row in zip(places.items(), rows, strict=True):
            found[place] = _turn(conversation_id, *row)
        return found

    async def _attach(self, wanted: list[tuple[Turn, str, str | None]]) -> Sequence[bool]:
        rows = await self._database.house.fetch(
            ATTACH,
            (
                [turn.id for turn, _, _ in wanted],
                [turn.fence for turn, _, _ in wanted],
                [openai_conversation_id for _, openai_conversation_id, _ in wanted],
                [last_item_id for _, _, last_item_id in wanted],
            ),
        )
        return [attached for (attached,) in rows]

    async def _record_replies(self, wanted: list[tuple[Turn, ReplyRecord]]) -> Sequence[Recorded | None]:
        parts = [(place, part) for place, (_, reply) in enumerate(wanted, 1) for part in reply.parts]
        rows = await self._database.house.fetch(
            RECORD_REPLIES,
            (
                [turn.id for turn, _ in wanted],
                [turn.fence for turn, _ in wanted],
                [reply.prompt_id for _, reply in wanted],
                [reply.prompt_version for _, reply in wanted],
                [reply.model for _, reply in wanted],
                [reply.response_id for _, reply in wanted],
                [reply.last_item_id for _, reply in wanted],
                [reply.usage.input_tokens for _, reply in wanted],
                [reply.usage.output_tokens for _, reply in wanted],
                [turn.questions[-1].sequence_number for turn, _ in wanted],
                [place for place, _ in parts],
                [part.message_id for _, part in parts],
                [part.text for _, part in parts],
                [TEMPLATE if part.is_template else "text" for _, part in parts],
            ),
        )
        return [Recorded(bool(is_asked_again)) if recorded else None for recorded, is_asked_again in rows]

    async def _settle(self, wanted: list[tuple[Turn, Settlement]]) -> Sequence[Settled | None]:
        rows = await self._database.house.fetch(
            SETTLE,
            (
                [turn.id for turn, _ in wanted],
                [turn.fence for turn, _ in wanted],
                [settlement.turn for _, settlement in wanted],
                [settlement.inbound for _, settlement in wanted],
                [settlement.reason for _, settlement in wanted],
                [settlement.outbound for _, settlement in wanted],
                [settlement.platform_message_id for _, settlement in wanted],
                [settlement.entry for _, settlement in wanted],
                [storable_json(settlement.error) for _, settlement in wanted],
                [settlement.last_item_id for _, settlement in wanted],
                [settlement.message_id for _, settlement in wanted],
            ),
        )
        return [Settled(more) if settled else None for settled, more in rows]


def _turn(conversation_id: UUID, state: str, quiet_seconds: float | None, *row: Any) -> Turn | NoTurn | NotYet:
    if state == "quiet":
        return NotYet(float(quiet_seconds or 0.0))
    if state not in {"begun", "resumed"}:
        return NoTurn(state)
    *place, openai_conversation_id, last_item_id, attempts, crashes, questions, replies, heard, lately, context = row
    turn_id, fence, user_id, phone_number_id, agent_id, address = place
    return Turn(
        id=turn_id,
        fence=fence,
        user_id=user_id,
        conversation_id=conversation_id,
        phone_number_id=phone_number_id,
        agent_id=agent_id,
        address=address,
        openai_conversation_id=openai_conversation_id,
        questions=tuple(Question(UUID(message_id), *rest) for message_id, *rest in questions),
        replies=tuple(_reply(*reply) for reply in replies or ()),
        attempts=attempts,
        crashes=crashes,
        last_item_id=last_item_id,
        heard=Heard(heard[0], _time(heard[1]), heard[2]),
        lately=tuple(Line(way == "outbound", digest, _time(at)) for way, digest, at in lately or ()),
        context_version=context,
    )


def _reply(message_id: str, text: str, status: str, type_: str) -> StoredReply:
    return StoredReply(UUID(message_id), text, OutboundStatus(status), type_ == TEMPLATE)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
