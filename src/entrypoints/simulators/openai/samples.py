"""The smallest instance that fits a JSON Schema, for structured output nobody wrote a script for."""

from entrypoints.simulators.answers import Json, JsonValue

_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}
_DEPTH_MAX = 20


def sample(schema: JsonValue, root: JsonValue = None, depth: int = 0) -> JsonValue:
    """An instance; null wherever the schema allows it, as an honest model says of the unknown."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > _DEPTH_MAX:
        return None
    if "$ref" in schema:
        return sample(_resolved(schema["$ref"], root), root, depth + 1)
    if listed := [schema["const"]] if "const" in schema else schema.get("enum"):
        return None if None in listed else listed[0]
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return sample(_simplest(choices), root, depth + 1)
    if "allOf" in schema:
        return sample(_merged(schema["allOf"], root), root, depth + 1)
    return _typed(schema, root, depth)


def _typed(schema: JsonValue, root: JsonValue, depth: int) -> JsonValue:
    match _type_name(schema):
        case "object":
            names = schema.get("properties", {})
            wanted = schema.get("required", list(names))
            return {name: sample(names.get(name, {}), root, depth + 1) for name in wanted}
        case "array":
            return [sample(schema.get("items", {}), root, depth + 1) for _ in range(schema.get("minItems", 0))]
        case "string":
            return _FORMATS.get(schema.get("format", ""), "").ljust(schema.get("minLength", 0), "x")
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        case "boolean":
            return False
    return None


def _type_name(schema: JsonValue) -> str | None:
    kind = schema.get("type", "object" if "properties" in schema else None)
    if isinstance(kind, list):
        return "null" if "null" in kind else kind[0]
    return kind if isinstance(kind, str) else None


def _simplest(choices: list[JsonValue]) -> JsonValue:
    return next((choice for choice in choices if choice.get("type") == "null"), choices[0])


def _merged(parts: list[JsonValue], root: JsonValue) -> JsonValue:
    merged: Json = {"properties": {}, "required": []}
    for part in parts:
        whole = _resolved(part["$ref"], root) if "$ref" in part else part
        properties = merged["properties"] | whole.get("properties", {})
        required = merged["required"] + whole.get("required", [])
        merged |= whole | {"properties": properties, "required": required}
    return merged


def _resolved(reference: str, root: JsonValue) -> JsonValue:
    for name in reference.removeprefix("#").strip("/").split("/"):
        root = root.get(name, {}) if name else root
    return root
