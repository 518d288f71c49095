"""Reading a WhatsApp send as strictly as Meta documents it."""

from entrypoints.simulators.answers import Json
from entrypoints.simulators.meta.errors import invalid
from entrypoints.simulators.meta.messages import OutgoingMessage, new_wamid

TEXT_CHARACTERS_MAX = 4096
_CALLBACK_DATA_CHARACTERS_MAX = 512
_BODY_CHARACTERS_MAX = 1024
_BUTTONS_MAX = 3
_BUTTON_TITLE_CHARACTERS_MAX = 20
_LIST_ROWS_MAX = 10
_MEDIA = {"image", "audio", "video", "document", "sticker"}
_OTHERS = {"location", "contacts", "reaction"}


def read_message(account_id: str, body: Json, country_code: str) -> OutgoingMessage:
    """The message in the body. Raises FaultError (100) for a shape Meta would refuse."""
    kind = body.get("type", "text")
    callback_data = body.get("biz_opaque_callback_data")
    _demand_at_most(callback_data or "", _CALLBACK_DATA_CHARACTERS_MAX, "biz_opaque_callback_data")
    to, user_id = body.get("to"), body.get("recipient")
    if not to and not user_id:
        raise invalid("The parameter to is required.")
    return OutgoingMessage(
        channel="whatsapp",
        account_id=account_id,
        to=str(to or user_id),
        customer_id=_dialled(str(to), country_code) if to else str(user_id),
        by_user_id=not to,
        kind=kind,
        text=_read_text(kind, body.get(kind)),
        callback_data=callback_data,
        reply_to=(body.get("context") or {}).get("message_id"),
        platform_message_id=new_wamid(),
    )


def answer(message: OutgoingMessage) -> Json:
    """What the sender is told."""
    identity = "user_id" if message.by_user_id else "wa_id"
    return {
        "messaging_product": "whatsapp",
        "contacts": [{"input": message.to, identity: message.customer_id}],
        "messages": [{"id": message.platform_message_id}],
    }


def _dialled(to: str, country_code: str) -> str:
    digits = "".join(character for character in to if character.isdecimal())
    if not digits:
        raise invalid("Param to must be a telephone number.")
    # Without its plus a number is taken for a national one: the message goes to a stranger, with a 200.
    return digits if to.lstrip().startswith("+") else country_code + digits


def _read_text(kind: str, content: object) -> str:
    if kind not in {"text", "template", "interactive"} | _MEDIA | _OTHERS:
        raise invalid(f"Param type must be one of the known message types, not {kind!r}.")
    if kind == "contacts" and isinstance(content, list):
        return ""
    if not isinstance(content, dict):
        raise invalid(f"The parameter {kind} is required.")
    if kind == "text":
        return _demand_text(content.get("body"), TEXT_CHARACTERS_MAX, "text['body']")
    if kind == "template":
        return _read_template(content)
    if kind == "interactive":
        return _read_interactive(content)
    return _read_media(kind, content) if kind in _MEDIA else ""


def _read_template(template: Json) -> str:
    if not (template.get("language") or {}).get("code"):
        raise invalid("The parameter template['language']['code'] is required.")
    return _demand_text(template.get("name"), 512, "template['name']")


def _read_media(kind: str, content: Json) -> str:
    if not content.get("id") and not content.get("link"):
        raise invalid(f"The parameter {kind}['id'] is required.")
    return _demand_at_most(content.get("caption") or "", _BODY_CHARACTERS_MAX, f"{kind}['caption']")


def _read_interactive(content: Json) -> str:
    action = content.get("action") or {}
    buttons = action.get("buttons") or []
    rows = [row for section in action.get("sections") or [] for row in section.get("rows") or []]
    if len(buttons) > _BUTTONS_MAX:
        raise invalid("Param interactive['action']['buttons'] must have at most 3 elements.")
    if len(rows) > _LIST_ROWS_MAX:
        raise invalid("Param interactive['action']['sections'] must have at most 10 rows in all.")
    for button in buttons:
        title = (button.get("reply") or {}).get("title")
        _demand_text(title, _BUTTON_TITLE_CHARACTERS_MAX, "interactive['action']['buttons'][]['reply']['title']")
    body = (content.get("body") or {}).get("text")
    return _demand_text(body, _BODY_CHARACTERS_MAX, "interactive['body']['text']")


def _demand_text(text: object, characters_max: int, name: str) -> str:
    if not isinstance(text, str) or not text:
        raise invalid(f"The parameter {name} is required.")
    return _demand_at_most(text, characters_max, name)


def _demand_at_most(text: str, characters_max: int, name: str) -> str:
    if len(text) > characters_max:
        raise invalid(f"Param {name} must be at most {characters_max} characters long.")
    return text
