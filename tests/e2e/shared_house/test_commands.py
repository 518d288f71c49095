"""What one message costs in commands of Redis, where each that is sent is billed and a script counts as one."""

from collections.abc import Callable

from redis import Redis

from tests.rig.house import a_customer

MARK = "the end of one message"


def sent_while(redis: Redis, act: Callable[[], object]) -> list[str]:
    """The commands that clients sent meanwhile; what scripts do inside is no command of its own."""
    with redis.monitor() as monitor:
        act()
        redis.echo(MARK)
        sent: list[str] = []
        for told in monitor.listen():
            if MARK in told["command"]:
                return sent
            if told["client_type"] != "lua":
                sent.append(told["command"].split(" ")[0].upper())
    return sent


def test_a_message_that_comes_alone_costs_at_most_eight_commands(house, tenant):
    """Alone it shares nothing with others. What the platform reports of the reply comes in webhooks of its own."""
    sender = a_customer()

    def writes() -> None:
        tenant.hears("Hello", sender)
        tenant.settled()

    with house.meta.turned(statuses=[]):
        writes()
        with Redis.from_url(house.ready["redis_url"]) as redis:
            rounds = [sent_while(redis, writes) for _ in range(5)]

    fewest = min(rounds, key=len)  # what else goes on in the house comes and goes
    assert fewest.count("GETEX") == 1
    assert "SET" not in fewest  # nothing was missing
    assert len(fewest) <= 8, fewest
