"""The endpoint that lists models."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.answers import json_answer
from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.openai.errors import demand_key
from entrypoints.simulators.openai.knobs import OpenAIKnobs
from entrypoints.simulators.routing import Router

# Only for those who ask: every other model id is answered just as well.
_MODEL_IDS = ("gpt-5.6", "gpt-5.6-mini", "gpt-4.1-mini")
_CREATED = 1_780_000_000


def add_model_routes(router: Router, board: KnobBoard[OpenAIKnobs]) -> None:
    """Add GET /models."""

    async def list_models(request: BaseRequest) -> Response:
        demand_key(request)
        return json_answer({"object": "list", "data": _models(board.values.shutdown_dates)})

    router.add("GET", "/v1/models", list_models)


def _models(shutdown_dates: Mapping[str, date]) -> list[dict[str, Any]]:
    """Those that everybody has, and those of which an end is announced."""
    known = dict.fromkeys(_MODEL_IDS) | {name: day.isoformat() for name, day in shutdown_dates.items()}
    shared = {"object": "model", "created": _CREATED, "owned_by": "simulator"}
    return [{"id": name, **shared, "shutdown_date": day} for name, day in known.items()]
