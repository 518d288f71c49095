"""What is to be said of a field or a parameter wherever its name appears: what it means, an example, its bounds.

The bounds are those that the use cases hold to; here they are only told, as far as a description can tell them.
"""

from __future__ import annotations

from typing import Any

from application.channels.manage_phone_numbers import ACCOUNT_LENGTH_MAX
from application.conversations.pause import MINUTES_MAX
from application.once import VISIBLE_KEY
from domain import delivery
from domain.agents import DASHBOARD_PROMPT, OUTPUT_TOKENS_MAX, OUTPUT_TOKENS_MIN, OWN_PROMPT, TEMPERATURE_MAX
from domain.channels import (
    LANGUAGE,
    PAUSE_MINUTES_MAX,
    SENTENCE_LENGTH_MAX,
    TEMPLATE_NAME,
    TOKEN,
    WORD_LENGTH_MAX,
    WORDS_MAX,
)
from domain.credits import AMOUNT_MAX
from domain.shared import NAME_LENGTH_MAX
from domain.webchat import ORIGIN, ORIGIN_LENGTH_MAX, TEXT_LENGTH_MAX, VISITOR_LENGTH_MAX
from entrypoints.rest.filters import CUSTOMER_LENGTH_MAX
from entrypoints.rest.paging import CURSOR_LENGTH_MAX

Document = dict[str, Any]

ID = "0192f3a4-5b6c-7d8e-9f01-23456789abcd"
TIME = "2026-11-22T09:30:00Z"

_STORABLE = r"^[^\x00]*$"
_SAID = r"^[^\x00]*[^\s\x00\x1c-\x1f][^\x00]*$"


def _text(length_max: int, pattern: str = _STORABLE) -> Document:
    return {"maxLength": length_max, "pattern": pattern}


def _said(length_max: int) -> Document:
    return {"minLength": 1, "maxLength": length_max, "pattern": _SAID}


_ORIGIN = {"type": "string", "maxLength": ORIGIN_LENGTH_MAX, "pattern": rf"^(\*|{ORIGIN.pattern})$"}

BOUNDS: dict[str, Document] = {
    "name": _said(NAME_LENGTH_MAX),
    "display_name": _said(NAME_LENGTH_MAX),
    "number": _said(40),
    "meta_phone_number_id": _said(ACCOUNT_LENGTH_MAX),
    "instagram_account_id": _said(ACCOUNT_LENGTH_MAX),
    "access_token": {"pattern": f"^{TOKEN.pattern}$"},
    "allowed_origins": {"items": _ORIGIN},
    "stop_words": {"maxItems": WORDS_MAX, "items": {"type": "string", **_said(WORD_LENGTH_MAX)}},
    "start_words": {"maxItems": WORDS_MAX, "items": {"type": "string", **_said(WORD_LENGTH_MAX)}},
    "human_pause_minutes": {"minimum": 0, "maximum": PAUSE_MINUTES_MAX},
    "unreadable_sentence": _said(SENTENCE_LENGTH_MAX),
    "TemplateBody.name": {"pattern": f"^{TEMPLATE_NAME.pattern}$"},
    "language": {"pattern": f"^{LANGUAGE.pattern}$"},
    "prompt_id": {"pattern": f"^({OWN_PROMPT.pattern}|{DASHBOARD_PROMPT.pattern})$"},
    "instructions": _text(100_000),
    "model": _said(200),
    "temperature": {"minimum": 0, "maximum": TEMPERATURE_MAX},
    "max_output_tokens": {"minimum": OUTPUT_TOKENS_MIN, "maximum": OUTPUT_TOKENS_MAX},
    "scopes": {"minItems": 1, "uniqueItems": True},
    "amount": {"minimum": 1, "maximum": AMOUNT_MAX},
    "low_balance_threshold": {"minimum": 1, "maximum": AMOUNT_MAX},
    "note": _text(1_000),
    "minutes": {"exclusiveMinimum": 0, "maximum": MINUTES_MAX},
    "ChatMessageBody.text": _said(TEXT_LENGTH_MAX),
    "ReplyBody.text": _said(delivery.TEXT_LENGTH_MAX),
    "VisitorBody.id": _said(VISITOR_LENGTH_MAX),
    "customer": _text(CUSTOMER_LENGTH_MAX),
    "cursor": _text(CURSOR_LENGTH_MAX),
    "Idempotency-Key": {"pattern": f"^{VISIBLE_KEY}$"},
}
"""Of what is sent. A name with its shape before it is that shape's alone."""

_NO_ID = {"type": "null"}


def _of_type(type_: str, **ids: Document) -> Document:
    needed = [name for name, schema in ids.items() if schema is not _NO_ID]
    properties = {"type": {"const": type_}, **{name: schema for name, schema in ids.items() if schema is _NO_ID}}
    needs = {name: {"type": "string"} for name in needed}
    return {"properties": properties | needs, "required": ["type", *needed]}


SHAPES: dict[str, Document] = {
    "PhoneNumberBody": {
        "oneOf": [
            _of_type("whatsapp", meta_phone_number_id={}, instagram_account_id=_NO_ID),
            _of_type("instagram", meta_phone_number_id=_NO_ID, instagram_account_id={}),
            _of_type("webchat", meta_phone_number_id=_NO_ID, instagram_account_id=_NO_ID),
        ]
    }
}
"""What holds between the fields of a body."""

WORDS: dict[str, str] = {
    "user_id": "The user whose things these are.",
    "phone_number_id": "A connected channel.",
    "agent_id": "An agent.",
    "prompt_id": "A prompt of Frontdesk's (`prm_…`), or one of the OpenAI dashboard (`pmpt_…`).",
    "conversation_id": "A conversation.",
    "message_id": "A message.",
    "api_key_id": "A key, by its id and not by what opens with it.",
    "place": "Which of the message's files, from 0.",
    "customer_id": "A customer.",
    "extraction_id": "One run.",
    "format": "How it is written.",
    "version": "Which version, from 1.",
    "customer": "A customer, by id or by address.",
    "status": "Only those that stand so.",
    "state": "Only those that are open, or resolved.",
    "type": "Only those of this kind of channel.",
    "direction": "Only what came in, or went out.",
    "active_since": "Only what had something happen then or later, with its time zone.",
    "since": "Only what was created then or later, with its time zone.",
    "until": "Only what was created earlier, with its time zone.",
    "after": "The sequence number of the last message that is known.",
    "Idempotency-Key": "The same key acts once, however often it comes.",
}
"""Of parameters that say nothing of themselves."""

EXAMPLES: dict[str, Any] = {
    "id": ID,
    "PromptView.id": "prm_0192f3a45b6c7d8e9f0123456789abcd",
    "EntryView.id": 41,
    "VisitorBody.id": "visitor-7",
    "name": "Bakery Lind",
    "api_key": "fd_0192f3a45b6c7d8e9f0123456789abcd_NlpVb0pEQ0hGb2tqd1l4R2ZtT3BQc2RLQm5Ya1Z2V2E",
    "prompt_id": "prm_0192f3a45b6c7d8e9f0123456789abcd",
    "display_name": "Shop in Main Street",
    "number": "+4930123456",
    "meta_phone_number_id": "106540352242922",
    "instagram_account_id": None,
    "access_token": "a-token-of-the-platform",
    "allowed_origins": ["https://bakery.example"],
    "stop_words": ["basta"],
    "start_words": [],
    "TemplateBody.name": "we_are_back",
    "language": "en",
    "human_pause_minutes": 720,
    "instructions": "You answer for a bakery. Be kind and brief.",
    "model": "gpt-5",
    "temperature": 0.5,
    "max_output_tokens": 500,
    "lead_form": {"type": "object", "properties": {"email": {"type": "string"}}},
    "amount": 500,
    "note": "May",
    "minutes": 30,
    "balance": 500,
    "held": 1,
    "available": 499,
    "version": 2,
    "address": "4915112345678",
    "text": "Do you have a room for two on Friday?",
    "author": "customer",
    "type": "text",
    "PhoneNumberBody.type": "whatsapp",
    "PhoneNumberView.type": "whatsapp",
    "direction": "inbound",
    "MessageView.status": "answered",
    "TraceView.status": "answered",
    **{f"{shape}.status": "ok" for shape in ("DependencyView", "LiveView", "ReadyView", "HealthView")},
    "sequence_number": 1,
    "platform_message_id": "wamid.HBgNNDkxNTExMjM0NTY3OBUCABIYFjNFQjA",
    "status_times": {},
    "openai_conversation_id": "conv_68a1",
    "message_count": 2,
    "script_tag": '<script src="https://frontdesk.example/webchat/widget.js" async></script>',
    "identity_secret": "kept-by-your-server",
    "signature": "0" * 64,
    "token": "a-token-of-the-session",
    "visitor_id": "visitor-7",
    "subject": ID,
    "detail": "There is no such user.",
    "next_cursor": None,
    "cursor": "MTc2MzgwMzgwMDAwMDAwMCAwMTkyZjNhNA",
    "limit": 50,
    "sort": "-created_at",
    "place": 0,
    "state": "open",
    "customer": "4915112345678",
    "Idempotency-Key": "top-up-of-may",
    "field": "account_update",
    "times": 1,
    "request_id": "8f14e45fceea167a5a36dedd4bea2543",
    "code": "not_found",
    "pointer": "/amount",
    "mime_type": "image/jpeg",
    "bytes": 48213,
    "reason": None,
    "error": None,
    "errors": [],
    "status_detail": None,
    "unclaimed_messages": 0,
    "dependencies": {"postgres": {"status": "ok", "reason": None}},
}
"""By name, or by shape and name; what is not here is made of its type."""
