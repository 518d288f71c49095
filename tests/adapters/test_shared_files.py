"""Metrics of several processes: forked, ended and killed ones."""

import os
import signal
from multiprocessing import get_context

import pytest
from prometheus_client import values

from adapters.telemetry.metrics import Metrics
from adapters.telemetry.shared_files import FOLDER, CannotMeasure, all_processes, use_shared_files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    use_shared_files(tmp_path)
    return tmp_path


class Child:
    """A forked process that counts when it is told to."""

    def __init__(self, folder, turns: int, in_flight: int) -> None:
        self.done, child = os.pipe()
        self.process_id = os.fork()
        if self.process_id == 0:
            metrics = Metrics()
            metrics.recovered.inc(turns)
            metrics.in_flight.set(in_flight)
            metrics.queue_wait.observe(0.3)
            os.write(child, b"x")
            signal.pause()
            os._exit(0)
        os.read(self.done, 1)

    def kill(self) -> None:
        os.kill(self.process_id, signal.SIGKILL)
        os.waitpid(self.process_id, 0)


def value(folder, name, **labels):
    return all_processes(folder).get_sample_value(f"frontdesk_{name}", labels)


def test_forked_processes_are_summed(folder):
    own = Metrics()
    own.recovered.inc(1)
    children = [Child(folder, 2, 10), Child(folder, 3, 20)]
    try:
        assert value(folder, "leases_recovered_total") == 6
        assert value(folder, "turns_in_flight") == 30
        assert value(folder, "queue_wait_seconds_bucket", le="0.5") == 2
    finally:
        for child in children:
            child.kill()


def test_what_the_dead_have_counted_stays_and_what_they_held_goes(folder):
    children = [Child(folder, 2, 10), Child(folder, 3, 20)]
    children[0].kill()
    assert (value(folder, "leases_recovered_total"), value(folder, "turns_in_flight")) == (5, 20)

    children[1].kill()
    for _ in range(3):  # reading must not count anything again
        assert value(folder, "leases_recovered_total") == 5
        assert value(folder, "queue_wait_seconds_count") == 2
    assert not value(folder, "turns_in_flight")


def test_many_workers_that_came_and_went_leave_as_many_files_as_one(folder):
    for _ in range(5):
        Child(folder, 1, 1).kill()
        all_processes(folder)

    assert {file.name for file in folder.glob("*.db")} == {"counter_ended.db", "histogram_ended.db"}
    assert value(folder, "leases_recovered_total") == 5


def test_a_process_that_was_given_the_id_of_a_dead_one_is_another_one(folder):
    child = Child(folder, 4, 9)
    for file in folder.glob(f"*_{child.process_id}.*.db"):
        kind = file.name.split(f"_{child.process_id}.")[0]
        file.rename(folder / f"{kind}_{child.process_id}.1.db")  # the same id, started at another time
    try:
        assert value(folder, "leases_recovered_total") == 4
        assert not value(folder, "turns_in_flight")
    finally:
        child.kill()


def test_a_file_that_is_just_being_made_is_passed_over(folder):
    Metrics().recovered.inc(1)
    (folder / f"counter_{os.getppid()}.7.db").touch()
    live = folder / "histogram_made.db"
    live.touch()

    assert value(folder, "leases_recovered_total") == 1


def test_two_who_read_at_once_count_the_dead_once(folder):
    for _ in range(8):
        Child(folder, 1, 0).kill()

    with get_context("fork").Pool(4) as pool:
        read = pool.starmap(value, [(folder, "leases_recovered_total")] * 16)

    assert set(read) == {8.0}


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(CannotMeasure, match=r"PROMETHEUS_MULTIPROC_DIR cannot be used: .*file/metrics"):
        use_shared_files(tmp_path / "file" / "metrics")
