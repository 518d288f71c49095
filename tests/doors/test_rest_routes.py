"""Every route: who may call it, and what it answers in the contract's words."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.doors.conftest import bearer
from tests.doors.stubs import ADMIN_KEY

PROMPT = {"name": "Baker", "instructions": "Be kind.", "model": "gpt-5"}
USER = "/users/{user_id}"
NUMBER = USER + "/phone_numbers/{phone_number_id}"
AGENT = USER + "/agents/{agent_id}"
CONVERSATION = USER + "/conversations/{conversation_id}"

ADMIN_ROUTES = [
    ("POST", "/users", {"name": "Shop"}, 201),
    ("GET", "/users", None, 200),
    ("GET", "/alerts", None, 200),
]
USER_ROUTES = [
    ("GET", USER, None, 200),
    ("PATCH", USER, {"name": "New"}, 200),
    ("DELETE", USER, None, 204),
    ("POST", USER + "/api_keys", {"name": "second"}, 201),
    ("GET", USER + "/api_keys", None, 200),
    ("DELETE", USER + "/api_keys/{api_key_id}", None, 404),
    ("POST", USER + "/phone_numbers", {"type": "webchat"}, 201),
    ("GET", USER + "/phone_numbers", None, 200),
    ("GET", NUMBER, None, 200),
    ("PATCH", NUMBER, {"display_name": "Till"}, 200),
    ("GET", NUMBER + "/queue", None, 200),
    ("DELETE", NUMBER, None, 204),
    ("GET", NUMBER + "/notices", None, 200),
    ("GET", NUMBER + "/webchat", None, 404),
    ("POST", NUMBER + "/webchat/rotate", None, 404),
    ("POST", USER + "/prompts", PROMPT, 201),
    ("GET", USER + "/prompts", None, 200),
    ("GET", USER + "/prompts/{prompt_id}", None, 200),
    ("GET", USER + "/prompts/{prompt_id}/versions", None, 200),
    ("GET", USER + "/prompts/{prompt_id}/versions/{version}", None, 200),
    ("POST", USER + "/prompts/{prompt_id}/versions", PROMPT, 201),
    ("POST", USER + "/agents", {"name": "Ben", "prompt_id": "pmpt_1"}, 201),
    ("GET", USER + "/agents", None, 200),
    ("GET", AGENT, None, 200),
    ("PATCH", AGENT, {"name": "Bea"}, 200),
    ("DELETE", AGENT, None, 204),
    ("GET", USER + "/conversations", None, 200),
    ("GET", CONVERSATION, None, 200),
    ("POST", CONVERSATION + "/archive", None, 200),
    ("POST", CONVERSATION + "/pause", None, 200),
    ("POST", CONVERSATION + "/pause", {"minutes": 30}, 200),
    ("POST", CONVERSATION + "/resume", None, 200),
    ("POST", CONVERSATION + "/messages", {"text": "Hello"}, 409),
    ("GET", USER + "/customers", None, 200),
    ("GET", USER + "/customers/{customer_id}", None, 200),
    ("GET", USER + "/customers/{customer_id}/export", None, 200),
    ("DELETE", USER + "/customers/{customer_id}", None, 204),
    ("GET", USER + "/messages", None, 200),
    ("GET", USER + "/messages/{message_id}/media/{place}", None, 200),
    ("POST", USER + "/messages/{message_id}/retry", None, 202),
    ("GET", USER + "/messages/{message_id}/trace", None, 200),
    ("GET", USER + "/credits", None, 200),
    ("POST", USER + "/credits/add", {"amount": 5}, 201),
    ("GET", USER + "/credits/entries", None, 200),
    ("GET", USER + "/credits/usage", None, 200),
    ("GET", USER + "/extractions", None, 200),
    ("GET", USER + "/extractions/export", None, 200),
    ("GET", USER + "/extractions/{extraction_id}", None, 200),
    ("POST", CONVERSATION + "/extract", None, 202),
    ("POST", AGENT + "/extract", None, 202),
    ("GET", USER + "/leads", None, 200),
    ("GET", USER + "/leads/export", None, 200),
    ("GET", USER + "/leads/{customer_id}", None, 200),
    ("GET", USER + "/alerts", None, 200),
]
ROUTES = ADMIN_ROUTES + USER_ROUTES
OPEN_ROUTES = {("GET", "/metrics"), ("GET", "/health"), ("GET", "/health/live"), ("GET", "/health/ready")}
CONSOLE = "/dashboard"
"""Its pages have a test of their own."""
PAGES = {("GET", "/webchat/widget.js"), ("GET", "/webchat/demo/{phone_number_id}")}
VISITOR_ROUTES = {("POST", "/webchat/{phone_number_id}/sessions"), ("POST", "/webchat/messages")}
RAW_ROUTES = {("GET", "/webhooks/meta"), ("POST", "/webhooks/meta"), ("GET", "/webchat/events")}
ENDLESS_ROUTES = {("GET", "/users/{user_id}/conversations/{conversation_id}/events")}
"""Streams, which are asked for where streams are tested."""


@pytest.mark.parametrize(("method", "path", "body", "status"), ROUTES)
async def test_the_admin_may_call_every_route(rest, shop, method, path, body, status):
    answer = await rest.request(method, shop.path(path), json=body, headers=bearer(ADMIN_KEY))
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(("method", "path", "body", "status"), USER_ROUTES)
async def test_a_user_may_call_every_route_of_their_own(rest, shop, method, path, body, status):
    answer = await rest.request(method, shop.path(path), json=body, headers=bearer(shop.key))
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(("method", "path", "body", "status"), USER_ROUTES)
async def test_another_users_things_do_not_exist(rest, shop, stranger, method, path, body, status):
    answer = await rest.request(method, stranger.path(path), json=body, headers=bearer(shop.key))
    unknown = await rest.request(
        method,
        path.format_map(
            {**vars(stranger), "user_id": UUID(int=1), "api_key_id": UUID(int=7), "place": 0, "version": 1}
        ),
        json=body,
        headers=bearer(shop.key),
    )
    assert (answer.status_code, answer.json()["detail"]) == (404, unknown.json()["detail"])


@pytest.mark.parametrize(("method", "path", "body", "status"), [one for one in USER_ROUTES if one[1].count("{") == 2])
async def test_another_users_thing_under_ones_own_name_does_not_exist_either(
    rest, shop, stranger, method, path, body, status
):
    mixed = path.format_map(
        {**vars(stranger), "user_id": shop.user_id, "api_key_id": UUID(int=7), "place": 0, "version": 1}
    )
    answer = await rest.request(method, mixed, json=body, headers=bearer(shop.key))
    assert answer.status_code == 404


@pytest.mark.parametrize(("method", "path", "body", "status"), ROUTES)
@pytest.mark.parametrize("headers", [{}, bearer("wrong"), {"Authorization": "Basic abc"}, bearer("fd_" + "0" * 76)])
async def test_without_a_known_key_there_is_nothing_to_see(rest, shop, method, path, body, status, headers):
    answer = await rest.request(method, shop.path(path), json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_strangers_body_is_not_even_parsed(rest):
    answer = await rest.post("/users", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 401


@pytest.mark.parametrize(("method", "path", "body", "status"), ADMIN_ROUTES)
async def test_what_is_the_admins_is_forbidden_to_users(rest, shop, method, path, body, status):
    answer = await rest.request(method, path, json=body, headers=bearer(shop.key))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_the_tables_above_name_every_registered_route(rest_app):
    registered = {
        (method, route.path_format)
        for route in rest_app.routes
        if hasattr(route, "route_handler_map")
        for method in route.route_handler_map
        if method != "OPTIONS" and route.path not in {"/openapi.json", "/docs"} and not route.path.startswith(CONSOLE)
    }
    asked = {(method, path) for method, path, _, _ in ROUTES}
    assert registered == asked | OPEN_ROUTES | VISITOR_ROUTES | PAGES | ENDLESS_ROUTES


async def test_a_removed_key_opens_nothing(rest, shop):
    base = f"/users/{shop.user_id}/api_keys"
    issued = (await rest.post(base, json={"name": "second"}, headers=bearer(shop.key))).json()
    assert (await rest.get(base, headers=bearer(issued["api_key"]))).status_code == 200
    assert (await rest.delete(f"{base}/{issued['id']}", headers=bearer(shop.key))).status_code == 204
    assert (await rest.get(base, headers=bearer(issued["api_key"]))).status_code == 401


async def test_a_listed_key_shows_nothing_of_what_it_is_made_of(rest, shop):
    [key] = (await rest.get(f"/users/{shop.user_id}/api_keys", headers=bearer(shop.key))).json()["items"]
    assert set(key) == {"id", "user_id", "name", "created_at", "last_used_at", "scopes"}


async def test_a_new_user_is_told_with_its_key_and_never_again(rest):
    new = (await rest.post("/users", json={"name": " Shop "}, headers=bearer(ADMIN_KEY))).json()
    assert set(new) == {"id", "name", "created_at", "low_balance_threshold", "api_key"}
    assert new["name"] == "Shop"
    shown = (await rest.get(f"/users/{new['id']}", headers=bearer(new["api_key"]))).json()
    assert shown == {key: new[key] for key in ("id", "name", "created_at", "low_balance_threshold")}


async def test_a_phone_number_never_shows_its_token(rest, shop):
    body = {"type": "instagram", "instagram_account_id": "1784", "access_token": "EAAG-secret", "display_name": "Till"}
    answer = await rest.post(f"/users/{shop.user_id}/phone_numbers", json=body, headers=bearer(shop.key))
    listed = await rest.get(f"/users/{shop.user_id}/phone_numbers", headers=bearer(shop.key))
    assert set(answer.json()) == {
        "id", "user_id", "type", "display_name", "number", "meta_phone_number_id", "instagram_account_id", "status",
        "status_detail", "token_expires_at", "allowed_origins", "settings", "created_at",
    }  # fmt: skip
    assert "secret" not in answer.text + listed.text


async def test_a_token_is_rotated_without_changing_anything_else(rest, shop, house):
    path = shop.path(NUMBER)
    before = (await rest.get(path, headers=bearer(shop.key))).json()
    after = await rest.patch(path, json={"access_token": "fresh"}, headers=bearer(shop.key))
    assert after.json() == before
    assert house.store.sealed_tokens[UUID(shop.phone_number_id)].endswith(b"fresh")


async def test_a_patch_tells_absent_from_null(rest, shop):
    path = shop.path(AGENT)
    renamed = (await rest.patch(path, json={"name": "Bea"}, headers=bearer(shop.key))).json()
    assert (renamed["name"], renamed["phone_number_id"]) == ("Bea", shop.phone_number_id)
    unlinked = (await rest.patch(path, json={"phone_number_id": None}, headers=bearer(shop.key))).json()
    assert (unlinked["name"], unlinked["phone_number_id"]) == ("Bea", None)


async def test_a_new_version_of_a_prompt_is_answered_with_its_number(rest, shop):
    path = shop.path(USER + "/prompts/{prompt_id}")
    body = {"instructions": "Be brief.", "model": "gpt-5", "temperature": 0.5, "max_output_tokens": 100}
    second = await rest.post(f"{path}/versions", json=body, headers=bearer(shop.key))
    latest = await rest.get(path, headers=bearer(shop.key))
    assert second.json() == latest.json() | {}
    assert second.json() == {
        "id": shop.prompt_id, "version": 2, "name": "Baker", **body, "created_at": second.json()["created_at"],
    }  # fmt: skip


async def test_a_conversation_is_told_in_the_contracts_words(rest, shop):
    answer = (await rest.get(shop.path(CONVERSATION), headers=bearer(shop.key))).json()
    assert set(answer) == {
        "id", "phone_number_id", "agent_id", "customer", "status", "openai_conversation_id", "message_count",
        "last_activity_at", "paused_until", "paused_reason", "created_at",
    }  # fmt: skip
    assert set(answer["customer"]) == {"id", "address", "name"}


async def test_an_archived_conversation_is_answered_as_archived(rest, shop):
    answer = await rest.post(shop.path(CONVERSATION) + "/archive", headers=bearer(shop.key))
    assert answer.json()["status"] == "archived"


async def test_a_message_is_told_in_the_contracts_words(rest, shop):
    items = (await rest.get(shop.path(USER + "/messages"), headers=bearer(shop.key))).json()["items"]
    assert set(items[1]) == {
        "id", "conversation_id", "phone_number_id", "sequence_number", "direction", "author", "type", "text", "status",
        "reason", "platform_message_id", "error", "created_at", "status_times", "pricing",
        "content", "prompt_id", "prompt_version", "model", "media",
    }  # fmt: skip
    assert items[1]["error"] == {"code": 131026}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"direction": "inbound"}, 1),
        ({"status": "failed"}, 1),
        ({"status": "read"}, 0),
        ({"customer": "491701234567"}, 2),
        ({"customer": "nobody"}, 0),
        ({"since": "2026-10-05T09:00:00Z"}, 2),
        ({"until": "2026-10-05T11:00:00+02:00"}, 0),
    ],
)
async def test_messages_are_filtered(rest, shop, query, found):
    answer = await rest.get(shop.path(USER + "/messages"), params=query, headers=bearer(shop.key))
    assert len(answer.json()["items"]) == found, answer.text


async def test_conversations_are_filtered(rest, shop):
    path = shop.path(USER + "/conversations")
    for query, found in [
        ({"status": "active", "phone_number_id": shop.phone_number_id}, 1),
        ({"status": "archived"}, 0),
        ({"active_since": "2026-10-05T09:00:01Z"}, 0),
    ]:
        answer = await rest.get(path, params=query, headers=bearer(shop.key))
        assert len(answer.json()["items"]) == found, answer.text


async def test_credits_are_added_and_shown(rest, shop):
    base = shop.path(USER + "/credits")
    added = (await rest.post(f"{base}/add", json={"amount": 5, "note": "May"}, headers=bearer(shop.key))).json()
    assert set(added) == {"entry", "balance", "held", "available"}
    assert set(added["entry"]) == {
        "id", "kind", "amount", "balance_change", "held_change", "turn_id", "extraction_id", "note",
        "created_at",
    }  # fmt: skip
    account = (await rest.get(base, headers=bearer(shop.key))).json()
    assert account == {"balance": 5, "held": 0, "available": 5}
    assert (await rest.get(f"{base}/entries", headers=bearer(shop.key))).json()["items"] == [added["entry"]]


async def test_the_same_idempotency_key_adds_once(rest, shop):
    headers = {**bearer(shop.key), "Idempotency-Key": "may-top-up"}
    path = shop.path(USER + "/credits/add")
    first = await rest.post(path, json={"amount": 5}, headers=headers)
    again = await rest.post(path, json={"amount": 5}, headers=headers)
    other = await rest.post(path, json={"amount": 6}, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await rest.get(shop.path(USER + "/credits"), headers=bearer(shop.key))).json()["balance"] == 5


async def test_a_list_is_read_page_by_page_in_both_directions(rest, shop, house):
    path = shop.path(USER + "/api_keys")
    for number in range(4):
        house.clock.advance(1)
        await rest.post(path, json={"name": f"key {number}"}, headers=bearer(shop.key))
    for sort, expected in [
        ("created_at", ["first key", "key 0", "key 1", "key 2", "key 3"]),
        ("-created_at", ["key 3", "key 2", "key 1", "key 0", "first key"]),
    ]:
        names, cursor = [], None
        while True:
            query = {"limit": 2, "sort": sort} | ({"cursor": cursor} if cursor else {})
            page = (await rest.get(path, params=query, headers=bearer(shop.key))).json()
            names += [key["name"] for key in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert names == expected


async def test_health_tells_each_dependency(rest, house):
    assert (await rest.get("/health/live")).json() == {"status": "ok"}
    ready = await rest.get("/health/ready")
    assert (ready.status_code, ready.json()) == (
        200, {"status": "ok", "dependencies": {"postgres": {"status": "ok", "reason": None}}},
    )  # fmt: skip
    house.probe.reason = "Postgres does not answer."
    ready, everything = await rest.get("/health/ready"), await rest.get("/health")
    assert (ready.status_code, everything.status_code) == (503, 503)
    assert ready.json()["dependencies"]["postgres"] == {"status": "unavailable", "reason": "Postgres does not answer."}
    assert everything.json()["unclaimed_messages"] == 3


async def test_the_admin_key_is_of_no_use_with_another_scheme_or_blanks_only(rest):
    for value in (ADMIN_KEY, "Bearer", "Bearer ", f"Token {ADMIN_KEY}"):
        assert (await rest.get("/users", headers={"Authorization": value})).status_code == 401
