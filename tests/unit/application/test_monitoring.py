from application.monitoring import SWEEP_AGE_SECONDS, CheckHealth, Health, Sweep, Swept
from domain.shared import Unavailable
from tests.builders import a_phone_number, an_id
from tests.unit.application.desk import Desk


async def _queued(desk: Desk) -> list:
    return [entry.conversation_id for entry in await desk.queue.claim(desk.number.id, an_id(), 10)]


def _sweep(desk: Desk) -> Sweep:
    return Sweep(desk.turns, desk.inbox, desk.queue, desk.overflow)


async def test_a_message_that_the_queue_lost_is_fed_again(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.clock.advance(SWEEP_AGE_SECONDS)

    swept = await _sweep(desk)()

    assert swept == Swept(requeued=1, claimed=0)
    assert await _queued(desk) == [conversation_id]


async def test_what_has_only_just_come_is_left_to_those_who_have_it(desk: Desk) -> None:
    await desk.hears("Hello")

    assert await _sweep(desk)() == Swept(0, 0)


async def test_a_turn_in_living_hands_is_left_there_and_a_dead_worker_s_is_fed_again(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    await desk.turns.begin(conversation_id, desk.worker_id)
    assert await _sweep(desk)() == Swept(0, 0)

    await desk.turns.end_lease(desk.worker_id)

    assert await _sweep(desk)() == Swept(requeued=1, claimed=0)
    assert await _queued(desk) == [conversation_id]


async def test_messages_whose_phone_number_is_known_by_now_are_claimed_and_queued(desk: Desk) -> None:
    await desk.inbox.accept([desk.a_text(account="new")])
    number = await desk.phone_numbers.add(a_phone_number(desk.user.id, meta_phone_number_id="new"), None)

    swept = await _sweep(desk)()

    assert swept == Swept(requeued=0, claimed=1)
    assert len(await desk.queue.claim(number.id, an_id(), 10)) == 1


async def test_with_the_queue_down_a_sweep_feeds_nothing_and_the_next_one_makes_it_good(desk: Desk) -> None:
    await desk.hears("Hello")
    desk.clock.advance(SWEEP_AGE_SECONDS)
    desk.queue.is_down = True
    assert await _sweep(desk)() == Swept(0, 0)

    desk.queue.is_down = False

    assert await _sweep(desk)() == Swept(requeued=1, claimed=0)


async def test_two_sweeps_feed_a_conversation_once(desk: Desk) -> None:
    await desk.hears("Hello")
    desk.clock.advance(SWEEP_AGE_SECONDS)

    await _sweep(desk)()
    await _sweep(desk)()

    assert len(await _queued(desk)) == 1


class Answers:
    def __init__(self, name: str, reason: str | None = None) -> None:
        self.name = name
        self._reason = reason

    async def check(self) -> None:
        if self._reason:
            raise Unavailable(self._reason)


async def test_health_is_what_every_dependency_says(desk: Desk) -> None:
    await desk.inbox.accept([desk.a_text(account="nobody's")])

    well = await CheckHealth([Answers("postgres"), Answers("redis")], desk.inbox)()
    ill = await CheckHealth([Answers("postgres"), Answers("redis", "It is down.")], desk.inbox)()

    assert (well, well.is_ready) == (Health({"postgres": None, "redis": None}, 1), True)
    assert (ill, ill.is_ready) == (Health({"postgres": None, "redis": "It is down."}, 1), False)


async def test_health_is_told_also_when_the_store_is_out_of_reach(desk: Desk) -> None:
    async def fails() -> int:
        raise Unavailable("Postgres does not answer.")

    desk.inbox.unclaimed = fails

    health = await CheckHealth([Answers("postgres", "It is down.")], desk.inbox)()

    assert health == Health({"postgres": "It is down."}, None)
