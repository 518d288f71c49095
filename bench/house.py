"""A house to measure: `frontdesk dev` in a folder of its own, with simulators, and nothing left of it afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS_NEVER_TAKEN = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "META_GRAPH_BASE_URL", "FRONTDESK_HOME")
"""With these a benchmark would write to real customers; without them `dev` simulates both platforms."""
COMMAND = (sys.executable, "-m", "entrypoints.cli.main")
SOURCES = Path(__file__).parent.parent / "src"
START_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 60.0
CREDITS = 10_000_000


class HouseFailed(Exception):
    """The house did not start; the message holds its last words."""


@dataclass(frozen=True, slots=True)
class House:
    """A running house: its addresses and keys (the ready file), its process, and how long it took to start."""

    pid: int
    home: Path
    ready: dict[str, str]
    start_seconds: float

    def turn_knobs(self, platform: str, **knobs: object) -> None:
        """Change the knobs of a simulator, `openai` or `meta`."""
        call("PATCH", f"{self.simulator_url(platform)}/_sim/knobs", knobs)

    def simulator_url(self, platform: str) -> str:
        """The root of a simulator's address."""
        name = {"openai": "openai_base_url", "meta": "meta_graph_base_url"}[platform]
        return self.ready[name].removesuffix("/v1")

    def top_up(self) -> None:
        """Give the demo user more credits than any run can spend."""
        url = f"{self.ready['rest_url']}/users/{self.ready['demo_user_id']}/credits/add"
        call(
            "POST", url, {"amount": CREDITS, "note": "bench"}, {"Authorization": f"Bearer {self.ready['demo_api_key']}"}
        )

    def balance(self) -> int:
        """What the demo user owns."""
        url = f"{self.ready['rest_url']}/users/{self.ready['demo_user_id']}/credits"
        return int(call("GET", url, headers={"Authorization": f"Bearer {self.ready['demo_api_key']}"})["balance"])

    def say(self, text: str) -> float:
        """Seconds that `frontdesk say` takes, from the shell's point of view."""
        began = time.monotonic()
        command = (*COMMAND, "say", "--home", str(self.home), text)
        subprocess.run(command, check=True, env=_environment(self.home), stdout=subprocess.DEVNULL)
        return time.monotonic() - began


@contextmanager
def started() -> Iterator[House]:
    """A house that was never there before, stopped at the end. Raises HouseFailed."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-bench-") as folder:
        home = Path(folder)
        home.chmod(
            0o711
        )  # open to the servers' account, or root's house keeps its data elsewhere and leaves them there
        ready_file, log = home / "ready.json", home / "dev.log"
        began = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                (*COMMAND, "dev", "--port", "0", "--ready-file", str(ready_file), "--with-parent"),
                env=_environment(home),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl+C is for the benchmark, which then stops the house in order
            )
        try:
            _wait_for(ready_file, process, log)
            yield House(process.pid, home, json.loads(ready_file.read_text()), time.monotonic() - began)
        finally:
            _stop(process)


def call(method: str, url: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
    """One JSON call, outside of anything that is timed."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)  # noqa: S310 - our own addresses
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read())


def _environment(home: Path) -> dict[str, str]:
    """What was given, so that DATABASE_URL, WORKERS_MAX and the like can be measured too; our sources first.

    No limit of calls: a benchmark asks for more than any caller may. As many workers as there may be are at work from
    the start: what is measured is no scaling.
    """
    given = {name: value for name, value in os.environ.items() if name not in SETTINGS_NEVER_TAKEN}
    paths = [str(SOURCES), *filter(None, [given.get("PYTHONPATH")])]
    return {
        "API_REQUESTS_PER_MINUTE": "10000000",
        "WORKERS_MIN": given.get("WORKERS_MAX", str(os.cpu_count() or 1)),
        **given,
        "FRONTDESK_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(paths),
    }


def _wait_for(ready_file: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise HouseFailed(f"The house did not start:\n{log.read_text()[-2_000:]}")
        time.sleep(0.01)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
