"""The way of a send: understood, decided by the script, accepted, answered or not."""

import asyncio

from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.answers import Json, client_left, json_answer, raw_answer
from entrypoints.simulators.faults import ConnectionCutError, Fault, FaultError
from entrypoints.simulators.journal import Journal
from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.meta import instagram, whatsapp
from entrypoints.simulators.meta.aftermath import Aftermath
from entrypoints.simulators.meta.errors import window_closed
from entrypoints.simulators.meta.knobs import MetaKnobs
from entrypoints.simulators.meta.messages import OutgoingMessage
from entrypoints.simulators.meta.outcomes import ORDINARY, Outcome
from entrypoints.simulators.script import Script

_UNPARSABLE = b"<html><body>OK</body></html"


class Sending:
    """Takes messages in and answers for them."""

    def __init__(
        self,
        *,
        board: KnobBoard[MetaKnobs],
        script: Script[Outcome],
        journal: Journal,
        aftermath: Aftermath,
    ) -> None:
        """Follow these knobs and rules; what is accepted has this aftermath."""
        self._board = board
        self._script = script
        self._journal = journal
        self._aftermath = aftermath

    async def send(self, request: BaseRequest, message: OutgoingMessage) -> Response:
        """Accept a message and answer. Raises FaultError or ConnectionCutError where the script says so."""
        outcome = self._script.take("message", message.to, message.customer_id, message.text) or ORDINARY
        await self._take_time(outcome)
        await self._refuse(request, outcome, message)
        is_lost = outcome.accept_and_lose or self._board.loses_answer()
        self._note(message, accepted=True, outcome="lost" if is_lost else "accepted")
        self._aftermath.follow(message, outcome.failed_later)
        if is_lost:
            raise ConnectionCutError
        if outcome.unparsable:
            return raw_answer(_UNPARSABLE)
        channel = whatsapp if message.channel == "whatsapp" else instagram
        return json_answer(channel.answer(message))

    async def acknowledge(self, request: BaseRequest, kind: str, facts: Json, answer: Json) -> Response:
        """Accept what has no aftermath: a read mark, a typing sign."""
        outcome = self._script.take(kind, *(str(fact) for fact in facts.values())) or ORDINARY
        await self._take_time(outcome)
        if outcome.error:
            self._journal.write(kind, accepted=False, outcome="error", code=outcome.error.code, **facts)
            raise FaultError(outcome.error)
        if outcome.hang:
            await client_left(request)
            raise ConnectionCutError
        self._journal.write(kind, accepted=True, outcome="accepted", **facts)
        return json_answer(answer)

    def note_invalid(self, account_id: str, body: Json, error: FaultError) -> None:
        """Write down a message whose shape was refused."""
        self._journal.write(
            "message",
            accepted=False,
            outcome="invalid",
            code=error.fault.code,
            message=error.fault.message,
            phone_number_id=account_id,
            callback_data=body.get("biz_opaque_callback_data"),
        )

    async def _take_time(self, outcome: Outcome) -> None:
        seconds = self._board.latency_seconds() + outcome.delay_ms / 1000
        if seconds:
            await asyncio.sleep(seconds)

    async def _refuse(self, request: BaseRequest, outcome: Outcome, message: OutgoingMessage) -> None:
        error = outcome.error or self._closed_window(message)
        if error:
            self._note(message, accepted=False, outcome="error", code=error.code)
            raise FaultError(error)
        if outcome.hang:
            self._note(message, accepted=False, outcome="hang")
            await client_left(request)
            raise ConnectionCutError

    def _closed_window(self, message: OutgoingMessage) -> Fault | None:
        is_closed = message.kind != "template" and message.customer_id in self._board.values.window_closed_for
        return window_closed(message.channel) if is_closed else None

    def _note(self, message: OutgoingMessage, **facts: object) -> None:
        self._journal.write(
            "message",
            **facts,
            channel=message.channel,
            phone_number_id=message.account_id,
            to=message.to,
            customer_id=message.customer_id,
            type=message.kind,
            text=message.text,
            callback_data=message.callback_data,
            reply_to=message.reply_to,
            platform_message_id=message.platform_message_id,
        )
