"""Who may speak: a person who answers elsewhere, whoever pauses and resumes, the customer who says STOP, machines."""

import pytest

from tests.rig.house import a_customer, delivery, instagram_delivery, instagram_text, text_message
from tests.rig.waiting import until


@pytest.fixture
def shop(house):
    """A business on Instagram."""
    return house.tenant(channel="instagram")


def _human_on_instagram(shop, customer, text):
    echo = instagram_text(shop.account, customer, text, is_echo=True)
    shop.receives(instagram_delivery(shop.account, echo))


def _human_on_whatsapp(tenant, customer, text):
    body = delivery(tenant.account)
    change = body["entry"][0]["changes"][0]
    change["field"] = "smb_message_echoes"
    echo = {**text_message(tenant.account, text), "to": customer}
    change["value"] = {**change["value"], "message_echoes": [echo]}
    del change["value"]["messages"]
    tenant.receives(body)


def _steer(tenant, action, body=None):
    path = f"{tenant.path}/conversations/{tenant.conversation()['id']}/{action}"
    answer = tenant.house.rest("POST", path, body, tenant.key)
    assert answer.status == 200, answer.content
    return answer.json


def _authors(tenant):
    return [(each["author"], each["status"]) for each in tenant.messages()]


def test_on_instagram_a_text_is_answered_and_its_echo_neither_pauses_nor_doubles(shop):
    sender = a_customer()
    for text in ("one", "two"):
        shop.hears(text, sender)
        shop.once(lambda found: found and found[-1]["status"] == "read")

    messages = shop.messages()
    assert [each["author"] for each in messages] == ["customer", "agent"] * 2
    assert [each["status"] for each in messages] == ["answered", "read"] * 2
    assert [record["platform_message_id"] for record in shop.sends()] == [
        each["platform_message_id"] for each in messages if each["author"] == "agent"
    ]
    assert len([r for r in shop.house.meta.records("webhook") if r["content"] == "echo"]) >= 2
    assert shop.conversation()["paused_reason"] is None
    assert shop.credits() == (998, 0)


def test_on_instagram_a_reply_whose_answer_was_lost_is_known_by_its_echo(shop):
    sender = a_customer()
    shop.house.meta.script(sender, kind="message", accept_and_lose=True)

    shop.hears("Hello", sender)
    shop.once(lambda found: [each["status"] for each in found] == ["answered", "read"])

    assert len(shop.sends()) == 1
    assert shop.ledger() == ["add", "hold", "capture"]
    assert shop.conversation()["paused_reason"] is None


def test_on_instagram_a_person_who_sends_a_picture_or_our_very_words_is_still_a_person(house):
    for content in ({"attachments": [{"type": "image", "payload": {"url": "https://example.com/x"}}]}, {}):
        shop, sender = house.tenant(channel="instagram"), a_customer()
        shop.hears("one", sender)
        ours = shop.once(lambda found: found and found[-1]["status"] == "read")[-1]["text"]
        echo = instagram_text(shop.account, sender, ours, is_echo=True, **content)
        if content:
            del echo["message"]["text"]

        shop.receives(instagram_delivery(shop.account, echo))

        assert [each["author"] for each in shop.messages()] == ["customer", "agent", "human"]
        assert shop.conversation()["paused_reason"] == "human_replied"


def test_on_instagram_both_forms_are_read_and_what_stands_by_is_not_answered(shop):
    sender = a_customer()
    event = instagram_text(sender, shop.account, "one")
    body = instagram_delivery(shop.account)
    body["entry"][0] = {"id": shop.account, "changes": [{"field": "messages", "value": event}]}
    shop.receives(body)
    shop.settled()
    body["entry"][0] = {"id": shop.account, "standby": [instagram_text(sender, shop.account, "two")]}
    shop.receives(body)

    last = shop.messages()[-1]
    assert [each["author"] for each in shop.messages()] == ["customer", "agent", "customer"]
    assert (last["text"], last["status"], last["reason"]) == ("two", "unanswerable", "in_standby")


@pytest.mark.parametrize(("channel", "writes"), [("instagram", _human_on_instagram), ("whatsapp", _human_on_whatsapp)])
def test_a_persons_reply_elsewhere_is_stored_and_silences_the_agent(house, channel, writes):
    tenant, sender = house.tenant(channel=channel), a_customer()
    tenant.hears("one", sender)
    tenant.settled()

    writes(tenant, sender, "I will take care of this myself.")
    tenant.hears("two", sender)
    paused = tenant.conversation()
    waiting = tenant.messages()

    assert paused["paused_reason"] == "human_replied"
    assert paused["paused_until"] is not None
    assert [each["author"] for each in waiting] == ["customer", "agent", "human", "customer"]
    assert (waiting[2]["direction"], waiting[2]["text"]) == ("outbound", "I will take care of this myself.")
    assert tenant.get(f"messages/{waiting[3]['id']}/trace")["reason"] == "conversation_paused"

    _steer(tenant, "resume")
    tenant.settled()

    assert [each["author"] for each in tenant.messages()] == ["customer", "agent", "human", "customer", "agent"]
    assert tenant.conversation()["paused_reason"] is None
    assert len(tenant.sends()) == 2
    assert tenant.credits() == (998, 0)


def test_what_came_while_paused_is_answered_after_resume_in_order(tenant):
    sender = a_customer()
    tenant.hears("one", sender)
    tenant.settled()

    paused = _steer(tenant, "pause", {"minutes": 30})
    tenant.hears("two", sender)
    tenant.hears("three", sender)
    other = a_customer()
    tenant.house.deliver(delivery(tenant.account, text_message(other, "meanwhile")))
    tenant.once(lambda found: found[0]["status"] == "answered", other)

    assert paused["paused_reason"] == "by_hand"
    assert [each["status"] for each in tenant.messages(sender) if each["direction"] == "inbound"][1:] == [
        "received"
    ] * 2

    path = f"{tenant.path}/conversations/{paused['id']}/resume"
    assert tenant.house.rest("POST", path, key=tenant.key).json["paused_reason"] is None
    tenant.settled()

    said = [record["text"] for record in tenant.sends() if record["customer_id"] == sender]
    assert '"one"' in said[0]
    assert "two" in tenant.house.openai.heard(tenant.conversation(sender)["openai_conversation_id"])
    assert {each["status"] for each in tenant.messages() if each["direction"] == "inbound"} == {"answered"}


def test_what_a_person_answered_meanwhile_is_not_answered_again(tenant):
    sender = a_customer()
    tenant.hears("one", sender)
    tenant.settled()
    _steer(tenant, "pause")
    tenant.hears("two", sender)
    _human_on_whatsapp(tenant, sender, "Two is done.")

    _steer(tenant, "resume")
    tenant.once(lambda found: "received" not in {each["status"] for each in found})

    two = tenant.messages()[2]
    assert (two["text"], two["status"], two["reason"]) == ("two", "unanswerable", "human_answered")
    assert len(tenant.sends()) == 1
    assert tenant.credits() == (999, 0)


@pytest.mark.parametrize(("stop", "start"), [("Stop!", "START"), ("Parar", "começar"), ("إيقاف", "ابدأ")])
def test_who_says_stop_is_left_alone_until_they_say_start(tenant, stop, start):
    sender = a_customer()
    tenant.hears("Hello", sender)
    tenant.settled()
    asked = len(tenant.house.openai.records("response", tenant.conversation()["openai_conversation_id"]))

    tenant.hears(stop, sender)
    tenant.hears("Are you there?", sender)
    left_alone = tenant.settled()[2:]

    assert [(each["status"], each["reason"]) for each in left_alone] == [("unanswerable", "customer_opted_out")] * 2
    assert len(tenant.house.openai.records("response", tenant.conversation()["openai_conversation_id"])) == asked
    assert len(tenant.sends()) == 1

    tenant.hears(start, sender)
    tenant.hears("And now?", sender)
    tenant.settled()

    assert tenant.messages()[-1]["author"] == "agent"
    (last,) = [each for each in tenant.messages() if each["text"] == "And now?"]
    assert last["status"] == "answered"
    kinds = tenant.house.sql("select kind from consents where user_id = %s order by created_at", tenant.id)
    assert [kind for (kind,) in kinds] == ["stop", "start"]


def test_what_still_waited_when_the_customer_said_stop_is_not_answered(tenant):
    sender = a_customer()
    with tenant.house.openai.turned(latency_ms=700):
        tenant.hears("one", sender)
        until(lambda: tenant.house.sql("select id from turns where user_id = %s and status = 'open'", tenant.id))
        tenant.hears("two", sender)
        tenant.hears("STOP", sender)
        tenant.settled()

    reasons = {each["text"]: each["reason"] for each in tenant.messages() if each["direction"] == "inbound"}
    assert reasons == {"one": None, "two": "customer_opted_out", "STOP": "customer_opted_out"}
    assert len(tenant.sends()) == 1
    assert tenant.credits() == (999, 0)


def test_a_machine_that_answers_our_answers_is_noticed_and_the_conversation_can_be_resumed(tenant):
    sender = a_customer()
    for replies in range(1, 10):
        tenant.hears("I am out of office.", sender)
        tenant.once(lambda found, replies=replies: [e["status"] for e in found].count("answered") == replies)
    tenant.hears("I am out of office.", sender)
    last = tenant.settled()[-1]

    assert (last["author"], last["status"], last["reason"]) == ("customer", "unanswerable", "auto_replier")
    assert tenant.conversation()["paused_reason"] == "auto_replier"
    until(lambda: tenant.alerts() == ["auto_replier"])
    assert len(tenant.sends()) == 9
    assert tenant.credits() == (991, 0)

    _steer(tenant, "resume")
    tenant.hears("Now I am back.", sender)
    tenant.settled()

    assert len(tenant.sends()) == 10
    assert tenant.alerts() == []
