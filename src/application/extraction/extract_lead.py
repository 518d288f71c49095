"""One attempt of one run: read the record, ask the model, believe what is proved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application.alerting import raise_quietly, resolve_quietly
from application.ports.alerts import Alerts
from application.ports.clock import Clock, Ids
from application.ports.extractions import ClaimedRun, Extractions, Found, Material
from application.ports.lead_model import LeadModel, LeadOutcome, LeadRequest
from domain.answers import Answered, NotAnswered, TryAgain, Uncertain, Usage
from domain.leads.form import LeadForm, read_form, strict_schema
from domain.leads.prompt import VERSION, instructions, question
from domain.leads.reading import InvalidReading, Reading, read
from domain.leads.runs import ATTEMPTS_MAX, FAILING_IN_A_ROW, RunError, back_off_seconds, is_too_old
from domain.leads.transcript import Line, cut
from domain.leads.values import region_of
from domain.monitoring import AlertKind
from domain.shared import InvalidInput

TIMEOUT_SECONDS = 60.0
LEASE_SECONDS = TIMEOUT_SECONDS + 30.0
"""An attempt ends well before its lease, so nothing has to renew it; who is silent for longer is dead or stopped."""
OUTAGE_SECONDS = 15.0
INVALID = "invalid"
NOTHING = Usage()


@dataclass(frozen=True, slots=True)
class RunExtractions:
    """What a worker does with runs: take some, and serve each."""

    extractions: Extractions
    model: LeadModel
    alerts: Alerts
    clock: Clock
    ids: Ids

    async def claim(self, limit: int) -> Sequence[ClaimedRun]:
        """Take up to `limit` runs. Raises Unavailable."""
        return await self.extractions.claim(LEASE_SECONDS, limit)

    async def serve(self, run: ClaimedRun) -> None:
        """Make one attempt. Raises Unavailable: then the run is taken up again when its lease has run out."""
        if run.attempt > ATTEMPTS_MAX:
            detail = "Each worker that had it in hand ended before it was done."
            await self._fail(run, RunError(run.attempt - 1, "interrupted", detail), NOTHING)
        elif (material := await self.extractions.material(run)) is not None:
            await self._serve(run, material)

    async def _serve(self, run: ClaimedRun, material: Material) -> None:
        try:
            form = read_form(material.form)
        except InvalidInput as wrong:
            await self._fail(run, RunError(run.attempt, "form_invalid", f"{wrong.field}: {wrong}"), NOTHING)
        else:
            await self._read(run, material, form, cut(material.lines))

    async def _read(self, run: ClaimedRun, material: Material, form: LeadForm, lines: Sequence[Line]) -> None:
        if not any(line.is_customer for line in lines):
            await self._complete(run, Found(Reading({}, {}), form.digest, VERSION, "none", NOTHING))
            return
        match await self._ask(run, material, form, lines):
            case Answered() as answered:
                await self._believe(run, material, form, lines, answered)
            case NotAnswered(reason, detail):
                await self._attempt_failed(run, RunError(run.attempt, str(reason), detail), NOTHING)
            case TryAgain(detail, after_seconds) | Uncertain(detail, after_seconds):
                await self._provider_failed(run, detail, after_seconds)

    async def _ask(self, run: ClaimedRun, material: Material, form: LeadForm, lines: Sequence[Line]) -> LeadOutcome:
        refused = [error.detail for error in run.errors if error.code == INVALID][-1:]
        request = LeadRequest(
            run.id,
            run.attempt,
            instructions(refused),
            question(lines, self.ids.new().hex, run.created_at),
            strict_schema(form),
            str(material.customer_id),
            TIMEOUT_SECONDS,
        )
        return await self.model.read(request)

    async def _believe(
        self, run: ClaimedRun, material: Material, form: LeadForm, lines: Sequence[Line], answered: Answered
    ) -> None:
        try:
            reading = read(form, answered.text, lines, region_of(material.business_number))
        except InvalidReading as invalid:
            await self._attempt_failed(run, RunError(run.attempt, INVALID, str(invalid)), answered.usage)
            return
        await self._complete(run, Found(reading, form.digest, VERSION, answered.model, answered.usage))

    async def _complete(self, run: ClaimedRun, found: Found) -> None:
        if await self.extractions.complete(run, found):
            await resolve_quietly(self.alerts, AlertKind.EXTRACTIONS_FAILING, str(run.user_id))

    async def _attempt_failed(self, run: ClaimedRun, error: RunError, usage: Usage) -> None:
        if run.attempt >= ATTEMPTS_MAX:
            await self._fail(run, error, usage)
        else:
            await self.extractions.set_back(run, error, back_off_seconds(run.attempt), usage, is_attempt=True)

    async def _provider_failed(self, run: ClaimedRun, detail: str, after_seconds: float | None) -> None:
        """An outage says nothing about the conversation: it is waited for, and not counted."""
        error = RunError(run.attempt, "provider_failed", detail)
        if is_too_old(run.created_at, self.clock.now()):
            await self._fail(run, error, NOTHING)
        else:
            after = OUTAGE_SECONDS if after_seconds is None else max(after_seconds, 1.0)
            await self.extractions.set_back(run, error, after, NOTHING, is_attempt=False)

    async def _fail(self, run: ClaimedRun, error: RunError, usage: Usage) -> None:
        if not await self.extractions.fail(run, error, usage):
            return
        if await self.extractions.failing(run.user_id, FAILING_IN_A_ROW) >= FAILING_IN_A_ROW:
            detail = f"{FAILING_IN_A_ROW} conversations in a row could not be read; their runs tell why."
            await raise_quietly(self.alerts, AlertKind.EXTRACTIONS_FAILING, str(run.user_id), run.user_id, detail)
