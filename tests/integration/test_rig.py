"""The rig keeps its promises to the tests."""

import psycopg
import pytest
from redis import Redis


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_database_without_the_others_tables(database, turn):
    with psycopg.connect(database.url_owner) as connection:
        connection.execute("create table left_over ()")


def test_the_application_connects_to_the_same_database_as_its_owner(database):
    with psycopg.connect(database.url) as app, psycopg.connect(database.url_owner) as owner:
        seen = [each.execute("select current_user, current_database()").fetchone() for each in (app, owner)]

    assert [role for role, _ in seen] == ["frontdesk_app", "frontdesk_owner"]
    assert len({name for _, name in seen}) == 1


@pytest.mark.parametrize("turn", [1, 2])
def test_valkey_is_empty_when_a_test_begins(redis_url, turn):
    with Redis.from_url(redis_url) as client:
        assert client.keys() == []
        client.set("left", "over")
