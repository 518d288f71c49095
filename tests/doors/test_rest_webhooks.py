"""The platform's address: every outcome has its status, and what is read is what was signed."""

from __future__ import annotations

import pytest

from tests.doors.conftest import bearer

PATH = "/webhooks/meta"


async def test_a_delivery_is_handed_on_as_it_came(rest, house):
    answer = await rest.post(PATH, content=b" {raw}\r\n", headers={"X-Hub-Signature-256": "sha256=Ab"})
    assert (answer.status_code, answer.text) == (200, "ok")
    [(headers, body)] = house.reader.deliveries
    assert (headers["x-hub-signature-256"], body) == ("sha256=Ab", b" {raw}\r\n")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"unsigned", 401, "webhook_unsigned"),
        (b"forged", 403, "webhook_signature_wrong"),
        (b"junk", 400, "webhook_not_json"),
        (b"down", 503, "unavailable"),
    ],
)
async def test_what_is_wrong_with_a_delivery_decides_its_status(rest, body, status, code):
    answer = await rest.post(PATH, content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_bug_is_a_500_so_that_the_platform_delivers_again(rest):
    answer = await rest.post(PATH, content=b"bug")
    assert answer.status_code == 500
    assert "secret" not in answer.text


async def test_the_handshake_echoes_the_challenge_as_plain_text(rest):
    query = {"hub.mode": "subscribe", "hub.verify_token": "right", "hub.challenge": "<b>42</b>"}
    answer = await rest.get(PATH, params=query)
    assert (answer.status_code, answer.text) == (200, "<b>42</b>")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("query", [{}, {"hub.verify_token": "wrong", "hub.challenge": "42"}])
async def test_a_handshake_with_a_wrong_token_is_forbidden(rest, query):
    assert (await rest.get(PATH, params=query)).status_code == 403


async def test_no_other_method_is_taken(rest):
    answer = await rest.delete(PATH, headers=bearer("any"))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
