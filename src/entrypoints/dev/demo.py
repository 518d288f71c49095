"""The demo user: one phone number of each type, an agent on each, and credits to spend. Made through the API."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from entrypoints.dev.keys import Keys

CREDITS = 100_000
WHATSAPP_ACCOUNT = "100000000000001"
INSTAGRAM_ACCOUNT = "17840000000000001"
PHONE_NUMBERS: tuple[dict[str, Any], ...] = (
    {
        "type": "whatsapp",
        "display_name": "Demo on WhatsApp",
        "number": "+15550000001",
        "meta_phone_number_id": WHATSAPP_ACCOUNT,
        "access_token": "demo-token",
    },
    {
        "type": "instagram",
        "display_name": "Demo on Instagram",
        "instagram_account_id": INSTAGRAM_ACCOUNT,
        "access_token": "demo-token",
    },
    {"type": "webchat", "display_name": "Demo web chat", "allowed_origins": ["http://localhost:8000"]},
)
PROMPT = {
    "name": "Demo",
    "instructions": "You are the friendly front desk of a small hotel. Answer briefly, in the customer's language.",
    "model": "gpt-5.5",
}


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo user and the key that opens it."""

    user_id: str
    api_key: str


class DemoFailed(Exception):
    """The demo user could not be made. The message is the API's."""


def ensure_demo(rest_url: str, admin_api_key: str, keys: Keys) -> Demo:
    """The demo user, made at the first start. Raises DemoFailed."""
    user_id, api_key = keys.get("demo_user_id"), keys.get("demo_api_key")
    if user_id and api_key and _exists(rest_url, user_id, api_key):
        return Demo(user_id, api_key)
    user = _post(rest_url, admin_api_key, "/users", {"name": "Demo"})
    demo = Demo(user["id"], user["api_key"])
    _furnish(rest_url, demo)
    keys.keep(demo_user_id=demo.user_id, demo_api_key=demo.api_key)
    return demo


def _furnish(rest_url: str, demo: Demo) -> None:
    root = f"/users/{demo.user_id}"
    prompt = _post(rest_url, demo.api_key, f"{root}/prompts", PROMPT)
    for new in PHONE_NUMBERS:
        phone_number = _post(rest_url, demo.api_key, f"{root}/phone_numbers", new)
        agent = {
            "name": f"Agent of {new['display_name']}",
            "prompt_id": prompt["id"],
            "phone_number_id": phone_number["id"],
        }
        _post(rest_url, demo.api_key, f"{root}/agents", agent)
    _post(rest_url, demo.api_key, f"{root}/credits/add", {"amount": CREDITS, "note": "Demo"})


def _exists(rest_url: str, user_id: str, api_key: str) -> bool:
    """Whether the kept user is in this database: another DATABASE_URL may have been given this time."""
    status, _ = _call(rest_url, api_key, "GET", f"/users/{user_id}", None)
    return status == http.client.OK


def _post(rest_url: str, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, answer = _call(rest_url, key, "POST", path, json.dumps(body).encode())
    if status != http.client.CREATED:
        raise DemoFailed(f"The demo user could not be made: POST {path} answered {status}: {answer.decode()}")
    made: dict[str, Any] = json.loads(answer)
    return made


def _call(rest_url: str, key: str, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
    address = urlsplit(rest_url)
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=10)
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
