"""Meta fails, as its simulator is told to."""

from tests.rig.house import a_customer

TOO_LATE = {"http_status": 400, "code": 131047, "message": "Re-engagement message"}


def test_a_send_whose_answer_was_lost_is_unknown_until_a_report_settles_it_and_is_never_repeated(tenant):
    sender = a_customer()
    tenant.house.meta.script(sender, accept_and_lose=True)
    with tenant.house.meta.turned(status_delay_ms=1_500):
        tenant.hears("Hello", sender)
        tenant.once(lambda found: [each["status"] for each in found[1:]] == ["unknown"])
        held = tenant.credits()

        _, reply = tenant.once(lambda found: found[1]["status"] in {"sent", "delivered", "read"})

    assert held == (1_000, 1)
    assert reply["platform_message_id"] == tenant.sends()[0]["platform_message_id"]
    assert tenant.settled()[0]["status"] == "answered"
    assert len(tenant.sends()) == 1
    assert tenant.ledger() == ["add", "hold", "capture"]


def test_a_reply_that_meta_refuses_for_good_is_failed_with_metas_code_and_costs_nothing(tenant):
    sender = a_customer()
    tenant.house.meta.script(sender, error=TOO_LATE)

    tenant.hears("Hello", sender)
    question, reply = tenant.settled()

    assert (question["status"], question["reason"]) == ("unanswerable", "send_failed")
    assert (reply["status"], reply["error"]["code"]) == ("failed", 131047)
    assert (len(tenant.sends()), len(tenant.sends(accepted=False))) == (0, 1)
    assert tenant.ledger() == ["add", "hold", "release"]


def test_a_reply_that_meta_refuses_for_now_is_sent_a_little_later(tenant):
    sender = a_customer()
    tenant.house.meta.script(sender, error={"http_status": 429, "code": 130429, "message": "Rate limit hit"})

    tenant.hears("Hello", sender)
    question, _ = tenant.settled()

    assert question["status"] == "answered"
    assert (len(tenant.sends()), len(tenant.sends(accepted=False))) == (1, 1)
    assert tenant.ledger() == ["add", "hold", "capture"]


def test_a_reply_that_fails_after_it_was_accepted_is_refunded(tenant):
    sender = a_customer()
    tenant.house.meta.script(sender, failed_later={"code": 131026, "title": "Message undeliverable", "after": ["sent"]})

    tenant.hears("Hello", sender)
    question, reply = tenant.once(lambda found: len(found) == 2 and found[1]["status"] == "failed")

    assert reply["error"]["code"] == 131026
    assert (question["status"], question["reason"]) == ("unanswerable", "send_failed")
    assert tenant.ledger() == ["add", "hold", "capture", "refund"]
    assert tenant.credits() == (1_000, 0)
