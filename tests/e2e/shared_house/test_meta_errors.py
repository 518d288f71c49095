"""Meta loses an answer, or fails after it took a reply; its other errors are in test_graph_errors."""

from tests.rig.house import a_customer


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


def test_a_reply_that_fails_after_it_was_accepted_is_refunded(tenant):
    sender = a_customer()
    tenant.house.meta.script(sender, failed_later={"code": 131026, "title": "Message undeliverable", "after": ["sent"]})

    with tenant.house.meta.turned(status_delay_ms=600):  # news that overtakes the end of the turn costs no refund
        tenant.hears("Hello", sender)
        tenant.once(lambda found: found[0]["status"] == "answered")
        question, reply = tenant.once(lambda found: found[1]["status"] == "failed")

    assert reply["error"]["code"] == 131026
    assert (question["status"], question["reason"]) == ("unanswerable", "send_failed")
    assert tenant.ledger() == ["add", "hold", "capture", "refund"]
    assert tenant.credits() == (1_000, 0)
