"""An alert in words, for people."""

from __future__ import annotations

from domain.alert_deliveries import AlertDelivery, AlertEvent
from domain.alert_rules import RULES, severity_of
from domain.monitoring import Alert


def title(delivery: AlertDelivery) -> str:
    """One line: what opened or ended, and how bad that is."""
    alert = delivery.alert
    name = alert.kind.replace("_", " ").capitalize()
    if delivery.event is AlertEvent.RESOLVED:
        return f"Resolved: {name}"
    return f"{severity_of(alert).capitalize()}: {name}"


def lines(delivery: AlertDelivery) -> list[str]:
    """What is known of it, a line each."""
    alert = delivery.alert
    said = [
        alert.detail,
        f"About: {alert.subject}",
        f"User: {alert.user_id or 'none, it is the house itself'}",
        f"Opened: {alert.opened_at.isoformat(timespec='seconds')}",
    ]
    return [line for line in [*said, _end(delivery.event, alert)] if line]


def _end(event: AlertEvent, alert: Alert) -> str:
    if event is AlertEvent.RESOLVED and alert.resolved_at:
        return f"Ended: {alert.resolved_at.isoformat(timespec='seconds')}"
    return f"It ends when {RULES[alert.kind].ends}."
