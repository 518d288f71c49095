"""Where is my message, and why is there no answer?"""

from datetime import datetime

from tests.rig.house import a_customer


def _trace(tenant, message):
    trace = tenant.get(f"messages/{message['id']}/trace")
    times = [datetime.fromisoformat(step["at"]) for step in trace["steps"]]
    assert times == sorted(times)
    return trace["reason"], [step["stage"] for step in trace["steps"]]


def test_the_trace_of_an_answered_message_tells_every_stage(tenant):
    tenant.hears("Hello", a_customer())
    question, reply = tenant.once(lambda found: found[-1]["status"] == "read")

    reason, stages = _trace(tenant, question)
    assert reason is None
    for stage in ("received", "held", "generating", "generated", "sending", "sent", "captured", "answered", "read"):
        assert stage in stages
    way = ("received", "generating", "sending", "sent", "delivered", "read")
    assert [stage for stage in stages if stage in way] == list(way)
    reply_reason, reply_stages = _trace(tenant, reply)
    assert reply_reason is None
    assert "delivered" in reply_stages


def test_the_trace_says_the_one_reason_for_no_answer(tenant):
    sender = a_customer()
    tenant.hears("Hello", sender)
    first = tenant.settled()[0]
    tenant.receives_kind(sender, "reaction", {"message_id": first["platform_message_id"], "emoji": "👍"})
    reaction = tenant.settled()[-1]

    reason, stages = _trace(tenant, reaction)
    assert reason == "type_not_answered"
    assert "filtered" in stages
    assert "held" not in stages
    assert tenant.credits() == (999, 0)


def test_the_trace_of_a_blocked_message_names_the_credits(house):
    poor = house.tenant(credits=0)
    poor.hears("Hello", a_customer())
    (blocked,) = poor.once(lambda found: [each["status"] for each in found] == ["blocked"])

    reason, stages = _trace(poor, blocked)
    assert reason == "insufficient_credits"
    assert stages[-1] == "blocked"
