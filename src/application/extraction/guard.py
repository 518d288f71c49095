"""A breaker before the model that reads: while the provider is out, runs wait instead of hammering it.

It is not the one of replies: runs that time out must not hold replies back.
"""

from __future__ import annotations

from dataclasses import dataclass

from application.alerting import ProviderWatch
from application.ports.lead_model import LeadModel, LeadOutcome, LeadRequest
from domain.answers import TryAgain, Uncertain


@dataclass(frozen=True, slots=True)
class GuardedLeadModel:
    """A model behind a breaker. Held back, a call is a TryAgain that says when."""

    model: LeadModel
    watch: ProviderWatch

    async def read(self, request: LeadRequest) -> LeadOutcome:
        """What the model answers; see the port."""
        wait_seconds = self.watch.wait_seconds()
        if wait_seconds > 0:
            return TryAgain("The model's provider is out.", wait_seconds)
        outcome = await self.model.read(request)
        is_outage = isinstance(outcome, Uncertain) or (isinstance(outcome, TryAgain) and outcome.is_outage)
        await self.watch.note(failed=is_outage)
        return outcome
