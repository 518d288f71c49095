"""Leads at the console, in a house that reads a conversation after a second of quiet."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.console import Console, a_context, opened, writes_to
from tests.rig.house import House, a_home, running_house

SAID = "Hello, I am Ana Souza, write to ana@example.com"
BUDGET = "My budget is 150 euros"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with a_home() as home, running_house(home, "--extraction-idle-seconds", "1", EXTRACTION_CREDITS="2") as running:
        yield running
        running.assert_consistent()


@pytest.fixture
def console(house, browser) -> Iterator[Console]:
    console = opened(house.tenant(), context := a_context(browser))
    console.signs_in()
    yield console
    assert console.errors == []
    context.close()


def row_of(console: Console, field: str) -> Locator:
    """What is known in that field."""
    title = console.page.get_by_role("rowheader", name=field, exact=True)
    return console.page.locator("#known").get_by_role("row").filter(has=title)


def test_a_customer_writes_falls_silent_and_stands_in_the_list_with_what_they_proved(console: Console):
    console.page.get_by_role("link", name="Leads").click()
    expect(console.page.get_by_text("No customer has told anything yet")).to_be_visible()

    sender = writes_to(console.tenant, SAID, name="Ana")

    row = console.page.get_by_role("row").filter(has_text=sender)  # nobody reloads the page
    expect(row).to_contain_text("ana@example.com")
    row.get_by_role("link", name="Ana").click()
    expect(row_of(console, "Email")).to_contain_text("message 1")
    writes_to(console.tenant, BUDGET, sender=sender)
    expect(row_of(console, "Budget")).to_contain_text("150 EUR")
    expect(console.page.locator("#runs tbody tr")).to_have_count(2)

    row_of(console, "Budget").get_by_role("link", name="message 3").click()

    expect(console.page.locator("#n3:target")).to_be_in_viewport()
    expect(console.page.locator("#n3 + .bubble")).to_have_text(BUDGET)


@pytest.mark.parametrize(("link", "name"), [("CSV", "leads.csv"), ("JSON Lines", "leads.jsonl")])
def test_a_file_of_the_leads_is_downloaded_with_nothing_but_the_session(console: Console, link: str, name: str):
    writes_to(console.tenant, SAID)
    console.opens("/leads")
    expect(console.page.locator("#list")).to_contain_text("ana@example.com")

    with console.page.expect_download() as download:
        console.page.get_by_role("link", name=link).click()

    assert download.value.suggested_filename == name
    text = Path(download.value.path()).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text))) if link == "CSV" else [json.loads(text)["data"]]
    assert [row["email"] for row in rows] == ["ana@example.com"]


def test_a_conversation_is_read_at_once_by_a_button(console: Console):
    sender = writes_to(console.tenant, SAID)
    console.tenant.settled(sender)
    console.opens_conversation(sender)
    reading = console.page.locator("#reading")
    expect(reading.locator(".badge")).to_have_text("read")

    console.page.get_by_role("button", name="Read now").click()

    expect(console.page.get_by_text("The conversation is being read")).to_be_visible()
    expect(reading.locator(".badge")).to_have_text("read")
    console.page.get_by_role("link", name="What is known of the customer").click()
    expect(console.page.locator("#runs tbody tr")).to_have_count(2)
    expect(console.page.locator("#runs")).to_contain_text("by hand")


def test_reading_without_credits_is_refused_on_the_spot(house, browser):
    console = opened(house.tenant(credits=1), context := a_context(browser))  # a reply costs it all
    console.signs_in()
    sender = writes_to(console.tenant, SAID)
    console.tenant.settled(sender)
    console.opens_conversation(sender)

    console.page.get_by_role("button", name="Read now").click()

    expect(console.page.get_by_role("alert")).to_contain_text("credits")
    console.opens("/leads")
    expect(console.page.locator("#list")).to_contain_text("No customer has told anything yet")
    context.close()


def test_what_a_customer_writes_into_a_lead_is_only_text(console: Console):
    hostile = "<img src=x onerror='window.hit=1'>"
    sender = writes_to(console.tenant, f"{hostile} I need a cake, write to ana@example.com", name=hostile)
    console.opens("/leads")
    expect(console.page.get_by_role("row").filter(has_text=sender)).to_contain_text(hostile)

    console.page.get_by_role("row").filter(has_text=sender).get_by_role("link").click()

    expect(console.page.get_by_role("heading", level=1)).to_have_text(hostile)
    assert console.page.locator("main img").count() == 0
    assert console.page.evaluate("window.hit") is None
