"""`frontdesk say`: what a newcomer types, and what it prints."""

import time

from tests.rig.house import SECONDS, a_customer

SENTENCE = "Breakfast is served from seven to eleven. "


def test_a_reply_of_several_messages_is_printed_whole(house):
    sender = a_customer()
    house.openai.script(sender, answer=SENTENCE * 250)

    said = house.say(f"When is breakfast? I am {sender}", "--from", sender)

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.count("Breakfast") == 250


def test_a_number_that_the_demo_user_does_not_have_is_named_at_once(house):
    began = time.monotonic()

    said = house.say("Is anybody there?", "--to", "999", "--from", a_customer())

    assert said.returncode == 1
    assert "no phone number 999" in said.stderr
    assert time.monotonic() - began < SECONDS
