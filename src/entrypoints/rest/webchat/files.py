"""``/webchat/widget.js``, the one file that a page includes, and a page to try it on."""

from __future__ import annotations

import gzip
import hashlib
from html import escape
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get
from litestar.params import FromPath

WIDGET = (Path(__file__).parent / "static" / "widget.js").read_bytes()
ETAG = f'"{hashlib.blake2b(WIDGET, digest_size=12).hexdigest()}"'
PACKED = gzip.compress(WIDGET, mtime=0)
CACHE = {"cache-control": "public, max-age=300", "etag": ETAG, "vary": "accept-encoding"}
"""Five minutes without asking, then one question for each page: a new release is everywhere soon."""

JAVASCRIPT = "text/javascript"
DEMO_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'"
"""As strict as a host page can be; only the page's own style is not the widget's."""
DEMO = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<title>Frontdesk web chat</title>
<style>
html {{ color-scheme: light dark }}
body {{ font: 17px/1.6 system-ui, sans-serif; margin: 12vh auto; max-width: 36rem; padding: 0 1.5rem }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere }}
</style>
<main>
<h1>Your site</h1>
<p>The chat is in the corner. What it takes to have it on a page is one line:</p>
<pre><code>&lt;script src=".../webchat/widget.js" data-phone-number="{id}" async&gt;&lt;/script&gt;</code></pre>
</main>
<script src="/webchat/widget.js" data-phone-number="{id}" async></script>
</html>
"""


@get("/webchat/widget.js", include_in_schema=False)
async def widget(request: Request[Any, Any, Any]) -> Response[bytes | None]:
    """The widget. Any page may load it; what it may do there is decided when it asks for a session."""
    headers = {**CACHE, "cross-origin-resource-policy": "cross-origin", "access-control-allow-origin": "*"}
    if ETAG in request.headers.get("if-none-match", ""):
        return Response(None, status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(PACKED, media_type=JAVASCRIPT, headers={**headers, "content-encoding": "gzip"})
    return Response(WIDGET, media_type=JAVASCRIPT, headers=headers)


@get("/webchat/demo/{phone_number_id:uuid}", include_in_schema=False, media_type=MediaType.HTML)
async def demo(phone_number_id: FromPath[UUID]) -> Response[str]:
    """A page with that web chat, for whoever tries Frontdesk: it works where our own origin is an allowed one."""
    page = DEMO.format(id=escape(str(phone_number_id)))
    return Response(page, media_type=MediaType.HTML, headers={"content-security-policy": DEMO_POLICY})


routes = [widget, demo]
