"""What is wrong is refused with a 4xx in the form of RFC 9457, and what breaks says nothing of itself."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from domain import shared
from domain.shared import DomainError
from entrypoints.rest.errors import STATUSES, pointer_to, status_of
from entrypoints.rpc.errors import STATUS_CODES, status_code_of
from tests.doors.conftest import bearer
from tests.doors.stubs import ADMIN_KEY, UNKNOWN_ID

USER = "/users/{user_id}"
PROMPT = {"name": "Baker", "instructions": "Be kind.", "model": "gpt-5"}
NUMBER = {"type": "whatsapp", "meta_phone_number_id": "300"}
AGENT = {"name": "Ben", "prompt_id": "pmpt_1"}
DEEP = {"a": {}}
for _ in range(100):
    DEEP = {"a": DEEP}

BAD_BODIES = [
    ("POST", "/users", {"name": ""}, "name"),
    ("POST", "/users", {"name": "x" * 201}, "name"),
    ("POST", "/users", {"name": 5}, "name"),
    ("POST", "/users", {"name": None}, "name"),
    ("POST", "/users", {"name": "a\0b"}, "name"),
    ("POST", "/users", {}, "name"),
    ("POST", "/users", {"name": "Shop", "colour": "red"}, "colour"),
    ("POST", "/users", {"name": "Shop", "user_id": str(UNKNOWN_ID)}, "user_id"),
    ("PATCH", USER, {"name": "New", "created_at": "now"}, "created_at"),
    ("POST", USER + "/api_keys", {"name": " "}, "name"),
    ("POST", USER + "/api_keys", {"name": "till", "scopes": []}, "scopes"),
    ("POST", USER + "/api_keys", {"name": "till", "scopes": ["read", "read"]}, "scopes"),
    ("POST", USER + "/api_keys", {"name": "till", "scopes": ["everything"]}, "scopes/0"),
    ("POST", USER + "/api_keys", {"name": "till", "scopes": None}, "scopes"),
    ("PATCH", USER, {"low_balance_threshold": 0}, "low_balance_threshold"),
    ("PATCH", USER, {"low_balance_threshold": 10**9 + 1}, "low_balance_threshold"),
    ("PATCH", USER, {"low_balance_threshold": 10**40}, "low_balance_threshold"),
    ("PATCH", USER, {"low_balance_threshold": 1.5}, "low_balance_threshold"),
    ("POST", USER + "/phone_numbers", {**NUMBER, "type": "fax"}, "type"),
    ("POST", USER + "/phone_numbers", {"type": "whatsapp"}, "meta_phone_number_id"),
    ("POST", USER + "/phone_numbers", {**NUMBER, "access_token": "x" * 4097}, "access_token"),
    ("POST", USER + "/phone_numbers", {**NUMBER, "number": "a\0"}, "number"),
    ("POST", USER + "/phone_numbers", {**NUMBER, "allowed_origins": [1]}, "allowed_origins/0"),
    ("POST", USER + "/phone_numbers", {**NUMBER, "allowed_origins": ["a\0"]}, "allowed_origins"),
    ("PATCH", USER + "/phone_numbers/{phone_number_id}", {"access_token": None}, "access_token"),
    ("PATCH", USER + "/phone_numbers/{phone_number_id}", {"allowed_origins": ["a\0"]}, "allowed_origins"),
    ("PATCH", USER + "/phone_numbers/{phone_number_id}", {"type": "webchat"}, "type"),
    ("POST", USER + "/prompts", {**PROMPT, "temperature": 3}, "temperature"),
    ("POST", USER + "/prompts", {**PROMPT, "temperature": "0.5"}, "temperature"),
    ("POST", USER + "/prompts", {**PROMPT, "max_output_tokens": 1}, "max_output_tokens"),
    ("POST", USER + "/prompts", {**PROMPT, "max_output_tokens": 10**12}, "max_output_tokens"),
    ("POST", USER + "/prompts", {**PROMPT, "instructions": "x" * 100_001}, "instructions"),
    ("POST", USER + "/prompts/{prompt_id}/versions", {**PROMPT, "model": " "}, "model"),
    ("POST", USER + "/agents", {**AGENT, "prompt_id": "nonsense"}, "prompt_id"),
    ("POST", USER + "/agents", {**AGENT, "prompt_version": 1}, "prompt_version"),
    ("PATCH", USER + "/agents/{agent_id}", {"prompt_version": 0}, "prompt_version"),
    ("PATCH", USER + "/agents/{agent_id}", {"prompt_version": 10**12}, "prompt_version"),
    ("PATCH", USER + "/agents/{agent_id}", {"prompt_version": "1"}, "prompt_version"),
    ("POST", USER + "/agents", {**AGENT, "phone_number_id": "nonsense"}, "phone_number_id"),
    ("POST", USER + "/agents", {**AGENT, "lead_form": {"a": ["b\0"]}}, "lead_form"),
    ("POST", USER + "/agents", {**AGENT, "lead_form": {"a\0": 1}}, "lead_form"),
    ("POST", USER + "/agents", {**AGENT, "lead_form": {"a": 10**30}}, "lead_form"),
    ("POST", USER + "/agents", {**AGENT, "lead_form": DEEP}, "lead_form"),
    ("POST", USER + "/agents", {**AGENT, "lead_form": "form"}, "lead_form"),
    ("PATCH", USER + "/agents/{agent_id}", {"lead_form": {"a": "b\0"}}, "lead_form"),
    ("PATCH", USER + "/agents/{agent_id}", {"name": None}, "name"),
    ("POST", USER + "/credits/add", {"amount": 0}, "amount"),
    ("POST", USER + "/credits/add", {"amount": -1}, "amount"),
    ("POST", USER + "/credits/add", {"amount": 1.5}, "amount"),
    ("POST", USER + "/credits/add", {"amount": 1.0}, "amount"),
    ("POST", USER + "/credits/add", {"amount": "1"}, "amount"),
    ("POST", USER + "/credits/add", {"amount": True}, "amount"),
    ("POST", USER + "/credits/add", {"amount": 10**9 + 1}, "amount"),
    ("POST", USER + "/credits/add", {"amount": 10**40}, "amount"),
    ("POST", USER + "/credits/add", {"amount": 1, "note": "a\0"}, "note"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), BAD_BODIES)
async def test_a_wrong_value_is_refused_by_the_name_of_its_field(rest, shop, method, path, body, field):
    answer = await rest.request(method, shop.path(path), json=body, headers=bearer(ADMIN_KEY))
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]


BAD_QUERIES = [
    ("/api_keys", {"limit": 0}, "limit"),
    ("/api_keys", {"limit": 201}, "limit"),
    ("/api_keys", {"limit": "many"}, "limit"),
    ("/api_keys", {"limit": "1.5"}, "limit"),
    ("/api_keys", {"cursor": "nonsense"}, "cursor"),
    ("/api_keys", {"cursor": "x\0"}, "cursor"),
    ("/api_keys", {"cursor": "x" * 1001}, "cursor"),
    ("/api_keys", {"sort": "name"}, "sort"),
    ("/conversations", {"status": "paused"}, "status"),
    ("/conversations", {"phone_number_id": "x"}, "phone_number_id"),
    ("/conversations", {"customer": "a\0"}, "customer"),
    ("/conversations", {"active_since": "2026-10-05T09:00:00"}, "active_since"),
    ("/conversations", {"active_since": "yesterday"}, "active_since"),
    ("/conversations", {"active_since": "0001-01-01T00:00:00+18:00"}, "active_since"),
    ("/messages", {"until": "9999-12-31T23:59:59-18:00"}, "until"),
    ("/messages", {"direction": "up"}, "direction"),
    ("/messages", {"status": "gone"}, "status"),
    ("/messages", {"conversation_id": "x"}, "conversation_id"),
    ("/messages", {"since": "2026-10-05T09:00:00"}, "since"),
    ("/messages", {"until": "99999-01-01T00:00:00Z"}, "until"),
    ("/messages", {"customer": "x" * 201}, "customer"),
    ("/messages", {"until": "null"}, "until"),
    ("/messages", {"until": "0.5"}, "until"),
    ("/extractions/export", {"since": "1763803800"}, "since"),
    ("/messages", {"conversation_id": "NULL"}, "conversation_id"),
    ("/extractions/export", {"since": "null"}, "since"),
]


@pytest.mark.parametrize(("path", "query", "field"), BAD_QUERIES)
async def test_a_wrong_parameter_is_refused_by_its_name(rest, shop, path, query, field):
    answer = await rest.get(shop.path(USER) + path, params=query, headers=bearer(ADMIN_KEY))
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]


async def test_a_text_may_be_the_word_null(rest, shop):
    answer = await rest.get(shop.path(USER) + "/messages?customer=null", headers=bearer(ADMIN_KEY))
    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_an_idempotency_key_has_a_length(rest, shop, key):
    headers = bearer(ADMIN_KEY) | {"Idempotency-Key": key}
    answer = await rest.post(shop.path(USER + "/credits/add"), json={"amount": 1}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/Idempotency-Key")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{} {}", b'{"name":NaN}', b'{"name":"\xff"}', b'{"name":"\\ud800"}', b'{"a":' * 5000, b"\x1f\x8b\x08"],
)
async def test_what_is_not_json_is_a_400(rest, body):
    headers = bearer(ADMIN_KEY) | {"Content-Type": "application/json"}
    answer = await rest.post("/users", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


@pytest.mark.parametrize("body", [b"null", b"[]", b'"Shop"', b"5"])
async def test_json_that_is_no_object_is_a_422(rest, body):
    headers = bearer(ADMIN_KEY) | {"Content-Type": "application/json"}
    answer = await rest.post("/users", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_of_another_media_type_is_a_415(rest, media_type):
    headers = bearer(ADMIN_KEY) | {"Content-Type": media_type}
    answer = await rest.post("/users", content=b'{"name":"Shop"}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_may_be_spelled_and_parametrised(rest, media_type):
    headers = bearer(ADMIN_KEY) | {"Content-Type": media_type}
    assert (await rest.post("/users", content=b'{"name":"Shop"}', headers=headers)).status_code == 201


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/users/nonsense",
        "/users/5/credits",
        USER + "/prompts/x%00",
        USER + "/agents/%F0%28",
        "/schema",
        "/",
    ],
)
async def test_an_unknown_path_is_a_404(rest, shop, path):
    answer = await rest.get(shop.path(path), headers=bearer(ADMIN_KEY))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_wrong_method_is_a_405_that_names_the_right_ones(rest):
    answer = await rest.put("/users", json={}, headers=bearer(ADMIN_KEY))
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


async def test_a_second_phone_number_with_the_same_account_is_a_conflict(rest, shop):
    body = {"type": "whatsapp", "meta_phone_number_id": "100"}
    answer = await rest.post(shop.path(USER) + "/phone_numbers", json=body, headers=bearer(shop.key))
    assert answer.status_code == 409


async def test_an_error_is_told_in_the_form_of_rfc_9457(rest, shop):
    headers = bearer(shop.key) | {"X-Request-Id": "mine-1"}
    answer = await rest.post(shop.path(USER) + "/credits/add", json={"amount": 0}, headers=headers)
    detail = "It must be a whole number between 1 and 1000000000."
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/docs#invalid_input",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": detail,
        "instance": shop.path(USER) + "/credits/add",
        "code": "invalid_input",
        "request_id": "mine-1",
        "errors": [{"pointer": "/amount", "code": "invalid_input", "detail": detail}],
    }


async def test_every_answer_carries_an_id_and_a_harmful_one_is_replaced(rest):
    first, second = [(await rest.get("/health/live")).headers["x-request-id"] for _ in range(2)]
    assert first != second
    assert (await rest.get("/nowhere", headers={"X-Request-Id": "mine"})).headers["x-request-id"] == "mine"
    for harmful in ("a b", "x" * 129, "a\tb", "{}"):
        answer = await rest.get("/nowhere", headers={"X-Request-Id": harmful})
        assert answer.headers["x-request-id"] == answer.json()["request_id"] != harmful


async def test_a_fault_of_ours_says_nothing_and_is_logged(rest, shop, house):
    house.credits.wrong = RuntimeError("secret detail")
    with capture_logs() as logs:
        answer = await rest.get(shop.path(USER) + "/credits", headers=bearer(shop.key))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert not [word for word in ("secret", "Traceback", "RuntimeError", ".py") if word in answer.text]
    assert [(line["event"], line["request_id"]) for line in logs] == [
        ("request_failed", answer.headers["x-request-id"])
    ]


async def test_an_outage_asks_to_come_again(rest, shop, house):
    house.credits.wrong = shared.Unavailable("Postgres does not answer.")
    answer = await rest.get(shop.path(USER) + "/credits", headers=bearer(shop.key))
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")


def families() -> list[type[DomainError]]:
    return [one for one in vars(shared).values() if isinstance(one, type) and one.__bases__ == (DomainError,)]


@pytest.mark.parametrize("family", families())
def test_each_family_of_errors_is_in_both_tables(family):
    assert family in STATUSES
    assert family in STATUS_CODES


def test_there_are_seven_families_and_a_member_takes_the_status_of_its_own():
    class TooEarly(shared.Conflict):
        code = "too_early"

    assert len(families()) == 7
    assert (status_of(TooEarly), status_code_of(TooEarly).name) == (409, "FAILED_PRECONDITION")
    assert (status_of(DomainError), status_code_of(DomainError).name) == (500, "INTERNAL")


@pytest.mark.parametrize(
    ("field", "pointer"), [("amount", "/amount"), ("a.b", "/a/b"), ("a[0]", "/a/0"), ("a/b", "/a~1b"), ("", "")]
)
def test_a_field_is_named_by_a_json_pointer(field, pointer):
    assert pointer_to(field) == pointer
