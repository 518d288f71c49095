"""Things as tests need them: complete, plausible, and different from each other where the house insists on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from application.once import NameRequest
from application.ports.answers import Once
from application.ports.vault import Vault
from domain.agents import Agent, Prompt, Voice, own_prompt_id
from domain.channels import ChannelStatus, ChannelType, PhoneNumber
from domain.conversations import Conversation, ConversationStatus, Customer, Message
from domain.users import ApiKey, Caller, User
from tests.fakes.clock import MONDAY_MORNING, CountingIds
from tests.fakes.vault import PlainVault

_ids = CountingIds()
_numbers = count(1)


def an_id() -> UUID:
    return _ids.new()


def a_user(**fields: Any) -> User:
    defaults: dict[str, Any] = {"id": an_id(), "name": "Bakery", "created_at": MONDAY_MORNING}
    return User(**defaults | fields)


def named(
    key: str = "k",
    request: bytes = b"a request",
    owner: UUID | None = None,
    render: Callable[[Any], bytes] = lambda result: repr(result).encode(),
    vault: Vault | None = None,
) -> Once[Any]:
    """A request that acts once, of that owner or else the administrator, answered with what the result looks like."""
    once = NameRequest(vault or PlainVault())(Caller(owner), key, request, render)
    assert once is not None
    return once


def an_api_key(user_id: UUID, **fields: Any) -> ApiKey:
    defaults: dict[str, Any] = {
        "id": an_id(),
        "user_id": user_id,
        "name": "till",
        "digest": bytes(32),
        "hash_key": "plain",
        "created_at": MONDAY_MORNING,
    }
    return ApiKey(**defaults | fields)


def a_phone_number(user_id: UUID, **fields: Any) -> PhoneNumber:
    """A WhatsApp number with an account of its own, unless another type is asked for."""
    type_ = fields.get("type", ChannelType.WHATSAPP)
    account = f"{next(_numbers):015}"
    defaults: dict[str, Any] = {
        "id": an_id(),
        "user_id": user_id,
        "type": type_,
        "display_name": "Front shop",
        "number": "+49 30 1234567",
        "meta_phone_number_id": account if type_ is ChannelType.WHATSAPP else None,
        "instagram_account_id": account if type_ is ChannelType.INSTAGRAM else None,
        "allowed_origins": (),
        "status": ChannelStatus.ACTIVE,
        "created_at": MONDAY_MORNING,
    }
    return PhoneNumber(**defaults | fields)


def a_voice(**fields: Any) -> Voice:
    defaults: dict[str, Any] = {
        "instructions": "Answer kindly.",
        "model": "gpt-5-mini",
        "temperature": 0.5,
        "max_output_tokens": 400,
    }
    return Voice(**defaults | fields)


def a_prompt(user_id: UUID, **fields: Any) -> Prompt:
    defaults: dict[str, Any] = {
        "id": own_prompt_id(an_id()),
        "user_id": user_id,
        "name": "Host",
        "version": 1,
        "voice": a_voice(),
        "created_at": MONDAY_MORNING,
    }
    return Prompt(**defaults | fields)


def an_agent(user_id: UUID, **fields: Any) -> Agent:
    """An agent that speaks from a prompt of the OpenAI dashboard and answers nowhere yet."""
    defaults: dict[str, Any] = {
        "id": an_id(),
        "user_id": user_id,
        "name": "Ada",
        "prompt_id": "pmpt_host",
        "phone_number_id": None,
        "lead_form": None,
        "created_at": MONDAY_MORNING,
    }
    return Agent(**defaults | fields)


def a_customer(**fields: Any) -> Customer:
    defaults: dict[str, Any] = {"id": an_id(), "address": f"49170{next(_numbers):07}", "name": "Kim"}
    return Customer(**defaults | fields)


def a_conversation(phone_number_id: UUID, **fields: Any) -> Conversation:
    defaults: dict[str, Any] = {
        "id": an_id(),
        "phone_number_id": phone_number_id,
        "agent_id": None,
        "customer": fields.get("customer") or a_customer(),
        "status": ConversationStatus.ACTIVE,
        "openai_conversation_id": None,
        "message_count": 0,
        "last_activity_at": MONDAY_MORNING,
        "created_at": MONDAY_MORNING,
    }
    return Conversation(**defaults | fields)


def a_message(conversation: Conversation, **fields: Any) -> Message:
    """What a customer wrote and nobody has answered yet; with `direction` outbound, what was answered."""
    inbound = fields.get("direction", "inbound") == "inbound"
    number = fields.get("sequence_number", 1)
    defaults: dict[str, Any] = {
        "id": an_id(),
        "conversation_id": conversation.id,
        "phone_number_id": conversation.phone_number_id,
        "sequence_number": number,
        "direction": "inbound",
        "author": "customer" if inbound else "agent",
        "type": "text",
        "text": "Are you open today?" if inbound else "Until six.",
        "status": "received" if inbound else "sent",
        "reason": None,
        "platform_message_id": f"wamid.{next(_numbers)}",
        "turn_id": None,
        "error": None,
        "created_at": MONDAY_MORNING + timedelta(seconds=number),
    }
    return Message(**defaults | fields)
