"""What `dev` starts, and with which settings: what the environment gives is used, the rest is embedded or simulated."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from entrypoints.dev.keys import Keys
from entrypoints.dev.processes import Process
from entrypoints.settings import Settings, SettingsError, load_settings
from entrypoints.stores import StoreUrls, free_port

STORES_TO_COME = {"DATABASE_URL": "postgresql://to-come/frontdesk", "REDIS_URL": "redis://to-come"}
"""Stand in for the embedded stores while the other settings are checked."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings everything runs with, and the processes in the order they start."""

    settings: Settings
    rest_url: str
    grpc_target: str
    simulators: tuple[Process, ...]
    doors_and_workers: tuple[Process, ...]

    @property
    def processes(self) -> tuple[Process, ...]:
        """All of them."""
        return (*self.simulators, *self.doors_and_workers)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is known before any store runs: the settings without the stores' URLs, and what is to be simulated."""

    settings: Mapping[str, str]
    simulators: tuple[tuple[str, Sequence[str]], ...]


def make_choice(environment: Mapping[str, str], port: int | None, keys: Keys) -> Choice:
    """The choice. Raises SettingsError for any setting that is wrong, also for a port that is in use."""
    full = {name: value for name, value in environment.items() if value != ""}
    _fill_in(full, keys.generated())
    _choose_ports(full, port)
    simulators = _simulate_what_is_missing(full)
    load_settings({**STORES_TO_COME, **full})
    return Choice(full, tuple(simulators))


def make_plan(choice: Choice, stores: StoreUrls) -> Plan:
    """The plan, once the stores are there."""
    full = dict(choice.settings)
    if "DATABASE_URL" not in full:
        full["DATABASE_URL_DIRECT"] = stores.database_url_direct
    _fill_in(full, {"DATABASE_URL": stores.database_url, "REDIS_URL": stores.redis_url})
    settings = load_settings(full)
    simulators = tuple(Process(name, words, full) for name, words in choice.simulators)
    rest = Process("REST", ("serve", "rest"), full)
    doors = (rest, Process("gRPC", ("serve", "grpc"), full), Process("the scheduler", ("scheduler",), full))
    workers = Process("the workers", ("worker", "--autoscale"), full)
    return Plan(
        settings=settings,
        rest_url=f"http://{settings.rest_host}:{settings.rest_port}",
        grpc_target=f"{settings.grpc_host}:{settings.grpc_port}",
        simulators=simulators,
        doors_and_workers=(*doors, workers),
    )


def _fill_in(settings: dict[str, str], defaults: Mapping[str, str]) -> None:
    for name, value in defaults.items():
        if value:
            settings.setdefault(name, value)


def _choose_ports(settings: dict[str, str], port: int | None) -> None:
    """Fix both ports before anything starts: every process must know them, and a taken one is said at once."""
    if port is not None:
        settings["REST_PORT"] = str(port)
        if port == 0:
            settings["GRPC_PORT"] = "0"
    for door, default in (("REST", "8000"), ("GRPC", "50051")):
        host = settings.get(f"{door}_HOST", "127.0.0.1")
        settings[f"{door}_PORT"] = str(_checked_port(f"{door}_PORT", host, settings.get(f"{door}_PORT", default)))


def _checked_port(name: str, host: str, port: str) -> int:
    if not port.isdecimal():
        raise SettingsError(f"The setting {name} is malformed: {port!r} is no port.")
    try:
        if int(port) == 0:
            return free_port(host)
        with socket.create_server((host, int(port))):
            return int(port)
    except (OSError, OverflowError) as error:
        raise SettingsError(f"The setting {name} cannot be used: port {port} on {host}: {error}") from None


def _simulate_what_is_missing(settings: dict[str, str]) -> list[tuple[str, Sequence[str]]]:
    """Name and words of each simulator; the settings learn where it will be."""
    simulators: list[tuple[str, Sequence[str]]] = []
    if "OPENAI_API_KEY" not in settings and "OPENAI_BASE_URL" not in settings:
        port = _checked_port("OPENAI_BASE_URL", "127.0.0.1", "0")
        settings["OPENAI_BASE_URL"] = f"http://127.0.0.1:{port}/v1"
        simulators.append(("the simulator of OpenAI", ("simulate", "openai", "--port", str(port))))
    settings.setdefault("OPENAI_API_KEY", "simulated")
    if "META_GRAPH_BASE_URL" not in settings:
        port = _checked_port("META_GRAPH_BASE_URL", "127.0.0.1", "0")
        settings["META_GRAPH_BASE_URL"] = f"http://127.0.0.1:{port}"
        webhook_url = f"http://{settings.get('REST_HOST', '127.0.0.1')}:{settings['REST_PORT']}/webhooks/meta"
        words = ("simulate", "meta", "--port", str(port), "--webhook-url", webhook_url)
        simulators.append(("the simulator of Meta", words))
    # What the console is told: it lets people play the customer on these, and on nothing else.
    settings["DEV_SIMULATORS"] = ",".join(words[1] for _, words in simulators)
    return simulators


def shown_base_urls(settings: Settings) -> dict[str, str]:
    """Where OpenAI and Meta are, for the ready file."""
    return {
        "openai_base_url": settings.openai_base_url or "https://api.openai.com/v1",
        "meta_graph_base_url": settings.meta_graph_base_url,
    }


def store_names(settings: Settings) -> tuple[str, str]:
    """Postgres and Redis as host and port, for people: a URL would show its password."""
    database = urlsplit(settings.database_url.get_secret_value())
    redis = urlsplit(settings.redis_url.get_secret_value())
    return f"{database.hostname}:{database.port}", f"{redis.hostname}:{redis.port}"
