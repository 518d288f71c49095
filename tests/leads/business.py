"""A business with two phone numbers whose conversations are read: the use cases of the extraction over a store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from application.extraction.extract_lead import RunExtractions
from application.extraction.schedule import ScheduleExtractions
from application.pages import PageRequest
from application.ports.extractions import ExtractionFilter
from application.ports.lead_model import LeadOutcome, LeadRequest
from domain.delivery import Accepted
from domain.leads.merging import Lead
from domain.leads.runs import ATTEMPTS_MAX, Extraction
from domain.shared import storable
from tests.builders import a_phone_number, a_user, an_agent, an_api_key, an_id
from tests.contract.paths import Path, Shop, a_reply, a_text
from tests.fakes.clock import CountingIds, FrozenClock
from tests.fakes.extractions import MemoryExtractionQueue, ScriptedLeadModel

IDLE_SECONDS = 600.0
BACK_OFF_SECONDS_MAX = 60.0


class Business:
    """It opens once; then people talk to it, and what they said is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = ScriptedLeadModel()
        self.queue = MemoryExtractionQueue()
        self._schedule = ScheduleExtractions(path.extractions, self.queue, IDLE_SECONDS, 0)
        self._runs = RunExtractions(path.extractions, self.model, path.alerts, FrozenClock(), CountingIds())
        self._shops: dict[str, Shop] = {}

    async def opens(self, number: str | None = None, form: Mapping[str, Any] | None = None) -> None:
        """Sales and service each get a phone number and an agent with this form."""
        user = a_user()
        await self.path.world.users.add(user, an_api_key(user.id))
        await self.path.world.credits.add(user.id, 1_000, None, None)
        for name in ("sales", "service"):
            own = await self.path.world.phone_numbers.add(a_phone_number(user.id, number=number), None)
            agent = await self.path.world.agents.add(an_agent(user.id, phone_number_id=own.id, lead_form=form))
            self._shops[name] = Shop(user, own, agent)
        self._worker = await self.path.a_worker()

    @property
    def user_id(self) -> UUID:
        return self._shops["sales"].user.id

    async def talks(self, says: Sequence[tuple[bool, str]], to: str = "sales", address: str = "4917012345") -> UUID:
        """A customer (True) and the business (False) write in turn; the conversation."""
        for is_customer, text in says:
            if is_customer:
                # What arrives is made storable by whoever reads the webhook.
                known = {"address": address, "platform_message_id": f"wamid.{an_id()}"}
                message = a_text(self._shops[to].number, text=storable(text), **known)
                (stored,) = await self.path.inbox.accept([message])
            else:
                turn = await self._worker.begins(stored.conversation_id)
                await self._worker.turns.record_reply(turn, a_reply(text))
                await self._worker.settles(turn, Accepted(f"wamid.{turn.id.hex}"))
        return stored.conversation_id

    async def reads(self, *answers: LeadOutcome) -> Extraction:
        """It goes quiet, one run is opened and tried until it ends; that run."""
        self.model.outcomes += answers
        await self.path.time.passes(IDLE_SECONDS + 1)
        assert await self._schedule() == 1
        for _ in range(ATTEMPTS_MAX):
            for run in await self._runs.claim(10):
                await self._runs.serve(run)
            await self.path.time.passes(BACK_OFF_SECONDS_MAX)
        assert self.model.outcomes == []
        page = await self.path.extractions.list(self.user_id, ExtractionFilter(), PageRequest(200, newest_first=True))
        return page.items[0]

    async def leads(self) -> Sequence[Lead]:
        page = await self.path.leads.list(self.user_id, ExtractionFilter(), PageRequest(200))
        return page.items


def shown(asked: LeadRequest) -> list[dict[str, Any]]:
    """The objects between the marks, which are alike, new, and nothing a customer could know."""
    _, begin, *lines, end = asked.question.split("\n")
    assert begin.removeprefix("BEGIN ") == end.removeprefix("END ")
    return [json.loads(line) for line in lines]
