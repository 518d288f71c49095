"""Deleting what OpenAI keeps: the items of a conversation do not vanish with it, so they go first, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
import httpx2
import msgspec
import openai
import structlog

from domain.erasing import Erasure, ErasureKind

log = structlog.get_logger()

ITEMS_MAX = 100


class _Item(msgspec.Struct):
    id: str


class _Items(msgspec.Struct):
    data: list[_Item]


class OpenAIEraser:
    """What is not there is gone already; nothing is tried twice here."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client

    async def erase(self, erasures: Sequence[Erasure], timeout_seconds: float) -> Sequence[bool]:
        """Erase all at once; see the port."""
        return await asyncio.gather(*(self._erase(erasure, timeout_seconds) for erasure in erasures))

    async def _erase(self, erasure: Erasure, timeout_seconds: float) -> bool:
        try:
            async with asyncio.timeout(timeout_seconds):
                if erasure.kind is ErasureKind.CONVERSATION:
                    await self._delete_items(f"/conversations/{erasure.openai_id}/items")
                await self._delete(f"/{erasure.kind}s/{erasure.openai_id}")
        except openai.APIStatusError as error:
            log.warning("erasing_refused", kind=erasure.kind.value, status=error.status_code, code=error.code)
            return False
        except (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, msgspec.DecodeError, TimeoutError) as error:
            log.warning("erasing_failed", kind=erasure.kind.value, reason=type(error).__name__)
            return False
        return True

    async def _delete_items(self, path: str) -> None:
        """Page after page from the start, since what was there is gone."""
        while items := await self._items(path):
            for item in items:
                await self._delete(f"{path}/{item.id}")

    async def _items(self, path: str) -> list[_Item]:
        try:
            answer = await self._client.get(
                path, cast_to=httpx2.Response, options={"params": {"order": "asc", "limit": ITEMS_MAX}}
            )
        except openai.NotFoundError as error:
            _must_be_gone(error)
            return []
        return msgspec.json.decode(answer.content, type=_Items).data

    async def _delete(self, path: str) -> None:
        try:
            await self._client.delete(path, cast_to=httpx2.Response)
        except openai.NotFoundError as error:
            _must_be_gone(error)


def _must_be_gone(error: openai.NotFoundError) -> None:
    """A 404 in OpenAI's own form speaks of the thing. Another one is of a wrong address, and raised again."""
    if not isinstance(error.body, dict):
        raise error
