"""An example for each thing that is sent or answered, made of its schema."""

from __future__ import annotations

from typing import Any

from entrypoints.rest.description.fields import EXAMPLES, ID, TIME

Document = dict[str, Any]

_OF_FORMATS: dict[str, Any] = {"uuid": ID, "date-time": TIME, "date": TIME[:10], "binary": ""}
_OF_TYPES: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def example_of(schema: Document, schemas: Document, field: str = "", shape: str = "") -> Any:  # noqa: ANN401 - JSON
    """A value that this schema allows; `field` is its name in `shape`, if it has one."""
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    for name in (f"{shape}.{field}", field):
        if name in EXAMPLES and _fits(EXAMPLES[name], named):
            return EXAMPLES[name]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return example_of(schemas[name], schemas, shape=name)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return example_of(next((one for one in choices if one.get("type") != "null"), choices[0]), schemas)
    return _of_type(schema, schemas, shape)


def _fits(example: object, schema: Document) -> bool:
    """A name may mean a text in one place, and one of some words or a whole thing in another."""
    return example in schema.get("enum", [example]) and (schema.get("type") != "object" or isinstance(example, dict))


def _of_type(schema: Document, schemas: Document, shape: str) -> Any:  # noqa: ANN401 - JSON
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        return {name: example_of(one, schemas, name, shape) for name, one in fields.items()}
    if schema.get("type") == "array":
        return [example_of(schema.get("items", {}), schemas)]
    type_ = schema.get("type", "string")
    return _OF_FORMATS.get(schema.get("format", ""), _OF_TYPES[type_ if isinstance(type_, str) else type_[-1]])
