"""What REST tells of its requests: routes, not paths, and metrics to whoever may see them."""

from __future__ import annotations

import pytest
from httpx import ASGITransport, AsyncClient
from structlog.testing import capture_logs

from entrypoints.rest.access import with_access_log
from tests.doors.conftest import bearer
from tests.doors.stubs import ADMIN_KEY


@pytest.fixture
async def watched(rest, rest_app, house):
    """The door with what watches it."""
    app = with_access_log(rest_app, house.telemetry)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver.local") as client:
        yield client


async def test_a_request_is_one_line_with_its_route_and_its_id(watched, shop):
    with capture_logs() as lines:
        answer = await watched.get(f"/users/{shop.user_id}", headers={"X-Request-Id": "mine", **bearer(shop.key)})

    assert answer.headers["x-request-id"] == "mine"
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "request", "log_level": "info", "method": "GET", "route": "/users/{user_id}", "status": 200,
    }  # fmt: skip


async def test_requests_are_counted_by_route_and_status(watched, shop, house):
    for key in (shop.key, "wrong"):
        await watched.get(f"/users/{shop.user_id}", headers=bearer(key))

    requests = {name: count for name, count in house.telemetry.counts.items() if "/users/{user_id}" in name}
    assert requests == {
        'requests_total{door="rest",route="GET /users/{user_id}",status="200"}': 1,
        'requests_total{door="rest",route="GET /users/{user_id}",status="401"}': 1,
    }


@pytest.mark.parametrize("path", ["/nothing/4915112345678", "/users/x/y/z"])
async def test_a_path_that_leads_nowhere_is_not_told(watched, path):
    with capture_logs() as lines:
        await watched.get(path)

    assert [line["route"] for line in lines] == ["unmatched"]
    assert path not in str(lines)


async def test_a_strange_method_is_one_among_others(watched, house):
    await watched.request("BREW", "/health/live")

    assert list(house.telemetry.counts) == ['requests_total{door="rest",route="other unmatched",status="405"}']


async def test_what_machines_ask_all_day_is_told_at_debug(watched):
    with capture_logs() as lines:
        await watched.get("/health/live")

    assert [line["log_level"] for line in lines] == ["debug"]


async def test_a_delivery_tells_what_it_came_to(watched, house):
    with capture_logs() as lines:
        assert (await watched.post("/webhooks/meta", content=b"{}")).status_code == 200

    (line,) = lines
    assert (line["route"], line["queued"], line["message_ids"]) == ("/webhooks/meta", True, [])


async def test_metrics_are_text_for_prometheus(rest, house):
    house.telemetry.crashed()

    answer = await rest.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "frontdesk_turns_crashed_total 1.0" in answer.text.splitlines()


async def test_a_key_of_the_house_is_no_token_for_metrics(house, rest, current_application):
    show = type(house.application.show_metrics)(house.telemetry, token="the token of metrics")
    object.__setattr__(current_application, "show_metrics", show)

    assert (await rest.get("/metrics")).status_code == 401
    assert (await rest.get("/metrics", headers=bearer(ADMIN_KEY))).status_code == 401
    assert (await rest.get("/metrics", headers=bearer("the token of metrics"))).status_code == 200
