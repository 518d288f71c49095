"""The demo user: one phone number of each type, an agent on each, and credits to spend. Made through the API."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from entrypoints.dev.keys import Keys

NAME = "Demo"
USERS = "/users?limit=200"
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
    {"type": "webchat", "display_name": "Demo web chat"},
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
    web_chat_id: str


class DemoFailed(Exception):
    """The demo user could not be made. The message is the API's."""


def ensure_demo(rest_url: str, admin_api_key: str, keys: Keys) -> Demo:
    """The demo user, made at the first start. Raises DemoFailed."""
    user_id, api_key = keys.get("demo_user_id"), keys.get("demo_api_key")
    if not user_id or not api_key or not _exists(rest_url, user_id, api_key):
        user_id, api_key = _found(rest_url, admin_api_key) or _made(rest_url, admin_api_key)
        _furnish(rest_url, user_id, api_key)
        keys.keep(demo_user_id=user_id, demo_api_key=api_key)
    return Demo(user_id, api_key, _open_web_chat(rest_url, f"/users/{user_id}/phone_numbers", api_key))


def _made(rest_url: str, admin_api_key: str) -> tuple[str, str]:
    user = _post(rest_url, admin_api_key, "/users", {"name": NAME})
    return user["id"], user["api_key"]


def _found(rest_url: str, admin_api_key: str) -> tuple[str, str] | None:
    """The demo user of another home or of a start that was broken off, with a new key; None when there is none."""
    path: str | None = USERS
    while path is not None:
        page = _asked(rest_url, admin_api_key, "GET", path)
        for user_id in (user["id"] for user in page["items"] if user["name"] == NAME):
            numbers = _asked(rest_url, admin_api_key, "GET", f"/users/{user_id}/phone_numbers")["items"]
            if any(number["meta_phone_number_id"] == WHATSAPP_ACCOUNT for number in numbers):
                return user_id, _post(rest_url, admin_api_key, f"/users/{user_id}/api_keys", {"name": NAME})["api_key"]
        path = f"{USERS}&cursor={quote(page['next_cursor'])}" if page["next_cursor"] else None
    return None


def _open_web_chat(rest_url: str, path: str, api_key: str) -> str:
    """Let the demo page show the demo web chat, wherever the house is this time; the web chat's id."""
    numbers = _asked(rest_url, api_key, "GET", path)["items"]
    web_chat_id = next(number["id"] for number in numbers if number["type"] == "webchat")
    port = urlsplit(rest_url).port
    origins = sorted({rest_url, f"http://localhost:{port}", f"http://127.0.0.1:{port}"})
    _asked(rest_url, api_key, "PATCH", f"{path}/{web_chat_id}", {"allowed_origins": origins})
    return str(web_chat_id)


def _furnish(rest_url: str, user_id: str, api_key: str) -> None:
    """Give the demo user whatever is not there yet. Tokens are set anew: they may be sealed with keys that are gone."""
    root = f"/users/{user_id}"
    there = {each["type"]: each["id"] for each in _asked(rest_url, api_key, "GET", f"{root}/phone_numbers")["items"]}
    linked = {each["phone_number_id"] for each in _asked(rest_url, api_key, "GET", f"{root}/agents")["items"]}
    prompt: dict[str, Any] = {}
    for new in PHONE_NUMBERS:
        id_ = there.get(new["type"]) or _post(rest_url, api_key, f"{root}/phone_numbers", new)["id"]
        if "access_token" in new:
            token = {"access_token": new["access_token"]}
            _asked(rest_url, api_key, "PATCH", f"{root}/phone_numbers/{id_}", token)
        if id_ not in linked:
            prompt = prompt or _post(rest_url, api_key, f"{root}/prompts", PROMPT)
            agent = {"name": f"Agent of {new['display_name']}", "prompt_id": prompt["id"], "phone_number_id": id_}
            _post(rest_url, api_key, f"{root}/agents", agent)
    if not _asked(rest_url, api_key, "GET", f"{root}/credits/entries?limit=1")["items"]:
        _post(rest_url, api_key, f"{root}/credits/add", {"amount": CREDITS, "note": NAME})


def _exists(rest_url: str, user_id: str, api_key: str) -> bool:
    """Whether the kept user is in this database: another DATABASE_URL may have been given this time."""
    status, _ = _call(rest_url, api_key, "GET", f"/users/{user_id}", None)
    return status == http.client.OK


def _post(rest_url: str, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    return _asked(rest_url, key, "POST", path, body)


def _asked(rest_url: str, key: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    status, answer = _call(rest_url, key, method, path, None if body is None else json.dumps(body).encode())
    if status not in {http.client.OK, http.client.CREATED}:
        raise DemoFailed(f"The demo user could not be made: {method} {path} answered {status}: {answer.decode()}")
    said: dict[str, Any] = json.loads(answer)
    return said


def _call(rest_url: str, key: str, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
    address = urlsplit(rest_url)
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=10)
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
