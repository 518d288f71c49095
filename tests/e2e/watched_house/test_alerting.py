"""What is wrong reaches people: a fault, the alert at the webhook and in the mail, its end there too."""

import json
from typing import Any

import pytest

from tests.rig.house import a_customer
from tests.rig.waiting import until


def _told(watched, kind: str, subject: str) -> list[str]:
    """What the webhook was told of an alert, each thing once, in order."""
    posts = [json.loads(body) for body in list(watched.alerts.bodies)]
    own = [post for post in posts if (post["data"]["kind"], post["data"]["subject"]) == (kind, subject)]
    return list(dict.fromkeys(post["type"] for post in own))


def _mailed(watched, subject: str) -> list[str]:
    return [letter["Subject"] for letter in list(watched.mail.letters) if f"About: {subject}" in letter.get_content()]


def _shown(watched, state: str) -> list[dict[str, Any]]:
    return watched.house.rest("GET", f"/alerts?state={state}&sort=-created_at&limit=200").json["items"]


def test_a_low_balance_and_its_end_reach_the_webhook_the_mail_and_the_log(watched):
    tenant = watched.house.tenant(credits=2)
    watched.house.rest("PATCH", tenant.path, {"low_balance_threshold": 2}, tenant.key)

    tenant.hears("Hello", a_customer())
    until(lambda: _told(watched, "low_balance", tenant.id) == ["alert.opened"], 20)
    until(lambda: _mailed(watched, tenant.id) == ["[Frontdesk] Warning: Low balance"], 20)
    tenant.make("credits/add", {"amount": 10})
    until(lambda: _told(watched, "low_balance", tenant.id) == ["alert.opened", "alert.resolved"], 20)
    until(lambda: _mailed(watched, tenant.id)[1:] == ["[Frontdesk] Resolved: Low balance"], 20)

    log = watched.house.log.read_text()
    events = [json.loads(line) for line in log.splitlines() if tenant.id in line and '"alert_' in line]
    assert [event["event"] for event in events] == ["alert_opened", "alert_resolved"]


@pytest.mark.timeout(180)
def test_an_outage_of_the_model_and_its_end_reach_the_webhook(watched):
    tenant = watched.house.tenant()
    with watched.house.openai.turned(outage=True, outage_kind="unavailable"):
        for _ in range(5):
            tenant.hears("Hello", a_customer())
        until(lambda: "alert.opened" in _told(watched, "provider_outage", "openai"), 60)
    until(lambda: _told(watched, "provider_outage", "openai") == ["alert.opened", "alert.resolved"], 60)
    assert "openai" in [alert["subject"] for alert in _shown(watched, "resolved")]


def test_an_announced_end_of_a_model_is_not_told_of_those_that_nobody_uses(watched):
    assert [alert for alert in _shown(watched, "open") if alert["kind"] == "model_ending"] == []
