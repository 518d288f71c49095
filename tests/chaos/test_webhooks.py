"""Meta delivers each message three times and in any order, or takes a reply and never says so."""

import random

from tests.chaos.judge import judge
from tests.chaos.load import conversations, deliver_all, write
from tests.chaos.sizes import size
from tests.rig.house import a_home, running_house

CREDITS = 100_000


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
