"""Everything that may happen to one user's inbox, leases, turns and ledger, in any order, one thing after the other."""

from __future__ import annotations

from asyncio import Runner, gather
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adapters.persistence.dead_workers import end_leases_of_the_dead
from application.ports.inbox import Acceptance, ReceiptOutcome
from application.ports.turns import NoTurn, Settled, TurnLost
from application.ports.turns import Place as WorkerPlace
from domain.answers import NotAnswered
from domain.channels import ChannelStatus, InboundMessage, PhoneNumber
from domain.conversations import OutboundStatus, PauseReason, Turn, UnansweredReason
from domain.credits import InsufficientCredits
from domain.delivery import (
    Accepted,
    AgentGone,
    Ambiguous,
    NotFailed,
    Parked,
    Refused,
    Settlement,
    TurnUnderWay,
    settlement_of_send,
    settlement_without_reply,
)
from domain.shared import DomainError
from tests.builders import a_phone_number, a_user, an_agent, an_api_key
from tests.contract.paths import Path, Worker, a_receipt, a_reply, a_text
from tests.fakes.clock import MONDAY_MORNING
from tests.machine.model import Model, Part, Play, Talk
from tests.machine.snapshot import Snapshot, backwards, broken, unlike

WORKERS = 3
CUSTOMERS = 3
LONG_HOURS = 24.0
PICK = st.integers(0, 63)
"""Which of the things there are; taken modulo their number, so that few and many can be picked from alike."""
SENT = {"accepted": Accepted(None), "refused": Refused({"code": 1}), "ambiguous": Ambiguous({"detail": "cut"})}
REFUSED_TOKEN = Parked({"code": 190}, ChannelStatus.UNAUTHORIZED)
HOST = "a host of its own"
UNANSWERED = settlement_without_reply(NotAnswered(UnansweredReason.EMPTY, "It said nothing."))
REPORTS = (OutboundStatus.SENT, OutboundStatus.DELIVERED, OutboundStatus.READ, OutboundStatus.FAILED)
SILENCE = "update workers set lease_until = clock_timestamp() - interval '1 second' where id = %s"
ARRIVED = "select account, platform_message_id from unclaimed_messages order by arrival"
"""Those that came at once may have come in any order."""
TOKEN = "select token_version from phone_numbers where id = %s"
AGE = "update messages set created_at = created_at - %s * interval '1 hour' where user_id = %s and status = 'blocked'"


def when(applies: Callable[[Desk], object]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule that does nothing when it does not apply.

    A precondition would not do: some rules race, so what applies afterwards differs from play to play, and Hypothesis
    must be offered the same rules each time.
    """

    def guarded(play: Callable[..., None]) -> Callable[..., None]:
        @wraps(play)
        def play_if_it_applies(desk: Desk, **drawn: Any) -> None:
            if applies(desk):
                play(desk, **drawn)

        return play_if_it_applies

    return guarded


@dataclass(frozen=True, slots=True)
class Place:
    """A migrated Postgres, the ports over it, and a connection that sees every row, to look and to let time pass."""

    runner: Runner
    path: Path
    judge: psycopg.Connection
    url: str


class Desk(RuleBasedStateMachine):
    """One user, two phone numbers of which one is registered later, three workers of three processes."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place, self.world, self.inbox = place, place.path.world, place.path.inbox
        self.model = Model()
        self.user = a_user()
        self.numbers = [a_phone_number(self.user.id) for _ in range(2)]
        self.inboxes = [place.path.new_inbox() for _ in range(WORKERS + 1)]
        self.workers = [Worker(place.path.new_turns()) for _ in range(WORKERS)]
        self.hands: list[tuple[Play, Turn]] = []
        """Every turn that any worker was ever given, the stale ones too."""
        self.seen: Snapshot | None = None
        self.is_refused = self.is_retried = False
        self.written = 0
        self.tokens: dict[UUID, list[UUID]] = {}
        """The versions of each phone number's token, the newest last."""

    def do(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.place.runner.run(call)

    @initialize(credits_=st.integers(0, 4))
    def open(self, credits_: int) -> None:
        self.do(self.world.users.add(self.user, an_api_key(self.user.id)))
        self._register(self.numbers[0])
        self.place_agent(0)
        if credits_:
            self.top_up(credits_)

    @rule(chairs=st.lists(st.tuples(st.integers(0, 1), st.integers(0, CUSTOMERS - 1)), min_size=1, max_size=3))
    def customers_write(self, chairs: list[tuple[int, int]]) -> None:
        self._arrive([self._letter(*chair) for chair in chairs])

    @rule(again=PICK, customer=st.integers(0, CUSTOMERS - 1))
    def a_message_comes_again(self, again: int, customer: int) -> None:
        """Beside a new one in the same delivery, and twice in it."""
        known = replace(self._letter(0, customer), platform_message_id=f"{self.user.id}.{again % (self.written + 1)}")
        self._arrive([known, self._letter(0, customer), known])

    @rule(chairs=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=WORKERS))
    def customers_write_at_once(self, chairs: list[tuple[int, int]]) -> None:
        """Each through a process of its own; the first message reaches two of them."""
        letters = [self._letter(*chair) for chair in chairs]
        messages = [*letters, letters[0]]
        calls = (inbox.accept([each]) for inbox, each in zip(self.inboxes, messages, strict=False))
        found = [stored for (stored,) in self.do(_together(*calls))]
        pairs = sorted(zip(messages, found, strict=True), key=lambda pair: pair[1].acceptance is Acceptance.DUPLICATE)
        self._expect([message for message, _ in pairs], [stored for _, stored in pairs])

    @rule(customer=st.integers(0, CUSTOMERS - 1))
    def a_picture_comes(self, customer: int) -> None:
        self._arrive([replace(self._letter(0, customer), type="image", text=None)])

    @rule()
    @when(lambda self: len(self.model.numbers) == 1)
    def the_other_number_is_registered(self) -> None:
        self._register(self.numbers[1])

    @rule()
    @when(lambda self: self.model.unclaimed)
    def what_was_unclaimed_is_claimed(self) -> None:
        known = {number.meta_phone_number_id for number in self.model.numbers}
        due = [key for key in self.place.judge.execute(ARRIVED) if key[0] in known]
        messages = [self.model.unclaimed.pop(key) for key in due]
        self._expect(messages, self.do(self.inbox.claim_unclaimed(1_000)))

    @rule(amount=st.integers(1, 3))
    def top_up(self, amount: int) -> None:
        self.do(self.world.credits.add(self.user.id, amount, None, None))
        self.model.balance += amount
        for talk in self.model.talks:
            talk.received, talk.blocked = talk.received + talk.blocked, 0

    @rule(talk=PICK, worker=st.integers(0, WORKERS - 1))
    @when(lambda self: self.model.talks)
    def a_worker_begins(self, talk: int, worker: int) -> None:
        chosen, who = self._talk(talk), self.workers[worker]
        expected = self.model.begins(chosen, who)
        self._takes(chosen, who, expected, self.do(who.turns.begin(chosen.id, who.id)))

    @rule(talk=PICK)
    @when(lambda self: any(not self.model.open_play(talk) for talk in self.model.talks))
    def two_workers_begin_the_same(self, talk: int) -> None:
        free = [each for each in self.model.talks if not self.model.open_play(each)]
        chosen, racers = free[talk % len(free)], self.workers[:2]
        self.model.alive |= {racer.id for racer in racers}
        found = self.do(_together(*(racer.turns.begin(chosen.id, racer.id) for racer in racers)))
        winner = 0 if isinstance(found[0], Turn) else 1
        for place in (winner, 1 - winner):
            expected = self.model.begins(chosen, racers[place])
            self._takes(chosen, racers[place], expected, found[place])

    @rule(customer=st.integers(0, CUSTOMERS - 1), worker=st.integers(0, WORKERS - 1), parts=st.integers(1, 3))
    def a_reply_is_on_its_way(self, customer: int, worker: int, parts: int) -> None:
        """All that leads there in one step: by chance alone few plays would come so far."""
        if self.model.agent is None or self.model.agent.phone_number_id != self.numbers[0].id:
            self.place_agent(0)
        if self.numbers[0].id in self.model.parked:
            self.a_new_token_comes(number=0)
        self.top_up(1)
        self.customers_write([(0, customer)])
        here = [talk for talk in self.model.talks if talk.is_active and talk.number is self.numbers[0]]
        mine = [talk for talk in here if talk.address == _address(customer)]
        talk = self.model.talks.index(mine[-1])
        self.a_conversation_is_resumed(talk=talk)
        self.a_worker_begins(talk=talk, worker=worker)
        if self.hands:
            self.a_reply_is_recorded(hand=0, parts=parts)
        self.is_refused = False

    @rule(
        customer=st.integers(0, CUSTOMERS - 1),
        outcome=st.sampled_from([*SENT]),
        statuses=st.lists(st.sampled_from(REPORTS), min_size=1, max_size=3),
    )
    def a_reply_is_sent_and_reported_on(self, customer: int, outcome: str, statuses: list[OutboundStatus]) -> None:
        """By the second worker that has the turn; the first one wakes before it is done, and settles too."""
        self.a_reply_is_on_its_way(customer=customer, worker=0, parts=1)
        play, _ = self._hand(0)
        self.a_worker_is_silent_past_its_lease(worker=0)
        self.a_worker_begins(talk=self.model.talks.index(play.talk), worker=1)
        self.a_turn_is_settled(hand=1, outcome=outcome)
        self.a_turn_is_settled(hand=0, outcome=outcome)
        self._reported(play, statuses)
        self.is_refused = False

    @rule(customer=st.integers(0, CUSTOMERS - 1), outcome=st.sampled_from([*SENT]), status=st.sampled_from(REPORTS))
    def a_reply_of_two_parts_is_sent(self, customer: int, outcome: str, status: OutboundStatus) -> None:
        """The platform reports on the first when the second has been handed to it too."""
        self.a_reply_is_on_its_way(customer=customer, worker=0, parts=2)
        play, _ = self._hand(0)
        self.a_part_is_passed_on(hand=0)
        self.a_turn_is_settled(hand=0, outcome=outcome)
        if play.parts and play.parts[0].was_tried:
            self._hear(play, play.parts[0], status)
        self.is_refused = False

    @rule(customer=st.integers(0, CUSTOMERS - 1), status=st.sampled_from(REPORTS), is_early=st.booleans())
    def nobody_knows_of_a_first_part(self, customer: int, status: OutboundStatus, is_early: bool) -> None:
        """Until the platform tells, before or after the worker has given up; then the rest is sent."""
        self.a_reply_is_on_its_way(customer=customer, worker=0, parts=2)
        play, _ = self._hand(0)
        if is_early:
            self._reported(play, [status])
        self.a_turn_is_settled(hand=0, outcome="ambiguous")
        if not is_early:
            self._reported(play, [status])
        self.a_worker_begins(talk=self.model.talks.index(play.talk), worker=1)
        self.a_reply_is_marked(hand=0, status=OutboundStatus.SENDING)
        self.a_turn_is_settled(hand=0, outcome="accepted")
        self.is_refused = False

    @rule(customer=st.integers(0, CUSTOMERS - 1), picks=st.lists(PICK, min_size=1, max_size=3))
    def a_reply_that_was_refused_is_retried(self, customer: int, picks: list[int]) -> None:
        """From any of its parts, and from another one when that is done."""
        self.a_reply_is_on_its_way(customer=customer, worker=0, parts=2)
        self.a_turn_is_settled(hand=0, outcome="refused")
        talk = self._hand(0)[0].talk
        for pick in picks:
            failed = [part for play, part in self.model.parts if play.talk is talk and part.status == "failed"]
            if failed:
                self.top_up(1)
                retried = [part for _, part in self.model.parts].index(failed[-1 - pick % len(failed)])
                self.a_message_is_retried(pick=retried)
                self.a_worker_begins(talk=self.model.talks.index(talk), worker=0)
                self.a_turn_is_settled(hand=0, outcome="accepted")
        self.is_refused = False

    @rule(customer=st.integers(0, CUSTOMERS - 1), is_current=st.booleans(), parts=st.integers(1, 2))
    def a_reply_is_parked_and_sent_with_a_new_token(self, customer: int, is_current: bool, parts: int) -> None:
        self.a_reply_is_on_its_way(customer=customer, worker=0, parts=parts)
        play, _ = self._hand(0)
        talk = self.model.talks.index(play.talk)
        self.a_turn_is_parked(hand=0, age=0 if is_current else 1)
        self.a_worker_begins(talk=talk, worker=1)
        self.a_new_token_comes(number=0)
        self.a_worker_begins(talk=talk, worker=1)
        self.a_reply_is_marked(hand=0, status=OutboundStatus.SENDING)
        self.a_part_is_passed_on(hand=0)
        self.a_turn_is_settled(hand=0, outcome="accepted")
        self.is_refused = False

    @rule(worker=st.integers(0, WORKERS - 1))
    def a_worker_is_silent_past_its_lease(self, worker: int) -> None:
        self.place.judge.execute(SILENCE, (self.workers[worker].id,))
        self.model.alive.discard(self.workers[worker].id)

    @rule(worker=st.integers(0, WORKERS - 1), keeps=st.integers(0, 7), crashes=st.integers(0, 7))
    def a_worker_renews(self, worker: int, keeps: int, crashes: int) -> None:
        """And has dropped some of what it held on the way, some of it in a bug."""
        who = self.workers[worker]
        held = [play.talk.id for play in self.model.holds(who)]
        holding = [talk_id for place, talk_id in enumerate(held) if not keeps >> place & 1]
        crashed = [talk_id for place, talk_id in enumerate(held) if crashes >> place & 1]
        self.do(who.turns.renew_lease(who.id, holding, crashed))
        self.model.alive.add(who.id)
        self.model.drops(who, holding, crashed)

    @rule(worker=st.integers(0, WORKERS - 1))
    def a_worker_leaves(self, worker: int) -> None:
        who = self.workers[worker]
        self.do(who.turns.end_lease(who.id))
        self.model.alive.discard(who.id)
        for play in list(self.model.holds(who)):
            play.worker = None

    @rule(worker=st.integers(0, WORKERS - 1), is_known=st.booleans())
    def a_dead_worker_is_buried(self, worker: int, is_known: bool) -> None:
        """By whoever saw it die, or by its place."""
        who = self.workers[worker]
        place = WorkerPlace(HOST, worker + 1, MONDAY_MORNING)
        self.do(who.turns.join(who.id, place))
        known = {who.id} if is_known else set[UUID]()
        assert end_leases_of_the_dead(self.place.url, known, HOST, lambda of: of == place and not is_known) == {who.id}
        self.model.alive.discard(who.id)

    @rule(hand=PICK)
    @when(lambda self: self.hands)
    def a_turn_is_confirmed(self, hand: int) -> None:
        play, turn = self._hand(hand)
        is_held = self._is_held(play, turn) and play.worker is not None and play.worker.id in self.model.alive
        self._write(self.workers[0].turns.confirm(turn, 1.0), is_held=is_held)

    @rule(hand=PICK)
    @when(lambda self: self.hands)
    def a_conversation_of_the_model_is_attached(self, hand: int) -> None:
        play, turn = self._hand(hand)
        call = self.workers[0].turns.attach_model_conversation(turn, f"conv_{turn.fence}")
        self._write(call, is_held=self._is_held(play, turn))

    @rule(hand=PICK, parts=st.integers(1, 3))
    @when(lambda self: self.hands)
    def a_reply_is_recorded(self, hand: int, parts: int) -> None:
        """By whoever thinks the turn is theirs, unless they were told that there is one."""
        play, turn = self._hand(hand)
        is_held = self._is_held(play, turn)
        if is_held and play.parts:
            return
        reply = a_reply(*(f"Part {number}." for number in range(parts)))
        self._write(self.workers[0].turns.record_reply(turn, reply), is_held=is_held)
        if is_held:
            play.parts = [Part(part.message_id, self._name()) for part in reply.parts]
            play.parts[0].tries()

    @rule(hand=PICK, status=st.sampled_from([OutboundStatus.PENDING, OutboundStatus.SENDING]))
    @when(lambda self: self.hands)
    def a_reply_is_marked(self, hand: int, status: OutboundStatus) -> None:
        play, turn = self._hand(hand)
        if not play.parts:
            return
        part = play.due
        can = part.status in {OutboundStatus.PENDING, OutboundStatus.SENDING}
        is_held = self._is_held(play, turn) and can
        self._write(self.workers[0].turns.mark_reply(turn, part.id, status), is_held=is_held)
        if is_held and status is OutboundStatus.SENDING:
            part.tries()
        elif is_held:
            part.status = status

    @rule(hand=PICK)
    @when(lambda self: self.hands)
    def a_part_is_passed_on(self, hand: int) -> None:
        """Because the platform took it; not when it was marked as waiting again."""
        play, turn = self._hand(hand)
        following = play.next if play.parts else None
        if following is None or play.in_hand.status is OutboundStatus.PENDING:
            return
        part, is_held = play.in_hand, self._is_held(play, turn)
        call = self.workers[0].turns.pass_on(turn, part.id, part.name, following.id)
        passed = self._write(call, is_held=is_held)
        if is_held:
            assert passed is self.model.passes_on(play)

    @rule(hand=PICK, age=st.integers(-1, 2))
    @when(lambda self: self.hands)
    def a_turn_is_parked(self, hand: int, age: int) -> None:
        """With the newest token, an older one, or one whose version the worker does not know (-1)."""
        play, turn = self._hand(hand)
        if not play.parts:
            return
        versions = self.tokens[play.talk.number.id]
        version = versions[-1 - min(age, len(versions) - 1)] if age >= 0 else None
        is_held = self._is_held(play, turn)
        call = self.workers[0].turns.park(turn, play.in_hand.id, REFUSED_TOKEN, version)
        is_parked = self._write(call, is_held=is_held)
        if is_held:
            assert is_parked is self.model.parks(play, is_current=version in {None, versions[-1]})

    @rule(number=st.integers(0, 1))
    @when(lambda self: self.model.numbers)
    def a_new_token_comes(self, number: int) -> None:
        chosen = self.model.numbers[number % len(self.model.numbers)]
        self.do(self.world.phone_numbers.change(chosen, self._new_id().bytes))
        self.model.parked.discard(chosen.id)
        self._learn_token(chosen)

    @rule(talk=PICK, minutes=st.sampled_from([None, 5.0]), reason=st.sampled_from(PauseReason))
    @when(lambda self: self.model.talks)
    def a_conversation_is_paused(self, talk: int, minutes: float | None, reason: PauseReason) -> None:
        self.do(self.world.conversations.pause(self.user.id, self._talk(talk).id, minutes, reason))
        self._talk(talk).is_paused = True

    @rule(talk=PICK)
    @when(lambda self: self.model.talks)
    def a_conversation_is_resumed(self, talk: int) -> None:
        self.do(self.world.conversations.resume(self.user.id, self._talk(talk).id))
        self._talk(talk).is_paused = False

    @rule(hand=PICK, outcome=st.sampled_from([*SENT, *SENT, "no answer"]))
    @when(lambda self: self.hands)
    def a_turn_is_settled(self, hand: int, outcome: str) -> None:
        play, turn = self._hand(hand)
        settlement, is_held = self._settlement(play, outcome), self._is_held(play, turn)
        self._write(self.workers[0].turns.settle(turn, settlement), is_held=is_held)
        if is_held:
            self.model.settles(play, settlement)

    @rule(hand=PICK, outcome=st.sampled_from([*SENT, "no answer"]))
    @when(lambda self: self.hands)
    def all_who_ever_had_a_turn_settle_it_at_once(self, hand: int, outcome: str) -> None:
        play, _ = self._hand(hand)
        settlement = self._settlement(play, outcome)
        turns = [turn for each, turn in self.hands if each is play]
        holding = [self._is_held(play, turn) for turn in turns]
        lanes = [self.workers[place % WORKERS].turns for place in range(len(turns))]
        found = self.do(_together(*(lane.settle(turn, settlement) for lane, turn in zip(lanes, turns, strict=True))))
        assert [isinstance(each, Settled) for each in found] == holding
        assert all(isinstance(each, Settled | TurnLost) for each in found)
        if any(holding):
            self.model.settles(play, settlement)
        self.is_refused = not any(holding)

    @rule(pick=PICK, statuses=st.lists(st.sampled_from(REPORTS), min_size=1, max_size=3))
    @when(lambda self: self.model.tried)
    def receipts_come(self, pick: int, statuses: list[OutboundStatus]) -> None:
        """Early, late, twice and in any order."""
        play, part = self.model.tried[pick % len(self.model.tried)]
        for status in statuses:
            self._hear(play, part, status)

    @rule(pick=PICK, status=st.sampled_from(REPORTS))
    @when(lambda self: any(part.former for _, part in self.model.parts))
    def a_receipt_of_an_earlier_try_comes(self, pick: int, status: OutboundStatus) -> None:
        retried = [(play, part) for play, part in self.model.parts if part.former]
        play, part = retried[pick % len(retried)]
        self.is_refused = True
        assert self._record(play, part, status, part.former[0]) is ReceiptOutcome.OLD

    @rule(pick=PICK)
    @when(lambda self: self.model.parts)
    def a_message_is_retried(self, pick: int) -> None:
        play, part = self.model.parts[pick % len(self.model.parts)]
        retry = self.place.path.retries.retry(self.user.id, part.id, None)
        if refusal := self._refusal_of_retry(play, part):
            self.is_refused = True
            with pytest.raises(refusal):
                self.do(retry)
            return
        message = self.do(retry)
        self.is_retried = True
        for again in self.model.retries(play, part, message.turn_id):
            again.name = self._name()

    @rule(place=st.integers(-1, 1))
    def place_agent(self, place: int) -> None:
        """Added, or moved to the other number, or to none."""
        number = self.numbers[place] if 0 <= place < len(self.model.numbers) else None
        number_id, agent = number and number.id, self.model.agent
        if agent is None:
            agent = an_agent(self.user.id, phone_number_id=number_id)
            self.do(self.world.agents.add(agent))
        else:
            before, agent = agent, replace(agent, phone_number_id=number_id)
            self.do(self.world.agents.change(agent))
            if number_id != before.phone_number_id:
                self.model.leaves(before)
        self.model.adopts(agent)

    @rule()
    @when(lambda self: self.model.agent)
    def an_agent_is_removed(self) -> None:
        agent, self.model.agent = self.model.agent, None
        assert agent
        self.do(self.world.agents.remove(self.user.id, agent.id))
        self.model.leaves(agent)
        for talk in self.model.talks:
            talk.agent_id = None if talk.agent_id == agent.id else talk.agent_id

    @rule(talk=PICK)
    @when(lambda self: self.model.talks)
    def a_conversation_is_archived(self, talk: int) -> None:
        self.do(self.world.conversations.archive(self.user.id, self._talk(talk).id))
        self._talk(talk).archive()

    @rule()
    @when(lambda self: any(talk.blocked for talk in self.model.talks))
    def what_is_blocked_waits_too_long(self) -> None:
        self.place.judge.execute(AGE, (LONG_HOURS + 1, self.user.id))
        blocked = sum(talk.blocked for talk in self.model.talks)
        assert self.do(self.world.credits.expire_blocked(LONG_HOURS, 1_000)) == blocked
        for talk in self.model.talks:
            talk.blocked = 0

    @invariant()
    def every_promise_holds(self) -> None:
        if not self.model.numbers:
            return
        before, now = self.seen, Snapshot.taken(self.place.judge, self.user.id)
        assert [*broken(now), *unlike(self.model, now)] == []
        if before and not self.is_retried:
            assert list(backwards(before, now)) == []
        if self.is_refused:
            assert now == before
        self.seen, self.is_refused, self.is_retried = now, False, False

    def teardown(self) -> None:
        """The next one begins in an empty house."""
        if self.model.numbers:
            self.do(self.world.users.erase(self.user.id))
        self.place.judge.execute("delete from workers; delete from unclaimed_messages")

    def _register(self, number: PhoneNumber) -> None:
        self.do(self.world.phone_numbers.add(number, None))
        self.model.numbers.append(number)
        self._learn_token(number)

    def _learn_token(self, number: PhoneNumber) -> None:
        row = self.place.judge.execute(TOKEN, (number.id,)).fetchone()
        assert row
        self.tokens.setdefault(number.id, []).append(row[0])

    def _letter(self, number: int, customer: int) -> InboundMessage:
        self.written += 1
        return a_text(
            self.numbers[number], address=_address(customer), platform_message_id=f"{self.user.id}.{self.written}"
        )

    def _arrive(self, messages: list[InboundMessage]) -> None:
        self._expect(messages, self.do(self.inbox.accept(messages)))

    def _expect(self, messages: list[InboundMessage], stored: Any) -> None:
        assert len(stored) == len(messages)
        for message, found in zip(messages, stored, strict=True):
            assert found.acceptance is self.model.accepts(message)
            if found.acceptance is Acceptance.ACCEPTED:
                self.model.stores(message, found.conversation_id)

    def _takes(self, talk: Talk, worker: Worker, expected: NoTurn | None, found: object) -> None:
        if expected is not None:
            assert found == expected
            return
        assert isinstance(found, Turn), found
        self.model.begun(talk, worker, found.id)
        play = self.model.open_play(talk)
        assert play
        assert (found.id, found.fence, found.crashes) == (play.id, play.fence, play.crashes)
        assert [(part.message_id, part.status) for part in found.replies] == [
            (part.id, part.status) for part in play.parts
        ]
        self.hands.append((play, found))

    def _write(self, call: Coroutine[Any, Any, Any], *, is_held: bool) -> Any:
        """A write of a turn: refused, and nothing changed, unless the turn is still in these hands."""
        try:
            answer = self.do(call)
        except TurnLost:
            assert not is_held
            self.is_refused = True
            return None
        assert is_held
        return answer

    def _is_held(self, play: Play, turn: Turn) -> bool:
        return play.is_open and play.fence == turn.fence

    def _settlement(self, play: Play, outcome: str) -> Settlement:
        """What a worker may come back with: nothing is sent unwritten, nor accepted before its last part."""
        is_unsent = all(part.status is OutboundStatus.PENDING for part in play.parts)
        if (outcome == "no answer" and is_unsent and play.place == 0) or not play.parts:
            return UNANSWERED
        part = play.in_hand
        if outcome in {"ambiguous", "refused"}:
            return settlement_of_send(SENT[outcome], part.id)
        return settlement_of_send(SENT["ambiguous"] if play.next else Accepted(part.name), part.id)

    def _reported(self, play: Play, statuses: list[OutboundStatus]) -> None:
        """On the part that was handed over last, if one was."""
        if play.parts and play.in_hand.was_tried:
            for status in statuses:
                self._hear(play, play.in_hand, status)

    def _hear(self, play: Play, part: Part, status: OutboundStatus) -> None:
        found = self._record(play, part, status, part.name)
        is_news = self.model.hears(play, part, status)
        assert found is (ReceiptOutcome.RECORDED if is_news else ReceiptOutcome.OLD)

    def _record(self, play: Play, part: Part, status: OutboundStatus, name: str) -> ReceiptOutcome:
        receipt = a_receipt(play.talk.number, status, platform_message_id=name, message_id=part.id)
        (outcome,) = self.do(self.inbox.record([receipt]))
        return outcome

    def _refusal_of_retry(self, play: Play, part: Part) -> type[DomainError] | None:
        if part.status is not OutboundStatus.FAILED:
            return NotFailed
        if self.model.open_play(play.talk):
            return TurnUnderWay
        if self.model.agent is None or self.model.agent.id != play.agent_id:
            return AgentGone
        return InsufficientCredits if self.model.balance <= self.model.held else None

    def _talk(self, pick: int) -> Talk:
        return self.model.talks[pick % len(self.model.talks)]

    def _hand(self, pick: int) -> tuple[Play, Turn]:
        """The latest first: what shrinks towards zero is the plain case."""
        return self.hands[-1 - pick % len(self.hands)]

    def _name(self) -> str:
        return f"wamid.{self._new_id().hex}"

    def _new_id(self) -> UUID:
        return uuid4()


def _address(customer: int) -> str:
    return f"4917{customer}"


async def _together(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    """What each came back with, exceptions included."""
    return await gather(*calls, return_exceptions=True)
