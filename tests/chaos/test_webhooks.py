"""Meta delivers each message three times and in any order, takes a reply and never says so, or takes it very late."""

import random

from tests.chaos.judge import judge
from tests.chaos.load import conversations, deliver_all, write
from tests.chaos.sizes import size
from tests.rig.house import a_home, running_house
from tests.rig.waiting import until

CREDITS = 100_000
LATE_MS = 30_000
"""Longer than a worker waits for Meta's answer."""
LATE_REPLIES = 4
"""So few in a row that the next are sent at once, and do not wait because Meta seems to be out."""


def test_each_webhook_three_times_shuffled_and_many_at_once(tell):
    count = size("duplicates", 1_000)
    with a_home() as home, running_house(home) as house:
        tenant = house.tenant(credits=CREDITS)
        written = conversations(count, count)
        deliveries = 3 * written
        random.shuffle(deliveries)

        deliver_all(tenant, deliveries)

        verdict = judge(tenant, written, CREDITS)
        tell(messages=count, verdict=verdict)
        verdict.assert_flawless()
        assert (verdict.replies, verdict.undecided, verdict.unanswered) == (count, 0, 0)


def test_meta_takes_replies_and_its_answers_are_lost(tell):
    count = size("lost_answers", 1_000)
    with a_home() as home, running_house(home) as house:
        tenant = house.tenant(credits=CREDITS)
        house.meta.turn(lose_answer_rate=0.2, status_delay_ms=2_500, status_delay_spread_ms=2_500)

        written = write(tenant, conversations(count, count), 20).end()

        verdict = judge(tenant, written, CREDITS)
        lost = sum(send["outcome"] == "lost" for send in tenant.sends())
        tell(messages=count, answers_lost=lost, verdict=verdict)
        verdict.assert_flawless()
        assert (verdict.replies, verdict.undecided, verdict.unanswered) == (count, 0, 0)


def test_meta_takes_replies_when_nobody_waits_for_its_answer_any_more(tell):
    with a_home() as home, running_house(home) as house:
        tenant = house.tenant(credits=CREDITS)
        written = conversations(2 * LATE_REPLIES, LATE_REPLIES)
        first, second = written[:LATE_REPLIES], written[LATE_REPLIES:]
        for each in first:
            house.meta.script(each.text, delay_ms=LATE_MS)

        write(tenant, first, 50).end()
        until(lambda: house.sql(_BEING_SENT, tenant.id) == [(LATE_REPLIES,)], 30)
        write(tenant, second, 50).end()
        until(lambda: len(tenant.sends()) == len(written), 90)

        verdict = judge(tenant, written, CREDITS)
        tell(messages=len(written), verdict=verdict)
        verdict.assert_flawless()
        assert (verdict.replies, verdict.undecided, verdict.unanswered) == (2 * LATE_REPLIES, 0, 0)


_BEING_SENT = "select count(*) from messages where user_id = %s and status = 'sending'"
