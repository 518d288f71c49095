import json

import pytest

from application.ports.answers import StillRunning
from domain.credits import Account, InsufficientCredits
from tests.doors.conftest import bearer
from tests.doors.stubs import ADMIN_KEY

USER = "/users/{user_id}"
FORM = {"type": "object", "properties": {"b": {"type": ["number", "null"], "minimum": 1.5, "title": "ü"}}}
PROMPT = {"name": "Host", "instructions": "Be kind.", "model": "gpt-5"}
ROUTES = [
    ("/users", {"name": "Butcher"}, 201),
    (USER + "/api_keys", {"name": "till"}, 201),
    (USER + "/phone_numbers", {"type": "whatsapp", "meta_phone_number_id": "300", "access_token": "EAAG"}, 201),
    (USER + "/prompts", PROMPT, 201),
    (USER + "/prompts/{prompt_id}/versions", PROMPT, 201),
    (USER + "/agents", {"name": "Bob", "prompt_id": "pmpt_1", "lead_form": FORM}, 201),
    (USER + "/credits/add", {"amount": 5, "note": "May 💶"}, 201),
    (USER + "/messages/{message_id}/retry", None, 202),
    (USER + "/conversations/{conversation_id}/extract", None, 202),
    (USER + "/agents/{agent_id}/extract", None, 202),
]
WITH_BODY = [route for route in ROUTES if route[1]]
every_route = pytest.mark.parametrize(("route", "body", "status"), ROUTES, ids=[route for route, _, _ in ROUTES])
JSON = {"Content-Type": "application/json"}


def keyed(key: str = "k", shown: str = ADMIN_KEY) -> dict[str, str]:
    return {**bearer(shown), "Idempotency-Key": key}


async def post(rest, shop, route, body, **headers):
    return await rest.post(shop.path(route), json=body, headers={**keyed(), **headers})


@every_route
async def test_the_same_request_is_answered_byte_for_byte_as_before(rest, shop, house, route, body, status):
    first = await post(rest, shop, route, body)
    house.clock.advance(60)
    rows = house.store.rows()

    again = await post(rest, shop, route, body)

    assert (first.status_code, again.status_code) == (status, status)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert house.store.rows() == rows


@every_route
async def test_each_key_acts_anew(rest, shop, house, route, body, status):
    await post(rest, shop, route, body)
    rows = house.store.rows()

    other = {**body, "meta_phone_number_id": "301"} if body and "meta_phone_number_id" in body else body
    again = await post(rest, shop, route, other, **{"Idempotency-Key": "another"})

    assert again.status_code == status
    assert house.store.rows() > rows


@pytest.mark.parametrize(("route", "body", "status"), WITH_BODY, ids=[route for route, _, _ in WITH_BODY])
async def test_blanks_and_the_order_of_names_make_no_other_request(rest, shop, route, body, status):
    first = await post(rest, shop, route, body)
    turned = json.dumps(dict(reversed(body.items())), indent=4, ensure_ascii=True).encode()

    again = await rest.post(shop.path(route), content=turned, headers={**keyed(), **JSON})

    assert (again.status_code, again.content) == (status, first.content)


@pytest.mark.parametrize(("route", "body", "status"), WITH_BODY, ids=[route for route, _, _ in WITH_BODY])
async def test_another_body_is_refused(rest, shop, house, route, body, status):
    await post(rest, shop, route, body)
    rows = house.store.rows()

    other = await post(rest, shop, route, {**body, **({"amount": 6} if "amount" in body else {"name": "x"})})
    if "type" in body:
        other = await post(rest, shop, route, {**body, "number": "1"})

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert other.json()["errors"][0]["pointer"] == "/Idempotency-Key"
    assert house.store.rows() == rows


async def test_the_same_key_on_another_route_or_thing_is_another_request(rest, shop, stranger):
    await post(rest, shop, USER + "/prompts", PROMPT)

    answers = [
        await post(rest, stranger, USER + "/prompts", PROMPT),
        await post(rest, shop, USER + "/prompts/{prompt_id}/versions", PROMPT),
        await post(rest, shop, USER + "/credits/add", {"amount": 1}),
    ]

    assert [answer.json()["code"] for answer in answers] == ["idempotency_key_reused"] * 3


async def test_whoever_shows_another_key_of_the_same_owner_is_answered_the_same(rest, shop):
    other_key = (await rest.post(shop.path(USER + "/api_keys"), json={"name": "b"}, headers=bearer(shop.key))).json()
    path = shop.path(USER + "/credits/add")

    answers = [
        await rest.post(path, json={"amount": 1}, headers=keyed(shown=key))
        for key in (shop.key, other_key["api_key"], ADMIN_KEY)
    ]

    assert answers[0].content == answers[1].content
    assert answers[2].json()["balance"] == 2


async def test_a_request_that_was_refused_is_no_answer_to_keep(rest, shop):
    path, body = USER + "/agents", {"name": "Bob", "prompt_id": "pmpt_1", "phone_number_id": shop.phone_number_id}
    refused = await post(rest, shop, path, body)
    await rest.delete(shop.path(USER + "/agents/{agent_id}"), headers=bearer(ADMIN_KEY))

    again = await post(rest, shop, path, body)

    assert (refused.status_code, again.status_code) == (409, 201)


@pytest.mark.parametrize("key", ["", "k" * 256, "two words", "tab\there", "caf\xe9".encode("latin-1")])
@every_route
async def test_what_is_no_key_is_refused_by_name(rest, shop, house, route, body, status, key):
    rows = house.store.rows()

    answer = await post(rest, shop, route, body, **{"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/Idempotency-Key")
    assert house.store.rows() == rows


async def test_what_is_under_way_is_a_conflict(rest, shop, house):
    house.retries.wrong = StillRunning()

    answer = await post(rest, shop, USER + "/messages/{message_id}/retry", None)

    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_progress")


async def test_what_costs_too_much_is_refused_with_the_credits_there_are(rest, shop, house):
    house.retries.wrong = InsufficientCredits(Account(balance=3, held=3))

    answer = await post(rest, shop, USER + "/messages/{message_id}/retry", None)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (402, "insufficient_credits")
    assert (problem["balance"], problem["held"], problem["available"]) == (3, 3, 0)


async def test_every_post_that_creates_or_spends_describes_the_header(rest):
    paths = (await rest.get("/openapi.json")).json()["paths"]
    with_header = {
        path
        for path, operations in paths.items()
        for parameter in operations.get("post", {}).get("parameters", [])
        if parameter["name"] == "Idempotency-Key"
    }
    assert {route for route, _, _ in ROUTES} <= with_header
