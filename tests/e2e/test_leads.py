"""From `frontdesk say` to the lead: a customer writes, falls silent, and what they want stands in list and exports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rig.house import House, a_customer, a_home, running_house
from tests.rig.waiting import until

SAID = (
    "Hello, I am Ana Souza and I need a cake tomorrow for 40 people, filled with dulce de leche",
    "Write to Ana.Souza@Example.com or call +34 612 345 678",
    "My budget is 150 euros",
)
KNOWN = {
    "name": "Ana Souza",
    "email": "ana.souza@example.com",
    "telephone": "+34612345678",
    "need": SAID[0],
    "budget": {"amount": 150, "currency": "EUR"},
    "urgency": "high",
}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A house that reads conversations after a second of quiet."""
    with a_home() as home, running_house(home, "--extraction-idle-seconds", "1", EXTRACTION_CREDITS="2") as running:
        yield running
        running.assert_consistent()


def test_a_customer_who_writes_by_the_command_line_is_a_lead_in_list_and_exports(house: House) -> None:
    for text in SAID:
        assert house.say(text).returncode == 0

    lead = _lead(house)

    assert {name: lead["data"][name] for name in KNOWN} == KNOWN
    assert lead["customer"]["address"] == "15550001111"
    assert [value["evidence"] for value in lead["fields"]["telephone"]] == [[3]]
    for kind in ("leads", "extractions"):
        row = list(csv.DictReader(io.StringIO(_export(house, kind, "csv"))))[-1]
        assert {name: row[name] for name in KNOWN} == KNOWN | {"budget": "150 EUR"}
        assert json.loads(_export(house, kind, "jsonl").splitlines()[-1])["data"] == lead["data"]


def test_reading_is_paid_for_once(house: House) -> None:
    tenant = house.tenant()
    tenant.hears("Hello, write to ana@example.com. I need a cake by tomorrow, =1+1", a_customer())
    tenant.settled()
    until(lambda: [run["status"] for run in tenant.get("extractions")["items"]] == ["completed"], 30)

    assert tenant.ledger() == ["add", "hold", "capture", "hold", "capture"]


def _lead(house: House) -> dict[str, Any]:
    """The demo user's one lead, once the last message was read too."""
    found: list[dict[str, Any]] = []

    def is_read() -> bool:
        found[:] = _get(house, "leads").json["items"]
        return len(found) == 1 and "budget" in found[0]["data"]

    until(is_read, 60.0, lambda: f"{found}")
    return found[0]


def _export(house: House, kind: str, format_: str) -> str:
    return _get(house, f"{kind}/export?format={format_}").content.decode()


def _get(house: House, path: str) -> Any:
    key = house.ready["demo_api_key"]
    answer = house.rest("GET", f"/users/{house.ready['demo_user_id']}/{path}", key=key)
    assert answer.status == 200, answer.content
    return answer
