"""Quiet periods, schedulers and workers in any order on the real store: each period with news is read exactly once.

`CHAOS_EXTRACTIONS_EXAMPLES` and `CHAOS_MACHINE_STEPS` say how much: 60 by 40 in `make chaos`, 300 in `make endurance`.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from adapters.persistence.database import Database as Pool
from adapters.persistence.extractions import PostgresExtractions
from application.pages import PageRequest
from application.ports.extractions import ClaimedRun, ExtractionFilter, Found
from domain.answers import Usage
from domain.leads.reading import Reading
from domain.leads.runs import Extraction, RunError
from tests.contract.paths import Path, Shop, postgres_path
from tests.machine.test_state_machine import plays
from tests.rig.postgres import Database

CUSTOMERS = 3
SCHEDULERS = 2
IDLE_SECONDS = 600
LEASE_SECONDS = 90
PRICE = 1
ERROR = RunError(1, "model_refused", "It refused.")
NOTHING = Found(Reading({}, {}), "digest", 1, "gpt-5.5", Usage())
STEPS = st.sampled_from([35, 130, 290, 700])
"""No sum of these comes near the time of quiet or the lease, so that the seconds of the test itself do not matter."""


@dataclass
class Talk:
    """A conversation: its messages are `True` for a customer's. `through` is what the last run reads."""

    said: list[bool] = field(default_factory=list)
    active_at: int = 0
    through: int = 0

    def is_due(self, now: int) -> bool:
        return now - self.active_at >= IDLE_SECONDS and any(self.said[self.through :])


@dataclass
class Run:
    """A run as it ought to be; `fence` counts who was given it."""

    talk: int
    through: int
    due_at: int
    fence: int = 0
    attempt: int = 0
    status: str = "pending"

    def is_claimable(self, now: int) -> bool:
        return self.status in {"pending", "running"} and self.due_at <= now


class Office(RuleBasedStateMachine):
    """One business, three customers, two schedulers, and workers who die as they please."""

    def __init__(self, runner: asyncio.Runner, path: Path, schedulers: list[PostgresExtractions]) -> None:
        super().__init__()
        self.runner, self.path, self.schedulers = runner, path, schedulers
        self.now = 0
        self.talks = [Talk() for _ in range(CUSTOMERS)]
        self.runs: list[Run] = []
        self.hands: list[tuple[Run, ClaimedRun]] = []

    def do(self, call: Any) -> Any:
        return self.runner.run(call)

    @initialize()
    def open(self) -> None:
        self.shop: Shop = self.do(self.path.a_shop(credits_=10_000))
        self.conversations: dict[UUID, int] = {}

    def teardown(self) -> None:
        """Schedulers look at everybody: the next play must not find what this one left."""
        if hasattr(self, "shop"):
            self.do(self.path.world.users.erase(self.shop.user.id))

    @rule(customer=st.integers(0, CUSTOMERS - 1), times=st.integers(1, 3))
    def a_customer_writes(self, customer: int, times: int) -> None:
        for _ in range(times):
            conversation_id = self.do(self.path.writes(self.shop, address=f"4917{customer:06}"))
            self.talks[customer].said.append(True)
        self.talks[customer].active_at = self.now
        self.conversations[conversation_id] = customer

    @rule(customer=st.integers(0, CUSTOMERS - 1))
    def the_agent_answers(self, customer: int) -> None:
        for conversation_id, whose in self.conversations.items():
            if whose == customer:
                self.do(self._answers(conversation_id, self.talks[customer]))

    async def _answers(self, conversation_id: UUID, talk: Talk) -> None:
        worker = await self.path.a_worker()
        turn = await worker.turns.begin(conversation_id, worker.id)
        if hasattr(turn, "fence"):
            await worker.answers(turn)
            talk.said.append(False)
            talk.active_at = self.now

    @rule(seconds=STEPS)
    def time_passes(self, seconds: int) -> None:
        self.do(self.path.time.passes(seconds))
        self.now += seconds

    @rule(at_once=st.booleans())
    def schedulers_look(self, at_once: bool) -> None:
        looks = [one.open_due(IDLE_SECONDS, PRICE, 100) for one in self.schedulers[: SCHEDULERS if at_once else 1]]
        opened = sum(self.do(_all(looks)))
        due = [place for place, talk in enumerate(self.talks) if talk.is_due(self.now)]
        # One may have passed over what the other one held; whoever looks next finds it.
        opened += self.do(self.schedulers[0].open_due(IDLE_SECONDS, PRICE, 100))
        assert opened == len(due)
        for place in due:
            talk = self.talks[place]
            talk.through = len(talk.said)
            self.runs.append(Run(place, talk.through, self.now))

    @rule(workers=st.integers(1, 2))
    def workers_claim(self, workers: int) -> None:
        taken = self.do(_all([self.schedulers[place].claim(LEASE_SECONDS, 10) for place in range(workers)]))
        claimed = [run for runs in taken for run in runs]
        expected = [run for run in self.runs if run.is_claimable(self.now)]
        assert len({run.id for run in claimed}) == len(claimed) == len(expected)
        for run in expected:
            run.fence += 1
            run.attempt += 1
            run.status, run.due_at = "running", self.now + LEASE_SECONDS
        self.hands += [(self._meant(run), run) for run in claimed]

    def _meant(self, claimed: ClaimedRun) -> Run:
        through = self.do(self.path.extractions.get(self.shop.user.id, claimed.id)).through_sequence_number
        talk = self.conversations[claimed.conversation_id]
        (run,) = [run for run in self.runs if (run.talk, run.through) == (talk, through)]
        assert (run.fence, run.attempt) == (claimed.fence, claimed.attempt)
        return run

    @rule(pick=st.integers(0, 63), end=st.sampled_from(["complete", "fail", "again", "outage", "dies"]))
    def a_worker_ends(self, pick: int, end: str) -> None:
        if not self.hands:
            return
        run, claimed = self.hands[pick % len(self.hands)]
        is_held = run.status == "running" and run.fence == claimed.fence
        extractions = self.schedulers[pick % SCHEDULERS]
        match end:
            case "complete":
                assert self.do(extractions.complete(claimed, NOTHING)) == is_held
                if is_held:
                    run.status = "completed"
            case "fail":
                assert self.do(extractions.fail(claimed, ERROR, Usage())) == is_held
                if is_held:
                    run.status = "failed"
            case "again" | "outage":
                back = extractions.set_back(claimed, ERROR, 20.0, Usage(), is_attempt=end == "again")
                assert self.do(back) == is_held
                if is_held:
                    run.status, run.due_at = "pending", self.now + 20
                    run.attempt -= int(end == "outage")
            case "dies":
                self.hands.remove((run, claimed))

    @invariant()
    def each_quiet_period_with_news_has_one_run(self) -> None:
        if not hasattr(self, "shop"):
            return
        page = self.do(self.path.extractions.list(self.shop.user.id, ExtractionFilter(), PageRequest(1_000)))
        shown: list[Extraction] = list(page.items)
        found = [(self.conversations[run.conversation_id], run.through_sequence_number, run.status) for run in shown]
        assert sorted(found) == sorted((run.talk, run.through, run.status) for run in self.runs)
        account = self.do(self.path.account(self.shop))
        assert account.held == PRICE * sum(run.status in {"pending", "running"} for run in self.runs)


async def _all(calls: list[Any]) -> list[Any]:
    return list(await asyncio.gather(*calls))


@pytest.mark.timeout(900)
def test_each_quiet_period_with_news_is_read_exactly_once(database: Database) -> None:
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        path = runner.run(stack.enter_async_context(postgres_path(database.url, database.url_judge)))
        pools = [runner.run(stack.enter_async_context(Pool(database.url).opened())) for _ in range(SCHEDULERS)]
        schedulers = [PostgresExtractions(pool) for pool in pools]
        try:
            run_state_machine_as_test(lambda: Office(runner, path, schedulers), settings=plays("extractions_examples"))
        finally:
            runner.run(stack.aclose())
