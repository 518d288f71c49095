"""`AlertService` over the application."""

from __future__ import annotations

from application.app import Application
from domain.alert_rules import severity_of
from domain.monitoring import Alert, AlertState
from entrypoints.rpc._generated.frontdesk.v1 import alert_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.alert_pb2_grpc import AlertServiceServicer
from entrypoints.rpc.fields import (
    id_out,
    number_out,
    optional_id_out,
    optional_time_out,
    page_in,
    time_out,
    uuid_in,
    word_in,
)
from entrypoints.rpc.interceptors import Context, caller_of_call


class AlertServicer(AlertServiceServicer):
    """Alerts by gRPC."""

    def __init__(self, application: Application) -> None:
        self._alerts = application.alerts

    async def ListAlerts(self, request: pb.ListAlertsRequest, context: Context) -> pb.ListAlertsResponse:
        """List everyone's alerts and the house's own."""
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._alerts.of_all(caller_of_call.get(), _state_in(request.state), page)
        return pb.ListAlertsResponse(
            alerts=[_alert(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def ListUserAlerts(self, request: pb.ListUserAlertsRequest, context: Context) -> pb.ListUserAlertsResponse:
        """List a user's alerts."""
        user_id = uuid_in(request.user_id, "user_id")
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._alerts.of_user(caller_of_call.get(), user_id, _state_in(request.state), page)
        return pb.ListUserAlertsResponse(
            alerts=[_alert(one) for one in found.items], next_page_token=found.next_cursor or ""
        )


def _state_in(number: int) -> AlertState | None:
    word = word_in(pb.AlertState.DESCRIPTOR, number, "state")
    return None if word is None else AlertState(word)


def _alert(alert: Alert) -> pb.Alert:
    return pb.Alert(
        id=id_out(alert.id),
        user_id=optional_id_out(alert.user_id),
        kind=alert.kind,
        subject=alert.subject,
        detail=alert.detail,
        open_time=time_out(alert.opened_at),
        resolve_time=optional_time_out(alert.resolved_at),
        times=alert.times,
        severity=pb.AlertSeverity.ValueType(number_out(pb.AlertSeverity.DESCRIPTOR, severity_of(alert))),
    )
