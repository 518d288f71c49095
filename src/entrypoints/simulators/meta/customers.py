"""Playing the customer: a message of theirs, posted to the webhook as Meta would."""

import asyncio
from typing import Annotated, Literal

from aiohttp.web import BaseRequest, Response
from msgspec import Meta, Struct, field

from entrypoints.simulators import control
from entrypoints.simulators.answers import Json, JsonValue, json_answer
from entrypoints.simulators.journal import Journal
from entrypoints.simulators.meta.deliveries import Deliveries, Webhook
from entrypoints.simulators.meta.errors import invalid
from entrypoints.simulators.meta.messages import Channel, new_mid, new_wamid
from entrypoints.simulators.meta.payloads import (
    instagram_delivery,
    now_milliseconds,
    now_seconds,
    whatsapp_delivery,
)
from entrypoints.simulators.meta.signing import Signer
from entrypoints.simulators.meta.wire import meta_json
from entrypoints.simulators.routing import Router

_ACQUAINTANCES_MAX = 100_000
_WRONG_SIGNATURE = "sha256=" + "0" * 64


class Say(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a customer says to a phone number (or an Instagram account), and how it is posted."""

    phone_number_id: str = ""
    sender: str = field(name="from", default="")
    channel: Channel = "whatsapp"
    name: str = "Customer"
    text: str | None = None
    kind: str = "text"
    value: JsonValue = None
    user_id: str | None = None
    reply_to: str | None = None
    platform_message_id: str | None = None
    timestamp: int | None = None
    raw: JsonValue = None
    times: Annotated[int, Meta(ge=1, le=1000)] = 1
    concurrent: bool = False
    signature: Literal["valid", "wrong", "missing"] = "valid"
    redelivered: bool = True


class Acquaintances:
    """Which Instagram account a customer wrote to last: it is what `me` means in an answer to them."""

    def __init__(self) -> None:
        """Know nobody."""
        self._account_ids: dict[str, str] = {}

    def meet(self, customer_id: str, account_id: str) -> None:
        """Remember the account."""
        self._account_ids[customer_id] = account_id
        if len(self._account_ids) > _ACQUAINTANCES_MAX:
            del self._account_ids[next(iter(self._account_ids))]

    def account_of(self, customer_id: str) -> str:
        """The account, or `me` if the customer never wrote."""
        return self._account_ids.get(customer_id, "me")


class Customers:
    """Turns what a customer says into webhooks."""

    def __init__(self, deliveries: Deliveries, signer: Signer, journal: Journal, acquaintances: Acquaintances) -> None:
        """Post through these deliveries."""
        self._deliveries = deliveries
        self._signer = signer
        self._journal = journal
        self._acquaintances = acquaintances

    def add_routes(self, router: Router) -> None:
        """Add the control endpoint."""
        control.add(router, "POST", "customers/say", self.say)

    async def say(self, request: BaseRequest) -> Response:
        """Post the message and tell what the webhook answered."""
        said = control.convert(await control.read_control(request), Say)
        message_id = None if said.raw is not None else said.platform_message_id or _new_id(said.channel)
        webhook = self._webhook(said, message_id)
        if said.channel == "instagram":
            self._acquaintances.meet(said.sender, said.phone_number_id)
        statuses = await self._post(webhook, said)
        return json_answer(
            {
                "platform_message_id": message_id,
                "webhook_status": statuses[0],
                "webhook_statuses": statuses,
            }
        )

    def _webhook(self, said: Say, message_id: str | None) -> Webhook:
        body = _body(said, message_id)
        signature = {
            "valid": self._signer.sign(said.channel, body),
            "wrong": _WRONG_SIGNATURE,
            "missing": None,
        }[said.signature]
        return Webhook(
            body=body,
            signature=signature,
            about=message_id,
            content="customer_message",
            redelivered=said.redelivered,
        )

    async def _post(self, webhook: Webhook, said: Say) -> list[int | None]:
        self._journal.write(
            "customer_message",
            accepted=True,
            outcome="posted",
            platform_message_id=webhook.about,
            phone_number_id=said.phone_number_id,
            customer_id=said.sender,
            text=_printable(said.text),
        )
        posts = [self._deliveries.deliver(webhook) for _ in range(said.times)]
        if said.concurrent:
            return list(await asyncio.gather(*posts))
        return [await post for post in posts]


def _body(said: Say, message_id: str | None) -> bytes:
    if isinstance(said.raw, str):
        return said.raw.encode(errors="surrogatepass")
    if said.raw is not None:
        return meta_json(said.raw)
    if not said.phone_number_id or not (said.sender or said.user_id):
        raise invalid("phone_number_id and from are required.")
    return meta_json(_instagram(said, message_id) if said.channel == "instagram" else _whatsapp(said, message_id))


def _whatsapp(said: Say, message_id: str | None) -> Json:
    contact: Json = {"profile": {"name": said.name}}
    message: Json = {"id": message_id, "timestamp": str(said.timestamp or now_seconds()), "type": said.kind}
    # A customer with a user name may come without a telephone number.
    if said.sender:
        contact["wa_id"] = message["from"] = said.sender
    if said.user_id:
        contact["user_id"] = message["from_user_id"] = said.user_id
    if said.reply_to:
        message["context"] = {"from": said.phone_number_id, "id": said.reply_to}
    message[said.kind] = {"body": said.text} if said.value is None else said.value
    return whatsapp_delivery(said.phone_number_id, {"contacts": [contact], "messages": [message]})


def _instagram(said: Say, message_id: str | None) -> Json:
    event: Json = {
        "sender": {"id": said.sender},
        "recipient": {"id": said.phone_number_id},
        "timestamp": said.timestamp or now_milliseconds(),
    }
    if said.kind == "text":
        event["message"] = {"mid": message_id, "text": said.text}
    elif said.kind == "attachments":
        event["message"] = {"mid": message_id, "attachments": said.value}
    else:
        event[said.kind] = {"mid": message_id, **(said.value or {})}
    if said.reply_to and "message" in event:
        event["message"]["reply_to"] = {"mid": said.reply_to}
    return instagram_delivery(said.phone_number_id, event)


def _new_id(channel: Channel) -> str:
    return new_mid() if channel == "instagram" else new_wamid()


def _printable(text: str | None) -> str | None:
    # Lone surrogates are sent as they are, but no journal in UTF-8 can hold them.
    return text and text.encode(errors="replace").decode()
