"""Where an answer leads: what was made, or stands first in a list, by its own path and those below."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]

_MADE = "$response.body#/id"
_FIRST = "$response.body#/items/0/id"


def link_operations(paths: Document) -> None:
    """Add to each collection's answers the links to what may be done with one of its things."""
    for collection, operations in paths.items():
        below = [path for path in paths if path.startswith(f"{collection}/{{")]
        for method, status, place in (("post", "201", _MADE), ("get", "200", _FIRST)):
            answer = operations.get(method, {}).get("responses", {}).get(status)
            links = [link for path in below for link in _links_to(paths[path], path, collection, place)]
            if answer is not None and links:
                answer["links"] = {link["operationId"]: link for link in links}


def _links_to(operations: Document, path: str, collection: str, place: str) -> list[Document]:
    """One for each operation there that needs nothing in its path but what is known by then."""
    above = _names_in(collection)
    own, *others = [name for name in _names_in(path) if name not in above]
    if others:
        return []
    parameters = {name: f"$request.path.{name}" for name in above} | {own: place}
    return [{"operationId": one["operationId"], "parameters": parameters} for one in operations.values()]


def _names_in(path: str) -> list[str]:
    return [word[1:-1] for word in path.split("/") if word.startswith("{")]
