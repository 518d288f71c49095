"""The door describes itself completely, and to readers without a network too."""

from __future__ import annotations

from typing import get_args

from domain.conversations import InboundStatus, OutboundStatus
from entrypoints.rest.messages import MessageStatus
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
            health_503 = path.startswith("/health")
            assert errors or health_503, (method, path)
            for answer in errors.values():
                assert list(answer["content"]) == ["application/problem+json"], (method, path)
    assert set(document["components"]["schemas"]["Problem"]["required"]) == {
        "type", "title", "status", "detail", "instance", "code", "request_id",
    }  # fmt: skip


async def test_the_key_is_described_for_every_route_that_needs_one(rest):
    document = await described(rest)
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for method, path, _, _ in ROUTES:
        operation = document["paths"][path][method.lower()]
        assert operation["security"] == [{"bearer": []}]
        assert {"401", "403", "404"} <= set(operation["responses"])
    assert "security" not in document["paths"]["/webhooks/meta"]["post"]


async def test_bodies_refuse_unknown_fields_in_the_description_too(rest):
    schemas = (await described(rest))["components"]["schemas"]
    assert schemas["TopUp"]["additionalProperties"] is False
    assert schemas["TopUp"]["required"] == ["amount"]


async def test_the_reader_needs_nothing_from_anywhere(rest):
    page = await rest.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "http:" not in page.text.replace("http:</", "")
    assert "https:" not in page.text
    assert "/users/{user_id}/credits/add" in page.text
    assert 'id="idempotency_key_reused"' in page.text


def test_the_statuses_of_messages_are_the_domains():
    assert set(get_args(MessageStatus)) == {*InboundStatus, *OutboundStatus}
