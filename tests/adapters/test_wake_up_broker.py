import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import dramatiq
import pytest
import redis
from dramatiq.errors import ConnectionClosed, QueueNotFound

from adapters.coordination.wake_up_broker import ACTOR, QUEUE, WAIT_SECONDS, WakeUpBroker, wake_up, wake_up_key
from tests.builders import an_id
from tests.rig.waiting import until


@pytest.fixture
def broker(redis_url) -> Iterator[WakeUpBroker]:
    broker = WakeUpBroker(redis_url, [])
    broker.declare_queue(QUEUE)
    yield broker
    broker.interrupt()


@pytest.fixture
def client(redis_url) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


def _is_waiting(client: redis.Redis, consumers: int = 1) -> None:
    until(lambda: int(client.info("clients")["blocked_clients"]) >= consumers)


def test_a_wake_up_is_heard_at_once_by_who_waits_for_it(broker, client, threads) -> None:
    consumer, number = broker.consume(QUEUE), an_id()
    heard = threads.submit(next, consumer)
    _is_waiting(client)

    began = time.monotonic()
    client.rpush(wake_up_key(), wake_up([number]))
    message = heard.result(WAIT_SECONDS)

    assert time.monotonic() - began < WAIT_SECONDS / 2
    assert (message.actor_name, message.args) == (ACTOR, ([number.hex],))
    consumer.close()


def test_each_wake_up_is_heard_by_one_consumer(broker, client) -> None:
    consumers = [broker.consume(QUEUE) for _ in range(3)]
    client.rpush(wake_up_key(), *[wake_up([an_id()]) for _ in range(30)])

    heard = [next(consumers[place % 3]).message_id for place in range(30)]

    assert len(set(heard)) == 30
    assert client.llen(wake_up_key()) == 0
    for consumer in consumers:
        consumer.close()


def test_an_interrupted_consumer_stops_waiting_now(broker, client, threads) -> None:
    consumer = broker.consume(QUEUE)
    heard = threads.submit(next, consumer)
    _is_waiting(client)

    began = time.monotonic()
    broker.interrupt()

    assert heard.result(WAIT_SECONDS) is None
    assert next(consumer) is None
    assert time.monotonic() - began < WAIT_SECONDS / 2
    consumer.close()


def test_a_stopping_worker_gives_back_what_it_had_taken(broker, client) -> None:
    consumer, other = broker.consume(QUEUE), broker.consume(QUEUE)
    client.rpush(wake_up_key(), wake_up([an_id()]))
    taken = next(consumer)
    broker.interrupt()

    consumer.requeue([taken])

    other = broker.consume(QUEUE)
    assert next(other).message_id == taken.message_id
    for one in (consumer, other):
        one.close()


def test_what_is_heard_needs_no_acknowledgement(broker, client) -> None:
    consumer = broker.consume(QUEUE)
    client.rpush(wake_up_key(), wake_up([an_id()]))
    taken = next(consumer)

    consumer.ack(taken)
    consumer.nack(taken)

    assert client.keys("*") == []
    consumer.close()


def test_a_lost_connection_is_told_to_dramatiq_which_makes_a_new_consumer() -> None:
    broker = WakeUpBroker("redis://127.0.0.1:1/0", [])
    broker.declare_queue(QUEUE)

    with pytest.raises(ConnectionClosed):
        next(broker.consume(QUEUE))


def test_only_a_known_queue_is_consumed_and_nothing_is_delayed(broker) -> None:
    with pytest.raises(QueueNotFound):
        broker.consume("another")
    with pytest.raises(ValueError, match="cannot be delayed"):
        broker.enqueue(dramatiq.Message.decode(wake_up([])), delay=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_dramatiq_s_own_workers_hear_every_wake_up_once(redis_url, workers: int) -> None:
    heard: Queue[list[str]] = Queue()
    brokers = [WakeUpBroker(redis_url, []) for _ in range(workers)]
    for broker in brokers:
        dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(heard.put)
    running = [dramatiq.Worker(broker, worker_threads=2) for broker in brokers]
    for worker in running:
        worker.start()
    numbers = [an_id().hex for _ in range(40)]

    for number in numbers:
        brokers[0].enqueue(brokers[0].get_actor(ACTOR).message([number]))

    assert sorted(heard.get(timeout=10)[0] for _ in numbers) == sorted(numbers)
    for broker, worker in zip(brokers, running, strict=True):
        stopping = threading.Thread(target=worker.stop)
        broker.interrupt()
        stopping.start()
        stopping.join(10)
        assert not stopping.is_alive()
    assert heard.empty()
