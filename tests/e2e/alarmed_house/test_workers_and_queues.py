"""Workers that hang, die or are too few: the fault, the alert, its end. Hours are skipped, faults are not."""

import pytest

from tests.e2e.alarmed_house.alarms import ends, frozen, has_waited, is_silent_for, of_the_house, opens
from tests.rig.house import a_customer, delivery, text_message
from tests.rig.waiting import until


def is_open(house, kind, subject):
    return subject in of_the_house(house, kind, "open")


def has_ended(house, kind, subject):
    return not is_open(house, kind, subject) and subject in of_the_house(house, kind, "resolved")


def test_a_worker_that_hangs_is_told_of_until_it_is_heard_again(alarmed):
    worker_id, worker = next(iter(alarmed.workers_by_id().items()))
    with frozen([worker]):
        is_silent_for(alarmed, worker_id, 33)
        until(lambda: is_open(alarmed, "worker_silent", worker_id), 60)

    until(lambda: has_ended(alarmed, "worker_silent", worker_id), 60)


def test_a_worker_that_hangs_and_is_killed_is_told_of_until_it_is_taken_out(alarmed):
    worker_id, worker = next(iter(alarmed.workers_by_id().items()))
    with frozen([worker]):
        is_silent_for(alarmed, worker_id, 33)
        until(lambda: is_open(alarmed, "worker_silent", worker_id), 60)
        worker.kill()
        until(lambda: has_ended(alarmed, "worker_silent", worker_id), 60)

    until(lambda: len(alarmed.workers()) == 2, 60)


def test_when_all_workers_hang_those_who_wait_are_told_of_until_they_have_their_answer(alarmed, tenant):
    with frozen(alarmed.workers()):
        tenant.hears("Hello", a_customer())
        until(lambda: not alarmed.sql("select id from workers where lease_until > clock_timestamp()"))
        has_waited(tenant, 31)
        until(lambda: is_open(alarmed, "workers_gone", "workers"), 60)
        opens(tenant, "reply_overdue")

    until(lambda: has_ended(alarmed, "workers_gone", "workers"), 60)
    ends(tenant, "reply_overdue")
    assert [message["status"] for message in tenant.settled()][:1] == ["answered"]


@pytest.mark.parametrize(("written", "told"), [(9, ["queue_filling"]), (12, ["queue_filling", "queue_overflow"])])
def test_a_queue_that_fills_is_told_of_until_it_is_worked_off(alarmed, tenant, written, told):
    with frozen(alarmed.workers()):
        tenant.receives(delivery(tenant.account, *(text_message(a_customer(), "Hello") for _ in range(written))))
        opens(tenant, *told)

    ends(tenant, *told)
    assert len(tenant.settled()) == 2 * written


def test_a_message_that_no_worker_survives_is_told_of_until_a_later_one_is_answered(alarmed, tenant):
    sender = a_customer()
    tenant.hears("BOOM", sender)
    opens(tenant, "message_set_aside")

    tenant.hears("Hello", sender)
    tenant.settled()

    ends(tenant, "message_set_aside")
    assert tenant.statuses()[:2] == ["unanswerable", "answered"]
