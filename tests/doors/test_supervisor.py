"""A supervisor in a process of its own, with workers that do nothing but live and die."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.rig.house import SECONDS, environment, is_alive
from tests.rig.waiting import until

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from entrypoints.readiness import announce_ready, process_id
from entrypoints.worker.child import WorkerChild, WorkersFailed
from entrypoints.worker.supervisor import Supervisor
from entrypoints.worker.undertaker import Undertaker

folder = Path(sys.argv[1])

def work():
    (folder / f"{process_id()}.worker").write_text(str(os.getpid()))
    WORK

def bury(dead):
    if (folder / "store is down").exists():
        return False
    for worker_id in dead:
        (folder / f"{worker_id}.grave").touch()
    return True

try:
    Supervisor([WorkerChild(work) for _ in range(int(sys.argv[2]))], Undertaker(bury, 30)).run()
except WorkersFailed as error:
    sys.exit(str(error) or "failed")
"""
LIVE = "signal.signal(signal.SIGTERM, lambda *_: os._exit(0)); announce_ready(); time.sleep(600)"


@dataclass
class Supervised:
    process: subprocess.Popen[str]
    folder: Path

    def workers(self) -> dict[str, psutil.Process]:
        """Those that live, by their ids."""
        found = {}
        for file in self.folder.glob("*.worker"):
            if (written := file.read_text()) and psutil.pid_exists(int(written)):
                process = psutil.Process(int(written))
                if is_alive(process):
                    found[file.stem] = process
        return found

    def graves(self) -> set[str]:
        return {file.stem for file in self.folder.glob("*.grave")}


@contextmanager
def supervised(folder, work=LIVE, count=2, **more):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("WORK", work), str(folder), str(count)],
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
    def stop(*_):
        time.sleep(0.3); (folder / f"{process_id()}.drained").touch(); os._exit(0)
    signal.signal(signal.SIGTERM, stop)
    (folder / f"{process_id()}.hears").touch(); announce_ready(); time.sleep(600)"""
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
