"""What arrives at the webhook and should not have."""

import json

from tests.rig.house import Tenant, a_customer, call, delivery, signed, text_message
from tests.rig.waiting import until

MEBIBYTE = 1024 * 1024


def test_an_unsigned_delivery_is_refused(tenant):
    body = json.dumps(delivery(tenant.account, text_message(a_customer(), "Hello"))).encode()

    assert tenant.house.post_webhook(body).status == 401
    assert tenant.messages() == []


def test_a_wrongly_signed_delivery_is_refused(tenant):
    body = json.dumps(delivery(tenant.account, text_message(a_customer(), "Hello"))).encode()

    answer = tenant.house.post_webhook(body, signed("not the secret", body))

    assert answer.status == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert tenant.messages() == []


def test_what_is_no_json_is_refused(house):
    assert house.deliver(b"{nonsense").status == 400


def test_a_delivery_over_four_mebibytes_is_refused_and_one_below_is_read(house):
    assert house.deliver(b'"' + b"x" * (4 * MEBIBYTE) + b'"').status == 413
    assert house.deliver({"object": "whatsapp_business_account", "entry": [], "x": "x" * 3 * MEBIBYTE}).status == 200


def test_a_bad_element_does_not_spoil_the_good_ones_beside_it(tenant):
    sender = a_customer()
    bad = ({"from": 7}, None, "nonsense", {"type": "text"}, {**text_message(sender, "x"), "text": [1]})
    body = delivery(tenant.account, text_message(sender, "before"), *bad, text_message(sender, "after"))
    body["entry"] += [None, {"changes": [None, {"field": "messages", "value": 3}]}]

    assert tenant.house.deliver(body).status == 200
    messages = tenant.settled()

    texts = [each["text"] for each in messages if each["direction"] == "inbound" and each["status"] == "answered"]
    assert texts == ["before", "after"]


def test_nul_and_lone_surrogates_in_a_text_are_stored_and_answered(tenant):
    senders = [a_customer() for _ in range(3)]
    texts = ["zero \x00 zero", "half \ud83d pair", "other half \udc4d \x00"]
    for sender, text in zip(senders, texts, strict=True):
        tenant.hears(text, sender)

    messages = tenant.settled()

    assert {each["status"] for each in messages if each["direction"] == "inbound"} == {"answered"}
    stored = {each["text"][:4] for each in messages if each["direction"] == "inbound"}
    assert stored == {"zero", "half", "othe"}
    assert len(tenant.sends()) == 3


def test_a_message_to_a_number_nobody_registered_is_kept_counted_and_answered_once_it_is(house):
    unclaimed = house.rest("GET", "/health").json["unclaimed_messages"]
    user = house.make("/users", {"name": "Late"})
    account, sender = f"9{user['id'].replace('-', '')[:12]}", a_customer()
    body = delivery(account, text_message(sender, "Is anybody there?"))

    assert [house.deliver(body).status for _ in range(2)] == [200, 200]
    assert house.rest("GET", "/health").json["unclaimed_messages"] == unclaimed + 1

    tenant = Tenant(house, user["id"], user["api_key"], account)
    tenant.make("credits/add", {"amount": 5})
    tenant.open()
    messages = tenant.once(lambda found: len(found) == 2 and found[0]["status"] == "answered")

    assert messages[0]["text"] == "Is anybody there?"
    assert house.rest("GET", "/health").json["unclaimed_messages"] == unclaimed
    assert tenant.credits() == (4, 0)


def test_the_handshake_echoes_the_challenge_only_to_who_knows_the_token(house):
    def shake(token: str) -> tuple[int, bytes]:
        query = f"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}"
        answer = call(house.ready["rest_url"], "GET", f"/webhooks/meta?{query}")
        return answer.status, answer.content

    assert shake(house.ready["meta_verify_token"]) == (200, b"1158201444")
    assert shake("wrong")[0] == 403


def test_without_credit_a_message_waits_and_a_top_up_lets_it_go_on(house):
    tenant = house.tenant(credits=0)
    tenant.hears("Hello", a_customer())
    (blocked,) = tenant.once(lambda found: [each["status"] for each in found] == ["blocked"])
    assert blocked["reason"] == "insufficient_credits"
    assert tenant.sends() == []

    tenant.make("credits/add", {"amount": 1})

    until(lambda: tenant.credits() == (0, 0))
    assert tenant.settled()[0]["status"] == "answered"
    assert len(tenant.sends()) == 1
