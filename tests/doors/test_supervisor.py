"""A supervisor in a process of its own, with workers that do nothing but live and die."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.rig.house import SECONDS, environment, is_alive
from tests.rig.waiting import until

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from entrypoints.readiness import announce_ready, process_id, tell
from entrypoints.worker.child import WorkersFailed
from entrypoints.worker.crew import Crew, Health
from entrypoints.worker.supervisor import Supervisor
from entrypoints.worker.undertaker import Undertaker

folder = Path(sys.argv[1])

def work():
    (folder / f"{process_id()}.worker").write_text(str(os.getpid()))
    WORK
    return 0

def bury(dead):
    if (folder / "store is down").exists():
        return False
    for worker_id in dead:
        (folder / f"{worker_id}.grave").touch()
    return True

try:
    Supervisor(Crew(work, int(sys.argv[2]), Health(SILENT, MEMORY)), Undertaker(bury, 30)).run()
except WorkersFailed as error:
    sys.exit(str(error) or "failed")
"""
LIVE = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); announce_ready(); signal.sigwait([signal.SIGTERM])"
TELLS = """
    def stop(*_):
        (folder / f"{process_id()}.drained").touch(); os._exit(0)
    signal.signal(signal.SIGTERM, stop); announce_ready()
    tell("alive"); (folder / f"{process_id()}.tells").touch()
    while True:
        tell("alive"); time.sleep(0.1)""".strip()


@dataclass
class Supervised:
    process: subprocess.Popen[str]
    folder: Path

    def workers(self) -> dict[str, psutil.Process]:
        """Those that live, by their ids."""
        found = {}
        for file in self.folder.glob("*.worker"):
            with suppress(psutil.NoSuchProcess):
                if (written := file.read_text()) and is_alive(process := psutil.Process(int(written))):
                    found[file.stem] = process
        return found

    def graves(self) -> set[str]:
        return {file.stem for file in self.folder.glob("*.grave")}


@contextmanager
def supervised(folder, work=LIVE, count=2, silent_seconds=60, memory_mib=1_024, **more):
    program = PROGRAM.replace("WORK", work).replace("SILENT", str(silent_seconds)).replace("MEMORY", str(memory_mib))
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder), str(count)],
        env=environment() | more,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[int(fd) for fd in more.values()],
    )
    house = Supervised(process, folder)
    try:
        yield house
    finally:
        left = [process, *house.workers().values()]
        for each in left:
            each.kill()
        process.wait()
        process.stderr.close()


def test_a_worker_that_is_killed_is_replaced_and_buried_at_once(tmp_path):
    with supervised(tmp_path) as house:
        until(lambda: len(house.workers()) == 2)
        (dead, process), (other, _) = house.workers().items()
        began = time.monotonic()

        process.kill()

        until(lambda: len(house.workers()) == 2 and dead in house.graves())
        assert time.monotonic() - began < 2
        assert other in house.workers()
        assert house.graves() == {dead}


def test_whoever_cannot_be_buried_now_is_buried_later_and_holds_nobody_up(tmp_path):
    with supervised(tmp_path) as house:
        until(lambda: len(house.workers()) == 2)
        (tmp_path / "store is down").touch()
        dead = set(house.workers())
        for process in house.workers().values():
            process.kill()
        until(lambda: len(house.workers()) == 2 and not dead & set(house.workers()))
        assert house.graves() == set()

        (tmp_path / "store is down").unlink()

        until(lambda: house.graves() == dead)


def test_it_says_that_it_is_ready_when_all_are(tmp_path):
    reader, writer = os.pipe()
    slow = f"time.sleep(0.3 if len(list(folder.glob('*.worker'))) > 1 else 0); {LIVE}"
    with supervised(tmp_path, slow, FRONTDESK_READY_FD=str(writer)) as house:
        os.close(writer)

        assert os.read(reader, 16) == b"ready"

        assert len(house.workers()) == 2
        os.close(reader)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_lets_its_workers_drain_and_ends_after_them(tmp_path, how):
    drain = """
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    (folder / f"{process_id()}.hears").touch(); announce_ready()
    signal.sigwait([signal.SIGTERM])
    time.sleep(0.3); (folder / f"{process_id()}.drained").touch()"""
    with supervised(tmp_path, drain.strip()) as house:
        until(lambda: len(list(tmp_path.glob("*.hears"))) == 2)

        house.process.send_signal(how)

        assert house.process.wait(SECONDS) == 0
        assert len(list(tmp_path.glob("*.drained"))) == 2


def test_its_workers_end_with_it(tmp_path):
    with supervised(tmp_path) as house:
        until(lambda: len(house.workers()) == 2)

        house.process.kill()

        until(lambda: not house.workers())


def test_workers_that_end_by_themselves_again_and_again_are_given_up_in_one_line(tmp_path):
    with supervised(tmp_path, "announce_ready(); time.sleep(0.05); os._exit(3)", 1) as house:
        assert house.process.wait(SECONDS) == 1
        assert house.process.stderr.read() == "a worker ended 6 times by itself, last with code 3.\n"


def test_being_killed_again_and_again_says_nothing_about_a_worker(tmp_path):
    with supervised(tmp_path, count=1) as house:
        for _ in range(8):
            until(house.workers)
            ((dead, process),) = house.workers().items()
            process.kill()
            until(lambda dead=dead: dead in house.graves())
        until(house.workers)
        assert house.process.poll() is None


def test_workers_that_cannot_start_are_not_tried_again(tmp_path):
    with supervised(tmp_path, "sys.exit('Postgres cannot be reached.')", 1) as house:
        assert house.process.wait(SECONDS) == 1
        assert house.process.stderr.read() == "Postgres cannot be reached.\nfailed\n"
        assert len(list(tmp_path.glob("*.worker"))) == 1


# --- the stuck, the leaking, and all of them


@pytest.mark.parametrize("how", ["stopped", "its event loop blocked"])
def test_a_worker_that_hangs_is_killed_and_replaced_and_the_other_left_alone(tmp_path, how):
    hangs = TELLS.replace("tell(", """(folder / f"{process_id()}.hang").exists() and time.sleep(600); tell(""")
    with supervised(tmp_path, hangs, silent_seconds=2) as house:
        until(lambda: len(list(tmp_path.glob("*.tells"))) == 2)
        (hung, process), (other, _) = house.workers().items()
        began = time.monotonic()

        if how == "stopped":
            process.suspend()
        else:
            (tmp_path / f"{hung}.hang").touch()

        until(lambda: len(house.workers()) == 2 and hung in house.graves())
        assert time.monotonic() - began < 10
        assert other in house.workers()
        assert not is_alive(process)


def test_whoever_was_silent_while_the_supervisor_slept_too_is_not_killed(tmp_path):
    with supervised(tmp_path, TELLS, silent_seconds=2) as house:
        until(lambda: len(list(tmp_path.glob("*.tells"))) == 2)
        before = house.workers()
        everyone = [psutil.Process(house.process.pid), *before.values()]

        for each in everyone:
            each.suspend()
        time.sleep(5)
        for each in everyone:
            each.resume()
        time.sleep(3)

        assert set(house.workers()) == set(before)


def test_a_worker_that_occupies_too_much_is_replaced_once_another_is_at_work(tmp_path):
    leaks = TELLS.replace(
        "announce_ready()", "announce_ready(); first = len(list(folder.glob('*.worker'))) == 1"
    ).replace("while True:", "hoard = os.urandom(300 * 2**20) if first else b''\n    while True:")
    with supervised(tmp_path, leaks, 1, memory_mib=200) as house:
        until(house.workers)
        ((leaking, process),) = house.workers().items()

        until((tmp_path / f"{leaking}.drained").exists)

        assert set(house.workers()) - {leaking}
        until(lambda: not is_alive(process))
        assert len(house.workers()) == 1


def test_told_to_roll_it_replaces_one_after_the_other_and_there_are_always_as_many_at_work(tmp_path):
    with supervised(tmp_path, TELLS, 3) as house:
        until(lambda: len(house.workers()) == 3)
        until(lambda: len(list(tmp_path.glob("*.tells"))) == 3)
        before, fewest = set(house.workers()), []

        house.process.send_signal(signal.SIGHUP)

        def rolled():
            fewest.append(len(house.workers()))
            return len(list(tmp_path.glob("*.drained"))) == 3 and len(house.workers()) == 3

        until(rolled)
        assert not set(house.workers()) & before
        until(lambda: house.graves() == before)
        assert min(fewest) >= 3
        assert max(fewest) <= 4
        assert house.process.poll() is None


def test_when_whoever_is_to_follow_cannot_start_those_at_work_stay(tmp_path):
    breaks = f"(folder / 'broken').exists() and sys.exit('It is broken.')\n    {TELLS}"
    with supervised(tmp_path, breaks) as house:
        until(lambda: len(house.workers()) == 2)
        until(lambda: len(list(tmp_path.glob("*.tells"))) == 2)
        before = set(house.workers())
        (tmp_path / "broken").touch()

        house.process.send_signal(signal.SIGHUP)

        until(lambda: len(list(tmp_path.glob("*.worker"))) == 3)
        time.sleep(1)
        assert set(house.workers()) == before
        assert len(list(tmp_path.glob("*.worker"))) == 3
