"""The rig: real stores for every test that asks for one.

`database` is a migrated Postgres database for one test, `redis_url` an empty Valkey. Under xdist the
controller starts one Postgres for all workers; without it the first test that needs one does. Nothing
outlives the run: when pytest is killed, the kernel ends the servers. With FRONTDESK_TESTS_POOLED=1 the
application's URLs are those of a PgBouncer in transaction mode.
"""

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.rig import pgbouncer
from tests.rig.postgres import Cluster, Database, PostgresOfTheRun
from tests.rig.valkey import running_valkey

_POSTGRES = pytest.StashKey[PostgresOfTheRun]()


def pytest_configure() -> None:
    if pgbouncer.is_asked_for() and pgbouncer.find_pgbouncer() is None:
        raise pytest.UsageError(pgbouncer.INSTALL)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a worker, before it starts, where the Postgres of the run is."""
    node.workerinput["cluster"] = _postgres_of(node.config).cluster.parcel()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Tests that share a house run in one worker, which alone starts it; all others go wherever there is time."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from tests.rig.scheduling import OneHouseOneWorker  # noqa: PLC0415 - there is no xdist in every run

    return OneHouseOneWorker(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _POSTGRES in config.stash:
        config.stash[_POSTGRES].stop()


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """The Postgres of the run."""
    given = getattr(request.config, "workerinput", {}).get("cluster")
    return Cluster(**given) if given else _postgres_of(request.config).cluster


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    """A database of one's own with the schema of `migrations/` and no rows."""
    with cluster.database() as fresh:
        yield fresh


@pytest.fixture
def empty_database(cluster: Cluster) -> Iterator[Database]:
    """A database of one's own without any schema."""
    with cluster.database(template="template1") as fresh:
        yield fresh


@pytest.fixture(scope="session")
def _valkey() -> Iterator[str]:
    with running_valkey() as url:
        yield url


@pytest.fixture
def redis_url(_valkey: str) -> str:
    """A Valkey without any key."""
    with Redis.from_url(_valkey) as client:
        client.flushall()
    return _valkey


def _postgres_of(config: pytest.Config) -> PostgresOfTheRun:
    if _POSTGRES not in config.stash:
        config.stash[_POSTGRES] = PostgresOfTheRun()
    return config.stash[_POSTGRES]
