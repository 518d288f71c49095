"""Replies that are longer than one message may be."""

import re

from tests.rig.house import a_customer
from tests.rig.waiting import until

WHATSAPP_CHARACTERS_MAX = 4_096
INSTAGRAM_BYTES_MAX = 1_000


def _long_markdown():
    paragraph = "Room **{0}** has a *view*, see [our page](https://example.com/{0}). It is lovely 🌊 and quiet. "
    return "# Rooms\n\n" + "\n\n".join(paragraph.format(number) * 2 for number in range(45))


def _long_emoji():
    return " ".join(f"Sentence {number} 🏖️🌊👩‍👩‍👧." for number in range(90))


def _asks_for(tenant, sender, answer):
    tenant.house.openai.script(f"long {sender}", answer=answer)
    tenant.hears(f"long {sender}", sender)
    return [each for each in tenant.settled() if each["author"] == "agent"]


def test_a_long_reply_on_whatsapp_comes_in_parts_formatted_and_in_order(tenant):
    parts = _asks_for(tenant, a_customer(), _long_markdown())
    sent = [record["text"] for record in tenant.sends()]

    assert len(_long_markdown()) > 2 * WHATSAPP_CHARACTERS_MAX
    assert 3 <= len(parts) <= 4
    assert sent == [each["text"] for each in parts]
    assert max(map(len, sent)) <= WHATSAPP_CHARACTERS_MAX
    assert "**" not in "".join(sent)
    assert "*0*" in sent[0]
    numbers = [int(number) for text in sent for number in re.findall(r"Room \*(\d+)\*", text)]
    assert numbers == [number for number in range(45) for _ in range(2)]
    delivered = tenant.once(lambda found: {each["status"] for each in found} == {"answered", "read"})
    assert len({each["platform_message_id"] for each in delivered}) == 1 + len(parts)
    assert tenant.credits() == (999, 0)


def test_a_part_that_fails_later_is_refunded_once(tenant):
    sender = a_customer()
    tenant.house.meta.script(
        sender, times=5, failed_later={"code": 131026, "title": "Undeliverable", "after": ["sent"]}
    )

    with tenant.house.meta.turned(status_delay_ms=600):
        _asks_for(tenant, sender, _long_markdown())
    tenant.once(lambda found: {each["status"] for each in found if each["author"] == "agent"} == {"failed"})

    assert tenant.ledger() == ["add", "hold", "capture", "refund"]
    assert tenant.credits() == (1_000, 0)


def test_a_long_reply_on_instagram_comes_in_parts_of_bytes(house):
    shop = house.tenant(channel="instagram")
    parts = _asks_for(shop, a_customer(), _long_emoji())
    sent = [record["text"] for record in shop.sends()]

    assert len(parts) > 2
    assert max(len(text.encode()) for text in sent) <= INSTAGRAM_BYTES_MAX
    assert sent == [each["text"] for each in parts]
    assert " ".join(sent).split() == _long_emoji().split()
    shop.once(lambda found: {each["status"] for each in found} == {"answered", "read"})
    assert shop.conversation()["paused_reason"] is None
    assert shop.credits() == (999, 0)


EXPIRED = {"http_status": 401, "code": 190, "message": "Session has expired"}
UNDELIVERABLE = {"http_status": 400, "code": 131026, "message": "Undeliverable"}


def _the_second_part_is_refused(tenant, sender, error):
    tenant.house.meta.script(sender, kind="message", delay_ms=1)
    tenant.house.meta.script(sender, kind="message", error=error)


def test_a_number_that_is_stopped_between_two_parts_goes_on_behind_the_first(tenant):
    sender = a_customer()
    _the_second_part_is_refused(tenant, sender, EXPIRED)
    tenant.house.openai.script(f"long {sender}", answer=_long_markdown())
    tenant.hears(f"long {sender}", sender)
    until(lambda: tenant.number()["status"] == "unauthorized")
    assert len(tenant.sends()) == 1

    tenant.change_number(access_token="a-new-token")
    parts = [each for each in tenant.settled() if each["author"] == "agent"]

    assert len(parts) > 2
    assert [record["text"] for record in tenant.sends()] == [each["text"] for each in parts]
    assert tenant.credits() == (999, 0)


def test_a_part_that_is_refused_ends_the_reply_and_costs_nothing(tenant):
    sender = a_customer()
    _the_second_part_is_refused(tenant, sender, UNDELIVERABLE)

    first, *others = _asks_for(tenant, sender, _long_markdown())

    assert first["status"] in {"sent", "delivered", "read"}
    assert {each["status"] for each in others} == {"failed"}
    assert tenant.messages()[0]["reason"] == "send_failed"
    assert (len(tenant.sends()), tenant.ledger()) == (1, ["add", "hold", "release"])
