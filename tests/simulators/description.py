"""OpenAI's own description of its API, as a judge of answers."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_PATH = Path(__file__).parents[1] / "payloads" / "openai" / "openapi_subset.json"
_URI = "urn:openai"


@cache
def _validator(schema_name: str) -> Draft202012Validator:
    resource = Resource.from_contents(json.loads(_PATH.read_text()), default_specification=DRAFT202012)
    registry = Registry().with_resource(_URI, resource)
    return Draft202012Validator({"$ref": f"{_URI}#/components/schemas/{schema_name}"}, registry=registry)


def event_schema_names() -> dict[str, str]:
    """The schema of each type of stream event, e.g. `response.created` -> `ResponseCreatedEvent`."""
    schemas = json.loads(_PATH.read_text())["components"]["schemas"]
    variants = [variant["$ref"].rpartition("/")[2] for variant in schemas["ResponseStreamEvent"]["anyOf"]]
    return {schemas[name]["properties"]["type"]["enum"][0]: name for name in variants}


def assert_fits(value: Any, schema_name: str) -> None:
    """The value is what the description says; unlike OpenAI's examples it may not carry nulls either."""
    errors = sorted(_validator(schema_name).iter_errors(value), key=lambda error: error.json_path)
    assert not errors, f"{schema_name}: {errors[0].json_path}: {errors[0].message[:500]}\n{value}"
