"""Runs and leads, in memory, and a model that answers as it was told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.answers import Once
from application.ports.clock import Ids
from application.ports.extractions import ClaimedRun, ExtractionFilter, Found, Material
from application.ports.lead_model import LeadOutcome, LeadRequest
from domain.answers import Usage
from domain.contents import told
from domain.conversations import Conversation
from domain.credits import EntryKind, InsufficientCredits
from domain.leads.merging import Lead, LeadValue, merged
from domain.leads.runs import Extraction, ExtractionStatus, NothingToRead, Origin, RunError
from domain.leads.transcript import FIRST, LAST, Line
from domain.shared import NotFound
from tests.fakes.answers import done_once
from tests.fakes.memory_store import MemoryStore
from tests.fakes.pages import page_of

WAITING = {ExtractionStatus.PENDING, ExtractionStatus.RUNNING}


@dataclass(slots=True)
class StoredRun:
    """A run as it is kept."""

    shown: Extraction
    price: int
    due_at: datetime
    fence: int = 0
    errors: list[RunError] = field(default_factory=list)


class MemoryExtractions:
    """Each call is whole: nothing is awaited inside."""

    def __init__(self, store: MemoryStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def open_due(self, idle_seconds: float, price: int, limit: int) -> int:
        quiet_since = self._store.clock.now() - timedelta(seconds=idle_seconds)
        due = [one for one in self._store.conversations.values() if self._is_due(one, quiet_since)][:limit]
        for conversation in due:
            self._store.extracted_through[conversation.id] = conversation.message_count
            run = self._open(conversation, Origin.QUIET, price)
            if not self._hold(run):
                error = RunError(0, "insufficient_credits", "There were not enough credits left.")
                run.price = 0
                self._end(run, ExtractionStatus.FAILED, error)
        return len(due)

    def _is_due(self, conversation: Conversation, quiet_since: datetime) -> bool:
        through = self._store.extracted_through.get(conversation.id, 0)
        said = self._store.messages_of(conversation.id)
        has_news = any(one.author == "customer" and one.sequence_number > through for one in said)
        return has_news and conversation.last_activity_at <= quiet_since

    async def waiting(self, limit: int) -> int:
        return len(self._due()[:limit])

    async def request(
        self, user_id: UUID, conversation_id: UUID, price: int, once: Once[Extraction] | None
    ) -> Extraction:
        return done_once(self._store, user_id, once, lambda: self._request(user_id, conversation_id, price))

    def _request(self, user_id: UUID, conversation_id: UUID, price: int) -> Extraction:
        conversation = self._store.conversations.get(conversation_id)
        if conversation is None or self._store.owner_of(conversation) != user_id:
            raise NotFound("conversation")
        if conversation.message_count == 0:
            raise NothingToRead("Nobody has written anything.")
        self._must_afford(user_id, price)
        self._store.extracted_through[conversation_id] = conversation.message_count
        run = self._open(conversation, Origin.REQUEST, price)
        self._hold(run)
        return run.shown

    async def request_all(self, user_id: UUID, agent_id: UUID, price: int, once: Once[int] | None) -> int:
        return done_once(self._store, user_id, once, lambda: self._request_all(user_id, agent_id, price))

    def _request_all(self, user_id: UUID, agent_id: UUID, price: int) -> int:
        agent = self._store.agents.get(agent_id)
        if agent is None or agent.user_id != user_id:
            raise NotFound("agent")
        wanted = [
            one
            for one in self._store.conversations.values()
            if one.agent_id == agent_id and self._has_customer(one) and not self._has_fresh_run(one)
        ]
        self._must_afford(user_id, price * len(wanted))
        for conversation in wanted:
            self._hold(self._open(conversation, Origin.REQUEST, price))
        return len(wanted)

    def _has_customer(self, conversation: Conversation) -> bool:
        return any(one.author == "customer" for one in self._store.messages_of(conversation.id))

    def _has_fresh_run(self, conversation: Conversation) -> bool:
        return any(
            run.shown.conversation_id == conversation.id
            and run.shown.status is ExtractionStatus.PENDING
            and run.shown.attempt == 0
            and run.shown.through_sequence_number == conversation.message_count
            for run in self._store.extractions.values()
        )

    async def claim(self, lease_seconds: float, limit: int) -> Sequence[ClaimedRun]:
        claimed = []
        for run in self._due()[:limit]:
            run.fence += 1
            run.due_at = self._store.clock.now() + timedelta(seconds=lease_seconds)
            run.shown = replace(run.shown, status=ExtractionStatus.RUNNING, attempt=run.shown.attempt + 1)
            shown = run.shown
            known = (shown.id, shown.user_id, shown.conversation_id, run.fence, shown.attempt, shown.created_at)
            claimed.append(ClaimedRun(*known, list(run.errors)))
        return claimed

    async def material(self, run: ClaimedRun) -> Material | None:
        stored = self._store.extractions.get(run.id)
        if stored is None:
            return None
        conversation = self._store.conversations[run.conversation_id]
        agent = self._store.agents.get(stored.shown.agent_id) if stored.shown.agent_id else None
        number = self._store.phone_numbers[conversation.phone_number_id]
        said = self._store.messages_of(run.conversation_id)[: stored.shown.through_sequence_number]
        kept = [*said[:FIRST], *said[FIRST:][-LAST:]]
        lines = [
            Line(one.sequence_number, one.author == "customer", one.created_at, told(one.type, one.text, one.content))
            for one in kept
        ]
        return Material(agent and agent.lead_form, number.number, conversation.customer.id, lines)

    async def complete(self, run: ClaimedRun, found: Found) -> bool:
        stored = self._held(run)
        if stored is None:
            return False
        values = found.reading.values
        stored.shown = replace(
            stored.shown,
            data={name: one.value for name, one in values.items()},
            evidence={name: list(one.evidence) for name, one in values.items()},
            dropped=dict(found.reading.dropped),
            form_digest=found.form_digest,
            prompt_version=found.prompt_version,
            model=found.model,
        )
        self._count(stored, found.usage)
        self._end(stored, ExtractionStatus.COMPLETED)
        self._merge(run, found)
        self._end_hold(stored, EntryKind.CAPTURE)
        return True

    async def set_back(
        self, run: ClaimedRun, error: RunError, after_seconds: float, usage: Usage, *, is_attempt: bool
    ) -> bool:
        stored = self._held(run)
        if stored is None:
            return False
        attempt = stored.shown.attempt - int(not is_attempt)
        stored.shown = replace(stored.shown, status=ExtractionStatus.PENDING, attempt=attempt)
        stored.due_at = self._store.clock.now() + timedelta(seconds=after_seconds)
        self._note(stored, error)
        self._count(stored, usage)
        return True

    async def fail(self, run: ClaimedRun, error: RunError, usage: Usage) -> bool:
        stored = self._held(run)
        if stored is None:
            return False
        stored.shown = replace(stored.shown, attempt=min(stored.shown.attempt, error.attempt))
        self._count(stored, usage)
        self._end(stored, ExtractionStatus.FAILED, error)
        self._end_hold(stored, EntryKind.RELEASE)
        return True

    async def failing(self, user_id: UUID, limit: int) -> int:
        ended = [run.shown for run in self._store.extractions.values() if run.shown.user_id == user_id]
        completed = [run.ended_at for run in ended if run.status is ExtractionStatus.COMPLETED]
        last = max((at for at in completed if at), default=None)
        since = [run for run in ended if last is None or (run.ended_at and run.ended_at > last)]
        failed = {run.conversation_id for run in since if run.status is ExtractionStatus.FAILED and run.attempt}
        return len(failed)

    async def get(self, user_id: UUID, extraction_id: UUID) -> Extraction:
        run = self._store.extractions.get(extraction_id)
        if run is None or run.shown.user_id != user_id:
            raise NotFound("extraction")
        return run.shown

    async def list(self, user_id: UUID, wanted: ExtractionFilter, page: PageRequest) -> Page[Extraction]:
        runs = [run.shown for run in self._store.extractions.values() if run.shown.user_id == user_id]
        return page_of([run for run in runs if is_wanted(run, wanted)], page)

    def _due(self) -> Sequence[StoredRun]:
        now = self._store.clock.now()
        runs = [run for run in self._store.extractions.values() if run.shown.status in WAITING and run.due_at <= now]
        return sorted(runs, key=lambda run: run.due_at)

    def _open(self, conversation: Conversation, origin: Origin, price: int) -> StoredRun:
        now = self._store.clock.now()
        shown = Extraction(
            id=self._ids.new(),
            user_id=self._store.owner_of(conversation),
            conversation_id=conversation.id,
            agent_id=conversation.agent_id,
            origin=origin,
            status=ExtractionStatus.PENDING,
            attempt=0,
            through_sequence_number=conversation.message_count,
            data=None,
            evidence=None,
            dropped=None,
            errors=[],
            form_digest=None,
            prompt_version=None,
            model=None,
            input_tokens=0,
            output_tokens=0,
            created_at=now,
            ended_at=None,
        )
        self._store.extractions[shown.id] = run = StoredRun(shown, price, now)
        return run

    def _must_afford(self, user_id: UUID, credits_: int) -> None:
        if credits_ > self._store.accounts[user_id].available:
            raise InsufficientCredits(self._store.accounts[user_id])

    def _hold(self, run: StoredRun) -> bool:
        if run.price == 0:
            return True
        try:
            self._store.move_credits(
                run.shown.user_id, EntryKind.HOLD, run.price, None, None, extraction_id=run.shown.id
            )
        except InsufficientCredits:
            return False
        return True

    def _end_hold(self, run: StoredRun, kind: EntryKind) -> None:
        if run.price:
            self._store.move_credits(run.shown.user_id, kind, run.price, None, None, extraction_id=run.shown.id)

    def _held(self, run: ClaimedRun) -> StoredRun | None:
        stored = self._store.extractions.get(run.id)
        is_held = stored and stored.fence == run.fence and stored.shown.status is ExtractionStatus.RUNNING
        return stored if is_held else None

    def _count(self, run: StoredRun, usage: Usage) -> None:
        tokens = (run.shown.input_tokens + usage.input_tokens, run.shown.output_tokens + usage.output_tokens)
        run.shown = replace(run.shown, input_tokens=tokens[0], output_tokens=tokens[1])

    def _note(self, run: StoredRun, error: RunError) -> None:
        run.errors.append(error)
        written = [{"attempt": one.attempt, "code": one.code, "detail": one.detail} for one in run.errors]
        run.shown = replace(run.shown, errors=written)

    def _end(self, run: StoredRun, status: ExtractionStatus, error: RunError | None = None) -> None:
        if error:
            self._note(run, error)
        run.shown = replace(run.shown, status=status, ended_at=self._store.clock.now())

    def _merge(self, run: ClaimedRun, found: Found) -> None:
        if not found.reading.values:
            return
        customer = self._store.conversations[run.conversation_id].customer
        now = self._store.clock.now()
        lead = self._store.leads.get(customer.id) or Lead(run.user_id, customer, {}, now, now)
        fields = dict(lead.fields)
        for name, one in found.reading.values.items():
            value = LeadValue(one.value, one.evidence, run.conversation_id, run.id, one.proven_at, run.created_at)
            fields[name] = merged(fields.get(name, ()), (value,))
        self._store.leads[customer.id] = replace(lead, fields=fields, updated_at=now)


def is_wanted(run: Extraction, wanted: ExtractionFilter) -> bool:
    """Whether the filter wants that run."""
    return (
        wanted.conversation_id in (None, run.conversation_id)
        and wanted.agent_id in (None, run.agent_id)
        and wanted.status in (None, run.status)
        and (wanted.since is None or run.created_at >= wanted.since)
        and (wanted.until is None or run.created_at < wanted.until)
    )


def joined(lead: Lead, other: Lead | None) -> Lead:
    """The lead with the values of another one."""
    if other is None:
        return lead
    names = dict.fromkeys((*lead.fields, *other.fields))
    fields = {name: merged(lead.fields.get(name, ()), other.fields.get(name, ())) for name in names}
    return replace(lead, fields=fields, created_at=min(lead.created_at, other.created_at))


class MemoryLeads:
    """The leads that the runs of the same store found."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def get(self, user_id: UUID, customer_id: UUID) -> Lead:
        lead = self._store.leads.get(customer_id)
        if lead is None or lead.user_id != user_id:
            raise NotFound("lead")
        return self._shown(lead)

    async def list(self, user_id: UUID, wanted: ExtractionFilter, page: PageRequest) -> Page[Lead]:
        leads = [self._shown(lead) for lead in self._store.leads.values() if lead.user_id == user_id]
        return page_of([lead for lead in leads if self._has_run(lead, wanted)], page)

    def _has_run(self, lead: Lead, wanted: ExtractionFilter) -> bool:
        return wanted == ExtractionFilter() or any(
            self._store.conversations[run.shown.conversation_id].customer.id == lead.id
            for run in self._store.extractions.values()
            if is_wanted(run.shown, wanted)
        )

    def _shown(self, lead: Lead) -> Lead:
        return replace(lead, customer=self._store.customers[lead.id])


class ScriptedLeadModel:
    """Answers what it was told, in that order; a function is given the request. `asked` is what it was asked."""

    def __init__(self, *outcomes: LeadOutcome | Callable[[LeadRequest], LeadOutcome]) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[LeadRequest] = []

    async def read(self, request: LeadRequest) -> LeadOutcome:
        self.asked.append(request)
        outcome = self.outcomes.pop(0)
        return outcome(request) if callable(outcome) else outcome


class MemoryExtractionQueue:
    """Counts who was woken."""

    def __init__(self) -> None:
        self.woken = 0

    async def wake(self, workers: int) -> None:
        self.woken += workers
