"""A server that speaks as much of S3 as keeping, reading and deleting whole objects takes."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

ETAG = '"0"'


@dataclass
class Bucket:
    """Objects by path. `refuses` answers every call with that status."""

    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    authorizations: set[str] = field(default_factory=set)
    refuses: int | None = None
    url: str = ""
    numbers: itertools.count = field(default_factory=itertools.count)

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.authorizations.add(request.headers.get("Authorization", ""))
        body = await request.content.read()  # without a limit, unlike request.read()
        if self.refuses:
            return web.Response(status=self.refuses)
        if "delete" in request.query:
            return self._delete(request, body.decode())
        if "uploads" in request.query:
            return self._begin(request)
        if "uploadId" in request.query:
            return self._go_on(request, body)
        return self._whole(request, body)

    def _whole(self, request: web.BaseRequest, body: bytes) -> web.Response:
        if request.method == "PUT":
            self.objects[request.path] = body
            return web.Response(headers={"ETag": ETAG})
        if request.method == "DELETE":
            self.objects.pop(request.path, None)
            return web.Response(status=204)
        if request.path not in self.objects:
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
        modified = {"ETag": ETAG, "Last-Modified": "Mon, 02 Nov 2026 08:00:00 GMT"}
        return web.Response(body=self.objects[request.path], headers=modified)

    def _delete(self, request: web.BaseRequest, body: str) -> web.Response:
        keys = re.findall(r"<Key>(.*?)</Key>", body)
        for key in keys:
            self.objects.pop(f"{request.path.rstrip('/')}/{key}", None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        return web.Response(text=f"<DeleteResult>{deleted}</DeleteResult>", content_type="application/xml")

    def _begin(self, request: web.BaseRequest) -> web.Response:
        upload = f"upload-{next(self.numbers)}"
        self.parts[upload] = {}
        text = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
        return web.Response(text=text, content_type="application/xml")

    def _go_on(self, request: web.BaseRequest, body: bytes) -> web.Response:
        upload = request.query["uploadId"]
        if request.method == "PUT":
            self.parts[upload][int(request.query["partNumber"])] = body
            return web.Response(headers={"ETag": ETAG})
        parts = self.parts.pop(upload, {})
        if request.method == "DELETE":
            return web.Response(status=204)
        self.objects[request.path] = b"".join(parts[number] for number in sorted(parts))
        text = f"<CompleteMultipartUploadResult><ETag>{ETAG}</ETag></CompleteMultipartUploadResult>"
        return web.Response(text=text, content_type="application/xml")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Bucket]:
        runner = web.ServerRunner(web.Server(self))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()
