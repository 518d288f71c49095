"""Deliveries of Meta's as tests write and read them: signed, in their envelopes, or from the samples."""

import csv
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from adapters.channels.meta_webhook import MetaWebhookReader
from adapters.channels.signature import MetaSignature
from domain.channels import Delivery

PAYLOADS = Path(__file__).parents[1] / "payloads"
READER = MetaWebhookReader(MetaSignature(["secret"], "token"))
WHATSAPP = "whatsapp_business_account"
INSTAGRAM = "instagram"


def samples() -> list[dict[str, str]]:
    """A row of the index for each sample, with its `path`."""
    rows = []
    for folder in ("meta", "simulators"):
        with (PAYLOADS / folder / "index.tsv").open() as file:
            lines = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            rows += [row | {"path": str(PAYLOADS / folder / row["file"])} for row in lines]
    return rows


def read_body(body: bytes) -> Delivery:
    signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    return READER.read({"x-hub-signature-256": f"sha256={signature}"}, body)


def read_payload(payload: Any) -> Delivery:
    return read_body(json.dumps(payload).encode())


def read_change(field: str, value: Any) -> Delivery:
    """One change of WhatsApp's."""
    return read_payload({"object": WHATSAPP, "entry": [{"id": "waba", "changes": [{"field": field, "value": value}]}]})


def whatsapp_value(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"phone_number_id": "42"}, "messages": list(messages)} | fields


def whatsapp_message(**fields: Any) -> dict[str, Any]:
    return {"id": "wamid.1", "from": "4917012345", "timestamp": "1700000000"} | fields


def read_message(**fields: Any) -> Delivery:
    """One message of WhatsApp's."""
    return read_change("messages", whatsapp_value(whatsapp_message(**fields)))


def instagram_event(**fields: Any) -> dict[str, Any]:
    return {"sender": {"id": "customer"}, "recipient": {"id": "shop"}, "timestamp": 1700000000123} | fields


def read_events(*events: Any, key: str = "messaging") -> Delivery:
    """Events of Instagram's under one key of an entry."""
    return read_payload({"object": INSTAGRAM, "entry": [{"id": "shop", "time": 1700000000, key: list(events)}]})
