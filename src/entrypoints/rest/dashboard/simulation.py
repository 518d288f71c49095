"""The simulators of OpenAI and Meta as `frontdesk dev` runs them: a customer to play, and knobs to break things with.

Nothing of this exists unless the launcher of `dev` says where the simulators are; both are on this very machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from domain.channels import ChannelType, PhoneNumber
from domain.shared import Unavailable
from entrypoints.settings import Settings

SECONDS_MAX = 12.0
"""Longer than the simulator waits for our own webhook."""

OPENAI_BROKEN: Mapping[str, dict[str, Any]] = {
    "well": {"latency_ms": 0, "error_rate": None, "outage": False, "lose_answer_rate": 0},
    "slow": {"latency_ms": 4_000},
    "busy": {"error_rate": {"rate": 1, "http_status": 429, "code": "rate_limit_exceeded", "retry_after": 1}},
    "error": {"error_rate": {"rate": 1, "http_status": 500}},
    "timeout": {"latency_ms": 600_000},
    "down": {"outage": True},
}
META_BROKEN: Mapping[str, dict[str, Any]] = {
    "well": {"latency_ms": 0, "error_rate": None, "outage": False, "lose_answer_rate": 0},
    "slow": {"latency_ms": 4_000},
    "down": {"outage": True},
    "lost": {"lose_answer_rate": 1},
    "token": {"error_rate": {"rate": 1, "http_status": 401, "code": 190, "subcode": 463}},
}
"""What each choice changes beside making all well first."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """Where the simulators' control endpoints are; None for a provider that is the real one."""

    openai_url: str | None
    meta_url: str | None

    async def say(self, phone_number: PhoneNumber, sender: str, name: str, text: str) -> None:
        """Let a customer write: Meta's simulator signs it and posts it to our webhook. Raises Unavailable."""
        said = {
            "channel": "instagram" if phone_number.type is ChannelType.INSTAGRAM else "whatsapp",
            "phone_number_id": phone_number.meta_phone_number_id or phone_number.instagram_account_id,
            "from": sender,
            "name": name,
            "text": text,
        }
        answer = await self._call(self.meta_url, "POST", "customers/say", said)
        if answer.get("webhook_status") != 200:  # noqa: PLR2004
            raise Unavailable(f"The webhook answered {answer.get('webhook_status')}; the simulator tries again.")

    async def break_openai(self, choice: str) -> None:
        """Turn OpenAI's knobs. Raises Unavailable."""
        await self._call(self.openai_url, "PATCH", "knobs", OPENAI_BROKEN["well"] | OPENAI_BROKEN[choice])

    async def break_meta(self, choice: str) -> None:
        """Turn Meta's knobs. Raises Unavailable."""
        await self._call(self.meta_url, "PATCH", "knobs", META_BROKEN["well"] | META_BROKEN[choice])

    async def how_openai_is(self) -> str | None:
        """Which choice is set now; None where there is no such simulator, or it is set otherwise."""
        return await self._choice(self.openai_url, OPENAI_BROKEN)

    async def how_meta_is(self) -> str | None:
        """Which choice is set now; None where there is no such simulator, or it is set otherwise."""
        return await self._choice(self.meta_url, META_BROKEN)

    async def _choice(self, url: str | None, choices: Mapping[str, dict[str, Any]]) -> str | None:
        if url is None:
            return None
        knobs = await self._call(url, "GET", "knobs")
        for name, changes in choices.items():
            if all(_is_set(knobs.get(knob), value) for knob, value in (choices["well"] | changes).items()):
                return name
        return None

    async def _call(self, url: str | None, method: str, path: str, body: object = None) -> dict[str, Any]:
        if url is None:
            raise Unavailable("This provider is the real one: there is nothing to simulate.")
        timeout = aiohttp.ClientTimeout(total=SECONDS_MAX)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.request(method, f"{url}/_sim/{path}", json=body) as answer,
            ):
                said: dict[str, Any] = await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable("The simulator does not answer.") from error
        if not answer.ok:
            raise Unavailable(f"The simulator refused: {said}")
        return said


def simulation_of(settings: Settings) -> Simulation | None:
    """The simulators that the launcher has started; None everywhere else, whatever anybody sets."""
    openai = _on_this_machine(settings.openai_base_url) if "openai" in settings.dev_simulators else None
    meta = _on_this_machine(settings.meta_graph_base_url) if "meta" in settings.dev_simulators else None
    return Simulation(openai, meta) if openai or meta else None


def _on_this_machine(url: str | None) -> str | None:
    """The simulator's own address, without the path of the API it plays; None for anything that is elsewhere."""
    address = urlsplit(url or "")
    return f"{address.scheme}://{address.netloc}" if address.hostname == "127.0.0.1" else None


def _is_set(now: Any, wanted: Any) -> bool:  # noqa: ANN401 - knobs are of many kinds
    if isinstance(wanted, dict) and isinstance(now, dict):
        return all(now.get(key) == value for key, value in wanted.items())
    return bool(now == wanted)
