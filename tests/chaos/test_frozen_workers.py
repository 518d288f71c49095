"""A worker that is frozen past its lease and thawed: whatever it still writes is refused."""

import time

from tests.chaos.judge import judge, wait_for_quiet
from tests.chaos.load import conversations, write
from tests.chaos.sizes import size
from tests.rig.house import a_home, running_house
from tests.rig.waiting import until

CREDITS = 1_000
HOLDER = "select worker_id from turns where user_id = %s and status = 'open' and worker_id is not null"
SENDING = "select id from messages where user_id = %s and status = 'sending'"
STATE = (
    "select id, status, fence, attempts, crashes, reason, ended_at from turns where user_id = %s order by id",
    "select id, status, text, platform_message_id, turn_id from messages where user_id = %s order by id",
    "select id, kind, amount, turn_id from credit_entries where user_id = %s order by id",
)


def test_a_worker_frozen_past_its_lease_changes_nothing_when_it_thaws(tell):
    times = size("freezes", 20)
    # Nobody kills the frozen ones: they are to thaw.
    settings = {"WORKERS_MAX": "2", "LEASE_SECONDS": "2", "UNDECIDED_SECONDS": "5", "WORKER_SILENT_SECONDS_MAX": "600"}
    with a_home() as home, running_house(home, **settings) as house:
        tenant = house.tenant(credits=CREDITS)
        house.openai.turn(latency_ms=700)
        written = conversations(times, times)
        for number, each in enumerate(written):
            if number % 2:
                house.meta.script(each.text, delay_ms=1_500)  # every second one is frozen while it sends
            load = write(tenant, [each], 1)
            load.end()
            worker = holder(house, tenant, while_sending=bool(number % 2))
            worker.suspend()
            try:
                wait_for_quiet(tenant, 60)
                before = state(house, tenant)
            finally:
                worker.resume()
            time.sleep(1.5)
            assert state(house, tenant) == before

        verdict = judge(tenant, written, CREDITS)
        tell(freezes=times, verdict=verdict)
        verdict.assert_flawless()
        assert verdict.replies == times


def holder(house, tenant, *, while_sending):
    """The worker that has the only open turn, once it is that far."""
    until(lambda: house.sql(SENDING if while_sending else HOLDER, tenant.id))
    ((worker_id,),) = house.sql(HOLDER, tenant.id)
    return house.workers_by_id()[str(worker_id)]


def state(house, tenant):
    return [house.sql(statement, tenant.id) for statement in STATE]
