"""Customers without a number, and customers who are called something else from now on."""

from tests.rig.house import a_customer, delivery, text_message


def _with_user_id(tenant, text, user_id, number=None):
    message = {**text_message(number or "", text), "from_user_id": user_id}
    contact = {"profile": {"name": "Ada", "username": "ada"}, "user_id": user_id}
    if number:
        contact["wa_id"] = number
    else:
        del message["from"]
    body = delivery(tenant.account, message)
    body["entry"][0]["changes"][0]["value"]["contacts"] = [contact]
    tenant.receives(body)


def test_a_customer_without_a_number_is_answered_by_their_user_id(tenant):
    user_id = f"US.{a_customer()}"
    _with_user_id(tenant, "one", user_id)
    tenant.settled()

    assert tenant.messages()[0]["status"] == "answered"
    assert (tenant.sends()[0]["to"], tenant.sends()[0]["customer_id"]) == (user_id, user_id)


def test_a_customer_who_is_called_otherwise_stays_one_customer(tenant):
    before, after, number, new_number = f"US.{a_customer()}", f"US.{a_customer()}", a_customer(), a_customer()
    _with_user_id(tenant, "one", before)
    tenant.settled()
    _with_user_id(tenant, "two", before, number)
    tenant.settled()

    update = delivery(tenant.account)
    change = update["entry"][0]["changes"][0]
    change["field"] = "user_id_update"
    change["value"]["user_id_update"] = [
        {"wa_id": number, "user_id": {"previous": before, "current": after}, "timestamp": "1760000000"}
    ]
    tenant.receives(update)
    _with_user_id(tenant, "three", after)
    tenant.settled()
    moved = {"body": "moved", "wa_id": new_number, "type": "user_changed_number"}
    tenant.receives_kind(number, "system", moved)
    tenant.hears("four", new_number)
    tenant.settled()

    conversation = tenant.conversation()
    assert conversation["message_count"] == 9
    asked = [each for each in tenant.messages() if each["direction"] == "inbound"]
    assert [(each["type"], each["status"]) for each in asked] == [
        ("text", "answered"),
        ("text", "answered"),
        ("text", "answered"),
        ("system", "unanswerable"),
        ("text", "answered"),
    ]
    assert tenant.sends()[-1]["customer_id"] == new_number
    assert len(tenant.sends()) == 4
