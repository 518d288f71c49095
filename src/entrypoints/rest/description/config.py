"""Which pages there are, and how the framework's part of the description is made."""

from __future__ import annotations

from typing import Any

from litestar import Request, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from entrypoints.rest.description.completion import Document, completed
from entrypoints.rest.description.page import page_of

ABOUT = """AI agents that answer a business's customers on WhatsApp, Instagram and web chat.

Every call but those of health, webhooks and web chat shows a key: `Authorization: Bearer KEY`. A key reaches only its
own user's things; whatever is another's answers 404. Errors are problems (RFC 9457): `code` is stable and for programs,
`detail` for people, `errors` names each wrong field. What is not described here, fields and parameters, is refused.
Whole numbers
are written without a point. Lists are read by `limit` and `cursor`, and are stable while things are added."""


def create_openapi_config() -> OpenAPIConfig:
    """Both pages are served by us alone: the renderers that come with the framework fetch scripts from outside."""
    bearer = SecurityScheme(type="http", scheme="bearer", description="A user's API key, or the administrator's.")
    return OpenAPIConfig(
        title="Frontdesk",
        version="1",
        description=ABOUT,
        path="/",
        render_plugins=[DocumentPlugin(), DocsPlugin(path="/docs")],
        use_handler_docstrings=True,
        components=Components(security_schemes={"bearer": bearer}),
    )


class DocumentPlugin(JsonRenderPlugin):
    """``/openapi.json``."""

    def __init__(self) -> None:
        super().__init__()
        self._rendered = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Document) -> bytes:
        """The document as JSON."""
        self._rendered = self._rendered or self.render_json(request, completed(openapi_schema))
        return self._rendered

    def receive_router(self, router: Router) -> None:
        """Take back the page that would answer every unknown path of one segment, and ``/``, with HTML."""
        router.routes[:] = [route for route in router.routes if route.path in {"/openapi.json", "/docs"}]


class DocsPlugin(OpenAPIRenderPlugin):
    """``/docs``."""

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path)
        self._rendered = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Document) -> bytes:  # noqa: ARG002
        """The document as a page to read."""
        self._rendered = self._rendered or page_of(completed(openapi_schema)).encode()
        return self._rendered
