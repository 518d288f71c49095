"""Postgres and Valkey are killed, Valkey forgets or remembers what is long over: nothing lost, nothing twice."""

import time
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from tests.chaos.judge import judge
from tests.chaos.load import conversations, write
from tests.chaos.sizes import size
from tests.chaos.stores import Stores, running_stores
from tests.rig.house import House, Tenant, a_home, running_house
from tests.rig.waiting import until

CREDITS = 100_000
PER_SECOND = 10
API_BACK_SECONDS_MAX = 5


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Stores, House]]:
    with (
        a_home() as home,
        running_stores(home.with_name("stores")) as stores,
        running_house(home, WORKERS_MAX="2", UNDECIDED_SECONDS="5", **stores.settings) as house,
    ):
        house.openai.turn(latency_ms=300, latency_spread_ms=200)
        yield stores, house


def _answers(tenant: Tenant) -> bool:
    return tenant.house.rest("GET", f"{tenant.path}/credits", key=tenant.key).status == 200


def survive(house: House, tell: Callable[..., None], times: int, every: float, disaster: Callable[[], None]) -> None:
    """Let the disaster strike again and again while customers write, and judge."""
    tenant = house.tenant(credits=CREDITS)
    written = conversations(round(PER_SECOND * times * every), 50)
    load = write(tenant, written, PER_SECOND)
    for _ in range(times):
        time.sleep(every)
        disaster()
    ended = time.monotonic()
    until(lambda: all(_answers(tenant) for _ in range(10)), API_BACK_SECONDS_MAX)
    back = time.monotonic() - ended
    load.end()
    ended = time.monotonic()
    verdict = judge(tenant, written, CREDITS)
    slowest = {"api_back_after": back, "quiet_after": time.monotonic() - ended}
    tell(times=times, messages=len(written), verdict=verdict, **slowest)
    verdict.assert_flawless()
    assert verdict.unanswered == 0


def test_kill_9_of_valkey(place, tell):
    stores, house = place

    def disaster() -> None:
        stores.valkey.kill()
        time.sleep(0.5)
        stores.valkey.start()

    survive(house, tell, size("valkey_kills", 10), 3, disaster)


def test_flushall(place, tell):
    stores, house = place

    def disaster() -> None:
        with Redis.from_url(stores.redis_url) as redis:
            redis.flushall()

    survive(house, tell, size("flushes", 10), 2, disaster)


def test_valkey_is_rolled_back_to_an_old_snapshot(place, tell):
    stores, house = place
    snapshot = stores.snapshot()

    def disaster() -> None:
        stores.roll_valkey_back(snapshot)

    survive(house, tell, size("rollbacks", 5), 6, disaster)


def test_kill_9_of_postgres(place, tell):
    stores, house = place

    def disaster() -> None:
        stores.postgres.kill()
        time.sleep(0.5)
        stores.postgres.start()

    survive(house, tell, size("postgres_kills", 30), 3, disaster)
