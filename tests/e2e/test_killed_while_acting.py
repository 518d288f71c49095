"""The REST process killed before the effect, between effect and commit, and between commit and answer.

CHAOS_ONCE_KILLS says how often in all; `make endurance` kills 50 times.
"""

import http.client
import secrets

import pytest

from tests.rig.house import a_home, running_house
from tests.rig.sizes import size
from tests.rig.waiting import until

POINTS = [
    ("before:credits.add", "credits/add", {"amount": 1}, "credits/entries"),
    ("before:vault.seal_answer", "api_keys", {"name": "till"}, "api_keys"),
    ("after:vault.seal_answer", "credits/add", {"amount": 1}, "credits/entries"),
    ("after:credits.add", "credits/add", {"amount": 1}, "credits/entries"),
    ("after:users.add_key", "api_keys", {"name": "till"}, "api_keys"),
]
KILLS = -(-size("once_kills", len(POINTS)) // len(POINTS))
NOBODY_THERE = (ConnectionError, http.client.HTTPException)


@pytest.mark.parametrize(("point", "path", "body", "effects"), POINTS, ids=[point for point, *_ in POINTS])
def test_a_request_whose_process_is_killed_acts_once_and_is_answered(point, path, body, effects):
    with a_home() as home:
        token = home.with_name("crashed")
        token.touch()  # disarmed while the house is furnished
        with running_house(home, CRASH_AT=point, CRASH_ONCE_FILE=str(token), WORKERS_MAX="1") as house:
            tenant = house.tenant(credits=0)
            for _ in range(KILLS):
                headers = {"Idempotency-Key": secrets.token_hex(12)}
                before = len(tenant.get(f"{effects}?limit=200")["items"])
                token.unlink()

                with pytest.raises(NOBODY_THERE):
                    house.rest("POST", f"{tenant.path}/{path}", body, tenant.key, headers)

                assert token.exists()
                answers = [_answered(house, tenant, path, body, headers) for _ in range(2)]
                assert answers[0] == answers[1]
                assert len(tenant.get(f"{effects}?limit=200")["items"]) == before + 1
            house.assert_consistent()


def _answered(house, tenant, path, body, headers) -> bytes:
    """Send until it is answered, as a client would that finds nobody there or is told to come again."""
    answers = []

    def is_answered() -> bool:
        try:
            answer = house.rest("POST", f"{tenant.path}/{path}", body, tenant.key, headers)
        except NOBODY_THERE:
            return False
        assert answer.status in {201, 409}, answer.content
        answers.append(answer.content)
        return answer.status == 201

    until(is_answered)
    return answers[-1]
