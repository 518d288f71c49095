"""A visitor and the widget: a real browser, a page of another origin with a strict policy, a running house."""

import hashlib
import hmac
import time

from playwright.sync_api import expect

from tests.rig.waiting import until

LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."


def test_the_answer_is_seen_while_it_is_written(shop, unique):
    chat, question = shop.opens(), unique("Tell me")
    shop.answers(question, LONG, drip_ms=80)

    chat.says(question)

    expect(chat.draft).to_contain_text("One two")
    assert "fifteen" not in chat.draft.text_content()
    expect(chat.bubbles.last).to_contain_text("fifteen.")
    expect(chat.draft).to_have_count(0)
    chat.shows(2)
    assert chat.texts() == [question, LONG]
    assert shop.stored() == [("customer", question), ("agent", LONG)]
    assert chat.errors == []


def test_a_reload_shows_the_same_chat_and_what_was_answered_meanwhile(shop, unique):
    chat, question = shop.opens(), unique("Wait")
    shop.answers(question, LONG, drip_ms=60)
    chat.says(question)
    expect(chat.draft).to_contain_text("One")

    chat.page.reload()

    expect(chat.input).to_be_visible()
    expect(chat.bubbles.last).to_contain_text("fifteen.")
    chat.shows(2)
    assert chat.texts() == [question, LONG]
    assert len(shop.stored()) == 2


def test_a_connection_that_is_cut_in_mid_reply_loses_and_doubles_nothing(shop, proxy, unique):
    chat, question = shop.opens(source=proxy.url), unique("Cut")
    shop.answers(question, LONG, drip_ms=80)
    chat.says(question)
    expect(chat.draft).to_contain_text("One two")

    proxy.cut()

    expect(chat.bubbles.last).to_contain_text("fifteen.")
    chat.shows(2)
    assert chat.texts() == [question, LONG]


def test_what_is_written_without_a_connection_is_sent_once_it_is_back_also_after_a_reload(shop, proxy, unique):
    chat, first, second = shop.opens(source=proxy.url), unique("One"), unique("Two")
    proxy.is_down = True
    proxy.cut()
    chat.says(first)
    chat.says(second)
    expect(chat.host.locator(".state")).to_be_visible()
    assert shop.stored() == []

    proxy.is_down = False
    chat.page.reload()

    until(lambda: {first, second} <= {text for _, text in shop.stored()})
    expect(chat.host.locator(".note")).to_have_count(0)
    said = [text for author, text in shop.stored() if author == "customer"]
    assert said == [first, second]
    assert [text for text in chat.texts() if text in said] == said


def test_two_tabs_show_the_same_and_send_once(shop, unique):
    context = shop.context()
    here, question = shop.opens(context), unique("Both")
    there = shop.opens(context, opened=False)
    expect(there.input).to_be_visible()  # it is open where it was left open

    here.says(question)

    for chat in (here, there):
        chat.shows(2)
    assert here.texts() == there.texts()
    assert here.texts()[0] == question
    there.says(unique("And this"))
    for chat in (here, there):
        chat.shows(4)
    assert here.texts() == there.texts()
    assert len(shop.stored()) == 4


def test_a_hostile_reply_is_only_text(shop, unique):
    chat, question = shop.opens(), unique("Attack")
    hostile = (
        "<script>window.hit = 1</script> <img src=x onerror='window.hit = 2'> [click](javascript:window.hit=3) "
        "[data](data:text/html,hi) **bold <b onclick=hit()>** [ok](https://example.com/?a=1&b=<i>) `<u>`"
    )
    shop.answers(question, hostile)

    chat.says(question)

    chat.shows(2)
    reply = chat.bubbles.last
    expect(reply).to_contain_text("<script>window.hit = 1</script>")
    assert reply.locator("script, img, b, u, i").count() == 0
    links = reply.locator("a").all()
    assert [(link.get_attribute("href"), link.get_attribute("rel")) for link in links] == [
        ("https://example.com/?a=1&b=%3Ci%3E", "noopener noreferrer")
    ]
    assert chat.page.evaluate("window.hit") is None
    assert chat.errors == []


def test_markdown_becomes_elements(shop, unique):
    chat, question = shop.opens(), unique("Style")
    shop.answers(question, "**Rooms**\n\n- one *small*\n- two\n\n1. first\n\n```\na < b\n```\nhttps://example.com/x.")

    chat.says(question)

    chat.shows(2)
    reply = chat.bubbles.last
    expect(reply.locator("strong")).to_have_text("Rooms")
    expect(reply.locator("ul li")).to_have_text(["one small", "two"])
    expect(reply.locator("ol li")).to_have_text(["first"])
    expect(reply.locator("pre code")).to_have_text("a < b\n")
    expect(reply.locator("a")).to_have_attribute("href", "https://example.com/x")


def test_a_page_that_is_not_allowed_says_so_and_gets_nothing(shop, unique):
    shop.tenant.house.rest(
        "PATCH",
        f"{shop.tenant.path}/phone_numbers/{shop.web_chat['id']}",
        {"allowed_origins": ["https://shop.example"]},
    )
    chat = shop.opens(opened=False)
    chat.launcher.click()

    expect(chat.host.locator(".state")).to_be_visible()
    chat.says(unique("Hello"))
    time.sleep(0.5)  # nothing is to happen, and that sends no signal

    assert shop.stored() == []


def test_everything_can_be_done_with_the_keyboard(shop, unique):
    chat, question = shop.opens(opened=False), unique("Keys")
    keyboard = chat.page.keyboard
    chat.page.locator("a").focus()
    keyboard.press("Tab")
    expect(chat.launcher).to_be_focused()
    keyboard.press("Enter")
    expect(chat.input).to_be_focused()
    keyboard.type(question)
    keyboard.press("Shift+Enter")
    keyboard.type("second line")
    keyboard.press("Enter")
    chat.shows(2)
    assert chat.texts()[0] == f"{question}\nsecond line"
    keyboard.press("Escape")
    expect(chat.launcher).to_be_focused()
    expect(chat.input).to_be_hidden()


def test_what_comes_while_it_is_closed_is_counted(shop, unique):
    chat, question = shop.opens(), unique("Later")
    shop.answers(question, "Here it is.", delay_ms=700)
    chat.says(question)
    chat.page.keyboard.press("Escape")

    expect(chat.host.locator(".badge")).to_have_text("1")
    expect(chat.launcher).to_have_attribute("aria-label", "Open chat, 1 unread")
    chat.launcher.click()
    expect(chat.host.locator(".badge")).to_be_hidden()


def test_a_phone_gets_the_whole_screen_and_keeps_the_focus_in_it(shop):
    chat = shop.opens(shop.context(viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True))

    chat.host.locator(".panel").evaluate("panel => Promise.all(panel.getAnimations().map(each => each.finished))")
    box = chat.host.locator(".panel").bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 780)
    for _ in range(8):
        chat.page.keyboard.press("Tab")
    assert chat.page.evaluate("document.activeElement.tagName") == "FRONTDESK-CHAT"


def test_a_language_that_is_written_from_the_right_turns_the_widget(shop):
    chat = shop.opens(attributes='data-lang="ar"')

    expect(chat.host).to_have_attribute("dir", "rtl")
    expect(chat.input).to_have_attribute("placeholder", "اكتب رسالة")
    launcher = chat.launcher.bounding_box()
    assert launcher["x"] < 100


def test_a_visitor_for_whom_the_site_vouches_is_known_by_that_name(shop, unique):
    secret = shop.tenant.get(f"phone_numbers/{shop.web_chat['id']}/webchat")["identity_secret"]
    signature = hmac.new(secret.encode(), b"user-17", hashlib.sha256).hexdigest()
    chat = shop.opens(
        attributes=f'data-visitor-id="user-17" data-visitor-name="Ada" data-visitor-signature="{signature}"'
    )

    chat.says(unique("Hello"))

    chat.shows(2)
    (conversation,) = shop.tenant.get("conversations")["items"]
    assert (conversation["customer"]["address"], conversation["customer"]["name"]) == ("user-17", "Ada")
