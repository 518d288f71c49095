"""`frontdesk dev`: stores, schema, processes, demo user; then watch until somebody stops it."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from domain.shared import Unavailable
from entrypoints.cli.say import READY_FILE
from entrypoints.dev.demo import WHATSAPP_ACCOUNT, Demo, DemoFailed, ensure_demo
from entrypoints.dev.keys import Keys, write_private
from entrypoints.dev.plan import Plan, make_choice, make_plan, shown_base_urls, store_names
from entrypoints.dev.processes import Process, ProcessFailed
from entrypoints.settings import SettingsError
from entrypoints.stores import (
    LocalStoreError,
    LocalStores,
    MigrationError,
    check_redis,
    create_migrator,
    occupied_home,
)

WATCH_SECONDS = 0.1
PR_SET_PDEATHSIG = 1


def run_dev(
    environment: Mapping[str, str], port: int | None, ready_file: Path | None, *, with_parent: bool = False
) -> int:
    """Run everything until SIGINT or SIGTERM; the exit code. A failure is one line on standard error."""
    stop = _stop_event()
    if with_parent:
        _end_with_parent()
    try:
        _run(environment, port, ready_file, stop)
    except (SettingsError, LocalStoreError, MigrationError, Unavailable, ProcessFailed, DemoFailed, OSError) as error:
        sys.stderr.write(f"frontdesk dev: {error}\n")
        return 1
    return 0


def _run(environment: Mapping[str, str], port: int | None, ready_file: Path | None, stop: threading.Event) -> None:
    environment = {"LOG_FORMAT": "console" if sys.stdout.isatty() else "json", "LOG_LEVEL": "warning", **environment}
    with occupied_home(Path(environment.get("FRONTDESK_HOME") or ".frontdesk")) as home:
        _forget_former_addresses(ready_file)
        _run_in(home, environment, port, ready_file, stop)
    _say("Stopped.")


def _forget_former_addresses(ready_file: Path | None) -> None:
    """Whoever waits for the file must not read those of a house that was killed."""
    if ready_file is None:
        return
    if not ready_file.absolute().parent.is_dir():
        raise SettingsError(f"--ready-file {ready_file} cannot be written: there is no such folder.")
    try:
        ready_file.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"--ready-file {ready_file} cannot be written: {error.strerror}.") from error


def _run_in(
    home: Path, environment: Mapping[str, str], port: int | None, ready_file: Path | None, stop: threading.Event
) -> None:
    keys = Keys(home)
    choice = make_choice({**environment, "FRONTDESK_HOME": str(home)}, port, keys)
    if not _absent(environment, "REDIS_URL"):
        check_redis(environment["REDIS_URL"])
    _say("Starting the stores …")
    with LocalStores(
        home, postgres=_absent(environment, "DATABASE_URL"), valkey=_absent(environment, "REDIS_URL")
    ) as urls:
        if stop.is_set():
            return
        plan = make_plan(choice, urls)
        _say("Bringing the schema up to date …")
        settings = plan.settings
        create_migrator(settings.database_url.get_secret_value(), settings.database_url_direct.get_secret_value()).up()
        with _started(plan.simulators, plan.doors_and_workers):
            demo = ensure_demo(plan.rest_url, settings.admin_api_key.get_secret_value(), keys)
            for path in (home / READY_FILE, ready_file):
                if path is not None:
                    write_private(path, json.dumps(_ready(plan, demo), indent=2))
            try:
                _report(plan, demo, home)
                _watch(plan.processes, stop)
            finally:
                (home / READY_FILE).unlink(missing_ok=True)


@contextmanager
def _started(simulators: Sequence[Process], doors_and_workers: Sequence[Process]) -> Iterator[None]:
    """All processes, started together and awaited; stopped wave by wave."""
    processes = (*simulators, *doors_and_workers)
    try:
        _say(f"Starting {', '.join(process.name for process in processes)} …")
        for process, reader in [(process, process.start()) for process in processes]:
            process.wait_until_ready(reader)
        yield
    finally:
        _say("Stopping …")
        # The simulators last: workers need them to finish what they have in hand.
        for wave in (doors_and_workers, simulators):
            for process in wave:
                process.ask_to_stop()
            for process in wave:
                process.wait_until_stopped()


def _watch(processes: Sequence[Process], stop: threading.Event) -> None:
    while not stop.wait(WATCH_SECONDS):
        for process in processes:
            process.mend()


def _ready(plan: Plan, demo: Demo) -> dict[str, str]:
    settings = plan.settings
    return {
        "rest_url": plan.rest_url,
        "grpc_target": plan.grpc_target,
        "database_url": settings.database_url.get_secret_value(),
        "redis_url": settings.redis_url.get_secret_value(),
        **shown_base_urls(settings),
        "admin_api_key": settings.admin_api_key.get_secret_value(),
        "meta_app_secret": settings.meta_app_secrets[0].get_secret_value(),
        "meta_verify_token": settings.meta_verify_token.get_secret_value(),
        "demo_user_id": demo.user_id,
        "demo_api_key": demo.api_key,
        "demo_meta_phone_number_id": WHATSAPP_ACCOUNT,
        "demo_web_chat_id": demo.web_chat_id,
    }


def _report(plan: Plan, demo: Demo, home: Path) -> None:
    postgres, redis = store_names(plan.settings)
    rows = {
        "REST": f"{plan.rest_url} (documentation at {plan.rest_url}/docs)",
        "Console": f"{plan.rest_url}/dashboard",
        "gRPC": plan.grpc_target,
        "Postgres, Redis": f"{postgres}, {redis}",
        "OpenAI": shown_base_urls(plan.settings)["openai_base_url"],
        "Meta": plan.settings.meta_graph_base_url,
        "Admin key": plan.settings.admin_api_key.get_secret_value(),
        "Demo user": demo.user_id,
        "Demo key": demo.api_key,
        "Demo web chat": f"{plan.rest_url}/webchat/demo/{demo.web_chat_id}",
    }
    _say("\nFrontdesk is ready.\n")
    for name, value in rows.items():
        _say(f"  {name:<16} {value}")
    where = "" if home == Path(".frontdesk").resolve() else f" --home {home}"
    _say(f'\nWrite as a customer, in another shell:\n\n  {_command()} say{where} "Hello"\n\nCtrl+C stops everything.')


def _command() -> str:
    """How to call us from the same folder: the virtual environment need not be active."""
    program = Path(sys.executable).with_name("frontdesk")
    return os.path.relpath(program) if program.exists() else "frontdesk"


def _stop_event() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _end_with_parent() -> None:
    """Ask the kernel for SIGTERM when whoever started us ends, killed or not (Linux; elsewhere nobody tells us)."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


def _absent(environment: Mapping[str, str], name: str) -> bool:
    return not environment.get(name)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is what people see
