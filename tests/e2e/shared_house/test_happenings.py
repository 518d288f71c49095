"""What arrives and is no question: changes of messages, statuses in any order, news of the account."""

import secrets

from tests.rig.house import a_customer, account_news, delivery, text_message


def _steer(tenant, action):
    path = f"{tenant.path}/conversations/{tenant.conversation()['id']}/{action}"
    assert tenant.house.rest("POST", path, key=tenant.key).status == 200


def _about(sender, kind, value):
    message = {**text_message(sender, ""), "type": kind, kind: value}
    del message["text"]
    return message


def test_what_was_changed_is_answered_as_changed_and_what_was_taken_back_is_not(tenant):
    sender = a_customer()
    tenant.hears("Hello", sender)
    tenant.settled()
    _steer(tenant, "pause")
    changed, gone = text_message(sender, "At five?"), text_message(sender, "Never mind")
    new = {"type": "text", "text": {"body": "At six?"}}

    tenant.receives(delivery(tenant.account, changed, gone))
    edit = _about(sender, "edit", {"original_message_id": changed["id"], "message": new})
    tenant.receives(delivery(tenant.account, edit, _about(sender, "revoke", {"original_message_id": gone["id"]})))
    _steer(tenant, "resume")
    tenant.settled()

    asked = [each for each in tenant.messages() if each["direction"] == "inbound"][1:]
    assert [(each["type"], each["text"], each["status"], each["reason"]) for each in asked] == [
        ("text", "At six?", "answered", None),
        ("text", None, "unanswerable", "taken_back"),
        ("edit", None, "unanswerable", "type_not_answered"),
        ("revoke", None, "unanswerable", "type_not_answered"),
    ]
    assert len(tenant.sends()) == 2


def test_a_status_never_goes_backwards(tenant):
    with tenant.house.meta.turned(statuses=["read", "delivered", "sent"]):
        tenant.hears("Hello", a_customer())
        tenant.once(lambda found: found[-1]["status"] == "read")
    reply = tenant.messages()[-1]
    body = delivery(tenant.account)
    told = {"id": reply["platform_message_id"], "status": "sent", "timestamp": "1750000000", "recipient_id": "1"}
    body["entry"][0]["changes"][0]["value"]["statuses"] = [told]

    tenant.receives(body)

    assert tenant.messages()[-1]["status"] == "read"


def test_news_of_the_account_are_shown_once_and_never_answered(tenant):
    business = secrets.token_hex(8)
    tenant.receives(delivery(tenant.account, text_message(a_customer(), "Hello"), business=business))
    tenant.settled()
    news = {"account_update": {"event": "ACCOUNT_RESTRICTION"}, "a_field_of_tomorrow": {"any": "thing"}}

    for _ in range(2):
        tenant.receives(account_news(business, **news))

    notices = tenant.get(f"phone_numbers/{tenant.number()['id']}/notices")["items"]
    assert sorted(notice["field"] for notice in notices) == sorted(news)
    assert (len(tenant.messages()), len(tenant.sends())) == (2, 1)
