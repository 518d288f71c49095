"""The description of this door: generated from the routes, completed with what every route has in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from entrypoints.rest.docs import page_of
from entrypoints.rest.errors import PROBLEM_JSON, Problem

BEARER = {"bearer": list[str]()}
BODY_STATUSES = (400, 409, 413, 415, 422)
PARAMETER_STATUSES = (422,)
KEY_STATUSES = (401, 403, 404)
STATUSES_OF_ALL = (500, 503)
STATUSES_OF_ONE = {
    "/users/{user_id}/messages/{message_id}/retry": (402, 409),
    "/users/{user_id}/conversations/{conversation_id}/events": (429,),
    "/webchat/{phone_number_id}/sessions": (403, 404, 429),
    "/webchat/messages": (401, 403, 404, 429),
}
"""What only that path refuses: the state of the thing, or of its owner's credits."""

Document = dict[str, Any]

_REFERENCE = re.compile(r"#/components/schemas/(\w+)")


def create_openapi_config() -> OpenAPIConfig:
    """Both pages are served by us alone: the renderers that come with the framework fetch scripts from outside."""
    return OpenAPIConfig(
        title="Frontdesk",
        version="1",
        description="AI agents that answer a business's customers on WhatsApp, Instagram and web chat.",
        path="/",
        render_plugins=[DocumentPlugin(), DocsPlugin(path="/docs")],
        use_handler_docstrings=True,
        components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
    )


class DocumentPlugin(JsonRenderPlugin):
    """``/openapi.json``."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Document) -> bytes:
        """The document as JSON."""
        return self.render_json(request, completed(openapi_schema))

    def receive_router(self, router: Router) -> None:
        """Take back the page that would answer every unknown path of one segment, and ``/``, with HTML."""
        router.routes[:] = [route for route in router.routes if route.path in {"/openapi.json", "/docs"}]


class DocsPlugin(OpenAPIRenderPlugin):
    """``/docs``."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Document) -> bytes:  # noqa: ARG002
        """The document as a page to read."""
        return page_of(completed(openapi_schema)).encode()


def completed(document: Document) -> Document:
    """`document` with the errors of each operation and the raw webhook route. Doing it twice changes nothing."""
    document["paths"]["/webhooks/meta"] = WEBHOOK_PATH
    document["paths"]["/webchat/events"] = EVENTS_PATH
    _, schemas = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    schemas_of_all = document["components"]["schemas"]
    schemas_of_all.update(schemas)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"].update(_problems((*_statuses_of(operation), *STATUSES_OF_ONE.get(path, ()))))
            if "requestBody" not in operation:
                operation["responses"].pop("400", None)  # the framework's own guess, of another form
    for name in _within(schemas_of_all, _bodies_of(document)):
        schemas_of_all[name]["additionalProperties"] = False
    return document


def _bodies_of(document: Document) -> Iterable[str]:
    for operations in document["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                if "$ref" in content["schema"]:
                    yield content["schema"]["$ref"].rpartition("/")[2]


def _within(schemas: Document, names: Iterable[str]) -> set[str]:
    """These objects and all that stand in them."""
    found: set[str] = set()
    to_come = list(names)
    while to_come:
        name = to_come.pop()
        if name not in found and schemas[name].get("type") == "object":
            found.add(name)
            to_come += _REFERENCE.findall(str(schemas[name]))
    return found


def _statuses_of(operation: Document) -> Iterable[int]:
    yield from STATUSES_OF_ALL
    yield from KEY_STATUSES if operation.get("security") else ()
    yield from PARAMETER_STATUSES if operation.get("parameters") else ()
    yield from BODY_STATUSES if "requestBody" in operation else ()


def _problems(statuses: Iterable[int]) -> Document:
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def _text(description: str) -> Document:
    return {"200": {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}}


WEBHOOK_PATH: Document = {
    "get": {
        "operationId": "WebhooksMetaHandshake",
        "summary": "Answer the platform's handshake.",
        "responses": _text("The challenge, echoed") | _problems((403,)),
    },
    "post": {
        "operationId": "WebhooksMetaDeliver",
        "summary": "Take in a signed delivery.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": _text("Everything in it is safely stored") | _problems((400, 401, 403, 408, 413)),
    },
}
"""A raw route tells the framework nothing of itself."""

EVENTS_PATH: Document = {
    "get": {
        "operationId": "WebchatEvents",
        "summary": "Follow a visitor's chat as server-sent events.",
        "parameters": [
            {
                "name": "after",
                "in": "query",
                "required": False,
                "schema": {"type": "integer", "minimum": 0, "default": 0},
            }
        ],
        "responses": {
            "200": {
                "description": "message, typing, delta",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        }
        | _problems((401, 403, 404, 422, 429)),
    },
}
