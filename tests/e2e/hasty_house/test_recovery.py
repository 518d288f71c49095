"""Redis forgets, workers die: every message is answered, none twice."""

import time

import pytest

from tests.rig.house import a_customer
from tests.rig.waiting import until


def assert_answered_once_each(tenant, count):
    messages = tenant.settled()
    asked = [each for each in messages if each["direction"] == "inbound"]
    assert [each["status"] for each in asked] == ["answered"] * count
    assert len(messages) == 2 * count
    assert len(tenant.sends()) == count
    assert tenant.credits() == (1_000 - count, 0)


def test_redis_may_be_emptied_while_messages_wait(hasty):
    tenant = hasty.tenant()
    with hasty.openai.turned(latency_ms=500), hasty.redis() as redis:
        for number in range(20):
            tenant.hears(f"message {number}", a_customer())
            if number % 5 == 4:
                redis.flushall()
        assert_answered_once_each(tenant, 20)


def test_a_message_that_redis_lost_before_any_worker_saw_it_is_fed_in_again(hasty):
    tenant = hasty.tenant()
    workers = hasty.workers()
    for worker in workers:
        worker.suspend()
    try:
        tenant.hears("Hello", a_customer())
        with hasty.redis() as redis:
            redis.flushall()
    finally:
        for worker in workers:
            worker.resume()

    assert_answered_once_each(tenant, 1)


def test_workers_killed_in_mid_turn_are_started_again_and_the_messages_answered_once(hasty):
    tenant = hasty.tenant()
    with hasty.openai.turned(latency_ms=1_000):
        for number in range(8):
            tenant.hears(f"message {number}", a_customer())
        until(lambda: len(hasty.sql("select id from turns where user_id = %s and status = 'open'", tenant.id)) == 8)
        killed = hasty.workers()
        for worker in killed:
            worker.kill()
        until(lambda: len(hasty.workers()) == len(killed) and not set(hasty.workers()) & set(killed), 60)
        assert_answered_once_each(tenant, 8)


@pytest.mark.parametrize("with_the_workers", [False, True], ids=["alone", "with the workers"])
def test_a_supervisor_killed_in_mid_turn_is_started_again_and_the_messages_answered_once(hasty, with_the_workers):
    tenant = hasty.tenant()
    with hasty.openai.turned(latency_ms=1_000):
        for number in range(8):
            tenant.hears(f"message {number}", a_customer())
        until(lambda: len(hasty.sql("select id from turns where user_id = %s and status = 'open'", tenant.id)) == 8)
        before = hasty.workers()
        began = time.monotonic()
        for each in [hasty.supervisor(), *(before if with_the_workers else [])]:
            each.kill()
        until(lambda: hasty.workers() and not set(hasty.workers()) & set(before), 60)
        assert_answered_once_each(tenant, 8)
        assert time.monotonic() - began < 20


def test_a_worker_killed_while_it_sends_sends_nothing_twice(hasty):
    tenant = hasty.tenant()
    sender = a_customer()
    hasty.meta.script(sender, delay_ms=1_500)
    tenant.hears("Hello", sender)
    until(lambda: [each["status"] for each in tenant.messages()][1:] == ["sending"])

    for worker in hasty.workers():
        worker.kill()
    _, reply = tenant.once(lambda found: found[1]["status"] in {"sent", "delivered", "read"}, seconds=90)

    assert reply["platform_message_id"] == tenant.sends()[0]["platform_message_id"]
    assert_answered_once_each(tenant, 1)


def test_a_worker_that_was_frozen_past_its_lease_changes_nothing(hasty):
    tenant = hasty.tenant()
    with hasty.openai.turned(latency_ms=500):
        tenant.hears("Hello", a_customer())
        until(lambda: hasty.sql("select id from turns where user_id = %s and status = 'open'", tenant.id))
        frozen = hasty.workers()
        for worker in frozen:
            worker.suspend()
        try:
            until(lambda: not hasty.sql("select id from workers where lease_until > clock_timestamp()"))
        finally:
            for worker in frozen:
                worker.resume()
        assert_answered_once_each(tenant, 1)
