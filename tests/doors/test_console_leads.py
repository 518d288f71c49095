"""Leads at the console's door: the list, one of them, files of all, and reading by hand."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from uuid import UUID

import pytest

from domain.leads.runs import Extraction
from tests.doors.conftest import bearer
from tests.doors.test_console import HOME, sends, signs_in

LEADS = HOME + "/leads"
LEAD = HOME + "/leads/{customer_id}"
EXTRACT = "/conversations/{conversation_id}/extract"


@pytest.fixture(autouse=True)
async def signed_in(rest, shop):
    await signs_in(rest, shop.key)


def the_conversation(house, shop):
    return house.store.conversations[UUID(shop.conversation_id)]


def changes_the_run(house, shop, **fields) -> Extraction:
    run = house.store.extractions[UUID(shop.extraction_id)]
    run.shown = replace(run.shown, **fields)


async def test_the_list_shows_whose_lead_it_is_and_values_in_the_order_of_the_form(rest, shop, house):
    found = {"shoe_size": 42, "extras": ["cake", "tea"], "vegan": True, "email": "ada@example.com"}
    await house.reads(the_conversation(house, shop), found)

    page = (await rest.get(shop.path(LEADS))).text

    assert f'href="{shop.path(LEAD)}">Ada</a>' in page
    places = [
        page.index(word)
        for word in ("> Ada<", "ada@example.com", "+34911234567", "=1+1", "Shoe size", "cake, tea", "> yes")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("since=2000-01-01&status=completed", True),
        ("status=failed", False),
        ("since=2999-01-01", False),
        ("until=2000-01-01", False),
        ("until={today}&since={today}", True),
        ("agent_id=00000000-0000-0000-0000-000000000404", False),
    ],
)
async def test_the_list_is_filtered_by_agent_and_by_day(rest, shop, house, query, is_there):
    today = house.clock.now().date().isoformat()

    page = await rest.get(shop.path(LEADS) + "?" + query.format(today=today))

    assert (shop.path(LEAD) in page.text, "No lead is like that" in page.text) == (is_there, not is_there)


@pytest.mark.parametrize("query", ["since=yesterday", "until=9999-12-31", "agent_id=mine"])
@pytest.mark.parametrize("path", [LEADS, LEADS + "/export"])
async def test_a_filter_that_cannot_be_read_is_told(rest, shop, path, query):
    assert (await rest.get(shop.path(path) + "?" + query)).status_code == 422


async def test_older_leads_are_behind_the_first_page_and_keep_the_filter(rest, shop, house):
    for _ in range(30):
        another = house.a_conversation(UUID(shop.user_id), UUID(shop.phone_number_id))
        await house.reads(another, {"name": "Bea"})

    first = (await rest.get(shop.path(LEADS) + "?since=2000-01-01")).text
    (older,) = [part.split('"')[0] for part in first.split('rel="next" href="')[1:]]
    second = (await rest.get(shop.path(LEADS) + older.replace("&amp;", "&"))).text

    assert "since=2000-01-01" in older
    assert (first.count('<th scope="row">'), second.count('<th scope="row">')) == (30, 1)


async def test_a_lead_shows_by_which_messages_each_value_is_proved_and_what_was_known_before(rest, shop, house):
    house.clock.advance(60)
    await house.reads(the_conversation(house, shop), {"budget": {"amount": 5000, "currency": "EUR"}, "name": "Ada L."})

    page = (await rest.get(shop.path(LEAD))).text

    proof = shop.path(HOME + "/conversations/{conversation_id}") + "#n1"
    assert f'<a href="{proof}">message 1</a>' in page
    assert "5\N{NARROW NO-BREAK SPACE}000 EUR" in page
    assert page.index("Ada L.") < page.index("<summary>Before</summary>") < page.index("<li>Ada ")


async def test_a_lead_tells_what_was_not_believed_and_why_a_reading_failed(rest, shop, house):
    errors = [{"attempt": 3, "code": "invalid_answer", "detail": "the answer is not JSON"}]
    changes_the_run(house, shop, status="failed", errors=errors, dropped={"email": "it is no e-mail address"})

    page = (await rest.get(shop.path(LEAD))).text

    assert "Attempt 3: Invalid answer. the answer is not JSON" in page
    assert "Email: it is no e-mail address" in page
    assert '<span class="badge bad">failed</span>' in page


async def test_a_customer_of_whom_nothing_is_proved_shows_how_they_were_read(rest, shop, house):
    house.store.leads.clear()

    page = await rest.get(shop.path(LEAD))

    assert page.status_code == 200
    assert "Nothing is proved yet." in page.text
    assert "up to message 2" in page.text
    assert (await rest.get(shop.path(LEADS + "/00000000-0000-0000-0000-000000000404"))).status_code == 404


async def test_another_users_leads_do_not_exist(rest, shop, stranger):
    await signs_in(rest, stranger.key)

    assert (await rest.get(shop.path(LEADS + "/export"))).status_code == 404
    own = stranger.path(HOME) + shop.path("/leads/{customer_id}")
    assert (await rest.get(own)).status_code == 404


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
async def test_the_file_is_the_one_that_rest_hands_out(rest, shop, format_):
    answer = await rest.get(shop.path(LEADS + "/export") + f"?format={format_}")

    by_rest = await rest.get(shop.path(f"/users/{{user_id}}/leads/export?format={format_}"), headers=bearer(shop.key))
    assert answer.content == by_rest.content
    assert answer.headers["content-disposition"] == f'attachment; filename="leads.{format_}"'


async def test_the_file_holds_what_the_filter_of_the_page_wants(rest, shop, house):
    page = (await rest.get(shop.path(LEADS) + "?since=2999-01-01")).text
    assert shop.path(LEADS) + "/export?since=2999-01-01&amp;format=csv" in page

    answer = await rest.get(shop.path(LEADS + "/export") + "?since=2999-01-01&format=jsonl")
    everything = await rest.get(shop.path(LEADS + "/export"))

    assert answer.text == ""
    (row,) = csv.DictReader(io.StringIO(everything.text))
    assert (row["name"], row["need"]) == ("Ada", "'=1+1")
    whole = await rest.get(shop.path(LEADS + "/export") + "?format=jsonl")
    assert json.loads(whole.text)["data"]["name"] == "Ada"


async def test_without_a_session_there_is_no_file(rest, shop):
    rest.cookies.clear()

    answer = await rest.get(shop.path(LEADS + "/export"))

    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/sign-in")


async def test_read_now_opens_one_run_for_each_form_and_the_page_follows_it(rest, shop, house):
    for _ in range(2):
        answer = await sends(rest, shop, EXTRACT, key="a-form")
        assert answer.status_code == 303

    assert len(house.store.extractions) == 2
    assert house.extraction_queue.woken >= 1
    page = (await rest.get(answer.headers["location"])).text
    assert "The conversation is being read" in page
    assert '<span class="badge calm">waiting</span> up to message 2' in page


async def test_what_cannot_be_read_is_said_on_the_page_of_the_conversation(rest, shop, house):
    id_ = UUID(shop.conversation_id)
    house.store.conversations[id_] = replace(house.store.conversations[id_], message_count=0)

    nothing = await sends(rest, shop, EXTRACT)

    assert (nothing.status_code, "Nobody has written anything." in nothing.text) == (409, True)
    assert "Read now" in nothing.text


async def test_reading_that_nobody_can_pay_for_is_refused_with_the_reason(rest, shop, current_application):
    dear = replace(current_application.extractions, price=5)
    object.__setattr__(current_application, "extractions", dear)

    poor = await sends(rest, shop, EXTRACT)

    assert poor.status_code == 402
    assert 'role="alert">' in poor.text
    assert "Read now" in poor.text
