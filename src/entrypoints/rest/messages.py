"""``/users/{user_id}/messages``: what was said, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter
from litestar.response import Stream

from application.app import Application
from application.pages import PageRequest
from application.ports.conversations import MessageFilter
from domain.channels import MediumKind
from domain.conversations import Message
from domain.media import ANY_BYTES, MediumStatus, MissingReason, StoredMedium, safe_filename
from domain.users import Caller
from entrypoints.rest.bodies import view
from entrypoints.rest.filters import checked_customer, checked_time
from entrypoints.rest.idempotency import Repeatable
from entrypoints.rest.paging import Listing, listing

PLACE_MAX = 2**31 - 1
Direction = Literal["inbound", "outbound"]
MessageStatus = Literal[
    "received",
    "answered",
    "unanswerable",
    "blocked",
    "pending",
    "sending",
    "sent",
    "delivered",
    "read",
    "failed",
    "unknown",
]


class MediumView(msgspec.Struct):
    """A file that came with a message. It can be fetched while its status is `kept`; else `reason` may say why not."""

    place: int
    kind: MediumKind
    mime_type: str | None
    filename: str | None
    bytes: int | None
    status: MediumStatus
    reason: MissingReason | None


class MessageView(msgspec.Struct):
    """A message. `content` holds what it is beside its text; what belongs to its kind is there, and nothing else.

    Of a message of ours `status_times` tells when it reached each status, `pricing` what the platform charges for it,
    and `prompt_id`, `prompt_version` and `model` what spoke, when an agent did.
    """

    id: UUID
    conversation_id: UUID
    phone_number_id: UUID
    sequence_number: int
    direction: Direction
    author: str
    type: str
    text: str | None
    status: MessageStatus
    reason: str | None
    platform_message_id: str | None
    error: dict[str, Any] | None
    created_at: datetime
    status_times: dict[str, datetime]
    pricing: dict[str, Any] | None
    content: dict[str, Any] | None
    prompt_id: str | None
    prompt_version: int | None
    model: str | None
    media: list[MediumView]


@get("/users/{user_id:uuid}/messages")
async def list_messages(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
    conversation_id: FromQuery[UUID | None] = None,
    phone_number_id: FromQuery[UUID | None] = None,
    direction: FromQuery[Direction | None] = None,
    status: FromQuery[MessageStatus | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    customer: FromQuery[str | None] = None,
) -> Listing[MessageView]:
    """List a user's messages."""
    wanted = MessageFilter(
        conversation_id,
        phone_number_id,
        direction,
        status,
        checked_time(since, "since"),
        checked_time(until, "until"),
        checked_customer(customer),
    )
    return listing(MessageView, await application.conversations.messages(caller, user_id, wanted, page))


@get(
    "/users/{user_id:uuid}/messages/{message_id:uuid}/media/{place:int}",
    responses={200: ResponseSpec(bytes, generate_examples=False, media_type="*/*", description="The file itself")},
)
async def show_medium(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    message_id: FromPath[UUID],
    place: FromPath[Annotated[int, PathParameter(ge=0, le=PLACE_MAX)]],
) -> Stream:
    """Fetch a file that came with a message, as it was sent; not found until it is kept."""
    medium, chunks = await application.read_media(caller, user_id, message_id, place)
    return Stream(chunks, media_type=medium.mime_type or ANY_BYTES, headers=_headers_of(medium))


def _headers_of(medium: StoredMedium) -> dict[str, str]:
    """A file comes from a stranger: it is saved and never shown as a page of ours, and kept by the caller alone."""
    name = safe_filename(medium.filename, f"{medium.kind}-{medium.place}")
    return {
        "content-length": str(medium.bytes),
        "content-disposition": f'attachment; filename="{name}"',
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "private, max-age=3600, immutable",
    }


@post("/users/{user_id:uuid}/messages/{message_id:uuid}/retry", status_code=202)
async def retry_message(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    message_id: FromPath[UUID],
    repeatable: NamedDependency[Repeatable],
) -> MessageView:
    """Send a failed message again, with the same content; it costs a credit when the platform takes it."""
    return _view(await application.retry_message(caller, user_id, message_id, repeatable.once(_view)))


class ReplyBody(msgspec.Struct, forbid_unknown_fields=True):
    """What a person replies."""

    text: str


@post("/users/{user_id:uuid}/conversations/{conversation_id:uuid}/messages", status_code=202)
async def reply_by_hand(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
    data: JSONBody[ReplyBody],
    repeatable: NamedDependency[Repeatable],
) -> MessageView:
    """Reply as a person, in the place of the agent, which pauses; it costs no credit."""
    once = repeatable.once(_view)
    return _view(await application.reply_by_hand(caller, user_id, conversation_id, data.text, once))


routes = [list_messages, show_medium, retry_message, reply_by_hand]


def _view(message: Message) -> MessageView:
    return view(MessageView, message)
