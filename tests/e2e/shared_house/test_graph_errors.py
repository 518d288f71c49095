"""Every class of Graph's errors, told to the whole house: what it does, what it says, what it costs."""

import pytest

from tests.rig.house import a_customer, delivery
from tests.rig.waiting import until

TOO_FAST = {"http_status": 429, "code": 130429, "message": "Rate limit hit"}
PAIR_TOO_FAST = {"http_status": 400, "code": 131056, "message": "Pair rate limit hit"}
EXPIRED = {"http_status": 401, "code": 190, "subcode": 463, "message": "Session has expired"}
RESTRICTED = {"http_status": 403, "code": 131031, "message": "Account has been locked"}
BROKEN = {"http_status": 500, "code": 131000, "message": "Something went wrong"}
CHARGED = ["add", "hold", "capture"]
GIVEN_BACK = ["add", "hold", "release"]


def _calls(tenant):
    """Every send that Meta heard of, in order: who it was for, and whether it was taken."""
    return [
        (record["customer_id"], record["accepted"])
        for record in tenant.house.meta.records("message")
        if record["phone_number_id"] == tenant.account
    ]


def _status_of(tenant, reply, status):
    """Meta's word on a message of ours, whose id it had got with the send."""
    body = delivery(tenant.account)
    body["entry"][0]["changes"][0]["value"]["statuses"] = [
        {
            "id": "wamid.settled-later",
            "recipient_id": "15550000000",
            "status": status,
            "timestamp": "1750000000",
            "biz_opaque_callback_data": reply["id"],
            "pricing": {"billable": True, "pricing_model": "PMP", "category": "service"},
        }
    ]
    return body


def test_a_number_that_is_too_fast_waits_and_keeps_its_order(tenant):
    sender = a_customer()
    tenant.house.meta.script(sender, error=TOO_FAST)

    tenant.hears("one", sender)
    until(lambda: _calls(tenant))
    tenant.hears("two", sender)
    tenant.settled()

    assert _calls(tenant) == [(sender, False), (sender, True), (sender, True)]
    assert [record["text"].split('"')[1] for record in tenant.sends()] == ["one", "two"]
    refused, accepted = tenant.sends(accepted=False)[0], tenant.sends()[0]
    assert accepted["time"] - refused["time"] >= 3.9
    assert tenant.credits() == (998, 0)
    assert sorted(tenant.ledger()) == ["add", "capture", "capture", "hold", "hold"]


def test_a_pair_that_is_too_fast_waits_and_nobody_else_does(tenant):
    slow, other = a_customer(), a_customer()
    tenant.house.meta.script(slow, error=PAIR_TOO_FAST)

    tenant.hears("slow", slow)
    until(lambda: tenant.sends(accepted=False))
    tenant.hears("quick", other)
    tenant.settled()

    assert _calls(tenant) == [(slow, False), (other, True), (slow, True)]
    assert tenant.sends()[1]["time"] - tenant.sends(accepted=False)[0]["time"] >= 3.9
    assert tenant.credits() == (998, 0)


@pytest.mark.parametrize(
    ("error", "status", "alert", "change"),
    [
        (EXPIRED, "unauthorized", "access_refused", {"access_token": "a-new-token"}),
        (RESTRICTED, "parked", "channel_parked", {"status": "active"}),
    ],
)
def test_a_number_that_may_send_nothing_is_parked_until_a_person_acts(tenant, error, status, alert, change):
    first, second = a_customer(), a_customer()
    tenant.house.meta.script(first, error=error)

    tenant.hears("one", first)
    until(lambda: tenant.number()["status"] == status)
    tenant.hears("two", first)
    tenant.hears("three", second)
    until(lambda: alert in tenant.alerts())
    parked = tenant.messages()
    tracked = [tenant.get(f"messages/{each['id']}/trace")["reason"] for each in parked if each["text"] == "three"]

    assert _calls(tenant) == [(first, False)]
    assert tenant.number()["status_detail"]["code"] == error["code"]
    assert {each["status"] for each in parked if each["direction"] == "inbound"} == {"received"}
    assert tracked == [f"phone_number_{status}"]
    assert tenant.credits()[0] == 1_000

    tenant.change_number(**change)
    tenant.settled()

    assert tenant.number()["status"] == "active"
    assert tenant.number()["status_detail"] is None
    said = [record["text"].split('"')[1] for record in tenant.sends() if record["customer_id"] == first]
    assert said == ["one", "two"]
    assert len(tenant.sends()) == 3
    assert len(_calls(tenant)) == 4
    assert {each["status"] for each in tenant.messages() if each["direction"] == "inbound"} == {"answered"}
    assert tenant.credits() == (997, 0)
    until(lambda: alert not in tenant.alerts())


def test_what_waited_at_a_parked_number_beyond_its_window_is_not_sent(tenant):
    late, fresh = a_customer(), a_customer()
    tenant.house.meta.script(late, error=EXPIRED)
    tenant.hears("late", late)
    until(lambda: tenant.number()["status"] == "unauthorized")
    tenant.hears("fresh", fresh)
    tenant.house.sql("update messages set created_at = created_at - interval '25 hours' where text = 'late'")

    tenant.change_number(access_token="a-new-token")
    tenant.settled()

    assert [record["customer_id"] for record in tenant.sends()] == [fresh]
    (question,) = [each for each in tenant.messages(late) if each["direction"] == "inbound"]
    assert (question["status"], question["reason"]) == ("unanswerable", "window_closed")
    assert tenant.credits() == (999, 0)


def test_a_closed_window_without_a_template_costs_nothing_and_says_so(tenant):
    sender = a_customer()
    with tenant.house.meta.turned(window_closed_for=[sender]):
        tenant.hears("Hello", sender)
        question, reply = tenant.settled()

    assert (question["status"], question["reason"]) == ("unanswerable", "window_closed")
    assert (reply["status"], reply["error"]["code"]) == ("failed", 131047)
    assert tenant.ledger() == GIVEN_BACK
    assert len(_calls(tenant)) == 1


def test_a_closed_window_with_a_template_gets_the_template(tenant):
    sender = a_customer()
    tenant.change_number(settings={"template": {"name": "we_are_back", "language": "en"}})
    with tenant.house.meta.turned(window_closed_for=[sender]):
        tenant.hears("Hello", sender)
        question, _ = tenant.settled()

    assert question["status"] == "answered"
    assert [(record["type"], record["text"]) for record in tenant.sends()] == [("template", "we_are_back")]
    assert tenant.ledger() == CHARGED


def test_a_closed_window_on_instagram_ends_the_turn(house):
    tenant, sender = house.tenant(channel="instagram"), a_customer()
    with house.meta.turned(window_closed_for=[sender]):
        tenant.hears("Hello", sender)
        question, reply = tenant.settled()

    assert (question["reason"], reply["error"]["subcode"]) == ("window_closed", 2534022)
    assert tenant.number()["status"] == "active"
    assert tenant.ledger() == GIVEN_BACK


@pytest.mark.parametrize(
    ("error", "alerts"),
    [
        ({"http_status": 400, "code": 131026, "message": "Undeliverable"}, []),
        ({"http_status": 400, "code": 131049, "message": "Healthy ecosystem"}, []),
        ({"http_status": 400, "code": 131009, "message": "Parameter value is not valid"}, ["request_refused"]),
        ({"http_status": 400, "code": 987654, "message": "A code of tomorrow"}, ["request_refused"]),
        ({"http_status": 200, "code": 131026, "message": "Undeliverable, with a 200"}, []),
    ],
)
def test_what_meta_refuses_for_good_is_tried_once_and_costs_nothing(tenant, error, alerts):
    sender = a_customer()
    tenant.house.meta.script(sender, error=error)

    tenant.hears("Hello", sender)
    question, reply = tenant.settled()

    assert (question["status"], question["reason"]) == ("unanswerable", "send_failed")
    assert (reply["status"], reply["error"]["code"]) == ("failed", error["code"])
    assert _calls(tenant) == [(sender, False)]
    assert tenant.ledger() == GIVEN_BACK
    until(lambda: tenant.alerts() == alerts)
    assert tenant.number()["status"] == "active"


def test_a_code_of_tomorrow_that_meta_calls_transient_is_tried_again(tenant):
    sender = a_customer()
    error = {"http_status": 400, "code": 987655, "message": "Later", "is_transient": True}
    tenant.house.meta.script(sender, error=error)

    tenant.hears("Hello", sender)
    tenant.settled()

    assert _calls(tenant) == [(sender, False), (sender, True)]
    assert tenant.ledger() == CHARGED


@pytest.mark.parametrize(
    ("status", "question_status", "ledger", "credits"),
    [("delivered", "answered", CHARGED, (999, 0)), ("failed", "unanswerable", GIVEN_BACK, (1_000, 0))],
)
def test_an_error_that_says_nothing_is_settled_by_metas_status_and_never_tried_again(
    tenant, status, question_status, ledger, credits
):
    sender = a_customer()
    tenant.house.meta.script(sender, error=BROKEN)
    tenant.hears("Hello", sender)
    _, reply = tenant.once(lambda found: [each["status"] for each in found[1:]] == ["unknown"])
    assert tenant.credits() == (1_000, 1)

    tenant.receives(_status_of(tenant, reply, status))
    question, reply = tenant.once(lambda found: found[1]["status"] == status)

    assert question["status"] == question_status
    assert reply["platform_message_id"] == "wamid.settled-later"
    assert tenant.ledger() == ledger
    assert tenant.credits() == credits
    assert _calls(tenant) == [(sender, False)]
