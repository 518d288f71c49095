"""What is billed by a managed Redis: the commands that reach it over a connection, not what its scripts do inside."""

import itertools
import secrets
import time

import pytest

from tests.rig.house import a_customer
from tests.rig.waiting import until

IDLE_PER_SECOND = 2
MESSAGES = 10
REPORTED = "select count(*) from messages where user_id = %s and status = %s"


def commands_of(house, work):
    """The commands that clients sent during some work, and how many seconds it took."""
    end = secrets.token_hex(8)
    with house.redis() as redis, redis.monitor() as monitor:
        redis.echo(end)  # on a connection that is there before anything is counted
        next(one for one in monitor.listen() if end in one["command"])
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
        redis.echo(end)
        seen = itertools.takewhile(lambda one: end not in one["command"], monitor.listen())
        return [one["command"].split()[0] for one in seen if one["client_type"] != "lua"], seconds


@pytest.mark.parametrize(("statuses", "at_most"), [([], 5), (["sent", "delivered", "read"], 8)])
def test_a_message_that_comes_alone_with_its_reply_and_what_becomes_of_that(house, tenant, statuses, at_most):
    last = (statuses or ["sent"])[-1]

    def reported():
        ((count,),) = house.sql(REPORTED, tenant.id, last)
        return count

    def is_answered():
        before = reported()
        tenant.hears("Hello", a_customer())
        until(lambda: reported() > before, 60)  # not by the API, whose calls are counted in Redis

    def all_are_answered():
        for _ in range(MESSAGES):
            is_answered()

    with house.meta.turned(statuses=statuses):
        is_answered()
        sent, seconds = commands_of(house, all_are_answered)
        while "PUBLISH" in sent:  # until everybody has heard that nobody follows
            sent, seconds = commands_of(house, all_are_answered)

    # The message before may still have had its last commands to send.
    assert len(sent) <= at_most * (MESSAGES + 1) + IDLE_PER_SECOND * seconds, f"{sent}"


def test_a_house_in_which_nothing_happens_costs_two_commands_a_second_at_most(house):
    sent, seconds = commands_of(house, lambda: time.sleep(6))

    assert len(sent) <= IDLE_PER_SECOND * seconds, f"{sent}"
