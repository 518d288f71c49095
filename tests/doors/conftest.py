from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from uuid import UUID

import grpc
import pytest
from httpx import ASGITransport, AsyncClient

from adapters.local.ports import free_port
from application.app import Application
from entrypoints.rest.app import create_rest_app
from entrypoints.rpc.server import create_rpc_server
from tests.doors.stubs import ADMIN_KEY, House


@dataclass
class Shop:
    """A user with a key, and one thing of each kind."""

    user_id: str
    key: str
    phone_number_id: str
    prompt_id: str
    agent_id: str
    conversation_id: str
    message_id: str
    extraction_id: str
    customer_id: str

    def path(self, template: str) -> str:
        """A route's path with this user's things in it."""
        return template.format_map({**vars(self), "api_key_id": UUID(int=7), "place": 0, "version": 1})


@pytest.fixture
def house() -> House:
    return House()


@asynccontextmanager
async def served_by_rpc(house: House, **options: float) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a gRPC server of that house."""
    server = create_rpc_server(house.application, **options)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


@pytest.fixture
async def channel(house) -> AsyncIterator[grpc.aio.Channel]:
    async with served_by_rpc(house) as channel:
        yield channel


@pytest.fixture(scope="session")
def current_application():
    """Filled anew with each test's use cases, so that the routes need to be built only once."""
    return House().application


@pytest.fixture(scope="session")
def rest_app(current_application):
    return create_rest_app(current_application)


@pytest.fixture
async def rest(house, current_application, rest_app) -> AsyncIterator[AsyncClient]:
    for field in fields(Application):
        object.__setattr__(current_application, field.name, getattr(house.application, field.name))
    async with AsyncClient(transport=ASGITransport(rest_app), base_url="http://testserver.local") as client:
        yield client


@pytest.fixture
async def shop(rest, house) -> Shop:
    return await a_shop(rest, house, "100")


@pytest.fixture
async def stranger(rest, house) -> Shop:
    return await a_shop(rest, house, "200")


async def a_shop(rest, house, account: str) -> Shop:
    """A shop made through the door itself."""
    user = await made(rest, "/users", {"name": "Bakery"})
    base = f"/users/{user['id']}"
    number = await made(rest, f"{base}/phone_numbers", {"type": "whatsapp", "meta_phone_number_id": account})
    prompt = await made(rest, f"{base}/prompts", {"name": "Baker", "instructions": "Be kind.", "model": "gpt-5"})
    agent = await made(
        rest, f"{base}/agents", {"name": "Ann", "prompt_id": prompt["id"], "phone_number_id": number["id"]}
    )
    conversation = house.a_conversation(UUID(user["id"]), UUID(number["id"]))
    reply = house.store.messages_of(conversation.id)[-1]
    house.keeps_a_file(reply)
    run_id = await house.reads(conversation, {"name": "Ada", "need": "=1+1", "telephone": "+34911234567"})
    made_here = (conversation.id, reply.id, run_id, conversation.customer.id)
    things = (number["id"], prompt["id"], agent["id"], *map(str, made_here))
    return Shop(user["id"], user["api_key"], *things)


async def made(rest, path, body):
    answer = await rest.post(path, json=body, headers=bearer(ADMIN_KEY))
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def listening(port: int, task: asyncio.Task) -> None:
    """Return when the door is open, or its task has ended."""
    for _ in range(500):
        with socket.socket() as probe:
            if task.done() or probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        await asyncio.sleep(0.01)


@asynccontextmanager
async def served(serve, application, **options) -> AsyncIterator[tuple[int, asyncio.Event, asyncio.Task]]:
    """A door on a real socket: its port, what stops it, and the task that serves."""
    port, stop = free_port(), asyncio.Event()
    task = asyncio.create_task(serve(application, "127.0.0.1", port, stop=stop, **options))
    await listening(port, task)
    try:
        yield port, stop, task
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)
