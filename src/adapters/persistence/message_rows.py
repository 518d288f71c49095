"""A customer's message as the columns of accept_messages, and back from the rows of unclaimed ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from adapters.persistence.rows import storable_json
from application.ports.clock import Ids
from domain.channels import ChannelType, InboundMessage, Medium, MediumKind
from domain.consents import known_word, said
from domain.conversations import initial_status


def columns_of(messages: Sequence[InboundMessage], ids: Ids) -> Sequence[Any]:
    """The arguments of accept_messages: one list for each, in its order."""
    statuses = [initial_status(message) for message in messages]
    texts = [said(message) for message in messages]
    return (
        *([ids.new() for _ in messages] for _ in range(3)),
        [message.channel for message in messages],
        [message.account for message in messages],
        [message.address for message in messages],
        [Jsonb(list(message.aliases)) if message.aliases else None for message in messages],
        [message.name for message in messages],
        [message.username for message in messages],
        [message.platform_message_id for message in messages],
        [message.type for message in messages],
        [message.text for message in messages],
        [storable_json(message.content) for message in messages],
        [_media_column(message.media) for message in messages],
        [message.business for message in messages],
        [message.is_standby for message in messages],
        [message.written_at for message in messages],
        [status for status, _ in statuses],
        [reason for _, reason in statuses],
        texts,
        [known_word(text) for text in texts],
    )


def message_of(row: TupleRow) -> InboundMessage:
    """The message of a row of unclaimed_messages."""
    type_, account, address, name, platform_message_id, content_type, text, written_at, *more = row
    aliases, username, content, media, business, is_standby = more
    return InboundMessage(
        channel=ChannelType(type_),
        account=account,
        address=address,
        name=name,
        platform_message_id=platform_message_id,
        type=content_type,
        text=text,
        written_at=written_at,
        aliases=tuple(aliases),
        username=username,
        content=content,
        media=tuple(Medium(**{**medium, "kind": MediumKind(medium["kind"])}) for medium in media),
        business=business,
        is_standby=is_standby,
    )


def _media_column(media: Sequence[Medium]) -> Jsonb | None:
    return Jsonb([_medium_column(medium) for medium in media]) if media else None


def _medium_column(medium: Medium) -> dict[str, str | None]:
    return {
        "kind": medium.kind,
        "platform_id": medium.platform_id,
        "url": medium.url,
        "mime_type": medium.mime_type,
        "sha256": medium.sha256,
        "filename": medium.filename,
    }
