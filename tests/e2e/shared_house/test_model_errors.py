"""OpenAI fails, as its simulator is told to."""

import pytest

from tests.rig.house import a_customer


def test_a_rate_limit_is_waited_out(tenant):
    sender = a_customer()
    tenant.house.openai.script(
        f"busy {sender}", error={"http_status": 429, "code": "rate_limit_exceeded", "message": "Slow", "retry_after": 1}
    )

    tenant.hears(f"busy {sender}", sender)
    tenant.settled()

    refused, answered = tenant.house.openai.records("response", f"busy {sender}")
    assert (refused["accepted"], answered["accepted"]) == (False, True)
    assert answered["received"] - refused["time"] >= 0.9
    assert tenant.ledger() == ["add", "hold", "capture"]


def test_a_server_error_is_tried_again(tenant):
    sender = a_customer()
    tenant.house.openai.script(
        f"broken {sender}", error={"http_status": 500, "code": "server_error", "message": "Oops"}
    )

    tenant.hears(f"broken {sender}", sender)

    assert tenant.settled()[0]["status"] == "answered"
    assert len(tenant.house.openai.records("response", f"broken {sender}")) == 2
    assert tenant.credits() == (999, 0)


def test_a_house_without_quota_waits_until_it_has_some(tenant):
    sender = a_customer()
    error = {"http_status": 429, "code": "insufficient_quota", "message": "No quota"}
    tenant.house.openai.script(f"poor {sender}", error=error)

    tenant.hears(f"poor {sender}", sender)

    assert tenant.settled()[0]["status"] == "answered"
    assert tenant.credits() == (999, 0)


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        ({"refusal": "I would rather not."}, "model_refused"),
        ({"incomplete": "max_output_tokens"}, "model_incomplete"),
        ({"incomplete": "content_filter", "answer": "Half an ans"}, "model_incomplete"),
        ({"empty": True}, "model_empty"),
        ({"error": {"http_status": 403, "code": "unsupported_country", "message": "No."}}, "model_failed"),
    ],
)
def test_a_question_without_an_answer_says_why_and_costs_nothing(tenant, then, reason):
    sender = a_customer()
    tenant.house.openai.script(f"odd {sender}", **then)

    tenant.hears(f"odd {sender}", sender)
    (message,) = tenant.settled()

    assert (message["status"], message["reason"]) == ("unanswerable", reason)
    assert tenant.ledger() == ["add", "hold", "release"]
    assert tenant.credits() == (1_000, 0)
    assert tenant.sends() == []


def test_after_a_question_without_an_answer_the_next_one_is_answered(tenant):
    sender = a_customer()
    tenant.house.openai.script(f"odd {sender}", refusal="No.")
    tenant.hears(f"odd {sender}", sender)
    tenant.settled()

    tenant.hears("And now?", sender)

    tenant.once(lambda found: [each["status"] for each in found[:2]] == ["unanswerable", "answered"])
    assert tenant.credits() == (999, 0)


def test_a_conversation_that_openai_has_lost_is_replaced(tenant):
    sender = a_customer()
    tenant.hears("one", sender)
    tenant.settled()
    (conversation,) = tenant.get("conversations")["items"]
    lost = conversation["openai_conversation_id"]
    tenant.house.openai.forget(lost)

    tenant.hears("two", sender)
    tenant.settled()

    (conversation,) = tenant.get("conversations")["items"]
    assert conversation["openai_conversation_id"] != lost
    assert tenant.credits() == (998, 0)
