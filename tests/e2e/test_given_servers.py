"""What is given is used, and not started; what is started elsewhere works too."""

import os
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest

from adapters.local.account import server_account
from adapters.local.ports import free_port
from tests.rig.house import SECONDS, House, a_customer, a_home, environment, frontdesk, running_house
from tests.rig.launcher import as_ordinary_user
from tests.rig.waiting import until
from tests.simulators.running import running

KEYS = {
    "OPENAI_API_KEY": "key",
    "META_APP_SECRETS": "the newest, an older one",
    "META_VERIFY_TOKEN": "token",
    "ADMIN_API_KEY": "the admin's key",
    "ENCRYPTION_KEYS": "a key",
}


@pytest.fixture(scope="module")
def openai():
    with running("openai") as simulator:
        yield simulator.url


@pytest.fixture(scope="module")
def meta():
    with running("meta") as simulator:
        yield simulator.url


@pytest.fixture
def given(database, redis_url, openai, meta):
    """Every server, given from outside."""
    return {
        "DATABASE_URL": database.url,
        "DATABASE_URL_DIRECT": database.url_owner,
        "REDIS_URL": redis_url,
        "OPENAI_BASE_URL": openai,
        "META_GRAPH_BASE_URL": meta,
        "WORKERS_MAX": "1",
    }


def test_a_database_that_knows_the_demo_user_from_another_home_serves_again(given):
    """Neither the demo's API key nor what sealed its tokens is known in the second home."""
    with a_home() as home, running_house(home, **given) as first:
        assert first.say("Hello").returncode == 0
    with a_home() as home, running_house(home, **given) as second:
        said = second.say("Hello again")

    assert (said.returncode, said.stderr) == (0, "")
    assert second.ready["demo_user_id"] == first.ready["demo_user_id"]
    assert second.ready["demo_api_key"] != first.ready["demo_api_key"]


def test_a_demo_user_of_a_start_that_was_broken_off_is_completed(given):
    with a_home() as home, running_house(home, **given) as first:
        path = f"/users/{first.ready['demo_user_id']}/phone_numbers"
        for number in first.rest("GET", path).json["items"]:
            if number["type"] != "whatsapp":
                assert first.rest("DELETE", f"{path}/{number['id']}").status == 204
    with a_home() as home, running_house(home, **given) as second:
        numbers = second.rest("GET", path).json["items"]

    assert sorted(number["type"] for number in numbers) == ["instagram", "webchat", "whatsapp"]


def test_servers_that_are_given_are_used_and_none_is_started(given):
    with a_home() as home, running_house(home, **given) as house:
        tenant = house.tenant()
        tenant.hears("Hello", a_customer())
        tenant.settled()
        started = sorted(" ".join(process.cmdline()).partition("cli.main ")[2] for process in house.processes())

        assert {name: house.ready[name] for name in ("database_url", "redis_url")} == {
            "database_url": given["DATABASE_URL"],
            "redis_url": given["REDIS_URL"],
        }
        assert house.ready["openai_base_url"] == given["OPENAI_BASE_URL"]
        assert house.ready["meta_graph_base_url"] == given["META_GRAPH_BASE_URL"]
        assert [each for each in started if not each.startswith("dev ")] == [
            "scheduler",
            "serve grpc",
            "serve rest",
            "worker --autoscale",
            "worker --autoscale",
        ]
        assert not (home / "data").exists()
        assert len(tenant.sends()) == 1
        assert tenant.credits() == (999, 0)
        house.assert_consistent()


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


def test_dramatiqs_own_command_line_answers_too(given, tmp_path):
    """No launcher, no scheduler, no other worker: REST and `dramatiq entrypoints.worker.main`."""
    settings = {**KEYS, **given, "REST_PORT": str(free_port()), "LOG_LEVEL": "warning"}
    dramatiq = [sys.executable, "-m", "dramatiq", "entrypoints.worker.main", "-p", "1", "-t", "2"]
    with started(frontdesk("serve", "rest"), settings) as rest, started(dramatiq, settings) as worker:
        ready = {
            "rest_url": f"http://127.0.0.1:{settings['REST_PORT']}",
            "admin_api_key": KEYS["ADMIN_API_KEY"],
            "meta_app_secret": "an older one",
            "openai_base_url": given["OPENAI_BASE_URL"],
            "meta_graph_base_url": given["META_GRAPH_BASE_URL"],
            "database_url": given["DATABASE_URL"],
        }
        with closing(House(worker, tmp_path, tmp_path / "log", ready, 0)) as house:
            until(lambda: _is_ready(house), SECONDS)
            tenant = house.tenant()
            for _ in range(5):
                tenant.hears("Hello", a_customer())

            messages = tenant.settled()

            assert [each["status"] for each in messages if each["direction"] == "inbound"] == ["answered"] * 5
            assert len(tenant.sends()) == 5
            house.assert_consistent()
        began = time.monotonic()
        worker.terminate()
        assert worker.wait(SECONDS) == 0
        assert time.monotonic() - began < 15
        rest.terminate()
        assert rest.wait(SECONDS) == 0


@pytest.mark.skipif(os.name != "posix", reason="there are no accounts to change to")
def test_an_ordinary_user_may_run_it_in_a_home_of_their_own():
    account = server_account()
    if not account.dropped:
        pytest.skip("the tests run as an ordinary user already, so every house of theirs shows it")
    with (
        a_home(owner=account.uid) as home,
        running_house(home, prefix=as_ordinary_user(account), WORKERS_MAX="1", HOME=str(home.parent)) as house,
    ):
        said = house.say("Hello")

        assert (said.returncode, said.stderr) == (0, "")
        assert {process.uids().real for process in house.processes()} == {account.uid}
        assert (home / "data").stat().st_mode & 0o777 == 0o700
        assert house.interrupt() == 0
        assert house.processes() == []


def _is_ready(house):
    try:
        return house.rest("GET", "/health/ready").status == 200
    except OSError:
        return False
