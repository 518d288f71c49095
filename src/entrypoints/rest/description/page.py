"""The reader of the API's description: one page without a script, so that it needs nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from domain.shared import DomainError
from entrypoints.rest.errors import CODES, status_of

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem;border-bottom:1px solid #ccc}h3{margin-bottom:.2rem}
code{background:#f3f3f3;padding:.1rem .3rem}
b.method{display:inline-block;min-width:4.5rem}td,th{padding:.2rem 1rem .2rem 0;text-align:left;vertical-align:top}
"""

Document = dict[str, Any]


def page_of(document: Document) -> str:
    """The whole page."""
    info = document["info"]
    body = "".join([*_operations(document["paths"]), *_schemas(document["components"]["schemas"]), *_codes()])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f"<style>{STYLE}</style><h1>{escape(info['title'])}</h1><p>{escape(info['description'])}</p>"
        f'<p>The same for programs: <a href="/openapi.json">openapi.json</a>.</p>{body}</html>'
    )


def _operations(paths: Document) -> Iterator[str]:
    yield "<h2>Operations</h2>"
    for path, operations in sorted(paths.items()):
        for method, operation in operations.items():
            yield f'<h3><b class="method">{method.upper()}</b> <code>{escape(path)}</code></h3>'
            yield f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"
            yield from _parameters(operation.get("parameters", []))
            yield f"<p>In: {_type(operation.get('requestBody', {}))}</p>" if "requestBody" in operation else ""
            yield from (_answer(status, answer) for status, answer in sorted(operation["responses"].items()))


def _parameters(parameters: list[Document]) -> Iterator[str]:
    for parameter in parameters:
        needed = ", required" if parameter.get("required") else ""
        yield f"<div>{escape(parameter['in'])} <code>{escape(parameter['name'])}</code>{needed}</div>"


def _answer(status: str, answer: Document) -> str:
    return f"<div><code>{status}</code> {escape(answer.get('description') or '')} {_type(answer)}</div>"


def _type(carrier: Document) -> str:
    schemas = [content["schema"] for content in carrier.get("content", {}).values() if "schema" in content]
    names = [schema["$ref"].rpartition("/")[2] for schema in schemas if "$ref" in schema]
    return " ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names)


def _schemas(schemas: Document) -> Iterator[str]:
    yield "<h2>Shapes</h2>"
    for name, schema in sorted(schemas.items()):
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p><table>'
        for field, what in schema.get("properties", {}).items():
            kind = what.get("type") or what.get("$ref", "").rpartition("/")[2] or "one of several"
            yield f"<tr><td><code>{escape(field)}</code></td><td>{escape(str(kind))}</td></tr>"
        yield "</table>"


def _codes() -> Iterator[str]:
    yield "<h2>Codes of errors</h2><table>"
    known: dict[str, tuple[int, str]] = {
        error.code: (status_of(error), error.__doc__ or "") for error in _families(DomainError)
    }
    known |= {code: (status, "") for status, code in CODES.items() if code not in known}
    for code, (status, meaning) in sorted(known.items()):
        first_line = meaning.partition("\n")[0]
        yield f'<tr id="{code}"><td><code>{code}</code></td><td>{status:d}</td><td>{escape(first_line)}</td></tr>'
    yield "</table>"


def _families(family: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in family.__subclasses__():
        yield child
        yield from _families(child)
