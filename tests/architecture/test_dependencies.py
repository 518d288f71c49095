"""What may be installed is what somebody has given a reason for."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"^[A-Za-z0-9_.-]+")


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = project["project"]["dependencies"]
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    return {named(each) for each in [*runtime, *(one for group in [*extras, *groups] for one in group)]}


def named(requirement: str) -> str:
    found = NAME.match(requirement)
    assert found, requirement
    return found[0].lower()


def explained() -> set[str]:
    rows = [line for line in (ROOT / "docs/dependencies.md").read_text().splitlines() if line.startswith("| ")]
    names = [re.sub(r"\(.*?\)", "", row.split("|")[1]).split(",") for row in rows]
    return {name.strip().lower() for row in names for name in row} - {"name"}


def test_every_dependency_has_a_reason_and_every_reason_a_dependency():
    assert declared() == explained()


@pytest.mark.parametrize("lock", ["runtime", "dev"])
def test_a_lock_holds_a_hash_for_everything_and_names_no_host(lock):
    text = (ROOT / f"requirements/{lock}.txt").read_text()
    pinned = [line for line in text.splitlines() if "==" in line]
    assert pinned
    assert all(line.rstrip().endswith("\\") for line in pinned)
    assert "://" not in text


def test_whatever_runs_is_locked_the_same_for_running_and_for_working_on_it():
    pins = {
        lock: set(re.findall(r"^(\S+==\S+)", (ROOT / f"requirements/{lock}.txt").read_text(), re.MULTILINE))
        for lock in ("runtime", "dev")
    }
    assert pins["runtime"] <= pins["dev"]
