"""Media: uploaded by the business or put there for a customer, looked up by id, fetched by a link."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass

from aiohttp import BodyPartReader
from aiohttp.web import BaseRequest, Response
from msgspec import Struct

from entrypoints.simulators import control
from entrypoints.simulators.answers import Json, json_answer
from entrypoints.simulators.journal import Journal
from entrypoints.simulators.meta.errors import demand_token, invalid, unknown_object
from entrypoints.simulators.routing import Router

_MEDIA_MAX = 1_000


@dataclass(frozen=True, kw_only=True)
class Medium:
    """One file."""

    id: str
    mime_type: str
    content: bytes


class NewMedium(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file for a customer to send."""

    mime_type: str
    base64: str


class Media:
    """The files, the newest 1,000."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_id: dict[str, Medium] = {}

    def add(self, mime_type: str, content: bytes) -> Medium:
        """Keep a file under a new id."""
        medium = Medium(id=str(secrets.randbelow(10**15)).zfill(16), mime_type=mime_type, content=content)
        self._by_id[medium.id] = medium
        if len(self._by_id) > _MEDIA_MAX:
            del self._by_id[next(iter(self._by_id))]
        return medium

    def find(self, media_id: str) -> Medium:
        """The file. Raises FaultError (100, subcode 33)."""
        if media_id not in self._by_id:
            raise unknown_object(media_id)
        return self._by_id[media_id]

    def delete(self, media_id: str) -> None:
        """Forget a file. Raises FaultError (100, subcode 33)."""
        del self._by_id[self.find(media_id).id]


def add_media_routes(api: Router, control_router: Router, media: Media, journal: Journal) -> None:
    """Add the endpoints of the Graph, the link's target, and the control endpoint for a customer's files."""
    routes = MediaRoutes(media, journal)
    api.add("POST", "/{version}/{account}/media", routes.upload)
    # Before the lookup by id, which would take the word for a version.
    api.add("GET", "/lookaside/{media_id}", routes.download)
    api.add("GET", "/cdn/{media_id}", routes.download_openly)
    api.add("GET", "/{version}/{media_id}", routes.show)
    api.add("DELETE", "/{version}/{media_id}", routes.delete)
    control.add(control_router, "POST", "media", routes.add_for_customer)


class MediaRoutes:
    """Parse, call, answer."""

    def __init__(self, media: Media, journal: Journal) -> None:
        """Work on these files."""
        self._media = media
        self._journal = journal

    async def upload(self, request: BaseRequest, _version: str, account_id: str) -> Response:
        demand_token(request)
        medium = await self._read_upload(request)
        self._note("media_upload", medium, phone_number_id=account_id)
        return json_answer({"id": medium.id})

    async def show(self, request: BaseRequest, _version: str, media_id: str) -> Response:
        demand_token(request)
        medium = self._media.find(media_id)
        return json_answer(_view(medium, f"{request.scheme}://{request.host}/lookaside/{media_id}"))

    async def download(self, request: BaseRequest, media_id: str) -> Response:
        demand_token(request)
        return await self.download_openly(request, media_id)

    async def download_openly(self, request: BaseRequest, media_id: str) -> Response:  # noqa: ARG002 - as all routes
        medium = self._media.find(media_id)
        self._note("media_download", medium)
        return Response(body=medium.content, headers={"Content-Type": medium.mime_type})

    async def delete(self, request: BaseRequest, _version: str, media_id: str) -> Response:
        demand_token(request)
        self._media.delete(media_id)
        return json_answer({"success": True})

    async def add_for_customer(self, request: BaseRequest) -> Response:
        new = control.convert(await control.read_control(request), NewMedium)
        try:
            content = base64.b64decode(new.base64, validate=True)
        except binascii.Error as error:
            raise invalid("base64 is not base64.") from error
        medium = self._media.add(new.mime_type, content)
        return json_answer({"id": medium.id, "url": f"{request.scheme}://{request.host}/cdn/{medium.id}"})

    async def _read_upload(self, request: BaseRequest) -> Medium:
        if not request.content_type.startswith("multipart/"):
            raise invalid("The parameter file is required.")
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == "file":
                mime_type = part.headers.get("Content-Type", "application/octet-stream")
                return self._media.add(mime_type, bytes(await part.read()))
        raise invalid("The parameter file is required.")

    def _note(self, kind: str, medium: Medium, **facts: object) -> None:
        self._journal.write(
            kind, accepted=True, outcome="accepted", media_id=medium.id, size=len(medium.content), **facts
        )


def _view(medium: Medium, url: str) -> Json:
    return {
        "url": url,
        "mime_type": medium.mime_type,
        "sha256": hashlib.sha256(medium.content).hexdigest(),
        "file_size": len(medium.content),
        "id": medium.id,
        "messaging_product": "whatsapp",
    }
