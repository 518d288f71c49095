"""The control endpoints under `/_sim`, alike for both simulators."""

import ipaddress
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.answers import JsonValue, json_answer, raw_answer
from entrypoints.simulators.faults import Fault, FaultError
from entrypoints.simulators.journal import Journal, JournalQuery
from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.routing import Handler, Router
from entrypoints.simulators.script import OutcomeT, Rule, Script

T = TypeVar("T")


def create_control(
    *,
    name: str,
    board: KnobBoard[Any],
    script: Script[OutcomeT],
    rules_type: type[list[Rule[OutcomeT]]],
    journal: Journal,
) -> Router:
    """The router of `/_sim`: health, knobs, script and journal."""
    router = Router()

    async def health(_: BaseRequest) -> Response:
        return json_answer({"status": "ok", "simulator": name})

    add(router, "GET", "health", health)
    _add_knobs(router, board)
    _add_script(router, script, rules_type)
    _add_journal(router, journal)
    return router


def add(router: Router, method: str, path: str, handler: Callable[..., Awaitable[Response]]) -> None:
    """Add a control endpoint that only this machine may call."""
    router.add(method, f"/_sim/{path}", _local(handler))


async def read_control(request: BaseRequest) -> JsonValue:
    """The JSON body. Raises FaultError (400) if it is none."""
    # Not msgspec: a rehearsal must be able to say lone surrogates, which it rightly refuses.
    try:
        return json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise FaultError(_refused(str(error))) from error


def convert(value: JsonValue, wanted: type[T], *, strict: bool = True) -> T:
    """The value as the wanted type. Raises FaultError (400) with the place of the mistake."""
    try:
        return msgspec.convert(value, wanted, strict=strict)
    except msgspec.ValidationError as error:
        raise FaultError(_refused(str(error))) from error


def _refused(message: str) -> Fault:
    return Fault(http_status=400, message=message, type="invalid_request_error")


def _local(handler: Callable[..., Awaitable[Response]]) -> Handler:
    async def guarded(request: BaseRequest, *arguments: str) -> Response:
        # No key protects these endpoints, so nobody from elsewhere may reach them.
        if not ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback:  # noqa: S104
            raise FaultError(Fault(http_status=403, message="Only for callers on this machine."))
        return await handler(request, *arguments)

    return guarded


def _add_knobs(router: Router, board: KnobBoard[Any]) -> None:
    async def show(_: BaseRequest) -> Response:
        return json_answer(board.values)

    async def change(request: BaseRequest) -> Response:
        changes = convert(await read_control(request), dict[str, Any])
        try:
            board.patch(changes)
        except msgspec.ValidationError as error:
            raise FaultError(_refused(str(error))) from error
        return json_answer(board.values)

    add(router, "GET", "knobs", show)
    add(router, "PATCH", "knobs", change)


def _add_script(router: Router, script: Script[OutcomeT], rules_type: type[list[Rule[OutcomeT]]]) -> None:
    async def show(_: BaseRequest) -> Response:
        return json_answer({"rules": script.rules})

    async def extend(request: BaseRequest) -> Response:
        body = await read_control(request)
        script.rules.extend(convert(body if isinstance(body, list) else [body], rules_type))
        return await show(request)

    async def clear(request: BaseRequest) -> Response:
        script.rules.clear()
        return await show(request)

    add(router, "GET", "script", show)
    add(router, "POST", "script", extend)
    add(router, "DELETE", "script", clear)


def _add_journal(router: Router, journal: Journal) -> None:
    async def read(request: BaseRequest) -> Response:
        query = convert(dict(request.query), JournalQuery, strict=False)
        await journal.wait(query)
        return raw_answer(journal.read(query))

    async def clear(_: BaseRequest) -> Response:
        journal.clear()
        return json_answer({"cleared": True})

    add(router, "GET", "journal", read)
    add(router, "DELETE", "journal", clear)
