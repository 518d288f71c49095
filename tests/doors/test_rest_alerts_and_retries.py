"""What is wrong, and sending again what failed: in the contract's words."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.credits import Account, InsufficientCredits
from domain.delivery import AgentGone, NotFailed, TurnUnderWay
from domain.monitoring import AlertKind
from tests.doors.conftest import bearer
from tests.doors.stubs import ADMIN_KEY

OVERFLOW = AlertKind.QUEUE_OVERFLOW


async def _subjects(rest, path: str, key: str) -> list[str]:
    answer = await rest.get(path, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    return [alert["subject"] for alert in answer.json()["items"]]


@pytest.fixture
async def alerts(house, shop, stranger):
    await house.alerts.raise_alert(OVERFLOW, "own", UUID(shop.user_id), "10 wait.")
    await house.alerts.raise_alert(OVERFLOW, "ended", UUID(shop.user_id), "10 wait.")
    await house.alerts.resolve(OVERFLOW, "ended")
    await house.alerts.raise_alert(OVERFLOW, "stranger's", UUID(stranger.user_id), "10 wait.")
    await house.alerts.raise_alert(AlertKind.PROVIDER_OUTAGE, "openai", None, "It is down.")


async def test_the_admin_sees_all_alerts_and_a_user_their_own(rest, shop, alerts):
    assert await _subjects(rest, "/alerts", ADMIN_KEY) == ["own", "ended", "stranger's", "openai"]
    assert await _subjects(rest, "/alerts?state=resolved", ADMIN_KEY) == ["ended"]
    assert await _subjects(rest, f"/users/{shop.user_id}/alerts", shop.key) == ["own", "ended"]
    assert await _subjects(rest, f"/users/{shop.user_id}/alerts?state=open", shop.key) == ["own"]


async def test_an_alert_is_told_in_the_contracts_words(rest, shop, alerts):
    answer = await rest.get(f"/users/{shop.user_id}/alerts?state=open", headers=bearer(shop.key))
    (alert,) = answer.json()["items"]
    del alert["id"], alert["opened_at"]
    assert alert == {
        "user_id": shop.user_id,
        "kind": "queue_overflow",
        "severity": "critical",
        "subject": "own",
        "detail": "10 wait.",
        "resolved_at": None,
        "times": 1,
    }


async def test_alerts_come_in_pages_from_either_end(rest, alerts):
    first = (await rest.get("/alerts?limit=3&sort=-created_at", headers=bearer(ADMIN_KEY))).json()
    rest_of_it = await _subjects(rest, f"/alerts?limit=3&sort=-created_at&cursor={first['next_cursor']}", ADMIN_KEY)
    assert [alert["subject"] for alert in first["items"]] + rest_of_it == ["openai", "stranger's", "ended", "own"]


async def test_a_state_that_no_alert_has_is_refused(rest, alerts):
    answer = await rest.get("/alerts?state=sleeping", headers=bearer(ADMIN_KEY))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/state")


async def test_a_retried_message_is_answered_as_it_waits_and_queued(rest, shop, house):
    path = f"/users/{shop.user_id}/messages/{shop.message_id}/retry"
    answer = await rest.post(path, headers=bearer(shop.key) | {"Idempotency-Key": "k"})
    message = answer.json()
    assert answer.status_code == 202
    assert (message["id"], message["status"], message["error"]) == (shop.message_id, "pending", None)
    assert house.retries.retried == 1
    (entry,) = await house.application.work.claim(UUID(shop.phone_number_id), UUID(int=1), 5)
    assert str(entry.conversation_id) == shop.conversation_id


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        (NotFailed("sent"), 409),
        (TurnUnderWay("busy"), 409),
        (AgentGone("gone"), 409),
        (InsufficientCredits(Account(2, 2)), 402),
    ],
)
async def test_a_retry_that_is_refused_says_why(rest, shop, house, wrong, status):
    house.retries.wrong = wrong
    path = f"/users/{shop.user_id}/messages/{shop.message_id}/retry"
    answer = await rest.post(path, headers=bearer(shop.key))
    assert (answer.status_code, answer.json()["code"]) == (status, wrong.code)
    assert "retry-after" not in answer.headers
    document = (await rest.get("/openapi.json")).json()
    operation = document["paths"]["/users/{user_id}/messages/{message_id}/retry"]["post"]
    assert str(status) in operation["responses"]


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_that_is_none_is_refused(rest, shop, house, key):
    path = f"/users/{shop.user_id}/messages/{shop.message_id}/retry"
    answer = await rest.post(path, headers=bearer(shop.key) | {"Idempotency-Key": key})
    assert (answer.status_code, house.retries.retried) == (422, 0)
