"""The framework's description, completed with what it does not know: errors, headers, bounds, examples, good names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

import msgspec

from entrypoints.rest.description.examples import example_of
from entrypoints.rest.description.fields import BOUNDS, EXAMPLES, SHAPES, WORDS
from entrypoints.rest.description.links import link_operations
from entrypoints.rest.description.raw_routes import EVENTS_PATH, WEBHOOK_PATH
from entrypoints.rest.description.scopes import scope_of
from entrypoints.rest.description.statuses import DONE, MEANINGS, code_of, headers_of, statuses_of
from entrypoints.rest.errors import PROBLEM_JSON, Fault, Problem

Document = dict[str, Any]

_REFERENCE = re.compile(r"#/components/schemas/([\w.]+)")
_LISTING = re.compile(r"Listing_[\w.]*\.(\w+)_(?=\")")
_TAGS = {"api_keys": "API keys", "webchat": "Web chat", "phone_numbers": "Phone numbers"}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def completed(described: Document) -> Document:
    """A document that is true and whole, made of what the framework describes."""
    document: Document = msgspec.json.decode(_LISTING.sub(_page_name, msgspec.json.encode(described).decode()))
    document["paths"] |= {"/webhooks/meta": WEBHOOK_PATH, "/webchat/events": EVENTS_PATH}
    document["paths"] = dict(sorted(document["paths"].items()))
    _, problems = msgspec.json.schema_components([Problem, Fault], ref_template="#/components/schemas/{name}")
    schemas = document["components"]["schemas"]
    schemas.update(problems)
    for path, method, operation in _operations(document):
        _complete(operation, path, method)
        _give_examples(operation, schemas)
    link_operations(document["paths"])
    for name in _within(schemas, _bodies_of(document)):
        _bound(name, schemas[name])
    document["tags"] = [{"name": tag} for tag in sorted({one["tags"][0] for _, _, one in _operations(document)})]
    return document


def _page_name(match: re.Match[str]) -> str:
    return f"{match[1].removesuffix('View')}Page"


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _complete(operation: Document, path: str, method: str) -> None:
    operation["tags"] = [_tag_of(path)]
    if path not in {"/webhooks/meta", "/webchat/events"}:
        title = operation["summary"].replace(" ", "")
        operation |= {"operationId": title[0].lower() + title[1:], "summary": operation.pop("description")}
    if "security" in operation:
        operation["security"] = [{"bearer": [scope_of(method, path)]}]
    for parameter in operation.get("parameters", []):
        _complete_parameter(parameter)
    operation["responses"].pop("400", None)  # the framework's own guess, of another form
    for status, answer in operation["responses"].items():
        answer["description"] = DONE.get(int(status), answer["description"])
        answer["headers"] = headers_of(int(status), is_keyed="security" in operation)
    if path in {"/health", "/health/ready"}:
        operation["responses"]["503"] = operation["responses"]["200"] | {"description": "Something does not answer."}
    for status in statuses_of(operation, path, method):
        operation["responses"][str(status)] = {
            "description": MEANINGS[status],
            "headers": headers_of(status, is_keyed="security" in operation),
            "content": {PROBLEM_JSON: {"schema": _PROBLEM}},
        }


def _tag_of(path: str) -> str:
    """The resource: the first word behind the user's id, or the first of all."""
    words = [word for word in path.split("/") if word and not word.startswith("{")]
    word = words[1] if len(words) > 1 and words[0] == "users" else words[0]
    return _TAGS.get(word, word.capitalize())


def _complete_parameter(parameter: Document) -> None:
    """A parameter is there or not; it is never null."""
    schema, name = parameter["schema"], parameter["name"]
    if choices := [one for one in schema.pop("oneOf", []) if one.get("type") != "null"]:
        schema |= choices[0]
    if "enum" in schema:
        schema |= {"type": "string", "enum": [one for one in schema["enum"] if one is not None]}
    schema |= {key: int(schema[key]) for key in ("minimum", "maximum") if key in schema} | BOUNDS.get(name, {})
    schema.pop("description", None)
    parameter.setdefault("description", WORDS.get(name, ""))
    for key in ("deprecated", "allowEmptyValue", "allowReserved"):
        parameter.pop(key, None)


def _give_examples(operation: Document, schemas: Document) -> None:
    for parameter in operation.get("parameters", []):
        parameter.setdefault("example", example_of(parameter["schema"], schemas, parameter["name"]))
    for carrier in (operation.get("requestBody", {}), *operation["responses"].values()):
        for content in carrier.get("content", {}).values():
            if "example" not in content:
                content["example"] = example_of(content["schema"], schemas)
    for status, answer in operation["responses"].items():
        problem = answer.get("content", {}).get(PROBLEM_JSON)
        if problem is not None:
            problem["example"] = _problem_example(int(status))


def _problem_example(status: int) -> Document:
    code = code_of(status)
    return {
        "type": f"/docs#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": MEANINGS[status],
        "instance": "/users",
        "code": code,
        "request_id": EXAMPLES["request_id"],
    }


def _bodies_of(document: Document) -> Iterable[str]:
    for _, _, operation in _operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield from _REFERENCE.findall(str(content["schema"]))


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


def _bound(name: str, schema: Document) -> None:
    """What is not named is refused, and what is named has bounds."""
    schema.update(SHAPES.get(name, {}), additionalProperties=False)
    for field, one in schema["properties"].items():
        bounds = BOUNDS.get(f"{name}.{field}", BOUNDS.get(field))
        if bounds is not None:
            for part in one.get("oneOf", [one]):
                if part.get("type") != "null":
                    part.update(bounds)
