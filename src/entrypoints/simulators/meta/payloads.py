"""The contents of webhooks."""

import time

from entrypoints.simulators.answers import Json
from entrypoints.simulators.meta.messages import OutgoingMessage
from entrypoints.simulators.meta.outcomes import FailedLater

WHATSAPP_BUSINESS_ACCOUNT_ID = "102290129340398"
DISPLAY_PHONE_NUMBER = "15550783881"
_PRICING = {"billable": True, "pricing_model": "PMP", "category": "service", "type": "regular"}


def whatsapp_delivery(phone_number_id: str, value: Json) -> Json:
    """The envelope of a WhatsApp webhook."""
    metadata = {"display_phone_number": DISPLAY_PHONE_NUMBER, "phone_number_id": phone_number_id}
    complete = {"messaging_product": "whatsapp", "metadata": metadata, **value}
    change = {"value": complete, "field": "messages"}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": WHATSAPP_BUSINESS_ACCOUNT_ID, "changes": [change]}],
    }


def instagram_delivery(account_id: str, event: Json) -> Json:
    """The envelope of an Instagram webhook."""
    entry = {"id": account_id, "time": now_milliseconds(), "messaging": [event]}
    return {"object": "instagram", "entry": [entry]}


def status_delivery(message: OutgoingMessage, name: str, failure: FailedLater | None = None) -> Json:
    """A status of a WhatsApp message."""
    recipient = "recipient_user_id" if message.by_user_id else "recipient_id"
    status: Json = {
        "id": message.platform_message_id,
        "status": name,
        "timestamp": now_seconds(),
        recipient: message.customer_id,
    }
    if message.callback_data is not None:
        status["biz_opaque_callback_data"] = message.callback_data
    if name in {"sent", "delivered"}:
        status["pricing"] = _PRICING
    if failure:
        status["errors"] = [_error(failure)]
    return whatsapp_delivery(message.account_id, {"statuses": [status]})


def echo_delivery(message: OutgoingMessage) -> Json:
    """What Instagram tells the business about its own message."""
    echo = {"mid": message.platform_message_id, "text": message.text, "is_echo": True}
    return instagram_delivery(message.account_id, _event(message.account_id, message.customer_id, "message", echo))


def seen_delivery(message: OutgoingMessage) -> Json:
    """The customer has seen a message on Instagram, which knows no `delivered`."""
    seen = {"mid": message.platform_message_id}
    return instagram_delivery(message.account_id, _event(message.customer_id, message.account_id, "read", seen))


def now_seconds() -> str:
    """The time as WhatsApp writes it."""
    return str(int(time.time()))


def now_milliseconds() -> int:
    """The time as Instagram writes it."""
    return int(time.time() * 1000)


def _event(sender: str, recipient: str, kind: str, content: Json) -> Json:
    ends = {"sender": {"id": sender}, "recipient": {"id": recipient}}
    return {**ends, "timestamp": now_milliseconds(), kind: content}


def _error(failure: FailedLater) -> Json:
    return {
        "code": failure.code,
        "title": failure.title,
        "message": failure.title,
        "error_data": {"details": failure.details or failure.title},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }
