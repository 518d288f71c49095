"""The console's door: who is let in, what they see, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

import pytest

from domain.monitoring import AlertKind
from domain.users import Caller, Scope
from entrypoints.rest.dashboard.app import SIGNED_IN
from tests.doors.conftest import bearer
from tests.doors.stubs import ADMIN_KEY

HOME = "/dashboard/users/{user_id}"
PAGES = [
    HOME,
    HOME + "/conversations",
    HOME + "/conversations?status=active&customer=nobody",
    HOME + "/conversations/{conversation_id}",
    HOME + "/leads/{customer_id}",
    HOME + "/messages/{message_id}",
    HOME + "/leads",
    HOME + "/leads?status=completed&since=2026-01-01&until=2026-01-31&agent_id={agent_id}",
    HOME + "/agents",
    HOME + "/prompts/{prompt_id}",
    HOME + "/phone_numbers",
    HOME + "/credits",
    HOME + "/credits?group_by=agent",
    HOME + "/credits?group_by=phone_number",
    HOME + "/alerts",
    HOME + "/alerts?show=all",
]
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def signs_in(rest, key):
    answer = await rest.post("/dashboard/sign-in", data={"key": key})
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
    return answer


def seal_in(page) -> str:
    return re.search(r'name="seal" value="([^"]+)"', page.text)[1]


async def sends(rest, shop, path, **fields):
    """A form of the page, with its seal."""
    page = await rest.get(shop.path(HOME))
    return await rest.post(shop.path(HOME + path), data={"seal": seal_in(page), **fields})


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ["admin", "user"])
async def test_every_page_is_there_for_the_admin_and_for_the_user(rest, shop, page, who):
    await signs_in(rest, ADMIN_KEY if who == "admin" else shop.key)

    answer = await rest.get(shop.path(page))

    assert answer.status_code == 200, answer.text
    assert answer.text.count("<h1>") == 1
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert (answer.headers["x-frame-options"], answer.headers["cache-control"]) == ("DENY", "no-store")


@pytest.mark.parametrize("page", ["/dashboard", "/dashboard/alerts", *PAGES])
async def test_whoever_is_not_signed_in_is_led_to_the_form(rest, shop, page):
    answer = await rest.get(shop.path(page))

    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/sign-in")


@pytest.mark.parametrize("page", PAGES)
async def test_another_users_pages_do_not_exist(rest, shop, stranger, page):
    await signs_in(rest, stranger.key)

    answer = await rest.get(shop.path(page))

    assert answer.status_code == 404
    assert "There is no such user." in answer.text


async def test_a_user_is_led_to_their_own_overview_and_the_house_is_the_admins(rest, shop):
    await signs_in(rest, shop.key)
    answer = await rest.get("/dashboard")
    assert answer.headers["location"] == shop.path(HOME)
    assert (await rest.get("/dashboard/alerts")).status_code == 403

    await signs_in(rest, ADMIN_KEY)
    house = await rest.get("/dashboard")
    assert house.status_code == 200
    assert shop.path(HOME) in house.text


async def test_the_cookie_is_for_the_console_alone_and_tells_nothing_of_the_key(rest, shop):
    answer = await signs_in(rest, shop.key)

    cookie = answer.headers["set-cookie"]
    assert shop.key not in cookie
    assert {"HttpOnly", "Path=/dashboard", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    behind_tls = await rest.post("/dashboard/sign-in", data={"key": shop.key}, headers={"x-forwarded-proto": "https"})
    assert "Secure" in behind_tls.headers["set-cookie"].split("; ")


async def test_a_key_that_nobody_was_given_opens_nothing(rest):
    answer = await rest.post("/dashboard/sign-in", data={"key": "fd_wrong"})

    assert answer.status_code == 401
    assert "This key is not known." in answer.text
    assert "set-cookie" not in answer.headers


async def test_keys_are_not_to_be_tried_without_end(rest):
    answers = [await rest.post("/dashboard/sign-in", data={"key": f"{place}"}) for place in range(22)]

    assert [answer.status_code for answer in answers] == [401] * 20 + [429] * 2


async def test_a_session_ends_after_an_hour_without_a_new_page_and_with_its_key(rest, shop, house):
    await signs_in(rest, shop.key)
    house.clock.advance(50 * 60)
    assert (await rest.get(shop.path(HOME))).status_code == 200
    house.clock.advance(50 * 60)
    assert (await rest.get(shop.path(HOME), headers={"x-live": "1"})).status_code == 200
    house.clock.advance(11 * 60)
    assert (await rest.get(shop.path(HOME))).status_code == 303

    await signs_in(rest, shop.key)
    key_id = UUID(shop.key.split("_")[1])
    await rest.delete(f"/users/{shop.user_id}/api_keys/{key_id}", headers=bearer(ADMIN_KEY))
    assert (await rest.get(shop.path(HOME))).status_code == 303


async def test_signing_out_takes_the_cookie_away(rest, shop):
    await signs_in(rest, shop.key)
    seal = seal_in(await rest.get(shop.path(HOME)))

    assert (await rest.post("/dashboard/sign-out", data={"seal": "another"})).status_code == 403
    assert (await rest.post("/dashboard/sign-out", data={"seal": seal})).status_code == 303

    assert (await rest.get(shop.path(HOME))).headers["location"] == "/dashboard/sign-in"


def forms():
    """Every form of the pages behind the way in."""
    for room in SIGNED_IN:
        for route in room.routes:
            if "POST" in route.http_methods:
                yield from (path for path in route.paths)


@pytest.mark.parametrize("path", sorted(forms()))
async def test_no_form_is_taken_that_is_not_of_this_session(rest, shop, path):
    await signs_in(rest, shop.key)
    path = shop.path("/dashboard" + re.sub(r":\w+", "", path))

    assert (await rest.post(path, data={"seal": "of another session"})).status_code == 403
    assert (await rest.post(path, data={"other": "field"})).status_code == 403
    seal = seal_in(await rest.get(shop.path(HOME)))
    elsewhere = await rest.post(path, data={"seal": seal}, headers={"origin": "https://evil.example"})
    assert elsewhere.status_code == 403
    told = await rest.post(path, data={"seal": seal}, headers={"sec-fetch-site": "cross-site"})
    assert told.status_code == 403


async def test_pause_resume_and_archive_do_what_they_say(rest, shop):
    await signs_in(rest, shop.key)
    page = shop.path("/conversations/{conversation_id}")

    assert (await sends(rest, shop, page + "/pause", minutes="60")).status_code == 303
    assert "agent paused" in (await rest.get(shop.path(HOME + "/conversations"))).text
    assert (await sends(rest, shop, page + "/resume")).status_code == 303
    assert (await sends(rest, shop, page + "/pause", minutes="61")).status_code == 422
    assert (await sends(rest, shop, page + "/archive")).status_code == 303
    assert "Reply yourself" not in (await rest.get(shop.path(HOME) + page)).text


async def test_a_reply_that_cannot_go_out_stays_in_the_form_with_the_reason(rest, shop):
    await signs_in(rest, shop.key)

    answer = await sends(rest, shop, "/conversations/{conversation_id}/reply", text="I see to it.")

    assert answer.status_code == 409
    assert "The conversation has no agent" in answer.text or "It has no agent" in answer.text
    assert ">I see to it.</textarea>" in answer.text


async def test_a_prompt_that_is_edited_is_a_new_version(rest, shop):
    await signs_in(rest, shop.key)
    entered = {"instructions": "Be brief.\r\nBe kind.", "model": "gpt-5", "temperature": "", "max_output_tokens": "99"}

    assert (await sends(rest, shop, "/prompts/{prompt_id}", **entered)).status_code == 303
    page = (await rest.get(shop.path(HOME + "/prompts/{prompt_id}"))).text
    assert "version 2" in page
    assert "Be brief.\nBe kind.</textarea>" in page
    wrong = await sends(rest, shop, "/prompts/{prompt_id}", **{**entered, "temperature": "hot"})
    assert (wrong.status_code, "temperature: It must be a number" in wrong.text) == (422, True)


async def test_a_top_up_is_made_once_for_each_form(rest, shop, house):
    await signs_in(rest, shop.key)
    for _ in range(2):
        assert (await sends(rest, shop, "/credits/add", amount="25", note="", key="a")).status_code == 303

    (account,) = [account for id_, account in house.store.accounts.items() if str(id_) == shop.user_id]
    assert account.balance == 25
    assert (await sends(rest, shop, "/credits/add", amount="-3")).status_code == 422


async def test_who_may_only_read_sees_everything_and_changes_nothing(rest, shop, current_application):
    known = current_application.authenticate

    async def reading(key):
        return Caller((await known(key)).user_id, frozenset({Scope.READ}))

    console = replace(current_application.console, authenticate=reading)
    object.__setattr__(current_application, "console", console)
    await signs_in(rest, shop.key)

    for page in PAGES:
        answer = await rest.get(shop.path(page))
        assert answer.status_code == 200
        assert answer.text.count('<form method="post"') == 1, page  # the way out
    assert (await rest.get(shop.path(HOME + "/leads/export"))).status_code == 200
    of_conversation = [f"/conversations/{{conversation_id}}/{verb}" for verb in ("pause", "reply", "extract")]
    for path in (*of_conversation, "/credits/add"):
        answer = await sends(rest, shop, path, text="Hi", minutes="60", amount="5")
        assert (answer.status_code, "This needs a key with the scope" in answer.text) == (403, True)


async def test_what_a_customer_writes_is_text_and_nothing_else(rest, shop, house):
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    for id_, customer in list(house.store.customers.items()):
        house.store.customers[id_] = replace(customer, name=hostile, address=hostile)
    for id_, message in list(house.store.messages.items()):
        house.store.messages[id_] = replace(message, text=hostile, error={"title": hostile}, reason=hostile)
    await signs_in(rest, shop.key)

    conversation = next(iter(house.store.conversations.values()))
    await house.reads(conversation, {"name": hostile, hostile: [hostile]})
    for id_, run in house.store.extractions.items():
        errors = [{"attempt": 1, "code": hostile, "detail": hostile}]
        house.store.extractions[id_].shown = replace(run.shown, errors=errors, dropped={hostile: hostile})

    leads = ("/leads", "/leads/{customer_id}")
    for page in ("/conversations", "/conversations/{conversation_id}", "/messages/{message_id}", *leads):
        text = (await rest.get(shop.path(HOME + page))).text
        assert "<img" not in text
        assert "<script>" not in text
        assert "&lt;script&gt;" in text


async def test_what_is_live_comes_without_its_frame_and_only_when_it_changed(rest, shop):
    await signs_in(rest, shop.key)
    first = await rest.get(shop.path(HOME + "/credits"), headers={"x-live": "1"})

    assert "<html" not in first.text
    assert "set-cookie" not in first.headers
    again = {"x-live": "1", "if-none-match": first.headers["etag"]}
    assert "/credits/add" in first.text  # a form with a key of its own: new each time
    page = await rest.get(shop.path(HOME + "/alerts"), headers={"x-live": "1"})
    again["if-none-match"] = page.headers["etag"]
    same = await rest.get(shop.path(HOME + "/alerts"), headers=again)
    assert (same.status_code, same.content) == (304, b"")


async def test_the_files_are_named_by_what_is_in_them_and_kept_for_ever(rest):
    page = (await rest.get("/dashboard/sign-in")).text
    (style,) = re.findall(r'href="(/dashboard/static/console-[0-9a-f]{12}\.css)"', page)

    answer = await rest.get(style)

    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert (await rest.get("/dashboard/static/nothing.css")).status_code == 404


async def test_outside_dev_there_is_no_simulated_phone(rest, shop):
    await signs_in(rest, ADMIN_KEY)

    assert (await rest.get(shop.path(HOME + "/phone"))).status_code == 404
    assert "Simulated" not in (await rest.get(shop.path(HOME))).text


@pytest.mark.parametrize("page", [HOME, HOME + "/alerts"])
async def test_an_alert_says_how_soon_somebody_should_look(rest, shop, house, page):
    for kind in (AlertKind.QUEUE_OVERFLOW, AlertKind.LOW_BALANCE):
        await house.alerts.raise_alert(kind, "it", UUID(shop.user_id), "Look.")
    await signs_in(rest, shop.key)

    shown = (await rest.get(shop.path(page))).text

    assert '<span class="badge bad">critical</span>' in shown
    assert '<span class="badge warn">warning</span>' in shown
