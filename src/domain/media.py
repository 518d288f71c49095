"""Files that customers send: what is kept of them, what is refused, and when fetching one is given up."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain.channels import ChannelType, MediumKind

ATTEMPTS_MAX = 6
"""With the pauses between them about an hour; the ids of WhatsApp's media are valid for a week, its links minutes."""
BACKOFF_SECONDS_FIRST = 10.0
BACKOFF_FACTOR = 4.0
MEGABYTE = 1024 * 1024
FILENAME_LENGTH_MAX = 150

BYTES_MAX: Mapping[ChannelType, Mapping[MediumKind, int]] = {
    ChannelType.WHATSAPP: {
        MediumKind.IMAGE: 5 * MEGABYTE,
        MediumKind.VIDEO: 16 * MEGABYTE,
        MediumKind.AUDIO: 16 * MEGABYTE,
        MediumKind.VOICE: 16 * MEGABYTE,
        MediumKind.DOCUMENT: 100 * MEGABYTE,
        MediumKind.STICKER: MEGABYTE // 2,
    },
    ChannelType.INSTAGRAM: dict.fromkeys(MediumKind, 25 * MEGABYTE) | {MediumKind.IMAGE: 8 * MEGABYTE},
    ChannelType.WEBCHAT: {},
}
"""What the platforms themselves let through, by their documentation; more than that is no file of theirs."""

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/heif"})
_VIDEOS = frozenset({"video/mp4", "video/3gpp", "video/quicktime", "video/webm"})
_SOUNDS = frozenset(
    {f"audio/{name}" for name in ("aac", "amr", "mp4", "mpeg", "ogg", "opus", "wav", "webm", "x-m4a", "x-wav")}
    | {"video/mp4", "application/ogg"}  # Instagram's voice messages are films without a picture
)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_DOCUMENTS = frozenset(
    {
        f"text/{name}"
        for name in ("plain", "csv", "tab-separated-values", "markdown", "html", "xml", "calendar", "vcard")
    }
    | {f"application/{name}" for name in ("pdf", "json", "xml", "rtf", "zip", "msword", "epub+zip", "octet-stream")}
    | {f"application/vnd.ms-{name}" for name in ("excel", "powerpoint")}
    | {f"application/vnd.oasis.opendocument.{name}" for name in ("text", "spreadsheet", "presentation")}
    | {f"{_OFFICE}.wordprocessingml.document", f"{_OFFICE}.spreadsheetml.sheet"}
    | {f"{_OFFICE}.presentationml.presentation", "text/rtf"}
)
TYPES: Mapping[MediumKind, frozenset[str]] = {
    MediumKind.IMAGE: _IMAGES,
    MediumKind.STICKER: frozenset({"image/webp", "image/png", "image/gif"}),
    MediumKind.VIDEO: _VIDEOS,
    MediumKind.AUDIO: _SOUNDS,
    MediumKind.VOICE: _SOUNDS,
    MediumKind.DOCUMENT: _DOCUMENTS | _IMAGES | _VIDEOS | _SOUNDS,
}
"""What is kept, by what the platform says it is. Programs are not among it, whatever they are called."""

ANY_BYTES = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")
_UNSAFE = re.compile(r"[^\w .()+-]", re.ASCII)
_HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class MediumStatus(StrEnum):
    """Where a file stands: still to be fetched, kept in the content store, or never to be had."""

    PENDING = "pending"
    KEPT = "kept"
    MISSING = "missing"


class MissingReason(StrEnum):
    """Why there is no file."""

    GONE = "gone"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    WRONG_CHECKSUM = "wrong_checksum"
    NOT_ALLOWED = "not_allowed"
    OUT_OF_TIME = "out_of_time"


@dataclass(frozen=True, slots=True)
class StoredMedium:
    """A file as it is on record; `place` counts from 0 within its message. `bytes` is None until it is kept."""

    id: UUID
    user_id: UUID
    message_id: UUID
    place: int
    kind: MediumKind
    mime_type: str | None
    filename: str | None
    status: MediumStatus
    reason: MissingReason | None
    bytes: int | None
    storage_key: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The file lies in the content store under its key. `sha256` is in hexadecimal."""

    mime_type: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Unfetchable:
    """The file will never be had."""

    reason: MissingReason


@dataclass(frozen=True, slots=True)
class NotNow:
    """The file could not be fetched; it may be later."""


FetchOutcome = Fetched | Unfetchable | NotNow


class Refused(Exception):
    """What came is not what may be kept; `reason` is what is noted of it."""

    def __init__(self, reason: MissingReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Intake:
    """Checks a file while it passes by, so that nothing needs to be held to be checked."""

    def __init__(self, bytes_max: int, *digests: str | None, size: int | None = None) -> None:
        """`digests` are what was told of its SHA-256, in hexadecimal or base64; `size` in bytes, None when untold."""
        self._bytes_max = bytes_max
        self._digests = [digest for told in digests if (digest := digest_of(told)) is not None]
        self._size = size
        self._sha256 = hashlib.sha256()
        self.bytes = 0
        if size is not None and size > bytes_max:
            raise Refused(MissingReason.TOO_LARGE)

    def pass_by(self, chunk: bytes) -> None:
        """Count a chunk. Raises Refused as soon as there is too much."""
        self.bytes += len(chunk)
        if self.bytes > self._bytes_max:
            raise Refused(MissingReason.TOO_LARGE)
        self._sha256.update(chunk)

    def finish(self) -> str:
        """The SHA-256 of all that passed, in hexadecimal. Raises Refused when it is not what was told."""
        is_other = any(digest != self._sha256.digest() for digest in self._digests)
        if is_other or self._size not in {None, self.bytes}:
            raise Refused(MissingReason.WRONG_CHECKSUM)
        return self._sha256.hexdigest()


def storage_key(user_id: UUID, medium_id: UUID) -> str:
    """Where a file lies in the content store: of nothing that a customer or a platform could choose."""
    return f"{user_id}/{medium_id}"


def bytes_max(channel: ChannelType, kind: MediumKind) -> int:
    """The most that is fetched of such a file."""
    return BYTES_MAX[channel].get(kind, 0)


def checked_type(kind: MediumKind, told: str | None, served: str | None) -> str:
    """The type under which the file is kept. Raises Refused when it is none that is kept.

    `told` is the webhook's word, `served` that of the server that had the file, which counts unless it says nothing.
    """
    named = [type_ for type_ in (normal_type(served), normal_type(told)) if type_ is not None]
    specific = [type_ for type_ in named if type_ != ANY_BYTES]
    if not named or not TYPES[kind].issuperset(specific or named):
        raise Refused(MissingReason.WRONG_TYPE)
    return (specific or named)[0]


def normal_type(mime_type: str | None) -> str | None:
    """``image/jpeg`` for ``Image/JPEG; q=1``; None for what is no type."""
    bare = (mime_type or "").partition(";")[0].strip().lower()
    return bare if _TYPE.fullmatch(bare) else None


def digest_of(told: str | None) -> bytes | None:
    """A SHA-256 as it was told, in hexadecimal or base64; None when nothing readable was told."""
    if not told:
        return None
    if _HEX_DIGEST.fullmatch(told):
        return bytes.fromhex(told)
    try:
        digest = base64.b64decode(told + "=" * (-len(told) % 4), altchars=b"-_" if set("-_") & set(told) else None)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == hashlib.sha256().digest_size else None


def safe_filename(filename: str | None, fallback: str) -> str:
    """A name that is a name and nothing more: no folder, no leading dot, no quote, ASCII, not too long."""
    last = re.split(r"[/\\]", filename or "")[-1]
    name = re.sub(r"[ _]{2,}", "_", _UNSAFE.sub("_", last)).strip(" ._")
    stem, dot, extension = name.rpartition(".")
    if len(name) > FILENAME_LENGTH_MAX and dot and len(extension) < FILENAME_LENGTH_MAX // 2:
        name = f"{stem[: FILENAME_LENGTH_MAX - len(extension) - 1]}.{extension}"
    return name[:FILENAME_LENGTH_MAX] or fallback


def after_attempt(outcome: FetchOutcome, attempts: int) -> FetchOutcome:
    """What an outcome means after so many attempts: one that never succeeds is given up."""
    if isinstance(outcome, NotNow) and attempts >= ATTEMPTS_MAX:
        return Unfetchable(MissingReason.OUT_OF_TIME)
    return outcome


def backoff_seconds(attempts: int) -> float:
    """How long to wait after so many attempts: 10, 40, 160, 640, 2560 seconds."""
    return float(BACKOFF_SECONDS_FIRST * BACKOFF_FACTOR ** max(attempts - 1, 0))
