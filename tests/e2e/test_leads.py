"""A customer writes, falls silent, and is a lead."""

import csv
import io
from collections.abc import Iterator

import pytest

from tests.rig.house import House, a_customer, a_home, running_house
from tests.rig.waiting import until

WORDS = "Hello, my name is Ana, write to ana@example.com. I need a cake by tomorrow, budget 150 euros. =1+1"


@pytest.fixture
def house() -> Iterator[House]:
    """A house that reads conversations after a second of quiet."""
    with a_home() as home, running_house(home, EXTRACTION_IDLE_SECONDS="1", EXTRACTION_CREDITS="2") as running:
        yield running
        running.assert_consistent()


def test_who_falls_silent_is_a_lead_in_the_list_and_in_the_export(house: House) -> None:
    tenant, sender = house.tenant(), a_customer()
    tenant.hears(WORDS, sender)
    tenant.settled()
    until(lambda: [run["status"] for run in tenant.get("extractions")["items"]] == ["completed"], 30)

    (lead,) = tenant.get("leads")["items"]
    assert lead["customer"]["address"] == sender
    assert lead["data"]["email"] == "ana@example.com"
    assert lead["data"]["budget"] == {"amount": 150, "currency": "EUR"}
    (run,) = tenant.get("extractions")["items"]
    assert run["evidence"]["email"] == [1]
    exported = house.rest("GET", f"{tenant.path}/leads/export", key=tenant.key).content.decode()
    (row,) = csv.DictReader(io.StringIO(exported))
    assert (row["email"], row["budget"]) == ("ana@example.com", "150 EUR")
    assert tenant.ledger() == ["add", "hold", "capture", "hold", "capture"]
