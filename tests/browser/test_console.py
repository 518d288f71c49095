"""A person at the console: a real browser, a running house, simulated customers."""

import re
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.console import Console, a_context, opened, seconds_until, writes_to
from tests.rig.house import Tenant
from tests.rig.waiting import until

LIVE_SECONDS = 2.0
PAINT_SECONDS = 1.0
PAGE_BYTES = 300 * 1024
HOSTILE = "<script>window.hit=1</script><img src=x onerror='window.hit=2'>"


@pytest.fixture
def tenant(house) -> Tenant:
    return house.tenant()


@pytest.fixture
def console(tenant, browser):
    context = a_context(browser)
    console = opened(tenant, context)
    console.signs_in()
    yield console
    assert console.errors == []
    context.close()


def test_a_wrong_key_is_told_and_a_right_one_opens_the_overview(tenant, browser):
    context = a_context(browser)
    console = opened(tenant, context)
    console.page.goto(f"{console.url}/dashboard")
    console.page.get_by_label("API key").fill("nobody's")
    console.page.keyboard.press("Enter")
    expect(console.page.get_by_role("alert")).to_contain_text("This key is not known")

    console.signs_in()

    expect(console.page).to_have_url(console.home)
    console.page.get_by_role("button", name="Sign out").click()
    console.opens()
    expect(console.page.get_by_label("API key")).to_be_visible()
    context.close()


def test_a_message_is_seen_within_two_seconds_and_so_is_its_answer(console: Console, unique):
    sender = writes_to(console.tenant, unique("First"))
    console.tenant.settled(sender)
    console.opens_conversation(sender)
    expect(console.page.locator("#log .bubble")).to_have_count(2)
    question = unique("Do you have parking?")

    writes_to(console.tenant, question, sender=sender)

    stored = seconds_until(lambda: console.tenant.once(lambda said: any(one["text"] == question for one in said)))
    shown = seconds_until(lambda: expect(console.page.locator("#log")).to_contain_text(question))
    assert stored + shown < LIVE_SECONDS
    console.tenant.settled(sender)
    shown = seconds_until(lambda: expect(console.page.locator("#log .bubble")).to_have_count(4))
    assert shown < LIVE_SECONDS
    expect(console.page.locator("#log")).to_have_attribute("role", "log")


def test_the_overview_is_never_two_seconds_behind(console: Console, unique):
    sender = writes_to(console.tenant, unique("Hello"))
    console.tenant.settled(sender)

    tile = console.page.locator("#tiles dd").first
    assert seconds_until(lambda: expect(tile).to_have_text("1")) < LIVE_SECONDS
    expect(console.page.locator("#answers svg path.bar")).to_have_attribute("d", re.compile("M"))


def test_a_person_replies_the_customer_gets_it_and_the_agent_pauses(console: Console, unique):
    sender = writes_to(console.tenant, unique("Is anybody there?"))
    console.tenant.settled(sender)
    console.opens_conversation(sender)
    words = unique("This is Maria from the desk.")

    console.page.get_by_label("Reply yourself").fill(words)
    console.page.get_by_role("button", name="Send", exact=True).click()

    expect(console.page.get_by_text("Your reply is on its way")).to_be_visible()
    last = console.page.locator("#log article").last
    expect(last).to_contain_text(words)
    expect(last).to_contain_text("A person")
    expect(last.locator(".badge")).to_have_text("read")
    expect(console.page.locator("#about")).to_contain_text("paused")
    (sent,) = console.tenant.sends(words)
    assert sent["accepted"]
    writes_to(console.tenant, unique("Thank you"), sender=sender)
    expect(console.page.locator("#log article").last.locator(".badge")).to_have_text("waiting")

    console.page.get_by_role("button", name="Let the agent answer").click()
    expect(console.page.locator("#log article").last).to_have_class("agent")
    console.tenant.settled(sender)
    assert console.tenant.credits() == (998, 0)


def test_a_reply_by_hand_on_instagram_is_known_by_its_echo_and_there_once(house, browser, unique):
    tenant = house.tenant(channel="instagram")
    said = {"channel": "instagram", "phone_number_id": tenant.account, "from": "9001", "text": unique("Hi")}
    house.meta.control("POST", "customers/say", said)
    tenant.settled()
    console = opened(tenant, context := a_context(browser))
    console.signs_in()
    console.opens(f"/conversations/{tenant.conversation()['id']}")

    console.page.get_by_label("Reply yourself").fill("By hand.")
    console.page.get_by_role("button", name="Send", exact=True).click()

    expect(console.page.locator("#log article").last.locator(".badge")).to_have_text("read")
    assert [one["author"] for one in tenant.settled()] == ["customer", "agent", "human"]
    context.close()


def test_a_failed_message_is_sent_again_by_a_button(console: Console, house, unique):
    question = unique("Please")
    house.meta.script(question, kind="message", error={"http_status": 400, "code": 131026})
    sender = writes_to(console.tenant, question)
    console.tenant.once(lambda said: "failed" in {one["status"] for one in said}, sender)
    console.opens_conversation(sender)

    console.page.get_by_role("button", name="Send message 2 again").click()

    expect(console.page.locator("#log article").last.locator(".badge")).to_have_text("read")
    console.page.get_by_role("link", name="Trace of message 2").click()
    expect(console.page.get_by_role("row", name=re.compile("Delivered"))).to_be_visible()


def test_a_name_and_a_text_full_of_html_are_only_text(console: Console):
    sender = writes_to(console.tenant, HOSTILE, name=HOSTILE)
    console.tenant.settled(sender)

    console.opens("/conversations")
    expect(console.page.locator("#list")).to_contain_text(HOSTILE)
    console.opens_conversation(sender)
    writes_to(console.tenant, HOSTILE + "again", name=HOSTILE, sender=sender)
    expect(console.page.locator("#log")).to_contain_text(HOSTILE + "again")

    assert console.page.locator("#log img, #log script").count() == 0
    assert console.page.evaluate("window.hit") is None


def test_a_key_that_may_only_read_sees_everything_and_no_button(console: Console, house, browser, unique):
    answer = house.rest("POST", f"{console.tenant.path}/api_keys", {"name": "reader", "scopes": ["read"]})
    if answer.status != 201:
        pytest.skip("Keys have no scopes here.")
    sender = writes_to(console.tenant, unique("Hello"))
    console.tenant.settled(sender)
    reader = opened(console.tenant, context := a_context(browser))
    reader.signs_in(answer.json["api_key"])
    reader.opens_conversation(sender)

    assert [each.inner_text() for each in reader.page.get_by_role("button").all()] == ["Sign out"]
    context.close()


def test_the_focus_stays_where_it_is_while_the_page_renews_itself(console: Console, unique):
    sender = writes_to(console.tenant, unique("Hello"))
    console.tenant.settled(sender)
    console.opens_conversation(sender)
    console.page.locator("#pause").focus()
    field = console.page.get_by_label("Reply yourself")
    field.fill("half a senten")
    field.focus()

    writes_to(console.tenant, unique("More"), sender=sender)
    expect(console.page.locator("#log .bubble")).to_have_count(4)

    expect(field).to_be_focused()
    expect(field).to_have_value("half a senten")


def test_the_keyboard_reaches_the_content_and_everything_in_it(console: Console, unique):
    sender = writes_to(console.tenant, unique("Hello"))
    console.tenant.settled(sender)
    console.opens_conversation(sender)
    keyboard = console.page.keyboard

    keyboard.press("Tab")
    expect(console.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keyboard.press("Enter")
    for _ in range(20):
        keyboard.press("Tab")
        if console.page.evaluate("document.activeElement.id") == "text":
            break
    keyboard.type("By keyboard")
    keyboard.press("Tab")
    keyboard.press("Enter")

    expect(console.page.locator("#log")).to_contain_text("By keyboard")


def test_a_prompt_is_edited_into_a_new_version_that_the_next_turn_speaks_from(console: Console, unique):
    console.opens("/agents")
    console.page.get_by_role("table").get_by_role("link").first.click()
    words = unique("Answer in rhymes.")
    console.page.get_by_label("Instructions").fill(words)
    console.page.get_by_role("button", name="Store as version 2").click()

    expect(console.page.get_by_text("version 2", exact=True)).to_be_visible()
    expect(console.page.get_by_label("Instructions")).to_have_value(words)
    prompts = console.tenant.get("prompts")["items"]
    assert [(one["version"], one["instructions"]) for one in prompts] == [(2, words)]


def test_credits_are_added(console: Console):
    console.opens("/credits")
    console.page.get_by_label("Amount").fill("500")
    console.page.get_by_label("Note").fill("Invoice 7")
    console.page.get_by_role("button", name="Add").click()

    expect(console.page.get_by_text("The credits are added")).to_be_visible()
    expect(console.page.get_by_role("row", name=re.compile("Invoice 7"))).to_be_visible()
    assert console.tenant.credits() == (1_500, 0)


def test_the_admin_sees_the_house_and_goes_to_a_user(tenant, house, browser):
    console = opened(tenant, context := a_context(browser))
    console.signs_in(house.ready["admin_api_key"])

    expect(console.page.locator("#workers .badge.good").first).to_have_text("alive")
    console.page.get_by_role("link", name="A business").first.click()
    expect(console.page.get_by_role("link", name="Conversations")).to_be_visible()
    context.close()


def test_a_server_that_does_not_answer_is_told_and_found_again(console: Console):
    stale = console.page.locator("#stale")
    console.page.context.set_offline(True)
    expect(stale).to_be_visible()

    console.page.context.set_offline(False)

    expect(stale).to_be_hidden()
    console.errors.clear()  # the browser itself reports each look that failed


def test_every_page_is_light_and_painted_at_once(console: Console, browser, unique):
    for place in range(12):
        writes_to(console.tenant, unique(f"Question {place}"))
    console.tenant.settled()
    cookies, told = console.page.context.cookies(), {}
    for path in ("", "/conversations", "/leads", "/agents", "/phone_numbers", "/credits", "/alerts"):
        context = a_context(browser)  # nothing is in its cache yet
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(console.home + path)
        paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        until(lambda page=page, paint=paint: page.evaluate(paint))  # the page's policy forbids what waits in it
        seconds = page.evaluate(paint) / 1000
        sizes = page.evaluate(
            "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
            ".map(each => each.decodedBodySize)"
        )
        context.close()
        assert seconds < PAINT_SECONDS, path
        assert 10_000 < sum(sizes) < PAGE_BYTES, path
        told[path or "/"] = f"{seconds:.2f} s, {sum(sizes) / 1024:.0f} KiB"
    sys.stdout.write(f"First paint, and bytes before packing: {told}\n")


def test_the_simulated_phone_writes_shows_the_answer_and_breaks_the_model(console: Console, unique):
    console.opens("/phone")
    expect(console.page.get_by_text("A simulation.")).to_be_visible()
    question = unique("Do you have a room?")

    console.page.get_by_label("Write as the customer").fill(question)
    console.page.keyboard.press("Enter")

    expect(console.page.locator("#log .bubble")).to_have_count(2)
    assert console.said()[0] == question
    console.page.get_by_label("OpenAI").select_option("error")
    console.page.get_by_role("button", name="Set").click()
    expect(console.page.get_by_label("OpenAI")).to_have_value("error")
    assert console.tenant.house.openai.control("GET", "knobs")["error_rate"]["http_status"] == 500
    console.page.get_by_label("OpenAI").select_option("well")
    console.page.get_by_role("button", name="Set").click()
    expect(console.page.get_by_label("OpenAI")).to_have_value("well")
