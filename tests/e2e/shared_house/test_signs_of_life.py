"""What the customer sees beside the reply: that somebody is writing, and what is being answered."""

from tests.rig.house import a_customer
from tests.rig.waiting import until


def _signs(tenant):
    return [record for record in tenant.house.meta.records("typing") if record["phone_number_id"] == tenant.account]


def test_the_customer_sees_that_they_are_being_answered_unless_the_number_hides_it(tenant):
    sender = a_customer()
    with tenant.house.openai.turned(latency_ms=500):
        tenant.hears("one", sender)
        tenant.settled()
        (sign,) = _signs(tenant)
        tenant.change_number(settings={"shows_typing": False})
        tenant.hears("two", sender)
        tenant.settled()

    assert sign["platform_message_id"] == tenant.messages()[0]["platform_message_id"]
    assert sign["time"] < tenant.sends()[0]["time"]
    assert len(_signs(tenant)) == 1


def test_instagram_shows_typing_too(house):
    shop, sender = house.tenant(channel="instagram"), a_customer()
    with house.openai.turned(latency_ms=500):
        shop.hears("one", sender)
        shop.settled()

    assert [r for r in house.meta.records("typing", sender) if r["customer_id"] == sender]


def test_a_reply_quotes_what_it_answers_when_the_customer_wrote_again_meanwhile(tenant):
    sender = a_customer()
    with tenant.house.openai.turned(latency_ms=700):
        tenant.hears("one", sender)
        until(lambda: tenant.house.sql("select id from turns where user_id = %s and status = 'open'", tenant.id))
        tenant.hears("two", sender)
        tenant.settled()

    one = tenant.messages()[0]["platform_message_id"]
    assert [record["reply_to"] for record in tenant.sends()] == [one, None]
