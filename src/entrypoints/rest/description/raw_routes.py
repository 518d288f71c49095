"""The routes that the framework knows nothing of: they take and give bytes."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def _text(description: str, example: str) -> Document:
    content = {"text/plain": {"schema": {"type": "string"}, "example": example}}
    return {"200": {"description": description, "content": content}}


def _query(name: str, description: str, example: str) -> Document:
    schema = {"type": "string"}
    return {"name": name, "in": "query", "required": True, "schema": schema, "description": description} | {
        "example": example
    }


WEBHOOK_PATH: Document = {
    "get": {
        "operationId": "answerHandshake",
        "summary": "Answer the platform's handshake.",
        "parameters": [
            _query("hub.mode", "Always `subscribe`.", "subscribe"),
            _query("hub.verify_token", "The setting META_VERIFY_TOKEN.", "a-token"),
            _query("hub.challenge", "What is to be echoed.", "1158201444"),
        ],
        "responses": _text("The challenge, echoed.", "1158201444"),
    },
    "post": {
        "operationId": "deliverWebhook",
        "summary": "Take in a signed delivery.",
        "description": "The signature is over the raw bytes: `X-Hub-Signature-256: sha256=…`, with one of the setting "
        "META_APP_SECRETS. Bodies of up to 4 MiB.",
        "parameters": [
            {
                "name": "X-Hub-Signature-256",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "pattern": "^sha256=[0-9a-f]{64}$"},
                "description": "HMAC-SHA256 of the body.",
                "example": "sha256=" + "0" * 64,
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object"},
                    "example": {"object": "whatsapp_business_account", "entry": []},
                }
            },
        },
        "responses": _text("Everything in it is safely stored.", "ok"),
    },
}

EVENTS_PATH: Document = {
    "get": {
        "operationId": "followChat",
        "summary": "Follow a visitor's chat as server-sent events.",
        "description": "Events are `message`, `typing` and `delta`. The page's `Origin` and the visitor's session "
        "(`Authorization: Bearer TOKEN`) are shown as when writing.",
        "parameters": [
            {
                "name": "after",
                "in": "query",
                "required": False,
                "schema": {"type": "integer", "minimum": 0, "maximum": 2**53, "default": 0},
                "description": "The sequence number of the last message that was seen.",
                "example": 0,
            }
        ],
        "responses": {
            "200": {
                "description": "The stream, until one side ends it.",
                "content": {
                    "text/event-stream": {
                        "schema": {"type": "string"},
                        "example": 'event: message\ndata: {"sequence": 1, "author": "agent", "text": "Hello"}\n\n',
                    }
                },
            }
        },
    },
}
