"""OpenAI's list of models. Without the SDK: the one process that asks, once a day, would load it for this alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import aiohttp
import msgspec

from domain.shared import Unavailable

SECONDS_MAX = 20.0
DEFAULT_BASE_URL = "https://api.openai.com/v1"


class _Model(msgspec.Struct):
    id: str
    shutdown_date: date | None = None


class _Models(msgspec.Struct):
    data: list[_Model]


class OpenAIModelCatalogue:
    """`GET /models`; source of `shutdown_date`: OpenAI's page of deprecations."""

    def __init__(self, http: aiohttp.ClientSession, api_key: str, base_url: str | None) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._url = f"{(base_url or DEFAULT_BASE_URL).rstrip('/')}/models"

    async def shutdown_dates(self) -> Mapping[str, date]:
        """When models end; see the port."""
        timeout = aiohttp.ClientTimeout(total=SECONDS_MAX)
        try:
            async with self._http.get(self._url, headers=self._headers, timeout=timeout) as answer:
                answer.raise_for_status()
                models = msgspec.json.decode(await answer.read(), type=_Models).data
        except aiohttp.ClientResponseError as error:
            raise Unavailable(f"OpenAI does not list its models: it answered {error.status}.") from error
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise Unavailable(f"OpenAI does not list its models: {type(error).__name__}.") from error
        return {model.id: model.shutdown_date for model in models if model.shutdown_date is not None}
