"""A process that ends at a named point of the path: one reply, or one of unknown outcome that somebody is told of."""

import pytest

from tests.chaos.judge import judge
from tests.chaos.load import conversations, write
from tests.chaos.sizes import size
from tests.rig.house import a_home, running_house
from tests.rig.waiting import until

CREDITS = 10_000
CALLS = (
    "inbox.accept",
    "queue.admit",
    "queue.claim",
    "turns.begin",
    "briefings.brief",
    "model.open_conversation",
    "turns.attach_model_conversation",
    "model.answer",
    "turns.record_reply",
    "gateway.send",
    "turns.settle",
    "queue.finish",
)
POINTS = [f"{moment}:{call}" for call in CALLS for moment in ("before", "after")]
MAY_BE_UNDECIDED = {"after:turns.record_reply", "before:gateway.send"}
"""The reply is announced and Meta never heard of it: nobody can know that but Meta, which says nothing."""

WAITING = """
select count(*) from messages m left join turns t on t.id = m.turn_id
where m.user_id = %s and m.status = 'received' and coalesce(t.status, 'open') = 'open'
"""


def _is_quiet(house, tenant):
    """The next crash must not meet another turn in the middle of its send."""
    return house.sql(WAITING, tenant.id) == [(0,)]


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_a_named_point(point, tell):
    crashes = size("crashes", 20)
    with a_home() as home:
        token = home.with_name("crashed")
        token.touch()  # disarmed while the house is furnished
        settings = {"CRASH_AT": point, "CRASH_ONCE_FILE": str(token), "WORKERS_MAX": "2", "UNDECIDED_SECONDS": "2"}
        with running_house(home, **settings) as house:
            tenant = house.tenant(credits=CREDITS)
            written = conversations(crashes, crashes)
            for each in written:
                token.unlink()
                write(tenant, [each], 1).end()
                until(token.exists, 30, lambda: "it did not crash")
                until(lambda: _is_quiet(house, tenant), 60, lambda: "nobody took it up")

            verdict = judge(tenant, written, CREDITS)

        tell(crashes=crashes, verdict=verdict)
        verdict.assert_flawless()
        assert verdict.replies + verdict.undecided == crashes
        assert verdict.undecided == 0 or point in MAY_BE_UNDECIDED
        assert verdict.unanswered == 0
