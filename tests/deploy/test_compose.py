"""The compose file: every process starts with what it is given, and no secret stands in it."""

import shlex

import pytest

from entrypoints.cli.main import _parser
from entrypoints.serving import GRACE_SECONDS
from tests.deploy.manifests import (
    COMPOSE,
    ENV_EXAMPLE,
    OF_LIBRARIES,
    SETTINGS,
    compose,
    compose_variables,
    env_file,
    image_environment,
    interpolated,
    settings_with,
)

OURS = {name for name, service in compose()["services"].items() if service["image"].startswith("frontdesk:")}


def _words(service):
    return [interpolated(word) for word in service["command"]]


def test_every_role_is_there():
    commands = {shlex.join(_words(compose()["services"][name])[:2]) for name in OURS}

    assert {"serve rest", "serve grpc", "scheduler", "migrate"} <= commands
    assert any(command.startswith("worker") for command in commands)


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_runs_a_command_that_there_is(name):
    assert _parser().parse_args(_words(compose()["services"][name])).run


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_starts_once_the_example_is_filled_in(name):
    service = compose()["services"][name]
    assert service["env_file"] == ".env"
    fixed = {name: interpolated(value) for name, value in service["environment"].items()}
    required = {name for name, value in env_file(ENV_EXAMPLE).items() if not value}
    optional = {"MEDIA_STORE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"}

    assert settings_with(required - optional, image_environment() | fixed)


def test_the_example_names_settings_and_what_the_file_reads():
    known = SETTINGS | OF_LIBRARIES | compose_variables()
    settings = set(compose()["services"]["rest"]["environment"])

    assert set(env_file(ENV_EXAMPLE)) <= known
    assert settings <= SETTINGS
    assert compose_variables() - {"FRONTDESK_TAG"} <= set(env_file(ENV_EXAMPLE))


def test_the_example_gives_no_secret():
    given = {name for name, value in env_file(ENV_EXAMPLE).items() if value}

    assert given == {"REST_PUBLISHED", "GRPC_PUBLISHED", "WORKERS_MIN", "WORKERS_MAX", "LOG_LEVEL"}
    assert ".env" in (COMPOSE.parents[1] / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_may_do_nothing_but_its_work(name):
    service = compose()["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS + 5


@pytest.mark.parametrize("name", sorted(OURS - {"migrate"}))
def test_nobody_starts_before_the_schema_is_there(name):
    needs = compose()["services"][name]["depends_on"]

    assert needs["migrate"] == {"condition": "service_completed_successfully"}


def test_stores_are_reached_by_nobody_outside():
    assert not [name for name in ("postgres", "valkey") if "ports" in compose()["services"][name]]


def test_files_that_are_mounted_are_there():
    files = [each["file"] for each in compose()["configs"].values() if "file" in each]

    assert files
    assert all((COMPOSE.parent / file).is_file() for file in files)
