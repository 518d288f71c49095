"""A message that ends every worker that touches it is set aside, and nobody else is hurt."""

import pytest

from tests.chaos.judge import judge
from tests.chaos.load import Written, conversations, write
from tests.chaos.sizes import size
from tests.rig.house import a_customer, a_home, running_house

CREDITS = 1_000
SET_ASIDE = "select subject from alerts where kind = 'message_set_aside' and user_id = %s"
STATUSES = "select status, reason from messages where user_id = %s and platform_message_id = %s"


@pytest.mark.parametrize("per_second", [20, 1_000], ids=["in a stream", "in a crowd"])
def test_a_message_that_kills_its_worker_is_set_aside_after_three(per_second, tell):
    others = size("poison_others", 100)
    settings = {"CRASH_AT": "before:model.answer:text=BOOM", "WORKERS_MAX": "2", "UNDECIDED_SECONDS": "5"}
    with a_home() as home, running_house(home, **settings) as house:
        tenant = house.tenant(credits=CREDITS)
        house.openai.turn(latency_ms=300)
        sender = a_customer()
        poison = Written(sender, f"BOOM #{sender}.00000#", f"wamid.{sender}.0")
        after = Written(sender, f"#{sender}.00001#", f"wamid.{sender}.1")
        crowd = conversations(others, others)
        load = write(tenant, [poison, *crowd], per_second)
        load.end()
        judge(tenant, [poison, *crowd], CREDITS)
        write(tenant, [after], 1).end()

        verdict = judge(tenant, [poison, *crowd, after], CREDITS)
        tell(others=others, verdict=verdict)
        verdict.assert_flawless()
        assert house.sql(STATUSES, tenant.id, poison.wamid) == [("unanswerable", "set_aside")]
        assert house.sql(STATUSES, tenant.id, after.wamid) == [("answered", None)]
        assert len(house.sql(SET_ASIDE, tenant.id)) == 1
        assert verdict.unanswered == 1
