"""A customer writes, the agent answers."""

import json
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.rig.house import a_customer, delivery, text_message
from tests.rig.waiting import until

WHATSAPP_TEXT = Path(__file__).parents[2] / "payloads/simulators/whatsapp/text__facebook-openapi__text-message.json"


def test_say_prints_the_reply_and_everything_is_accounted_for(house):
    demo = f"/users/{house.ready['demo_user_id']}"
    key = house.ready["demo_api_key"]
    sender = a_customer()
    before = house.rest("GET", f"{demo}/credits", key=key).json

    said = house.say("Do you have a room?", "--from", sender)

    assert (said.returncode, said.stderr) == (0, "")
    assert "Do you have a room?" in said.stdout
    messages = house.rest("GET", f"{demo}/messages?customer={sender}", key=key).json["items"]
    assert [(each["sequence_number"], each["direction"], each["author"]) for each in messages] == [
        (1, "inbound", "customer"),
        (2, "outbound", "agent"),
    ]
    assert messages[0]["status"] == "answered"
    assert messages[1]["text"] == said.stdout.strip()
    after = house.rest("GET", f"{demo}/credits", key=key).json
    assert after == {"balance": before["balance"] - 1, "held": 0, "available": before["available"] - 1}


def test_the_ledger_shows_what_was_added_held_and_captured(tenant):
    tenant.hears("Hello", a_customer())

    tenant.settled()

    assert tenant.ledger() == ["add", "hold", "capture"]
    assert tenant.credits() == (999, 0)


def test_a_customer_has_one_conversation_with_the_model_and_every_answer_is_given_there(tenant):
    sender = a_customer()
    for text in ("My name is Ada", "What is my name?"):
        tenant.hears(text, sender)
        tenant.settled()

    (conversation,) = tenant.get("conversations")["items"]
    openai_id = conversation["openai_conversation_id"]
    answered = tenant.house.openai.records("response", openai_id)
    assert [record["text"] for record in answered] == ["My name is Ada", "What is my name?"]
    assert tenant.house.openai.heard(openai_id) == ["My name is Ada", "What is my name?"]
    assert conversation["message_count"] == 4


def test_the_platforms_reports_are_seen_in_the_reply(tenant):
    tenant.hears("Hello", a_customer())

    tenant.once(lambda messages: messages[-1]["status"] == "read")


def test_metas_own_text_twice_and_ten_times_at_once_is_one_message_one_reply_one_credit(house):
    tenant = house.tenant(account="106540352242922")
    body = json.dumps(json.loads(WHATSAPP_TEXT.read_text()), separators=(",", ":")).encode()

    statuses = [house.deliver(body).status for _ in range(2)]
    with ThreadPoolExecutor(10) as pool:
        statuses += [answer.status for answer in pool.map(house.deliver, [body] * 10)]
    messages = tenant.settled()

    assert statuses == [200] * 12
    assert [(each["direction"], each["sequence_number"]) for each in messages] == [("inbound", 1), ("outbound", 2)]
    assert messages[0]["text"] == "Does it come in another color?"
    assert len(tenant.sends()) == 1
    assert tenant.sends()[0]["to"] == "+16505551234"
    assert tenant.credits() == (999, 0)


def test_ten_first_deliveries_at_once_are_one_message(tenant):
    body = delivery(tenant.account, text_message(a_customer(), "Hello"))

    with ThreadPoolExecutor(10) as pool:
        assert {answer.status for answer in pool.map(tenant.house.deliver, [body] * 10)} == {200}

    assert len(tenant.settled()) == 2
    assert (len(tenant.sends()), tenant.credits()) == (1, (999, 0))


def test_a_hundred_messages_of_fifty_customers_at_once_are_answered_once_each_and_in_order(tenant):
    senders = [a_customer() for _ in range(50)]

    def write_twice(sender: str) -> None:
        tenant.hears(f"first of {sender}", sender)
        tenant.hears(f"second of {sender}", sender)

    with ThreadPoolExecutor(25) as pool:
        list(pool.map(write_twice, senders))
    messages = tenant.settled()

    asked = [each for each in messages if each["direction"] == "inbound"]
    replies = [each for each in messages if each["direction"] == "outbound"]
    assert Counter(each["status"] for each in asked) == {"answered": 100}
    by_conversation = defaultdict(list)
    for each in sorted(messages, key=lambda each: each["sequence_number"]):
        by_conversation[each["conversation_id"]].append(each)
    assert len(by_conversation) == 50
    for conversation in by_conversation.values():
        assert [each["sequence_number"] for each in conversation] == list(range(1, len(conversation) + 1))
        texts = [each["text"] for each in conversation if each["direction"] == "inbound"]
        assert [text.split()[0] for text in texts] == ["first", "second"]
    # Two messages that came before the turn began share it; what is paid for is the reply.
    assert 50 <= len(replies) <= 100
    assert tenant.credits() == (1_000 - len(replies), 0)
    assert len(tenant.sends()) == len(replies)
    assert _heard_by_the_model(tenant, senders) == {sender: ["first", "second"] for sender in senders}
    _assert_sent_in_order(tenant, senders)


def test_the_next_message_is_answered_after_the_one_before(tenant):
    sender = a_customer()
    with tenant.house.openai.turned(latency_ms=300):
        tenant.hears("one", sender)
        until(lambda: tenant.house.sql("select id from turns where user_id = %s and status = 'open'", tenant.id))
        tenant.hears("two", sender)
        tenant.settled()

    assert [record["text"].split('"')[1] for record in tenant.sends()] == ["one", "two"]
    assert tenant.credits() == (998, 0)


def _heard_by_the_model(tenant, senders):
    heard = {}
    for conversation in tenant.get("conversations?limit=200")["items"]:
        said = tenant.house.openai.heard(conversation["openai_conversation_id"])
        heard[conversation["customer"]["address"]] = [text.split()[0] for text in said]
    return {sender: heard[sender] for sender in senders}


def _assert_sent_in_order(tenant, senders):
    """Whoever got two replies got that to the first message first."""
    sent = tenant.sends()
    for sender in senders:
        quoted = [record["text"] for record in sent if record["customer_id"] == sender or record["to"] == f"+{sender}"]
        assert 1 <= len(quoted) <= 2
        if len(quoted) == 2:
            assert "first of" in quoted[0]
            assert "second of" in quoted[1]
