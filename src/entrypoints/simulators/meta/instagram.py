"""Reading an Instagram send as strictly as Meta documents it."""

from entrypoints.simulators.answers import Json
from entrypoints.simulators.meta.errors import invalid
from entrypoints.simulators.meta.messages import OutgoingMessage, new_mid

TEXT_BYTES_MAX = 1000


def read_message(account_id: str, body: Json) -> OutgoingMessage:
    """The message in the body. Raises FaultError (100) for a shape Meta would refuse."""
    customer_id = read_recipient(body)
    message = body.get("message")
    if not isinstance(message, dict):
        raise invalid("The parameter message is required.")
    return OutgoingMessage(
        channel="instagram",
        account_id=account_id,
        to=customer_id,
        customer_id=customer_id,
        kind="text" if "text" in message else "attachment",
        text=_read_text(message),
        reply_to=_read_reply_to(body),
        platform_message_id=new_mid(),
    )


def read_recipient(body: Json) -> str:
    """The customer's id. Raises FaultError (100) without one."""
    recipient = body.get("recipient")
    customer_id = recipient.get("id") if isinstance(recipient, dict) else None
    if not customer_id:
        raise invalid("The parameter recipient['id'] is required.")
    return str(customer_id)


def answer(message: OutgoingMessage) -> Json:
    """What the sender is told."""
    return {"recipient_id": message.customer_id, "message_id": message.platform_message_id}


def _read_reply_to(body: Json) -> str | None:
    if "reply_to" not in body:
        return None
    reply_to = body["reply_to"]
    if not isinstance(reply_to, dict) or not reply_to.get("mid"):
        raise invalid("The parameter reply_to['mid'] is required.")
    return str(reply_to["mid"])


def _read_text(message: Json) -> str:
    if "text" not in message:
        if not message.get("attachment") and not message.get("attachments"):
            raise invalid("The parameter message['text'] is required.")
        return ""
    text = message["text"]
    if not isinstance(text, str) or not text:
        raise invalid("The parameter message['text'] is required.")
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise invalid("Length of param message[text] must be less than or equal to 1000")
    return text
