"""What lies in the repository for deployments, read as the tools that take it would."""

import re
from pathlib import Path
from typing import Any

import yaml

from entrypoints.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "deploy/compose.yml"
ENV_EXAMPLE = ROOT / "deploy/.env.example"
KUBERNETES = ROOT / "deploy/kubernetes"

SETTINGS = {name.upper() for name in Settings.model_fields}
OF_LIBRARIES = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
"""What a library of ours reads by itself."""
SAMPLES = {
    "DATABASE_URL": "postgresql://app:secret@host/frontdesk",
    "DATABASE_URL_DIRECT": "postgresql://owner:secret@host/frontdesk",
    "REDIS_URL": "rediss://default:secret@host:6379",
    "METRICS_TOKEN": "a token of some length",
    "META_APP_SECRETS": "one,two",
    "ENCRYPTION_KEYS": "new,old",
}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, each as its word and the rest, without comments."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def last_stage() -> list[tuple[str, str]]:
    """The instructions of the stage that becomes the image."""
    every = instructions()
    start = max(place for place, (word, _) in enumerate(every) if word == "FROM")
    return every[start:]


def image_environment() -> dict[str, str]:
    """What the image sets."""
    written = " ".join(rest for word, rest in last_stage() if word == "ENV")
    return dict(pair.split("=", 1) for pair in written.split())


def env_file(path: Path) -> dict[str, str]:
    """Names and values of a file of settings."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def objects() -> list[dict[str, Any]]:
    """Every Kubernetes object of ours; kustomize's own files are none."""
    files = sorted(path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml")
    return [each for path in files for each in yaml.safe_load_all(path.read_text())]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    """The objects of these kinds."""
    return [each for each in objects() if each["kind"] in kinds]


def named(kind: str, name: str) -> dict[str, Any]:
    """The object of that name."""
    (found,) = [each for each in of_kind(kind) if each["metadata"]["name"] == name]
    return found


def compose() -> dict[str, Any]:
    """The compose file."""
    return yaml.safe_load(COMPOSE.read_text())


def compose_variables() -> set[str]:
    """The variables that the compose file itself reads."""
    return set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE.read_text()))


def interpolated(word: str) -> str:
    """A word of the compose file where nothing is set: its default."""
    return re.sub(r"\$\{\w+(?::-([^}]*))?[^}]*\}", lambda found: found[1] or "x", word)


def settings_with(names: set[str], fixed: dict[str, str]) -> Settings:
    """The settings of a process that is given something for each of `names`, and `fixed`. Raises SettingsError."""
    return load_settings({name: SAMPLES.get(name, "something") for name in names} | fixed)
