"""The endpoint that lists models."""

from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.answers import json_answer
from entrypoints.simulators.openai.errors import demand_key
from entrypoints.simulators.routing import Router

# Only for those who ask: every other model id is answered just as well.
_MODEL_IDS = ("gpt-5.6", "gpt-5.6-mini", "gpt-4.1-mini")
_CREATED = 1_780_000_000


def add_model_routes(router: Router) -> None:
    """Add GET /models."""
    router.add("GET", "/v1/models", _list_models)


async def _list_models(request: BaseRequest) -> Response:
    demand_key(request)
    models = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "simulator"} for name in _MODEL_IDS]
    return json_answer({"object": "list", "data": models})
