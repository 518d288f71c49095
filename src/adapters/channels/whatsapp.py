"""WhatsApp, outbound: a text over the Graph API (POST /{version}/{phone_number_id}/messages)."""

from __future__ import annotations

from typing import Any

import aiohttp
import msgspec

from adapters.channels.graph_errors import outcome_of_error
from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from domain.delivery import Accepted, Ambiguous, Deferred, Refused, SendOutcome

REDIRECTS_START = 300


class _Id(msgspec.Struct):
    id: str


class _Sent(msgspec.Struct):
    messages: list[_Id]


class _Failed(msgspec.Struct):
    error: dict[str, Any]


class WhatsAppGateway:
    """Sends through one HTTP session. One call in, one request out: Graph knows no idempotency key."""

    def __init__(self, session: aiohttp.ClientSession, graph_base_url: str, graph_version: str) -> None:
        self._session = session
        self._root = f"{graph_base_url.rstrip('/')}/{graph_version}"

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Hand the text to WhatsApp; see the port."""
        try:
            async with self._session.post(
                f"{self._root}/{briefing.account}/messages",
                data=msgspec.json.encode(_request(message)),
                headers={"Authorization": f"Bearer {briefing.access_token}", "Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=message.timeout_seconds),
                allow_redirects=False,
            ) as response:
                return _outcome(response, await response.read())
        except ValueError:
            # A URL or a header that cannot be written (a token with a line break in it): nothing was sent.
            return Refused({"detail": "Account or access token hold characters that no request can carry."})
        except aiohttp.ClientConnectorError as error:
            return Deferred({"detail": f"Graph could not be reached: {type(error).__name__}"}, is_outage=True)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Ambiguous({"detail": f"Graph did not answer: {type(error).__name__}"})


def _request(message: OutboundText) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_recipient(message.address),
        "type": "text",
        "text": {"body": message.text, "preview_url": False},
        "biz_opaque_callback_data": str(message.message_id),
    }


def _recipient(address: str) -> dict[str, str]:
    """A number with its plus sign: without it Meta prepends the business's own country code, and a stranger reads.

    A business-scoped user id (``US.13491208655302741918``) has its own field; in `to` it would be dropped silently.
    """
    return {"to": f"+{address}"} if address.isdecimal() else {"recipient": address}


def _outcome(response: aiohttp.ClientResponse, body: bytes) -> SendOutcome:
    if response.status < REDIRECTS_START:
        return _accepted(body)
    try:
        error = msgspec.json.decode(body, type=_Failed).error
    except msgspec.DecodeError:
        error = {}
    return outcome_of_error(response.status, error, _seconds(response.headers.get("Retry-After")))


def _accepted(body: bytes) -> SendOutcome:
    """A 2xx is an acceptance even when its body is broken: the id then comes with the first receipt."""
    try:
        return Accepted(msgspec.json.decode(body, type=_Sent).messages[0].id)
    except (msgspec.DecodeError, IndexError):
        pass
    try:
        # Graph was seen to report an error under status 200.
        return outcome_of_error(200, msgspec.json.decode(body, type=_Failed).error, None)
    except msgspec.DecodeError:
        return Accepted(None)


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() else None
