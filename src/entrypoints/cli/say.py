"""`frontdesk say`: a customer's message, signed as Meta would, and the reply as the API shows it.

Only the standard library is loaded: the command is typed often, and half of its time would be imports.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

POLL_SECONDS = 0.02
READY_FILE = "dev.json"
"""Where `frontdesk dev` keeps its addresses and demo keys, inside FRONTDESK_HOME."""


class SayError(Exception):
    """Why there is no reply to print."""


def say(home: Path, text: str, *, sender: str, account: str | None, timeout_seconds: float) -> int:
    """Send `text` to a phone number and print the reply; the exit code."""
    try:
        running = _running(home)
        account = account or running["demo_meta_phone_number_id"]
        message_id = _send(running, account, sender, text)
        print(_reply(running, account, sender, message_id, timeout_seconds))
    except (SayError, OSError) as error:
        sys.stderr.write(f"frontdesk say: {error}\n")
        return 1
    return 0


def _running(home: Path) -> dict[str, str]:
    try:
        running: dict[str, str] = json.loads((home / READY_FILE).read_text())
    except FileNotFoundError:
        raise SayError(f"Nothing runs in {home}; start it with `make run` or `frontdesk dev`.") from None
    return running


def _send(running: dict[str, str], account: str, sender: str, text: str) -> str:
    message_id = f"wamid.{secrets.token_hex(16)}"
    body = json.dumps(_delivery(account, sender, message_id, text)).encode()
    signature = hmac.digest(running["meta_app_secret"].encode(), body, hashlib.sha256).hex()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    status, answer = _call(running, "POST", "/webhooks/meta", headers, body)
    if status != http.client.OK:
        raise SayError(f"The webhook answered {status}: {answer.decode(errors='replace')}")
    return message_id


def _delivery(account: str, sender: str, message_id: str, text: str) -> dict[str, Any]:
    message = {
        "from": sender,
        "id": message_id,
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": text},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": account, "phone_number_id": account},
        "contacts": [{"profile": {"name": "A customer"}, "wa_id": sender}],
        "messages": [message],
    }
    changes = [{"field": "messages", "value": value}]
    return {"object": "whatsapp_business_account", "entry": [{"id": "0", "changes": changes}]}


def _reply(running: dict[str, str], account: str, sender: str, message_id: str, timeout_seconds: float) -> str:
    """The text that answered our message, all its parts. Raises SayError with the reason when there is none."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        messages = _messages(running, sender)
        ours = next((message for message in messages if message["platform_message_id"] == message_id), None)
        if ours is None:  # what the webhook answered 200 is stored
            raise SayError(f"The demo user has no phone number {account}: nobody here can see what is answered there.")
        if ours["status"] in {"unanswerable", "blocked"}:
            raise SayError(f"The message was not answered: {ours['reason']}")
        if ours["status"] == "answered":
            parts = _asked(running, f"messages/{ours['id']}/trace")["reply_ids"]
            return "\n".join(str(each["text"]) for each in reversed(_messages(running, sender)) if each["id"] in parts)
        time.sleep(POLL_SECONDS)
    raise SayError(f"There was no reply within {timeout_seconds:g} seconds.")


def _messages(running: dict[str, str], sender: str) -> list[dict[str, Any]]:
    """The customer's latest messages, the newest first."""
    query = urlencode({"customer": sender, "sort": "-created_at", "limit": 50})
    items: list[dict[str, Any]] = _asked(running, f"messages?{query}")["items"]
    return items


def _asked(running: dict[str, str], path: str) -> dict[str, Any]:
    """What the demo user is told."""
    key = {"Authorization": f"Bearer {running['demo_api_key']}"}
    status, answer = _call(running, "GET", f"/users/{running['demo_user_id']}/{path}", key, None)
    if status != http.client.OK:
        raise SayError(f"GET {path} answered {status}: {answer.decode(errors='replace')}")
    told: dict[str, Any] = json.loads(answer)
    return told


def _call(
    running: dict[str, str], method: str, path: str, headers: dict[str, str], body: bytes | None
) -> tuple[int, bytes]:
    address = urlsplit(running["rest_url"])
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    except ConnectionRefusedError:
        raise SayError(f"Nothing answers at {running['rest_url']}; is `frontdesk dev` running?") from None
    finally:
        connection.close()
