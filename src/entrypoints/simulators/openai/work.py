"""The work behind POST /responses: accepted, carried out and written down, whether or not anyone waits."""

import asyncio
import time
from dataclasses import dataclass
from typing import Self

from aiohttp.web import BaseRequest

from entrypoints.simulators.answers import Json
from entrypoints.simulators.faults import FaultError
from entrypoints.simulators.journal import Journal
from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.openai.conversations import Conversation, Conversations
from entrypoints.simulators.openai.errors import refused
from entrypoints.simulators.openai.generation import generate
from entrypoints.simulators.openai.items import count_tokens, text_of
from entrypoints.simulators.openai.knobs import OpenAIKnobs
from entrypoints.simulators.openai.orders import Order, read_order
from entrypoints.simulators.openai.outcomes import ORDINARY, Outcome
from entrypoints.simulators.openai.responses import Responses, close_response, open_response
from entrypoints.simulators.script import Script


@dataclass(frozen=True, kw_only=True)
class Work:
    """One accepted order and what is to become of it."""

    order: Order
    outcome: Outcome
    response: Json
    conversation: Conversation | None
    client_request_id: str | None
    attempt: str | None
    received: float
    answer_is_lost: bool


class Workshop:
    """Does the model's work; as a context it ends what still runs in the background."""

    def __init__(
        self,
        *,
        board: KnobBoard[OpenAIKnobs],
        script: Script[Outcome],
        journal: Journal,
        conversations: Conversations,
    ) -> None:
        """Work with these knobs and rules, on these conversations."""
        self.responses = Responses()
        self._board = board
        self._script = script
        self._journal = journal
        self._conversations = conversations
        self._background: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Nothing needs to be opened."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancel what runs in the background."""
        for task in self._background.values():
            task.cancel()
        await asyncio.gather(*self._background.values(), return_exceptions=True)

    def accept(self, body: Json, request: BaseRequest) -> Work:
        """Check the order, choose its outcome, lock its conversation. Raises FaultError."""
        order: Order | None = None
        try:
            order = read_order(body, prompts_shut_down=self._board.values.prompts_shut_down)
            return self._accepted(order, request)
        except FaultError as error:
            self._journal.write(
                "response",
                accepted=False,
                outcome="error",
                status=error.fault.http_status,
                code=error.fault.code,
                conversation_id=order and order.conversation_id,
                text=order and order.text,
                client_request_id=request.headers.get("X-Client-Request-Id"),
            )
            raise

    async def carry_out(self, work: Work) -> None:
        """Let the model work, then append what it said; the conversation is free again whatever happens."""
        try:
            work.response["status"] = "in_progress"
            # Even without latency the others get their turn, and with it their conversation_locked.
            await asyncio.sleep(self._board.latency_seconds() + work.outcome.delay_ms / 1000)
            self._finish(work)
        finally:
            if work.conversation:
                work.conversation.worked_on = False

    def start(self, work: Work) -> asyncio.Task[None]:
        """Carry the work out in a task of its own, which DELETE or the client's leaving does not end."""
        response_id = work.response["id"]
        task = asyncio.create_task(self.carry_out(work))
        self._background[response_id] = task
        task.add_done_callback(lambda _: self._background.pop(response_id, None))
        return task

    def cancel(self, response_id: str) -> Json:
        """Cancel work in the background; done or cancelled work stays as it is. Raises FaultError."""
        response = self.responses.find(response_id)
        if not response["background"]:
            raise refused("Cannot cancel a synchronous response.")
        task = self._background.get(response_id)
        if task and not task.done():
            task.cancel()
            response["status"] = "cancelled"
        return response

    def note_hang(self, work: Work) -> None:
        """Write down a call that is left without an answer and without any work."""
        self._note(work, accepted=False, outcome="hang")
        if work.conversation:
            work.conversation.worked_on = False

    def _accepted(self, order: Order, request: BaseRequest) -> Work:
        self.responses.demand_previous(order.body.get("previous_response_id"))
        conversation = self._free_conversation(order)
        outcome = self._script.take(order.kind, order.text) or ORDINARY
        if outcome.error:
            raise FaultError(outcome.error)
        work = Work(
            order=order,
            outcome=outcome,
            response=open_response(order),
            conversation=conversation,
            client_request_id=request.headers.get("X-Client-Request-Id"),
            attempt=request.headers.get("x-stainless-retry-count"),
            received=time.time(),
            answer_is_lost=outcome.accept_and_lose or self._board.loses_answer(),
        )
        if conversation:
            conversation.worked_on = True
        if order.stored:
            self.responses.add(work.response, order.items)
        return work

    def _free_conversation(self, order: Order) -> Conversation | None:
        if order.conversation_id is None:
            return None
        conversation = self._conversations.find(order.conversation_id)
        conversation.demand_free()
        conversation.demand_whole(order.items)
        return conversation

    def _finish(self, work: Work) -> None:
        context_tokens = work.conversation.tokens if work.conversation else 0
        input_tokens = context_tokens + count_tokens(work.order.items) + len(work.order.instructions) // 4
        output = generate(work.order, work.outcome)
        close_response(work.response, output, work.outcome, input_tokens)
        # A failed call appends nothing, and what never ended has nothing to append.
        if work.conversation and output:
            work.conversation.append(work.order.items)
            work.conversation.append(output)
        self._note(work, accepted=True, outcome="lost" if work.answer_is_lost else "answered")

    def _note(self, work: Work, *, accepted: bool, outcome: str) -> None:
        response = work.response
        self._journal.write(
            "response",
            accepted=accepted,
            outcome=outcome,
            received=work.received,
            response_id=response["id"],
            response_status=response["status"],
            conversation_id=work.order.conversation_id,
            text=work.order.text,
            answer="\n".join(text_of(item) for item in response["output"] if item["type"] == "message"),
            model=response["model"],
            metadata=response["metadata"],
            usage=response.get("usage"),
            format=work.order.kind,
            client_request_id=work.client_request_id,
            attempt=work.attempt,
        )
