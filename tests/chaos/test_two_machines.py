"""Two machines with workers share one Postgres and one Valkey, and one is cut off in mid-load."""

import os
import socket
import subprocess
import time
from contextlib import ExitStack, closing, contextmanager

import pytest

from adapters.local.ports import free_port
from tests.chaos.judge import judge
from tests.chaos.load import conversations, write
from tests.chaos.sizes import size
from tests.rig.house import SECONDS, House, call, environment, frontdesk
from tests.rig.machines import machines
from tests.rig.waiting import until
from tests.simulators.running import running

CREDITS = 10_000
PER_SECOND = 20
CUT_SECONDS = 12
"""Longer than a lease, and long enough for the other machine to have done everything meanwhile."""
SECRETS = {
    "OPENAI_API_KEY": "key",
    "META_APP_SECRETS": "a secret",
    "META_VERIFY_TOKEN": "token",
    "ADMIN_API_KEY": "the admin's key",
    "ENCRYPTION_KEYS": "a key",
}
HELD = """
select w.host, count(t.id) from workers w left join turns t on t.worker_id = w.id and t.status = 'open'
where w.lease_until > clock_timestamp() group by 1
"""


@pytest.fixture
def house(database, redis_url, tmp_path):
    """All but the workers: the stores, both simulators, REST and the scheduler."""
    port = free_port()
    webhook = ("--webhook-url", f"http://127.0.0.1:{port}/webhooks/meta", "--app-secret", SECRETS["META_APP_SECRETS"])
    with running("openai") as openai, running("meta", *webhook) as meta:
        urls = {
            "DATABASE_URL": database.url,
            "REDIS_URL": redis_url,
            "OPENAI_BASE_URL": openai.url,
            "META_GRAPH_BASE_URL": meta.url,
        }
        settings = SECRETS | urls | {"REST_PORT": str(port), "FRONTDESK_HOME": str(tmp_path), "LEASE_SECONDS": "5"}
        settings |= {"UNDECIDED_SECONDS": "5", "LOG_LEVEL": "warning"}
        with started(frontdesk("serve", "rest"), settings) as rest, started(frontdesk("scheduler"), settings):
            ready = {
                "rest_url": f"http://127.0.0.1:{port}",
                "admin_api_key": SECRETS["ADMIN_API_KEY"],
                "meta_app_secret": SECRETS["META_APP_SECRETS"],
                "openai_base_url": openai.url,
                "meta_graph_base_url": meta.url,
                "database_url": database.url,
            }
            until(lambda: _answers(port) and call(ready["rest_url"], "GET", "/health/ready").status == 200, SECONDS)
            with closing(House(rest, tmp_path, tmp_path / "log", ready, 0)) as house:
                yield house, settings, tuple(urls)


def test_a_machine_that_is_cut_off_in_mid_load_harms_nothing(house, tell):
    house, settings, shared = house
    messages = size("machine_messages", 900)
    with machines(2) as (one, other), workers_on(one, settings, shared), workers_on(other, settings, shared):
        until(lambda: set(held(house)) == {one.name, other.name}, SECONDS)
        tenant = house.tenant(credits=CREDITS)
        house.openai.turn(latency_ms=800, latency_spread_ms=400)
        load = write(tenant, conversations(messages, 60), PER_SECOND)
        until(lambda: held(house).get(other.name, 0) and len(tenant.sends()) > 20, SECONDS)
        in_hand = held(house)[other.name]
        other.cut()
        until(lambda: set(held(house)) == {one.name}, SECONDS)
        before = len(tenant.sends())
        time.sleep(CUT_SECONDS)
        answered_meanwhile = len(tenant.sends()) - before
        other.mend()
        until(lambda: set(held(house)) == {one.name, other.name}, SECONDS)
        came_back_in_mid_load = not load.is_over
        written = load.end()

        verdict = judge(tenant, written, CREDITS)
        figures = {"in_hand_when_cut": in_hand, "answered_meanwhile": answered_meanwhile, "load": os.getloadavg()[0]}
        tell(messages=messages, verdict=verdict, came_back_in_mid_load=came_back_in_mid_load, **figures)
        verdict.assert_flawless()
        assert verdict.unanswered == 0
        assert answered_meanwhile > 0


@contextmanager
def workers_on(machine, settings, shared):
    """Two workers of that machine, who reach what is shared over its line."""
    with ExitStack() as stack:
        reached = stack.enter_context(machine.reaching(**{name: settings[name] for name in shared}))
        command = machine.command(frontdesk("worker", "--processes", "2"))
        yield stack.enter_context(started(command, settings | reached))


@contextmanager
def started(command, settings):
    process = subprocess.Popen(command, env=environment(**settings), stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(SECONDS)
        finally:
            process.kill()


def held(house):
    """How many turns the living workers of each machine have in hand."""
    return {host.partition("/")[0]: count for host, count in house.sql(HELD)}


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
