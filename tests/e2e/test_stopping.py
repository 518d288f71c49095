"""However a house ends, nothing of it is left but its data."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.rig.house import (
    SECONDS,
    Tenant,
    a_customer,
    a_home,
    environment,
    frontdesk,
    is_alive,
    processes_of,
    running_house,
)
from tests.rig.waiting import until

SECONDS_TO_STOP = 15.0
"""Generous for a machine that does much else: two seconds are usual."""
ONE_WORKER = {"WORKERS_MAX": "1"}


def nobody_is_left(home, seconds=SECONDS):
    until(lambda: not processes_of(home), seconds, lambda: str([process.cmdline() for process in processes_of(home)]))


def test_ctrl_c_ends_everything_and_a_second_start_finds_the_data():
    sender = a_customer()
    with a_home() as home:
        with running_house(home) as first:
            assert first.say("Is it me?", "--from", sender).returncode == 0
            began = time.monotonic()

            assert first.interrupt() == 0

            assert time.monotonic() - began < SECONDS_TO_STOP
            assert processes_of(home) == []
            assert not (home / "dev.json").exists()
            assert first.log.read_text().endswith("Stopping …\nStopped.\n")
        with running_house(home) as second:
            assert second.ready["demo_api_key"] == first.ready["demo_api_key"]
            demo = Tenant(second, second.ready["demo_user_id"], second.ready["demo_api_key"], "")
            assert [each["text"] for each in demo.messages(sender)][:1] == ["Is it me?"]
            # The simulator of OpenAI has forgotten the conversation meanwhile.
            said = second.say("And again?", "--from", sender)
            assert (said.returncode, said.stderr) == (0, "")
            assert [each["sequence_number"] for each in demo.messages(sender)] == [1, 2, 3, 4]
            second.assert_consistent()


def test_kill_9_of_the_launcher_leaves_nobody_and_the_data():
    sender = a_customer()
    with a_home() as home:
        with running_house(home, **ONE_WORKER) as first:
            assert first.say("Is it me?", "--from", sender).returncode == 0
            os.kill(first.process.pid, signal.SIGKILL)
            nobody_is_left(home)
        with running_house(home, **ONE_WORKER) as second:
            demo = Tenant(second, second.ready["demo_user_id"], second.ready["demo_api_key"], "")
            assert demo.statuses(sender)[0] == "answered"
            second.assert_consistent()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill -9"])
def test_under_a_parent_as_make_is_one_nobody_is_left(how):
    """The parent takes the place of `make run`: it waits for its child, and is killed alone or with its group."""
    program = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    with a_home() as home, (home.parent / "output").open("wb") as output:
        ready_file = home.with_name("ready.json")
        command = frontdesk("dev", "--port", "0", "--ready-file", str(ready_file), "--with-parent")
        parent = subprocess.Popen(
            [sys.executable, "-c", program, *command],
            env=environment(FRONTDESK_HOME=str(home), **ONE_WORKER),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home.parent,
            start_new_session=True,
        )
        try:
            until(lambda: ready_file.exists() or parent.poll() is not None, 2 * SECONDS)
            descendants = psutil.Process(parent.pid).children(recursive=True)
            if how == signal.SIGINT:
                os.killpg(parent.pid, how)
            else:
                parent.kill()
            parent.wait(SECONDS)
            nobody_is_left(home)
            until(lambda: not [process for process in descendants if is_alive(process)])
        finally:
            for process in [*processes_of(home), parent]:
                process.kill()
            parent.wait()


def test_ctrl_c_while_it_starts_ends_it_too():
    with a_home() as home, (home.parent / "output").open("wb") as output:
        process = subprocess.Popen(
            frontdesk("dev", "--port", "0"),
            env=environment(FRONTDESK_HOME=str(home), **ONE_WORKER),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home.parent,
            start_new_session=True,
        )
        try:
            until((home / "postgres.log").exists, SECONDS)
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(SECONDS) == 0, (home.parent / "output").read_text()
            nobody_is_left(home)
            assert "Traceback" not in (home.parent / "output").read_text()
        finally:
            for left in [*processes_of(home), process]:
                left.kill()
            process.wait()


def test_a_stop_with_turns_under_way_finishes_them_and_loses_nothing():
    with a_home() as home:
        with running_house(home, **ONE_WORKER) as first:
            tenant = first.tenant()
            first.openai.turn(latency_ms=1_500)
            for _ in range(5):
                tenant.hears("Hello", a_customer())
            until(lambda: len(first.sql("select id from turns where status = 'open'")) == 5)
            assert first.interrupt() == 0
            assert processes_of(home) == []
            assert "Traceback" not in first.log.read_text()
        with running_house(home, **ONE_WORKER) as second:
            tenant = Tenant(second, tenant.id, tenant.key, tenant.account)
            messages = tenant.settled()
            assert len([each for each in messages if each["direction"] == "outbound"]) == 5
            assert {each["status"] for each in messages if each["direction"] == "inbound"} == {"answered"}
            assert tenant.credits() == (995, 0)
            second.assert_consistent()
