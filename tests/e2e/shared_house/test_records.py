"""What moving an agent does to its conversations, who may do what with a key, and what is left of who is erased."""

import json

import pytest

from tests.rig.house import Answer, a_customer
from tests.rig.waiting import until

SLOW_MS = 1_500


def _call(tenant, method: str, path: str, body: object = None, key: str | None = None) -> Answer:
    return tenant.house.rest(method, f"{tenant.path}/{path}", body, key or tenant.key)


def _agent(tenant) -> dict:
    (agent,) = tenant.get("agents")["items"]
    return agent


def _in_flight(tenant, text: str, sender: str) -> None:
    """The customer writes, and the model is thinking about it."""
    tenant.house.openai.script(text, delay_ms=SLOW_MS)
    tenant.hears(text, sender)
    until(lambda: tenant.credits()[1] == 1)


def _number(tenant) -> str:
    made = tenant.make("phone_numbers", {"type": "webchat", "allowed_origins": ["https://shop.example"]})
    return made["id"]


@pytest.mark.parametrize("change", ["linked elsewhere", "unlinked", "deleted"])
def test_whatever_takes_an_agent_away_ends_its_conversations_and_the_next_message_opens_another(tenant, change):
    sender, agent = a_customer(), _agent(tenant)
    tenant.hears("one", sender)
    tenant.settled()
    _in_flight(tenant, f"two {sender}", sender)

    if change == "deleted":
        assert _call(tenant, "DELETE", f"agents/{agent['id']}").status == 204
    else:
        to = _number(tenant) if change == "linked elsewhere" else None
        assert _call(tenant, "PATCH", f"agents/{agent['id']}", {"phone_number_id": to}).status == 200

    first = tenant.conversation(sender)
    assert first["status"] == "archived"
    ended = tenant.settled(sender)
    until(lambda: tenant.credits()[1] == 0)
    assert {each["status"] for each in ended} <= {"answered", "unanswerable", "sent", "delivered", "read"}
    assert len(tenant.sends()) == len([each for each in ended if each["direction"] == "outbound"])
    assert tenant.credits()[0] == 1_000 - len(tenant.sends())

    number = next(each for each in tenant.get("phone_numbers")["items"] if each["type"] == "whatsapp")
    tenant.make("agents", {"name": "Next", "prompt_id": agent["prompt_id"], "phone_number_id": number["id"]})
    tenant.hears("three", sender)
    until(lambda: tenant.messages(sender)[-1]["direction"] == "outbound")
    tenant.settled(sender)
    conversations = tenant.get("conversations")["items"]
    assert [each["status"] for each in conversations] == ["archived", "active"]
    assert conversations[1]["message_count"] == 2
    assert conversations[1]["openai_conversation_id"] != first["openai_conversation_id"]


def test_a_pinned_agent_speaks_from_its_version_and_each_reply_tells_which(tenant):
    agent, sender = _agent(tenant), a_customer()
    prompt = f"prompts/{agent['prompt_id']}"
    assert _call(tenant, "PATCH", f"agents/{agent['id']}", {"prompt_version": 1}).json["prompt_version"] == 1
    refused = _call(tenant, "PATCH", f"agents/{agent['id']}", {"prompt_version": 2})
    assert (refused.status, refused.json["code"]) == (404, "not_found")
    tenant.make(f"{prompt}/versions", {"instructions": "Be brief.", "model": "gpt-5.5-mini"})

    tenant.hears("one", sender)
    tenant.settled()
    assert _call(tenant, "PATCH", f"agents/{agent['id']}", {"prompt_version": None}).status == 200
    tenant.hears("two", sender)
    tenant.once(lambda found: len(found) == 4 and found[-1]["status"] not in {"pending", "sending"})

    spoken = [
        (each["prompt_id"], each["prompt_version"], each["model"])
        for each in tenant.messages()
        if each["author"] == "agent"
    ]
    assert spoken == [(agent["prompt_id"], 1, "gpt-5.5"), (agent["prompt_id"], 2, "gpt-5.5-mini")]
    assert [each["version"] for each in tenant.get(f"{prompt}/versions")["items"]] == [1, 2]
    assert tenant.get(f"{prompt}/versions/1")["instructions"] == "Answer."


def test_a_key_does_what_its_scopes_say_and_gives_out_no_more(tenant):
    def a_key(*scopes: str, by: str | None = None) -> Answer:
        return _call(tenant, "POST", "api_keys", {"name": "till", "scopes": list(scopes)}, by)

    reading = a_key("read").json["api_key"]
    managing = a_key("admin").json["api_key"]

    assert _call(tenant, "GET", "conversations", key=reading).status == 200
    refused = _call(tenant, "POST", "prompts", {"name": "P", "instructions": "", "model": "gpt-5.5"}, reading)
    assert (refused.status, refused.json["code"]) == (403, "scope_missing")
    assert a_key("read", by=reading).status == 403
    assert a_key("write", by=managing).json["code"] == "scope_missing"
    assert a_key("admin", by=managing).json["scopes"] == ["admin"]
    for wrong in ([], ["read", "read"], ["write", "everything"], "read"):
        answer = _call(tenant, "POST", "api_keys", {"name": "till", "scopes": wrong})
        assert (answer.status, answer.json["errors"][0]["pointer"][:7]) == (422, "/scopes")
    keys = tenant.get("api_keys")["items"]
    assert [key["scopes"] for key in keys] == [["read", "write", "admin"], ["read"], ["admin"], ["admin"]]
    assert keys[1]["last_used_at"] is not None


def _but_for_statuses(messages: list[dict]) -> list[dict]:
    """What a reply is, whatever the platform says of it meanwhile."""
    return [{**message, "status": None, "status_times": None, "pricing": None} for message in messages]


def test_a_customer_is_handed_out_whole_and_then_erased_everywhere_a_turn_in_flight_included(tenant):
    sender, other = a_customer(), a_customer()
    for who in (sender, other):
        tenant.hears("My name is Ada", who)
    tenant.settled()
    (customer,) = tenant.get(f"customers?customer={sender}")["items"]
    before = tenant.conversation(sender)
    conversation_there = before["openai_conversation_id"]

    export = json.loads(_call(tenant, "GET", f"customers/{customer['id']}/export").content)
    assert export["customer"] == tenant.get(f"customers/{customer['id']}") == customer
    assert export["conversations"] == [before]
    assert _but_for_statuses(export["messages"]) == _but_for_statuses(tenant.messages(sender))
    assert [turn["conversation_id"] for turn in export["turns"]] == [before["id"]]
    assert export["consents"] == []

    _in_flight(tenant, f"secret {sender}", sender)
    sent = len(tenant.sends())
    assert _call(tenant, "DELETE", f"customers/{customer['id']}").status == 204

    assert _call(tenant, "GET", f"customers/{customer['id']}").status == 404
    assert tenant.messages(sender) == []
    assert tenant.credits() == (998, 0)
    openai = tenant.house.openai
    until(lambda: [record["text"] for record in openai.records("response", f"secret {sender}")])
    tenant.hears("Still here", other)
    tenant.once(lambda found: len(found) == 4 and found[-1]["status"] == "read", other)
    assert (len(tenant.sends()), tenant.credits()) == (sent + 1, (997, 0))

    tenant.house.sql("update erasures set due_at = now() where openai_id = %s", conversation_there)
    until(lambda: not tenant.house.sql("select 1 from erasures where openai_id = %s", conversation_there))
    changes = [record["outcome"] for record in openai.records("conversation", conversation_there)]
    assert changes[-1] == "delete"
    assert changes.count("delete_item") >= 2
    assert tenant.messages(other) != []


def test_a_low_balance_is_told_once_and_usage_is_reported(house):
    tenant = house.tenant(credits=2)
    assert house.rest("PATCH", tenant.path, {"low_balance_threshold": 2}, tenant.key).json["low_balance_threshold"] == 2
    for field in (0, -1, 1.5, 10**12, "2"):
        assert house.rest("PATCH", tenant.path, {"low_balance_threshold": field}, tenant.key).status == 422

    tenant.hears("Hello", a_customer())
    tenant.settled()
    until(lambda: tenant.alerts() == ["low_balance"])
    tenant.make("credits/add", {"amount": 10})
    until(lambda: tenant.alerts() == [])

    for group, field in (("day", "day"), ("agent", "agent_id"), ("phone_number", "phone_number_id")):
        (usage,) = tenant.get(f"credits/usage?group_by={group}")["items"]
        assert (usage["captured"], usage["refunded"], usage["net"], usage["replies"]) == (1, 0, 1, 1)
        assert [name for name in ("day", "agent_id", "phone_number_id") if usage[name]] == [field]
    assert _call(tenant, "GET", "credits/usage?group_by=week").status == 422
    assert _call(tenant, "GET", "credits/usage?since=2020-01-01T00:00:00Z").status == 422
