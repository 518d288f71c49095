"""WhatsApp: answers that a customer gave by tapping: buttons, rows of a list, forms, permissions."""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.channels.values import identifier, kept, mapping, present, text
from adapters.channels.written import Part


def button_part(told: object) -> Part:
    """A button of a template."""
    button = mapping(told)
    title = text(button.get("text"))
    return Part(title, present(reply=present(title=title, payload=text(button.get("payload")))))


def interactive_part(told: object) -> Part:
    """A button, a row of a list, a form that was filled in, or a permission to call."""
    interactive = mapping(told)
    kind = interactive.get("type")
    if kind == "nfm_reply" or "nfm_reply" in interactive:
        return _form(mapping(interactive.get("nfm_reply")))
    if kind == "call_permission_reply":
        permission = mapping(interactive.get("call_permission_reply"))
        return Part(content=present(reply=present(id=kind, payload=text(permission.get("response")))))
    return _choice(mapping(interactive.get("button_reply")) or mapping(interactive.get("list_reply")))


def _choice(chosen: dict[str, Any]) -> Part:
    title = text(chosen.get("title"))
    reply = present(id=identifier(chosen.get("id")), title=title, description=text(chosen.get("description")))
    return Part(title, present(reply=reply))


def _form(form: dict[str, Any]) -> Part:
    """A form. Its answers are JSON within JSON, which is not always any."""
    answers = _answers(form.get("response_json"))
    flow = present(name=text(form.get("name")), body=text(form.get("body")))
    flow |= {"answers": answers} if answers is not None else {"answers": {}, "unread": True}
    return Part(content={"flow": flow})


def _answers(told: object) -> dict[str, Any] | None:
    if isinstance(told, str):
        try:
            told = msgspec.json.decode(told)
        except (ValueError, RecursionError):
            return None
    return mapping(kept(told)) if isinstance(told, dict) else None
