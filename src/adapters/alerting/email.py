"""Alerts by e-mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from adapters.alerting.wording import lines, title
from application.ports.alert_deliveries import NotDelivered
from domain.alert_deliveries import AlertDelivery, AlertEvent

SECONDS_MAX = 20.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. `is_encrypted` from the first byte; otherwise STARTTLS, which a password demands."""

    host: str
    port: int
    user: str | None
    password: str | None
    is_encrypted: bool

    @classmethod
    def of(cls, url: str) -> MailServer:
        """From `smtp(s)://user:password@host:port`; the ports are 587 and 465 unless told."""
        parts = urlsplit(url)
        is_encrypted = parts.scheme == "smtps"
        user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
        return cls(parts.hostname or "", parts.port or (465 if is_encrypted else 587), user, password, is_encrypted)


class EmailAlertSender:
    """One letter to all recipients. Its Message-ID stays the same when it is sent again."""

    def __init__(self, server: MailServer, sender: str, recipients: Sequence[str]) -> None:
        self._server = server
        self._sender = sender
        self._recipients = list(recipients)

    async def send(self, delivery: AlertDelivery) -> None:
        """Hand it in; see the port."""
        server = self._server
        try:
            refused, _ = await aiosmtplib.send(
                self._letter(delivery),
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.is_encrypted,
                # None: when the server offers it.
                start_tls=None if server.is_encrypted or server.password is None else True,
                timeout=SECONDS_MAX,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # What servers answer may repeat addresses.
            raise NotDelivered(f"The mail server did not take it: {type(error).__name__}.") from error
        if refused:
            raise NotDelivered(f"The mail server refused {len(refused)} of {len(self._recipients)} recipients.")

    def _letter(self, delivery: AlertDelivery) -> EmailMessage:
        letter = EmailMessage()
        letter["From"] = self._sender
        letter["To"] = ", ".join(self._recipients)
        letter["Subject"] = f"[Frontdesk] {title(delivery)}"
        letter["Date"] = delivery.happened_at
        letter["Message-ID"] = f"<{delivery.id}@frontdesk>"
        if delivery.event is AlertEvent.RESOLVED:
            letter["In-Reply-To"] = f"<{delivery.alert.id}_{AlertEvent.OPENED}@frontdesk>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content("\n".join(lines(delivery)) + "\n")
        return letter
