"""The door describes itself completely, and to readers without a network too."""

from __future__ import annotations

from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from domain.conversations import InboundStatus, OutboundStatus
from entrypoints.rest.messages import MessageStatus
from tests.doors.conftest import bearer
from tests.doors.stubs import ADMIN_KEY
from tests.doors.test_rest_routes import ENDLESS_ROUTES, OPEN_ROUTES, RAW_ROUTES, ROUTES, VISITOR_ROUTES


async def described(rest):
    return (await rest.get("/openapi.json")).json()


async def test_every_route_is_described_and_nothing_else(rest):
    document = await described(rest)
    described_routes = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert document["openapi"].startswith("3.1")
    assert (
        described_routes
        == {(method, path) for method, path, _, _ in ROUTES}
        | OPEN_ROUTES
        | VISITOR_ROUTES
        | RAW_ROUTES
        | ENDLESS_ROUTES
    )


async def test_every_error_is_described_as_a_problem(rest):
    document = await described(rest)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert errors, (method, path)
            for status, answer in errors.items():
                is_a_finding = status == "503" and path.startswith("/health")
                form = "application/json" if is_a_finding else "application/problem+json"
                assert list(answer["content"]) == [form], (method, path)
    assert set(document["components"]["schemas"]["Problem"]["required"]) == {
        "type", "title", "status", "detail", "instance", "code", "request_id",
    }  # fmt: skip


async def test_the_key_is_described_for_every_route_that_needs_one(rest):
    document = await described(rest)
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for method, path, _, _ in ROUTES:
        operation = document["paths"][path][method.lower()]
        assert list(operation["security"][0]) == ["bearer"]
        assert {"401", "403", "429"} | ({"404"} if "{" in path else set()) <= set(operation["responses"])
    assert "security" not in document["paths"]["/webhooks/meta"]["post"]


async def test_bodies_refuse_unknown_fields_in_the_description_too(rest):
    schemas = (await described(rest))["components"]["schemas"]
    assert schemas["TopUp"]["additionalProperties"] is False
    assert schemas["TopUp"]["required"] == ["amount"]


async def test_the_reader_needs_nothing_from_anywhere(rest):
    page = await rest.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    for what_loads in ('src="', 'href="http', "url(", "@import", "<link", "<img"):
        assert what_loads not in page.text
    assert "/users/{user_id}/credits/add" in page.text
    assert 'id="idempotency_key_reused"' in page.text


def test_the_statuses_of_messages_are_the_domains():
    assert set(get_args(MessageStatus)) == {*InboundStatus, *OutboundStatus}


async def test_every_operation_has_a_name_a_summary_and_an_example_of_all_it_takes_and_gives(rest):
    document = await described(rest)
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(set(names)) == len(names)
    for path, item in document["paths"].items():
        for operation in item.values():
            assert operation["summary"].endswith("."), path
            for parameter in operation.get("parameters", []):
                assert parameter["description"], (path, parameter["name"])
            for carrier in (operation.get("requestBody", {}), *operation["responses"].values()):
                for content in carrier.get("content", {}).values():
                    assert "example" in content, path


async def test_every_example_is_what_its_schema_allows(rest):
    document = await described(rest)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                held_against(document, parameter["schema"], parameter["example"], (method, path, parameter["name"]))
            for carrier in (operation.get("requestBody", {}), *operation["responses"].values()):
                for content in carrier.get("content", {}).values():
                    held_against(document, content["schema"], content["example"], (method, path))


def held_against(document, schema, example, place):
    whole = {**schema, "components": document["components"]}
    problems = [error.message for error in Draft202012Validator(whole).iter_errors(example)]
    assert not problems, (place, problems)


async def test_no_name_tells_of_modules(rest):
    assert "entrypoints" not in (await rest.get("/openapi.json")).text


@pytest.mark.parametrize("query", [{"colour": "red"}, {"limit": 5, "Limit": 6}, {"user_id": "x"}, {"": ""}])
async def test_a_parameter_that_nobody_knows_is_refused_by_its_name(rest, shop, query):
    answer = await rest.get(shop.path("/users/{user_id}/messages"), params=query, headers=bearer(shop.key))
    unknown = [name for name in query if name != "limit"]
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{name}" if name else "" for name in unknown]


async def test_a_parameter_that_comes_twice_is_refused(rest, shop):
    path = shop.path("/users/{user_id}/messages") + "?limit=1&limit=2"
    answer = await rest.get(path, headers=bearer(shop.key))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/limit")


@pytest.mark.parametrize(
    ("path", "methods"), [("/users", "GET, OPTIONS, POST"), ("/users/{user_id}", "DELETE, GET, OPTIONS, PATCH")]
)
async def test_what_may_be_done_at_a_path_is_told_wholly(rest, shop, path, methods):
    asked = await rest.options(shop.path(path), headers=bearer(ADMIN_KEY))
    refused = await rest.put(shop.path(path), headers=bearer(ADMIN_KEY))
    assert (asked.status_code, asked.headers["allow"]) == (204, methods)
    assert (refused.status_code, sorted(refused.headers["allow"].split(", "))) == (405, methods.split(", "))
