"""Alerts to the administrator's webhook: our own JSON, or what Slack's incoming webhooks take."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import msgspec

from adapters.alerting.signature import WebhookSignature
from adapters.alerting.wording import lines, title
from application.ports.alert_deliveries import NotDelivered
from application.ports.clock import Clock
from domain.alert_deliveries import AlertDelivery
from domain.alert_rules import severity_of

SECONDS_MAX = 10.0
HTTP_OK, HTTP_REDIRECT = 200, 300


def as_json(delivery: AlertDelivery) -> bytes:
    """The alert with all its fields, in the envelope that Standard Webhooks recommends."""
    alert = delivery.alert
    data = {
        "id": alert.id,
        "user_id": alert.user_id,
        "kind": alert.kind,
        "severity": severity_of(alert),
        "subject": alert.subject,
        "detail": alert.detail,
        "opened_at": alert.opened_at,
        "resolved_at": alert.resolved_at,
        "times": alert.times,
    }
    event = {"type": f"alert.{delivery.event}", "timestamp": delivery.happened_at, "data": data}
    return msgspec.json.encode(event)


def as_slack(delivery: AlertDelivery) -> bytes:
    """A message in Slack's markup, which many others take too."""
    return msgspec.json.encode({"text": "\n".join([f"*{_plain(title(delivery))}*", *map(_plain, lines(delivery))])})


def _plain(line: str) -> str:
    """Without a meaning in Slack's markup: an alert must not call the whole channel."""
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class WebhookAlertSender:
    """Posts to the URL that the administrator chose. Only a 2xx is an answer; redirects are not followed."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        signature: WebhookSignature,
        clock: Clock,
        body_of: Callable[[AlertDelivery], bytes] = as_json,
    ) -> None:
        self._http = http
        self._url = url
        self._signature = signature
        self._clock = clock
        self._body_of = body_of

    async def send(self, delivery: AlertDelivery) -> None:
        """Post it; see the port."""
        body = self._body_of(delivery)
        headers = self._signature.headers(delivery.id, int(self._clock.now().timestamp()), body)
        request = self._http.post(
            self._url,
            data=body,
            headers={"Content-Type": "application/json", **headers},
            timeout=aiohttp.ClientTimeout(total=SECONDS_MAX),
            allow_redirects=False,
        )
        try:
            async with request as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            # The words of the error may hold the URL, and that may be the secret.
            raise NotDelivered(f"No answer: {type(error).__name__}.") from error
        if not HTTP_OK <= status < HTTP_REDIRECT:
            raise NotDelivered(f"It answered {status}.")
