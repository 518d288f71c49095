"""Many clients with one key at once, through both doors: one effect, and one answer for all of them.

CHAOS_ONCE_KEYS and CHAOS_ONCE_AT_ONCE say how much; `make endurance` sends 100 keys 64 times each.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import aiohttp
import grpc

from tests.rig.house import House, Tenant
from tests.rig.sizes import size

KEYS, AT_ONCE = size("once_keys", 18), size("once_at_once", 8)
CREATED, STILL_RUNNING, TOO_OFTEN = 201, 409, 429
TOO_OFTEN_SECONDS = 1.0
"""At full size the requests under one key are more than it may make in a minute."""
ADD_CREDITS = "/frontdesk.v1.CreditService/AddCredits"
PROMPT = {"name": "P", "instructions": "Be kind.", "model": "gpt-5.5"}
Post = Callable[[str], Awaitable[bytes | None]]
"""A request under that key: the answer, or None when it is to be sent again."""


class Doors:
    """The requests that create or spend, each made through a door, and what there is of their effects."""

    def __init__(self, house: House, tenant: Tenant, session: aiohttp.ClientSession, channel: grpc.aio.Channel) -> None:
        self._house, self._tenant, self._session, self._channel = house, tenant, session, channel
        self._prompt = tenant.make("prompts", PROMPT)
        self._mark = secrets.token_hex(6)

    def ways(self) -> list[Callable[[str], Awaitable[bytes | None]]]:
        return [
            lambda key: self._post("/users", {"name": self._mark}, key, self._house.ready["admin_api_key"]),
            lambda key: self._post_own("api_keys", {"name": "till"}, key),
            lambda key: self._post_own("phone_numbers", {"type": "whatsapp", "meta_phone_number_id": key}, key),
            lambda key: self._post_own("prompts", PROMPT, key),
            lambda key: self._post_own(f"prompts/{self._prompt['id']}/versions", PROMPT, key),
            lambda key: self._post_own("agents", {"name": "A", "prompt_id": self._prompt["id"]}, key),
            lambda key: self._post_own("credits/add", {"amount": 1}, key),
            self._add_by_grpc,
        ]

    async def effects(self) -> list[int]:
        """How many there are of what each way makes; the two that add credits make lines of one ledger."""
        (prompt,) = [one for one in await self._all("prompts") if one["id"] == self._prompt["id"]]
        ledger = len(await self._all("credits/entries"))
        users = [one for one in await self._all("/users") if one["name"] == self._mark]
        named = [await self._all(name) for name in ("api_keys", "phone_numbers", "prompts")]
        return [len(users), *map(len, named), prompt["version"], len(await self._all("agents")), ledger]

    async def _all(self, name: str) -> list[dict]:
        path, found, cursor = name if name.startswith("/") else f"{self._tenant.path}/{name}", [], None
        while True:
            query = "?limit=200" + (f"&cursor={cursor}" if cursor else "")
            page = (await asyncio.to_thread(self._house.rest, "GET", path + query)).json
            found += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return found

    def _post_own(self, path: str, body: object, key: str) -> Awaitable[bytes | None]:
        return self._post(f"{self._tenant.path}/{path}", body, key, self._tenant.key)

    async def _post(self, path: str, body: object, key: str, shown: str) -> bytes | None:
        headers = {"Authorization": f"Bearer {shown}", "Idempotency-Key": key}
        try:
            async with self._session.post(self._house.ready["rest_url"] + path, json=body, headers=headers) as answer:
                content = await answer.read()
        except aiohttp.ClientConnectionError:
            return None  # it kept a connection for too long, and may send again: that is what the key is for
        if answer.status == TOO_OFTEN:
            await asyncio.sleep(TOO_OFTEN_SECONDS)
        assert answer.status in {CREATED, STILL_RUNNING, TOO_OFTEN}, content
        return content if answer.status == CREATED else None

    async def _add_by_grpc(self, key: str) -> bytes | None:
        # Spelled by hand, so that the very bytes are seen: user_id, amount and idempotency_key.
        request = b"\x0a\x24" + self._tenant.id.encode() + b"\x10\x01" + b"\x22" + bytes([len(key)]) + key.encode()
        call = self._channel.unary_unary(ADD_CREDITS)
        try:
            return await call(request, metadata=(("authorization", f"Bearer {self._tenant.key}"),))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                await asyncio.sleep(TOO_OFTEN_SECONDS)
            elif error.code() is not grpc.StatusCode.ABORTED:
                raise
            return None


def test_a_key_that_is_sent_many_times_at_once_acts_once_and_answers_all_the_same(house, tenant):
    asyncio.run(_send_many(house, tenant))


async def _send_many(house: House, tenant: Tenant) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        grpc.aio.insecure_channel(house.ready["grpc_target"]) as channel,
    ):
        doors = await asyncio.to_thread(Doors, house, tenant, session, channel)
        ways, before = doors.ways(), await doors.effects()
        for number in range(KEYS):
            key = secrets.token_hex(12)
            answers = await asyncio.gather(*(_answered(ways[number % len(ways)], key) for _ in range(AT_ONCE)))
            assert len(set(answers)) == 1
        made = [now - then for now, then in zip(await doors.effects(), before, strict=True)]
    each = [KEYS // len(ways) + (place < KEYS % len(ways)) for place in range(len(ways))]
    assert made == [*each[:-2], each[-2] + each[-1]]


async def _answered(post: Post, key: str) -> bytes:
    """Send until it is answered, as a client would that is told to come again."""
    async with asyncio.timeout(120):
        while (answer := await post(key)) is None:  # noqa: ASYNC110 - the other side gives no sign
            await asyncio.sleep(0.01)
        return answer
