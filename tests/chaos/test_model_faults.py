"""The model's provider fails in every way it can: no half reply, no second hearing, every turn ends in time."""

import pytest

from tests.chaos.judge import judge
from tests.chaos.load import conversations, write
from tests.chaos.sizes import size
from tests.rig.house import a_home, running_house

CREDITS = 100_000
DEADLINE_SECONDS = 120 + 20 + 5
"""The turn's, one call to the platform, and a little for the rest."""
FAULTS = {
    "429": {"error": {"http_status": 429, "code": "rate_limit_exceeded", "message": "Slow down.", "retry_after": 2}},
    "500": {"error": {"http_status": 500, "code": "server_error", "message": "Sorry."}},
    "time-out": {"hang": True},
    "cut connection": {"accept_and_lose": True},
    "bad JSON": {"broken_json": True},
    "half an answer": {"incomplete": "max_output_tokens", "answer": "Half an ans"},
}
LATE = """
select id, extract(epoch from ended_at - begun_at) from turns
where user_id = %s and coalesce(ended_at, now()) - begun_at > %s * interval '1 second'
"""
SLOWEST = "select max(extract(epoch from ended_at - begun_at))::float8 from turns where user_id = %s"


@pytest.fixture(scope="module")
def house():
    with a_home() as home, running_house(home) as running:
        yield running


@pytest.mark.parametrize("fault", FAULTS)
def test_the_model_fails_once_for_each_customer(fault, house, tell):
    count = size("model_faults", 50)
    tenant = house.tenant(credits=CREDITS)
    written = conversations(count, count)
    for each in written:
        house.openai.script(each.text, **FAULTS[fault])

    write(tenant, written, 20).end()

    verdict = judge(tenant, written, CREDITS)
    ((slowest,),) = house.sql(SLOWEST, tenant.id)
    tell(messages=count, slowest_turn=slowest, verdict=verdict)
    verdict.assert_flawless()
    assert house.sql(LATE, tenant.id, DEADLINE_SECONDS) == []
    assert tenant.sends("Half an ans") == []
    expected = (0, count) if fault == "half an answer" else (count, 0)
    assert (verdict.replies, verdict.unanswered) == expected
