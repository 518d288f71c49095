"""How often a key may call is counted, told, and held to."""

from __future__ import annotations

import pytest

from application.admission import WRONG_KEYS_PER_ADDRESS
from tests.doors.conftest import bearer
from tests.doors.stubs import ADMIN_KEY

WRONG = bearer("fd_" + "0" * 32 + "_" + "x" * 43)


@pytest.fixture
def may_call(current_application, rest):
    """How many calls a minute are allowed from now on."""

    def set_to(count: int) -> None:
        object.__setattr__(current_application.admit_call, "requests_per_minute", count)

    return set_to


async def test_each_answer_tells_the_limit_and_what_is_left_of_it(rest, shop, may_call):
    may_call(3)
    for left in (2, 1, 0):
        answer = await rest.get(shop.path("/users/{user_id}/credits"), headers=bearer(shop.key))
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"key";q=3;w=60'
        assert answer.headers["ratelimit"] == f'"key";r={left};t={20 * (3 - left)}'


async def test_who_calls_too_often_is_told_when_to_come_again_and_may_then(rest, shop, house, may_call):
    may_call(2)
    path, headers = shop.path("/users/{user_id}/credits"), bearer(shop.key)
    for _ in range(2):
        await rest.get(path, headers=headers)

    refused = await rest.get(path, headers=headers)
    house.clock.advance(int(refused.headers["retry-after"]))
    again = await rest.get(path, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["retry-after"] == "30"
    assert refused.headers["ratelimit"] == '"key";r=0;t=60'
    assert again.status_code == 200


async def test_each_key_has_a_limit_of_its_own_and_the_administrator_none(rest, shop, stranger, may_call):
    may_call(1)
    path = "/users/{user_id}/credits"
    for one, status in ((shop, 200), (stranger, 200), (shop, 429)):
        assert (await rest.get(one.path(path), headers=bearer(one.key))).status_code == status
    for _ in range(3):
        answer = await rest.get(shop.path(path), headers=bearer(ADMIN_KEY))
        assert answer.status_code == 200
        assert "ratelimit" not in answer.headers


async def test_what_is_refused_for_another_reason_is_counted_too(rest, shop, may_call):
    may_call(2)
    answer = await rest.get("/users/00000000-0000-0000-0000-000000000001", headers=bearer(shop.key))
    assert (answer.status_code, answer.headers["ratelimit"]) == (404, '"key";r=1;t=30')


async def test_wrong_keys_are_soon_not_even_looked_at(rest, shop, house):
    burst = WRONG_KEYS_PER_ADDRESS.burst
    answers = [await rest.get("/users", headers=WRONG) for _ in range(burst + 3)]
    right = await rest.get(shop.path("/users/{user_id}"), headers=bearer(shop.key))
    house.clock.advance(1)
    later = await rest.get(shop.path("/users/{user_id}"), headers=bearer(shop.key))

    assert [answer.status_code for answer in answers] == [401] * burst + [429] * 3
    assert answers[-1].headers["retry-after"] == "1"
    assert right.status_code == 429
    assert later.status_code == 200


async def test_wrong_keys_of_one_address_are_no_matter_to_another(rest, shop):
    for _ in range(WRONG_KEYS_PER_ADDRESS.burst + 1):
        await rest.get("/users", headers={**WRONG, "X-Forwarded-For": "203.0.113.9"})
    refused = await rest.get("/users", headers={**WRONG, "X-Forwarded-For": "203.0.113.9"})
    answer = await rest.get("/users", headers={**WRONG, "X-Forwarded-For": "203.0.113.10"})
    assert (refused.status_code, answer.status_code) == (429, 401)


async def test_while_nobody_counts_everybody_passes(rest, shop, house, may_call):
    may_call(1)
    house.rate_limits.is_down = True
    for _ in range(3):
        assert (await rest.get(shop.path("/users/{user_id}"), headers=bearer(shop.key))).status_code == 200
