"""The reader of the API's description: one page without a script, so that it needs nothing from anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from domain.shared import DomainError
from entrypoints.rest.errors import CODES, status_of

STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:3rem;border-bottom:1px solid var(--line)}h3{margin:2rem 0 .2rem;font-size:1rem}
code,pre{background:var(--soft);border-radius:.2rem;font-size:.9em}code{padding:.1rem .3rem}
pre{padding:.7rem 1rem;overflow-x:auto;margin:.3rem 0 .8rem}
table{border-collapse:collapse;width:100%}td,th{padding:.2rem 1rem .2rem 0;text-align:left;vertical-align:top}
td:first-child{white-space:nowrap;width:12rem}tr+tr td{border-top:1px solid var(--line)}
nav{columns:3;margin:1rem 0}nav a{display:block}summary{cursor:pointer;margin:.3rem 0}
b.method{display:inline-block;min-width:4.5rem}
@media(max-width:40rem){nav{columns:1}td:first-child{width:auto}}
"""

Document = dict[str, Any]

_CODE = re.compile(r"`([^`]+)`")


def page_of(document: Document) -> str:
    """The whole page."""
    info = document["info"]
    about = "".join(f"<p>{_words(part)}</p>" for part in info["description"].split("\n\n"))
    tags = [tag["name"] for tag in document["tags"]]
    links = [*tags, "Shapes", "Codes of errors"]
    menu = "".join(f'<a href="#{_anchor(link)}">{escape(link)}</a>' for link in links)
    body = "".join([*_operations(document, tags), *_schemas(document["components"]["schemas"]), *_codes()])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style><h1>{escape(info['title'])}</h1>{about}"
        f'<p>The same for programs: <a href="/openapi.json">openapi.json</a>.</p>'
        f"<nav>{menu}</nav>{body}</html>"
    )


def _operations(document: Document, tags: Iterable[str]) -> Iterator[str]:
    for tag in tags:
        yield f'<h2 id="{_anchor(tag)}">{escape(tag)}</h2>'
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag in operation["tags"]:
                    yield from _operation(path, method, operation)


def _operation(path: str, method: str, operation: Document) -> Iterator[str]:
    name = escape(operation["operationId"])
    yield f'<h3 id="{name}"><b class="method">{method.upper()}</b> <code>{escape(path)}</code></h3>'
    yield f"<p>{_words(operation['summary'])} {_words(operation.get('description', ''))} {_key(operation)}</p>"
    if parameters := operation.get("parameters"):
        yield f"<table>{''.join(map(_parameter, parameters))}</table>"
    if "requestBody" in operation:
        yield _example("In", operation["requestBody"])
    for status, answer in sorted(operation["responses"].items()):
        if status < "400":
            yield _example(f"<code>{status}</code> {_words(answer['description'])}", answer)
    errors = [(status, answer) for status, answer in sorted(operation["responses"].items()) if status >= "400"]
    rows = "".join(f"<tr><td><code>{s}</code></td><td>{_words(a['description'])}</td></tr>" for s, a in errors)
    statuses = ", ".join(status for status, _ in errors)
    yield f"<details><summary>Errors: {statuses}</summary><table>{rows}</table></details>"


def _key(operation: Document) -> str:
    scopes = [scope for one in operation.get("security", []) for scopes in one.values() for scope in scopes]
    return f"Needs a key: <code>{escape(', '.join(scopes))}</code>." if scopes else "Needs no key."


def _parameter(parameter: Document) -> str:
    needed = ", required" if parameter.get("required") else ""
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{_words(parameter['description'])} "
        f"<small>{escape(parameter['in'])}{needed}, {escape(_type(parameter['schema']))}</small></td></tr>"
    )


def _example(title: str, carrier: Document) -> str:
    contents = carrier.get("content", {})
    names = [content["schema"].get("$ref", "").rpartition("/")[2] for content in contents.values()]
    shapes = " ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names if name)
    examples = "".join(f"<pre>{escape(_shown(content['example']))}</pre>" for content in contents.values())
    if not examples:
        return f"<p>{title}</p>"
    return f"<details><summary>{title} {shapes}</summary>{examples}</details>"


def _shown(example: object) -> str:
    return example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)


def _schemas(schemas: Document) -> Iterator[str]:
    yield '<h2 id="shapes">Shapes</h2>'
    for name, schema in sorted(schemas.items()):
        rows = "".join(
            f"<tr><td><code>{escape(field)}</code></td><td>{escape(_type(what))}</td></tr>"
            for field, what in schema.get("properties", {}).items()
        )
        said = _words(schema.get("description", "")) or escape(_type(schema) if not rows else "")
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{said}</p><table>{rows}</table>'


def _type(schema: Document) -> str:
    """The kind of a value, in few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return " | ".join(map(_type, choices))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind = str(schema.get("format") or schema.get("type", "anything"))
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    return ", ".join([kind, *bounds])


_BOUNDS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "minLength": "length from",
    "maxLength": "length to",
}


def _codes() -> Iterator[str]:
    yield '<h2 id="codes-of-errors">Codes of errors</h2><table>'
    known: dict[str, tuple[int, str]] = {
        error.code: (status_of(error), error.__doc__ or "") for error in _families(DomainError)
    }
    known |= {code: (status, "") for status, code in CODES.items() if code not in known}
    for code, (status, meaning) in sorted(known.items()):
        first_line = meaning.partition("\n")[0]
        yield f'<tr id="{code}"><td><code>{code}</code></td><td>{status:d}</td><td>{_words(first_line)}</td></tr>'
    yield "</table>"


def _families(family: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in family.__subclasses__():
        yield child
        yield from _families(child)


def _words(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
