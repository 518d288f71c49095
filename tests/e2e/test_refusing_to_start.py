"""A start that cannot succeed ends soon, with one line that names the cause."""

import re
import socket
import time

import pytest

from tests.rig.house import a_home, run_frontdesk, running_house

SETTINGS = {
    "DATABASE_URL": "postgresql://app:geheim@127.0.0.1:1/frontdesk",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "OPENAI_API_KEY": "key",
    "META_APP_SECRETS": "secret",
    "META_VERIFY_TOKEN": "token",
    "ADMIN_API_KEY": "admin",
    "ENCRYPTION_KEYS": "key",
}
SERVICES = (("serve", "rest"), ("serve", "grpc"), ("worker",), ("scheduler",))
QUICKLY = 20.0
"""Longer than anybody should wait, and far shorter than trying again and again would take."""


def assert_refused(ended, named):
    """One line that names it, no trace, no secret."""
    assert ended.returncode != 0
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert re.search(named, lines[0]), lines
    assert "geheim" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("words", SERVICES, ids=" ".join)
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing"),
        ({"LANE_SCOPE": "banana"}, "LANE_SCOPE is malformed"),
    ],
)
def test_a_missing_or_malformed_setting_is_named(words, changes, named):
    assert_refused(run_frontdesk(*words, seconds=QUICKLY, **{**SETTINGS, **changes}), named)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"META_APP_SECRETS": ""}, "META_APP_SECRETS is missing"),
        ({"LEASE_SECONDS": "x"}, "LEASE_SECONDS is malformed"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL is malformed"),
        ({"MEDIA_STORE_URL": "https://bucket/prefix"}, "MEDIA_STORE_URL is malformed"),
        ({"MEDIA_STORE_URL": "s3://bucket/x?secret=y"}, "MEDIA_STORE_URL is malformed"),
    ],
)
def test_every_setting_is_checked(changes, named):
    assert_refused(run_frontdesk("serve", "rest", seconds=QUICKLY, **{**SETTINGS, **changes}), named)


@pytest.mark.parametrize("words", SERVICES, ids=" ".join)
def test_an_unreachable_store_is_named(words):
    assert_refused(run_frontdesk(*words, seconds=QUICKLY, **SETTINGS), "DATABASE_URL|Postgres")


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("", "DATABASE_URL is missing"),
        (SETTINGS["DATABASE_URL"], "check DATABASE_URL .*refused"),
        ("nonsense", "DATABASE_URL .*malformed"),
    ],
)
def test_migrating_names_what_is_wrong_with_the_database(url, named):
    assert_refused(run_frontdesk("migrate", seconds=QUICKLY, DATABASE_URL=url), named)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"LANE_SCOPE": "banana"}, "LANE_SCOPE is malformed"),
        ({"LEASE_SECONDS": "x"}, "LEASE_SECONDS is malformed"),
        ({"REST_PORT": "many"}, "REST_PORT is malformed"),
        ({"REDIS_URL": SETTINGS["REDIS_URL"]}, "check REDIS_URL: .*refused"),
    ],
)
def test_dev_names_what_is_wrong_before_it_starts_anything(changes, named):
    with a_home() as home:
        assert_refused(run_frontdesk("dev", seconds=QUICKLY, FRONTDESK_HOME=str(home), **changes), named)
        assert not (home / "data").exists()


def test_dev_names_a_database_that_is_not_there(redis_url):
    stores = {"DATABASE_URL": SETTINGS["DATABASE_URL"], "REDIS_URL": redis_url}
    with a_home() as home:
        assert_refused(
            run_frontdesk("dev", seconds=QUICKLY, FRONTDESK_HOME=str(home), **stores), "check DATABASE_URL .*refused"
        )


def test_dev_names_a_home_that_cannot_be_one(tmp_path):
    taken = tmp_path / "file"
    taken.write_text("")

    for home in (taken, taken / "below"):
        assert_refused(run_frontdesk("dev", seconds=QUICKLY, FRONTDESK_HOME=str(home)), "FRONTDESK_HOME cannot be used")


def test_dev_names_a_ready_file_that_cannot_be_written_before_it_starts_anything(tmp_path):
    with a_home() as home:
        for path in (tmp_path / "nowhere" / "ready.json", tmp_path):
            ended = run_frontdesk("dev", "--ready-file", str(path), seconds=QUICKLY, FRONTDESK_HOME=str(home))

            assert_refused(ended, "--ready-file .* cannot be written")
        assert not (home / "data").exists()


def test_a_second_dev_in_the_same_home_is_refused_and_leaves_the_first_alone():
    with a_home() as home, running_house(home, WORKERS_MAX="1") as house:
        ended = run_frontdesk("dev", "--port", "0", seconds=QUICKLY, FRONTDESK_HOME=str(home))

        assert_refused(ended, "another `frontdesk dev` runs in .* FRONTDESK_HOME")
        assert house.say("Still there?").returncode == 0


def test_a_ready_file_of_before_is_gone_as_soon_as_another_house_starts(tmp_path):
    ready_file = tmp_path / "ready.json"
    ready_file.write_text("{}")
    with a_home() as home:
        run_frontdesk("dev", "--ready-file", str(ready_file), FRONTDESK_HOME=str(home), LEASE_SECONDS="x")

    assert not ready_file.exists()


@pytest.mark.parametrize(("setting", "words"), [("REST_PORT", ("--port",)), ("GRPC_PORT", ())])
def test_dev_names_a_port_in_use_before_it_starts_anything(setting, words):
    with socket.create_server(("127.0.0.1", 0)) as taken, a_home() as home:
        port = str(taken.getsockname()[1])
        settings = {"FRONTDESK_HOME": str(home)} | ({} if words else {setting: port, "REST_PORT": "0"})
        ended = run_frontdesk("dev", *words, *([port] if words else []), seconds=QUICKLY, **settings)

        assert_refused(ended, rf"{setting}.*{port}")
        assert not (home / "data").exists()


@pytest.mark.parametrize(("door", "setting"), [("rest", "REST_PORT"), ("grpc", "GRPC_PORT")])
def test_a_door_names_the_port_that_is_in_use(door, setting, database, redis_url):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        stores = {"DATABASE_URL": database.url, "REDIS_URL": redis_url}
        ended = run_frontdesk("serve", door, seconds=QUICKLY, **{**SETTINGS, **stores, setting: port})

    assert_refused(ended, port)


def test_say_without_a_house_says_so_at_once():
    with a_home() as home:
        began = time.monotonic()
        ended = run_frontdesk("say", "Hello", FRONTDESK_HOME=str(home))

        assert_refused(ended, "Nothing runs in")
        assert time.monotonic() - began < QUICKLY


@pytest.mark.parametrize("steps", ["-1", "0", "all"])
def test_migrations_are_taken_back_by_a_number_from_one(steps, database):
    """-1 would be all but the first."""
    ended = run_frontdesk("migrate", "--down", steps, seconds=QUICKLY, DATABASE_URL=database.url_owner)

    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith("argument --down: it must be a whole number from 1")
