"""A back-up is worth what can be restored from it: a house is lost in mid-work and another goes on from its dump."""

from contextlib import ExitStack
from dataclasses import replace

import psycopg
import pytest

from tests.rig.back_up import dump, fresh_server, in_database, restore, role_for_back_ups
from tests.rig.house import Simulator, a_customer, a_home, delivery, run_frontdesk, running_house, text_message
from tests.rig.valkey import running_valkey
from tests.rig.waiting import until
from tests.simulators.running import running

A_USER = """
insert into users (id, name) values (gen_random_uuid(), 'Bakery');
insert into credit_accounts (user_id) select id from users on conflict do nothing;
"""
WAITING = 6
GIVEN = 1_000


@pytest.fixture
def providers():
    """OpenAI and Meta outlive the house: what they were told is the evidence."""
    with running("openai") as openai, running("meta") as meta:
        yield {"OPENAI_BASE_URL": openai.url, "META_GRAPH_BASE_URL": meta.url, "WORKERS_MAX": "1", "LEASE_SECONDS": "2"}


def test_what_was_waiting_is_answered_once_from_a_restored_database_and_an_empty_redis(
    cluster, database, providers, tmp_path
):
    openai = Simulator(providers["OPENAI_BASE_URL"].removesuffix("/v1"))
    early = a_customer()
    late = [text_message(a_customer(), f"waiting {each}") for each in range(WAITING)]
    file = tmp_path / "frontdesk.dump"
    with a_home() as home, ExitStack() as after:
        with running_valkey() as redis_url, _house(home, database, redis_url, providers) as lost:
            tenant = lost.tenant(credits=GIVEN)
            tenant.hears("answered", early)
            tenant.settled()
            openai.turn(outage=True)
            tenant.receives(delivery(tenant.account, *late))
            until(lambda: lost.sql("select id from turns where user_id = %s and status = 'open'", tenant.id))
            with role_for_back_ups(cluster.superuser) as reader:
                dumped = dump(in_database(reader, database.url_owner), file)
            assert (dumped.returncode, dumped.stderr) == (0, "")
        openai.turn(outage=False)

        fresh = after.enter_context(fresh_server())
        restored = restore(file, fresh.url_owner)
        assert (restored.returncode, restored.stderr) == (0, "")
        migrated = run_frontdesk("migrate", DATABASE_URL=fresh.url, DATABASE_URL_DIRECT=fresh.url_owner)
        assert migrated.stdout == "The schema is up to date.\n", migrated.stderr
        redis_url = after.enter_context(running_valkey())
        house = after.enter_context(_house(home, fresh, redis_url, providers))
        tenant = replace(tenant, house=house)
        _all_are_answered(tenant)
        tenant.receives(delivery(tenant.account, *late))
        messages = _all_are_answered(tenant)

        said = {message["text"] for message in messages if message["direction"] == "inbound"}
        assert said == {"answered", *(f"waiting {each}" for each in range(WAITING))}
        assert len(messages) == 2 * (1 + WAITING)
        sent_to = [record["to"].removeprefix("+") for record in tenant.sends()]
        assert sorted(sent_to) == sorted([early, *(message["from"] for message in late)])
        assert tenant.credits() == (GIVEN - 1 - WAITING, 0)
        house.assert_consistent()


def test_a_dump_by_one_who_does_not_see_every_row_is_no_back_up(database, tmp_path):
    """Bound by policies, pg_dump stops; told to heed them, it leaves the rows out and says nothing."""
    file = tmp_path / "frontdesk.dump"
    with psycopg.connect(database.url) as connection:
        connection.execute("set local role frontdesk_house")
        connection.execute(A_USER)

    refused = dump(database.url_owner, file)
    hollow = dump(database.url_owner, file, "--enable-row-security")

    assert refused.returncode == 1
    assert "row-level security" in refused.stderr
    assert hollow.returncode == 0
    with fresh_server() as fresh:
        assert restore(file, fresh.url_owner).returncode == 0
        with psycopg.connect(fresh.url_judge) as connection:
            assert connection.execute("select count(*) from users").fetchone() == (0,)


def _house(home, database, redis_url, providers):
    stores = {"DATABASE_URL": database.url, "DATABASE_URL_DIRECT": database.url_owner, "REDIS_URL": redis_url}
    return running_house(home, **stores, **providers)


def _all_are_answered(tenant):
    def answered(messages):
        statuses = [message["status"] for message in messages if message["direction"] == "inbound"]
        return statuses == ["answered"] * (1 + WAITING)

    tenant.once(answered)
    return tenant.settled()
