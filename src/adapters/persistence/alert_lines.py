"""The line in the log for each alert that opens or ends, whoever makes it so."""

from __future__ import annotations

from uuid import UUID

import structlog

from domain.monitoring import AlertKind

log = structlog.get_logger()


def tell_alert(kind: AlertKind, user_id: UUID | None, subject: str, *, is_open: bool) -> None:
    """An alert opened, or ended. Call it when that is committed."""
    named = {"kind": kind.value, "subject": subject, "user_id": None if user_id is None else str(user_id)}
    if is_open:
        log.warning("alert_opened", **named)
    else:
        log.info("alert_resolved", **named)
