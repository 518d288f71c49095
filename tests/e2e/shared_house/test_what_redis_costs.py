"""What is billed by a managed Redis: the commands that reach it over a connection, not what its scripts do inside."""

import itertools
import secrets
import time

from tests.rig.house import a_customer
from tests.rig.waiting import until

IDLE_PER_SECOND = 2
MESSAGES = 10
READ = "select count(*) from messages where user_id = %s and status = 'read'"


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


def test_a_message_with_its_reply_and_three_statuses_costs_eight_commands_at_most(tenant):
    house = tenant.house

    def is_answered():
        read = house.sql(READ, tenant.id)[0][0]
        tenant.hears("Hello", a_customer())
        until(lambda: house.sql(READ, tenant.id)[0][0] > read, 60)  # not by the API, whose calls are counted in Redis

    is_answered()
    while "PUBLISH" in commands_of(house, is_answered)[0]:
        continue  # until everybody has heard that nobody follows

    sent, seconds = commands_of(house, lambda: [is_answered() for _ in range(MESSAGES)])

    assert len(sent) <= 8 * MESSAGES + IDLE_PER_SECOND * seconds, f"{sent}"


def test_a_house_in_which_nothing_happens_costs_two_commands_a_second_at_most(house):
    sent, seconds = commands_of(house, lambda: time.sleep(6))

    assert len(sent) <= IDLE_PER_SECOND * seconds, f"{sent}"
