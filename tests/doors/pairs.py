"""What can be done by REST and by gRPC, in one table: a partner that is missing on either side fails a test.

The arguments are in the words of REST; `to_rpc` says the same in those of gRPC, and `from_rpc` says its answers in
those of REST. What REST calls otherwise stands in the tables below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from entrypoints.rpc.server import FILES

METHODS: Mapping[str, MethodDescriptor] = {
    f"{service.name}.{method.name}": method
    for file in FILES
    for service in file.services_by_name.values()
    for method in service.methods
}

NOT_FOR_SERVICES = {
    "GET /health",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /webhooks/meta",
    "POST /webhooks/meta",
    "POST /webchat/{phone_number_id}/sessions",
    "POST /webchat/messages",
    "GET /webchat/events",
}
"""What orchestrators (gRPC has a health service of its own), Prometheus, platforms and visitors' browsers ask for."""

READ, WRITE, MANAGE, HOUSE = "read", "write", "admin", "house"


@dataclass(frozen=True)
class Pair:
    """An operation, the method that does the same, and what a key needs to do it; HOUSE is for the admin alone."""

    operation: str
    method: str
    scope: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    @property
    def descriptor(self) -> MethodDescriptor:
        return METHODS[self.method]

    def request(self, things: Mapping[str, Any], **fields: Any) -> Message:
        """The message that asks for it, about these things."""
        kind = self.descriptor.input_type
        paths = {name: things[name] for name in things if f"{{{name}}}" in self.operation}
        told = paths | _page(self.query) | _filled(self.body or {}, things) | fields
        return ParseDict(_worded(kind, told), GetMessageClass(kind)())


_PAGE = {"limit": 1, "sort": "-created_at"}
_USER, _NUMBER = "/users/{user_id}", "/users/{user_id}/phone_numbers/{phone_number_id}"
_PROMPT, _AGENT = "/users/{user_id}/prompts/{prompt_id}", "/users/{user_id}/agents/{agent_id}"
_TALK, _MESSAGE = "/users/{user_id}/conversations/{conversation_id}", "/users/{user_id}/messages/{message_id}"
_CUSTOMER = "/users/{user_id}/customers/{customer_id}"
_VOICE = {"instructions": "Be brief.", "model": "gpt-5", "temperature": 0.5, "max_output_tokens": 100}
_SETTINGS = {"stop_words": ["halt"], "template": {"name": "hello", "language": "en"}, "shows_typing": False}
_NEW_NUMBER = {"type": "instagram", "display_name": "Shop", "instagram_account_id": "{unique}", "settings": _SETTINGS}
_NEW_AGENT = {
    "name": "Bob",
    "prompt_id": "{prompt_id}",
    "lead_form": {"type": "object", "properties": {"guests": {"type": "integer", "maximum": 300}}},
    "prompt_version": 1,
}

PAIRS: Sequence[Pair] = [
    Pair("POST /users", "UserService.CreateUser", HOUSE, body={"name": " Bakery "}),
    Pair("GET /users", "UserService.ListUsers", HOUSE, _PAGE),
    Pair(f"GET {_USER}", "UserService.GetUser", READ),
    Pair(f"PATCH {_USER}", "UserService.UpdateUser", WRITE, body={"name": "Bistro", "low_balance_threshold": 5}),
    Pair(
        f"POST {_USER}/api_keys",
        "UserService.CreateApiKey",
        MANAGE,
        body={"name": "second", "scopes": ["read", "write"]},
    ),
    Pair(f"GET {_USER}/api_keys", "UserService.ListApiKeys", MANAGE, _PAGE),
    Pair(f"DELETE {_USER}/api_keys/{{api_key_id}}", "UserService.DeleteApiKey", MANAGE),
    Pair(f"POST {_USER}/phone_numbers", "PhoneNumberService.CreatePhoneNumber", WRITE, body=_NEW_NUMBER),
    Pair(f"GET {_USER}/phone_numbers", "PhoneNumberService.ListPhoneNumbers", READ, _PAGE),
    Pair(f"GET {_NUMBER}", "PhoneNumberService.GetPhoneNumber", READ),
    Pair(
        f"PATCH {_NUMBER}",
        "PhoneNumberService.UpdatePhoneNumber",
        WRITE,
        body={"display_name": "Till", "settings": {"human_pause_minutes": 5}, "status": "active"},
    ),
    Pair(f"GET {_NUMBER}/notices", "PhoneNumberService.ListNotices", READ, _PAGE),
    Pair(f"GET {_NUMBER}/queue", "PhoneNumberService.GetQueue", READ),
    Pair(f"GET {_NUMBER}/webchat", "PhoneNumberService.GetWebChat", WRITE),
    Pair(f"POST {_NUMBER}/webchat/rotate", "PhoneNumberService.RotateWebChatSecret", WRITE),
    Pair(f"POST {_USER}/prompts", "PromptService.CreatePrompt", WRITE, body={"name": "Baker", **_VOICE}),
    Pair(f"GET {_USER}/prompts", "PromptService.ListPrompts", READ, _PAGE),
    Pair(f"GET {_PROMPT}", "PromptService.GetPrompt", READ),
    Pair(f"GET {_PROMPT}/versions", "PromptService.ListPromptVersions", READ, _PAGE),
    Pair(f"GET {_PROMPT}/versions/{{version}}", "PromptService.GetPromptVersion", READ),
    Pair(f"POST {_PROMPT}/versions", "PromptService.CreatePromptVersion", WRITE, body=_VOICE),
    Pair(f"POST {_USER}/agents", "AgentService.CreateAgent", WRITE, body=_NEW_AGENT),
    Pair(f"GET {_USER}/agents", "AgentService.ListAgents", READ, _PAGE),
    Pair(f"GET {_AGENT}", "AgentService.GetAgent", READ),
    Pair(f"PATCH {_AGENT}", "AgentService.UpdateAgent", WRITE, body={"name": "Ben"}),
    Pair(f"GET {_USER}/conversations", "ConversationService.ListConversations", READ, {"status": "active", **_PAGE}),
    Pair(f"GET {_TALK}", "ConversationService.GetConversation", READ),
    Pair(f"POST {_TALK}/pause", "ConversationService.PauseConversation", WRITE, body={"minutes": 5}),
    Pair(f"POST {_TALK}/resume", "ConversationService.ResumeConversation", WRITE),
    Pair(f"GET {_TALK}/events", "ConversationService.WatchMessages", READ),
    Pair(f"GET {_USER}/messages", "ConversationService.ListMessages", READ, {"direction": "outbound", **_PAGE}),
    Pair(f"GET {_MESSAGE}/media/{{place}}", "ConversationService.DownloadMedium", READ),
    Pair(f"POST {_MESSAGE}/retry", "ConversationService.RetryMessage", WRITE),
    Pair(f"POST {_TALK}/messages", "ConversationService.ReplyByHand", WRITE, body={"text": "Yes, until six."}),
    Pair(f"GET {_MESSAGE}/trace", "ConversationService.TraceMessage", READ),
    Pair(f"GET {_USER}/credits", "CreditService.GetBalance", READ),
    Pair(f"POST {_USER}/credits/add", "CreditService.AddCredits", MANAGE, body={"amount": 5, "note": "May"}),
    Pair(f"GET {_USER}/credits/entries", "CreditService.ListEntries", READ, _PAGE),
    Pair(f"GET {_USER}/credits/usage", "CreditService.ListUsage", READ, {"group_by": "agent", **_PAGE}),
    Pair(f"GET {_USER}/customers", "ConversationService.ListCustomers", READ, {"type": "whatsapp", **_PAGE}),
    Pair(f"GET {_CUSTOMER}", "ConversationService.GetCustomer", READ),
    Pair(f"GET {_CUSTOMER}/export", "ConversationService.ExportCustomer", READ),
    Pair(f"GET {_USER}/extractions", "ExtractionService.ListExtractions", READ, {"status": "completed", **_PAGE}),
    Pair(f"GET {_USER}/extractions/export", "ExtractionService.ExportExtractions", READ, {"status": "completed"}),
    Pair(f"GET {_USER}/extractions/{{extraction_id}}", "ExtractionService.GetExtraction", READ),
    Pair(f"POST {_TALK}/extract", "ExtractionService.ExtractConversation", WRITE),
    Pair(f"POST {_AGENT}/extract", "ExtractionService.ExtractAgent", WRITE),
    Pair(f"GET {_USER}/leads", "ExtractionService.ListLeads", READ, {"status": "completed", **_PAGE}),
    Pair(f"GET {_USER}/leads/export", "ExtractionService.ExportLeads", READ),
    Pair(f"GET {_USER}/leads/{{customer_id}}", "ExtractionService.GetLead", READ),
    Pair("GET /alerts", "AlertService.ListAlerts", HOUSE, {"state": "open", **_PAGE}),
    Pair(f"GET {_USER}/alerts", "AlertService.ListUserAlerts", READ, {"state": "open", **_PAGE}),
    Pair(f"POST {_TALK}/archive", "ConversationService.ArchiveConversation", WRITE),
    Pair(f"DELETE {_CUSTOMER}", "ConversationService.DeleteCustomer", MANAGE),
    Pair(f"DELETE {_AGENT}", "AgentService.DeleteAgent", WRITE),
    Pair(f"DELETE {_NUMBER}", "PhoneNumberService.DeletePhoneNumber", WRITE),
    Pair(f"DELETE {_USER}", "UserService.DeleteUser", MANAGE),
]

RENAMED = {
    "created_at": "create_time",
    "last_used_at": "last_used_time",
    "last_activity_at": "last_activity_time",
    "paused_until": "pause_expire_time",
    "token_expires_at": "token_expire_time",
    "occurred_at": "occur_time",
    "opened_at": "open_time",
    "resolved_at": "resolve_time",
    "ended_at": "end_time",
    "updated_at": "update_time",
    "proven_at": "prove_time",
    "at": "time",
}
FLATTENED = {"user", "key", "balance"}
"""Parts of an answer whose fields REST tells beside the others."""
ONLY_BY_REST = {"script_tag"}
"""The address of the REST door itself."""


def _page(query: Mapping[str, Any]) -> dict[str, Any]:
    told = dict(query)
    if "limit" in told:
        told["page_size"] = told.pop("limit")
    if "sort" in told:
        told["order_by"] = {"created_at": "create_time", "-created_at": "create_time desc"}[told.pop("sort")]
    return told


def filled(value: Any, things: Mapping[str, Any]) -> Any:
    """`value` with the things in the places that name them."""
    match value:
        case str():
            return value.format_map(things) if value.startswith("{") else value
        case dict():
            return {name: filled(item, things) for name, item in value.items()}
        case _:
            return value


_filled = filled


def _worded(kind: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """The same for ParseDict: enumerations and lists of words as the message has them."""
    return {name: _value(kind.fields_by_name[name], value) for name, value in told.items()}


def _value(of: FieldDescriptor, value: Any) -> Any:
    if of.enum_type is not None and of.is_repeated:
        return [_enum_name(of, one) for one in value]
    if of.enum_type is not None:
        return _enum_name(of, value)
    if of.message_type is None or of.message_type.file.package != "frontdesk.v1" or of.is_repeated:
        return value
    return {"words": value} if of.message_type.name == "Words" else _worded(of.message_type, value)


def _enum_name(of: FieldDescriptor, word: str) -> str:
    return of.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED") + word.upper()


def from_rpc(answer: Message) -> dict[str, Any]:
    """An answer as REST tells it, without what is absent."""
    told = plain(answer)
    if "next_page_token" in told:
        token = told.pop("next_page_token")
        [items] = told.values()
        return {"items": items} | ({"next_cursor": token} if token else {})
    parts = [name for name in told if isinstance(told[name], dict) and (len(told) == 1 or name in FLATTENED)]
    for name in parts:
        told |= told.pop(name)
    return told


def plain(message: Message) -> Any:
    """A message as plain values: words for enumerations, moments for timestamps.

    Absent fields are not there, nor are empty maps: protobuf does not tell them from absent ones.
    """
    match message.DESCRIPTOR.full_name:
        case "google.protobuf.Timestamp":
            return message.ToDatetime().replace(tzinfo=None)
        case "google.protobuf.Struct":
            return MessageToDict(message)
        case "google.protobuf.Value":
            return MessageToDict(message)
        case "frontdesk.v1.Words" | "frontdesk.v1.Evidence" | "frontdesk.v1.LeadValues":
            [of] = message.DESCRIPTOR.fields
            return _plain_value(of, getattr(message, of.name))
    fields = message.DESCRIPTOR.fields
    there = (of for of in fields if not of.has_presence or message.HasField(of.name))
    told = {of.name: _plain_value(of, getattr(message, of.name)) for of in there}
    return {name: value for name, value in told.items() if value != {}}


def _plain_value(of: FieldDescriptor, value: Any) -> Any:
    if of.message_type is not None and of.message_type.GetOptions().map_entry:
        return {name: _plain_item(of.message_type.fields_by_name["value"], item) for name, item in value.items()}
    if of.is_repeated:
        return [_plain_item(of, item) for item in value]
    return _plain_item(of, value)


def _plain_item(of: FieldDescriptor, value: Any) -> Any:
    if of.enum_type is not None:
        prefix = of.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
        return of.enum_type.values_by_number[value].name.removeprefix(prefix).lower()
    return plain(value) if of.message_type else value


def from_rest(answer: Any) -> Any:
    """An answer in the names of gRPC, without what is null or an empty map, and with its moments read."""
    match answer:
        case dict():
            told = {RENAMED.get(name, name): from_rest(value) for name, value in answer.items()}
            return {name: value for name, value in told.items() if value not in (None, {}) and name not in ONLY_BY_REST}
        case list():
            return [from_rest(value) for value in answer]
        case str() if len(answer) > len("2026-01-01T") and answer[4:5] == "-" and answer[10:11] == "T":
            return datetime.fromisoformat(answer).replace(tzinfo=None)
        case _:
            return answer
