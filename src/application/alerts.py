"""Reading what a person should look at."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.alerts import Alerts
from domain.monitoring import Alert, AlertState
from domain.users import Caller


@dataclass(frozen=True, slots=True)
class ReadAlerts:
    """The alerts of one user, or of the whole house."""

    alerts: Alerts

    async def of_all(self, caller: Caller, state: AlertState | None, page: PageRequest) -> Page[Alert]:
        """Everyone's alerts and the house's own. Raises Forbidden."""
        caller.must_be_admin()
        return await self.alerts.list(None, state, page)

    async def of_user(self, caller: Caller, user_id: UUID, state: AlertState | None, page: PageRequest) -> Page[Alert]:
        """The user's alerts. Raises NotFound."""
        caller.must_read(user_id)
        return await self.alerts.list(user_id, state, page)
