"""A whole front desk in one thread: the real use cases, customers, a provider, a platform, and things that go wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any
from uuid import UUID

from application.agents import ManagePrompts
from application.alerting import Overflow, ProviderWatch
from application.channels.accept_webhook import AcceptWebhook
from application.channels.manage_phone_numbers import ManagePhoneNumbers
from application.conversations.ask_model import AskModel
from application.conversations.deliver_reply import DeliverReply
from application.conversations.guards import GuardedGateway, GuardedModel
from application.conversations.patience import Patience
from application.conversations.pause import PauseConversations
from application.conversations.show_typing import ShowTyping
from application.conversations.take_turn import TakeTurn
from application.conversations.work import Work
from application.credits import ManageCredits
from application.monitoring import Sweep
from application.ports.turn_queue import QueueEntry
from application.ports.turns import Waiting
from domain.alert_rules import UNDECIDED_SECONDS
from domain.channels import ChannelStatus
from domain.conversations import LaneScope
from domain.shared import Unavailable
from domain.users import Caller
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.briefings import MemoryBriefings
from tests.fakes.clock import CountingIds
from tests.fakes.context_cache import MemoryContextCache
from tests.fakes.credits import MemoryCredits
from tests.fakes.duplicate_filter import MemoryDuplicateFilter
from tests.fakes.inbox import MemoryInbox
from tests.fakes.live import MemoryLive
from tests.fakes.media import an_asking
from tests.fakes.memory_store import StoredTurn
from tests.fakes.registry import MemoryPhoneNumbers, MemoryPrompts
from tests.fakes.turn_queue import MemoryTurnQueue
from tests.fakes.turns import MemoryTurns
from tests.simulation.background import SteppedBackground
from tests.simulation.door import Door, HandedOver
from tests.simulation.driver import Driver, Process, Sleep, VirtualClock
from tests.simulation.harm import LEASE_SECONDS, Harm
from tests.simulation.model import SimulatedModel
from tests.simulation.pauses import NotedConversations, Pause
from tests.simulation.platform import SimulatedPlatform
from tests.simulation.ports import Stepped, SteppedStore
from tests.simulation.shops import PROMPTS, USERS, VAULT, letters, open_shops
from tests.simulation.worker import SimulatedWorker

HARM_SECONDS_MAX, HARM_STEPS_MAX = 150.0, 1_500
STEPS_MAX = 8_000


class Chance(CountingIds):
    """Ids that count, and chances from the seed."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    def fraction(self) -> float:
        return self._random.random()


class WakingQueue:
    """The queue, whose wake-ups reach one worker each."""

    def __init__(self, queue: MemoryTurnQueue, wake: Callable[[Sequence[UUID]], None]) -> None:
        self._queue, self._wake = queue, wake
        self.claim, self.lock, self.note_wait, self.leave = queue.claim, queue.lock, queue.note_wait, queue.leave

    async def admit(self, waiting: Sequence[Waiting]) -> Collection[UUID]:
        full = await self._queue.admit(waiting)
        self._deliver_wake_ups()
        return full

    async def finish(self, entry: QueueEntry) -> None:
        await self._queue.finish(entry)
        self._deliver_wake_ups()

    def _deliver_wake_ups(self) -> None:
        for numbers in self._queue.wake_ups:
            self._wake(numbers)
        self._queue.wake_ups.clear()


class World:
    """One run. Planted faults are worlds that build one of these parts in another way."""

    has_sweeper = True
    accept_webhook: Callable[..., Any] = AcceptWebhook
    take_turn: Callable[..., Any] = TakeTurn
    deliver_reply: Callable[..., Any] = DeliverReply

    def __init__(self, seed: int, trace: Callable[[str], None] | None = None) -> None:
        self.random = Random(seed)  # noqa: S311 - it has to repeat itself
        self.driver = Driver(self.random, trace)
        self.harm = Harm(self.random)
        self.clock = VirtualClock(self.driver)
        self.ids = Chance(self.random)
        self.store = SteppedStore(self.clock)
        self.lane_scope = self.random.choice((LaneScope.CONVERSATION, LaneScope.CONVERSATION, LaneScope.PHONE_NUMBER))
        open_shops(self.store, self.random)
        self._build_ports()
        self._build_people()

    def make_turns(self) -> Any:
        quiet = self.random.choice((0.0, 0.0, 1.5))
        return MemoryTurns(self.store, self.ids, LEASE_SECONDS, quiet, UNDECIDED_SECONDS, self.lane_scope)

    def make_inbox(self) -> Any:
        return MemoryInbox(self.store, self.ids)

    def make_model(self) -> Any:
        return SimulatedModel(self.driver, self.harm)

    def make_briefings(self) -> Any:
        return MemoryBriefings(self.store, VAULT)

    def run(self) -> None:
        """Until everything has come to rest. Raises Stuck when it does not."""
        try:
            self.driver.run(self._is_at_rest, self._disturb, STEPS_MAX)
        finally:
            self.driver.close()

    def _build_ports(self) -> None:
        in_flight_max = 1 if self.lane_scope is LaneScope.PHONE_NUMBER else 500
        self._queue_memory = MemoryTurnQueue(self.clock, in_flight_max=in_flight_max, lease_seconds=LEASE_SECONDS)
        waking = WakingQueue(self._queue_memory, self._wake)
        self.inbox = self._stepped(self.make_inbox(), "inbox", "store_down")
        self.turns = self._stepped(self.make_turns(), "turns", "store_down")
        self.queue = self._stepped(waking, "queue", "queue_down")
        self.credits = self._stepped(MemoryCredits(self.store), "credits", "store_down")
        self.alerts = self._stepped(MemoryAlerts(self.store), "alerts", "store_down")
        self.phone_numbers = self._stepped(MemoryPhoneNumbers(self.store), "phone_numbers", "store_down")
        self.pauses: list[Pause] = []
        self.conversations = self._stepped(NotedConversations(self.store, self.pauses), "conversations", "store_down")
        self.overflow = Overflow(self.alerts, self.clock)
        self.briefings = self._stepped(self.make_briefings(), "briefings", "store_down")
        self.prompts = self._stepped(MemoryPrompts(self.store), "prompts", "store_down")
        self.seen = self._stepped(MemoryDuplicateFilter(self.clock), "seen")

    def _stepped(self, port: Any, name: str, chance: str = "") -> Any:
        return Stepped(port, name, self.driver, self.harm, chance)

    def _build_people(self) -> None:
        reader = HandedOver()
        self.door = Door(
            self.accept_webhook(reader, self.inbox, self.queue, self.seen, self.overflow, MemoryLive()),
            reader,
            self.driver,
            self.random,
        )
        self.model = self.make_model()
        self.platform = SimulatedPlatform(self.driver, self.harm, self.door.bring_receipts)
        self._house = Process("house")
        self.letters = letters(self.random, self.random.randrange(2, 8))
        self.door.bring_letters(self.letters)
        self.workers = [self._new_worker() for _ in range(self.random.choice((3, 3, 4, 5)))]
        self._top_ups_to_come = 0
        for _ in range(self.random.choice((0, 1, 2))):
            self._top_ups_to_come += 1
            self.driver.start(self._house, self._top_up(self.random.random() * 60.0))
        self._pauses_to_come = 0
        for _ in range(self.random.choice((0, 0, 1, 2))):
            self._pauses_to_come += 1
            self.driver.start(self._house, self._pause_a_conversation(self.random.random() * 60.0))
        self.driver.start(self._house, self._renew_tokens())
        self.driver.start(self._house, self._write_prompts())
        if self.has_sweeper:
            self.driver.start(self._house, self._sweep_again_and_again())

    def _new_worker(self) -> SimulatedWorker:
        clock = VirtualClock(self.driver, self.random.choice((0.0, 0.0, -3600.0, 3600.0)))
        model = GuardedModel(self.model, ProviderWatch("openai", self.alerts, clock))
        gateway = GuardedGateway(self.platform, ProviderWatch("meta", self.alerts, clock))
        worker_id = self.ids.new()
        process = Process(f"worker {str(worker_id)[-3:]}")
        patience, live = Patience(clock, self.ids), MemoryLive()
        take_turn = self.take_turn(
            self.turns,
            self.briefings,
            an_asking(self.store, VAULT),
            AskModel(self.turns, model, patience, live),
            self.deliver_reply(self.turns, gateway, patience, live),
            ShowTyping(gateway, SteppedBackground(self.driver, process), clock),
            clock,
            self.ids,
            self.alerts,
            self.lane_scope,
            live,
        )
        work = Work(take_turn, self.turns, self.queue, clock, self.ids)
        return SimulatedWorker(work, worker_id, self.driver, process)

    def _wake(self, phone_number_ids: Sequence[UUID]) -> None:
        self.random.choice(self.workers).wake(phone_number_ids)

    async def _sweep_again_and_again(self) -> None:
        sweep = Sweep(self.turns, self.inbox, self.queue, self.overflow)
        while True:
            await Sleep(1.0 + self.random.random() * 7.0)
            try:
                await sweep()
            except Unavailable:
                self.driver.tell("a sweep failed")

    async def _renew_tokens(self) -> None:
        """The owners, who give a parked number a new token some time later."""
        manage = ManagePhoneNumbers(
            self.phone_numbers,
            MemoryContextCache(),
            VAULT,
            self.inbox,
            self.turns,
            self.queue,
            self.alerts,
            self.clock,
            self.ids,
        )
        while True:
            await Sleep(5.0 + self.random.random() * 20.0)
            for number in list(self.store.phone_numbers.values()):
                if number.status != ChannelStatus.ACTIVE:
                    try:
                        await manage.change(
                            Caller(number.user_id), number.user_id, number.id, f"EAAG{self.driver.steps}"
                        )
                    except Unavailable:
                        self.driver.tell("a new token was not taken")

    async def _write_prompts(self) -> None:
        """The owners, who have better words for an agent now and then."""
        manage = ManagePrompts(self.prompts, self.clock, self.ids)
        while True:
            await Sleep(2.0 + self.random.random() * 20.0)
            prompt = self.random.choice(PROMPTS)
            try:
                await manage.add_version(Caller(prompt.user_id), prompt.user_id, prompt.id, prompt.voice)
            except Unavailable:
                self.driver.tell("a new version of a prompt was not taken")

    async def _pause_a_conversation(self, after_seconds: float) -> None:
        """A person silences the agent for a while, and forgets now and then to say that it may go on."""
        await Sleep(after_seconds)
        pauses = PauseConversations(self.conversations, self.queue, self.alerts)
        if known := list(self.store.conversations.values()):
            conversation = self.random.choice(known)
            user_id = self.store.owner_of(conversation)
            minutes = self.random.choice((0.1, 0.5))
            try:
                await pauses.pause(Caller(user_id), user_id, conversation.id, minutes)
                await Sleep(self.random.random() * 20.0)
                if self.random.random() < 0.5:
                    await pauses.resume(Caller(user_id), user_id, conversation.id)
            except Unavailable:
                self.driver.tell("a pause failed")
        self._pauses_to_come -= 1

    async def _top_up(self, after_seconds: float) -> None:
        await Sleep(after_seconds)
        manage = ManageCredits(self.credits, self.turns, self.queue)
        user_id = self.random.choice(USERS).id
        try:
            await manage.add(Caller(user_id), user_id, self.random.choice((1, 10)), None, None)
        except Unavailable:
            self.driver.tell("a top-up failed")
        self._top_ups_to_come -= 1

    def _is_at_rest(self) -> bool:
        """Whether nothing moves any more: nothing on its way, nobody at work, nothing that waits for an answer."""
        if (
            self.door.pending
            or self.platform.is_late
            or self._top_ups_to_come
            or self._pauses_to_come
            or any(worker.serving for worker in self.workers)
        ):
            return False
        if any(turn.status == "open" or self._goes_on(turn) for turn in self.store.turns.values()):
            return False
        messages = self.store.messages.values()
        return not any(message.status == "received" and message.turn_id is None for message in messages)

    def _goes_on(self, turn: StoredTurn) -> bool:
        """Whether the rest of its reply can be sent by now."""
        statuses = [part.status for part in self.store.replies_of(turn.id)]
        return turn.status == "undecided" and "pending" in statuses and "unknown" not in statuses

    def _disturb(self) -> int:
        if self.driver.seconds > HARM_SECONDS_MAX or self.driver.steps > HARM_STEPS_MAX:
            self.harm.end()
        elif self.driver.steps:
            self.random.choice((self._kill, self._kill, self._pause, self._jump, self._kill_door, self._flush))()
        return self.harm.steps_until_next()

    def _kill(self) -> None:
        place = self.random.randrange(len(self.workers))
        dead = self.workers[place]
        dead.process.is_dead = True
        self.workers[place] = self._new_worker()
        self.driver.tell(f"{dead.process.name} is killed, {self.workers[place].process.name} starts")
        if self.random.random() < 0.5:
            self.driver.start(self._house, self._end_lease(dead))

    def _pause(self) -> None:
        worker = self.random.choice(self.workers)
        worker.process.paused_until = self.driver.seconds + LEASE_SECONDS * (1 + 2 * self.random.random())
        self.driver.tell(f"{worker.process.name} stands still until {worker.process.paused_until:.2f}s")
        if self.random.random() < 0.3:
            self.driver.start(self._house, self._end_lease(worker))

    async def _end_lease(self, worker: SimulatedWorker) -> None:
        """What a supervisor does that believes its worker dead."""
        await Sleep(self.random.random() * 3.0)
        self.store.workers.pop(worker.id, None)
        if self.random.random() < 0.5:  # it may reach one of the two stores only
            await self._queue_memory.leave(worker.id)
        self.driver.tell(f"the supervisor ends the lease of {worker.process.name}")

    def _jump(self) -> None:
        seconds = self.random.random() * 3 * LEASE_SECONDS
        self.driver.tell(f"everything stands still for {seconds:.2f}s")
        self.driver.jump(seconds)

    def _kill_door(self) -> None:
        if self.door.pending:
            self.door.kill(self.random.choice(list(self.door.pending)))

    def _flush(self) -> None:
        self.driver.tell("the queue is emptied")
        self._queue_memory.forget()
