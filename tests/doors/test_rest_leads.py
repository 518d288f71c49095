"""Runs and leads over REST, and the exports of both."""

from __future__ import annotations

import csv
import io
import json

import pytest

from entrypoints.rest.exports import safe_cell
from tests.doors.conftest import bearer

USER = "/users/{user_id}"


async def test_a_run_tells_what_it_found_and_by_what_it_is_proved(rest, shop):
    path = shop.path(USER + "/extractions/{extraction_id}")
    run = (await rest.get(path, headers=bearer(shop.key))).json()
    assert {"id", "conversation_id", "agent_id", "status", "data", "errors", "attempt", "created_at"} <= set(run)
    assert (run["status"], run["attempt"], run["errors"]) == ("completed", 1, [])
    assert run["data"] == {"name": "Ada", "need": "=1+1", "telephone": "+34911234567"}
    assert run["evidence"]["name"] == [1]


async def test_a_lead_shows_what_counts_and_whose_it_is(rest, shop):
    (lead,) = (await rest.get(shop.path(USER + "/leads"), headers=bearer(shop.key))).json()["items"]
    assert lead["id"] == lead["customer"]["id"] == shop.customer_id
    assert lead["data"]["name"] == lead["fields"]["name"][0]["value"] == "Ada"
    assert lead["fields"]["name"][0]["extraction_id"] == shop.extraction_id


@pytest.mark.parametrize("kind", ["extractions", "leads"])
@pytest.mark.parametrize(
    ("query", "count"),
    [("", 1), ("?status=failed", 0), ("?since=2999-01-01T00:00:00Z", 0), ("?status=completed", 1)],
)
async def test_lists_are_filtered_by_runs(rest, shop, kind, query, count):
    answer = await rest.get(shop.path(USER + f"/{kind}") + query, headers=bearer(shop.key))
    assert len(answer.json()["items"]) == count


async def test_a_run_by_hand_is_accepted_and_wakes_a_worker(rest, shop, house):
    path = shop.path(USER + "/conversations/{conversation_id}/extract")
    answer = await rest.post(path, headers=bearer(shop.key))
    assert (answer.status_code, answer.json()["status"], answer.json()["origin"]) == (202, "pending", "request")
    assert house.extraction_queue.woken == 1


@pytest.mark.parametrize("kind", ["extractions", "leads"])
async def test_an_export_as_csv_computes_nothing(rest, shop, kind):
    answer = await rest.get(shop.path(USER + f"/{kind}/export"), headers=bearer(shop.key))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{kind}.csv"'
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["name"], row["need"], row["telephone"], row["budget"]) == ("Ada", "'=1+1", "+34911234567", "")


@pytest.mark.parametrize("kind", ["extractions", "leads"])
async def test_an_export_as_json_lines_has_what_the_list_has(rest, shop, kind):
    listed = await rest.get(shop.path(USER + f"/{kind}"), headers=bearer(shop.key))
    answer = await rest.get(shop.path(USER + f"/{kind}/export?format=jsonl"), headers=bearer(shop.key))
    assert [json.loads(line) for line in answer.text.splitlines()] == listed.json()["items"]


async def test_what_is_handed_out_of_a_customer_has_their_runs_and_their_lead(rest, shop):
    path = shop.path(USER + "/customers/{customer_id}/export")
    record = (await rest.get(path, headers=bearer(shop.key))).json()
    assert [run["id"] for run in record["extractions"]] == [shop.extraction_id]
    assert [lead["data"]["name"] for lead in record["leads"]] == ["Ada"]


async def test_an_export_knows_two_formats(rest, shop):
    answer = await rest.get(shop.path(USER + "/leads/export?format=xlsx"), headers=bearer(shop.key))
    assert answer.status_code == 422


async def test_values_of_a_field_that_no_form_names_stand_in_the_last_column(rest, shop, house):
    conversation = next(iter(house.store.conversations.values()))
    await house.reads(conversation, {"shoe_size": 42, "budget": {"amount": 5, "currency": "EUR"}})
    text = (await rest.get(shop.path(USER + "/extractions/export"), headers=bearer(shop.key))).text
    row = list(csv.DictReader(io.StringIO(text)))[-1]
    assert (row["other"], row["budget"]) == ('{"shoe_size":42}', "5 EUR")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1+1", "+34 911|calc", "-a"]
)
def test_a_cell_that_a_spreadsheet_would_compute_is_made_a_text(text):
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Ada", "+34911234567", "-5", "-5.25", "5 EUR", "a=b", "me@example.com"])
def test_other_cells_stay_as_they_are(text):
    assert safe_cell(text) == text


NO_FORMS = [
    ({}, "type"),
    ({"type": "object", "properties": {}}, "properties"),
    ({"type": "object", "properties": {"a": {"type": "object"}}}, "properties/a/type"),
    ({"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+"}}}, "properties/a/pattern"),
    ({"type": "object", "properties": {"a": {"type": "string", "format": "ipv4"}}}, "properties/a/format"),
    ({"type": "object", "properties": {"a": {"type": "string", "maxLength": "x"}}}, "properties/a/maxLength"),
    ({"type": "object", "properties": {"a": {"x-type": "money", "x-currency": "XYZ"}}}, "properties/a/x-currency"),
    ({"type": "object", "properties": {"1": {"type": "string"}}}, "properties/1"),
]


@pytest.mark.parametrize(("form", "place"), NO_FORMS)
async def test_a_form_that_no_model_could_be_held_to_is_refused_by_place(rest, shop, form, place):
    path = shop.path(USER + "/agents/{agent_id}")
    answer = await rest.patch(path, json={"lead_form": form}, headers=bearer(shop.key))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/lead_form/{place}"]
