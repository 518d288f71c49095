"""The console's style and script: two small files of ours, named by what is in them, so that they are kept for ever."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from domain.shared import NotFound

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
CACHE = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}


def _address(path: Path) -> str:
    return f"{path.stem}-{hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()}{path.suffix}"


_FILES = {_address(path): path.read_bytes() for path in sorted(FOLDER.iterdir())}
_PACKED = {name: gzip.compress(content, mtime=0) for name, content in _FILES.items()}
STATIC = {path.name: f"/dashboard/static/{_address(path)}" for path in sorted(FOLDER.iterdir())}
"""Where each file is, by its plain name."""


@get("/static/{name:str}")
async def static_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """One of the files. Raises NotFound."""
    if name not in _FILES:
        raise NotFound("file")
    media_type = MEDIA_TYPES[Path(name).suffix]
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_PACKED[name], media_type=media_type, headers={**CACHE, "content-encoding": "gzip"})
    return Response(_FILES[name], media_type=media_type, headers=CACHE)


routes = [static_file]
