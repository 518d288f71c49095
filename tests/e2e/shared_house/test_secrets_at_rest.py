"""What somebody finds who holds a dump of the stores: no token and no key."""

import secrets
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from redis import Redis

from tests.rig.house import House, Tenant, a_customer

READ = {
    "string": lambda redis, key: redis.get(key),
    "hash": lambda redis, key: redis.hgetall(key),
    "list": lambda redis, key: redis.lrange(key, 0, -1),
    "set": lambda redis, key: redis.smembers(key),
    "zset": lambda redis, key: redis.zrange(key, 0, -1),
    "stream": lambda redis, key: redis.xrange(key),
}


def test_a_dump_of_the_stores_holds_no_token_and_no_key_in_clear(house: House, tenant: Tenant) -> None:
    number = tenant.number()["id"]
    planted = [*_plants_keys(house, tenant), *_plants_tokens(tenant)]
    text = f"Hello {secrets.token_hex(8)}"
    for customer in (a_customer(), a_customer()):
        tenant.hears(text, customer)
    tenant.settled()
    assert tenant.sends()

    postgres, redis = _everything_in_postgres(house), _everything_in_redis(house)

    # What was looked through is truly all of it, and in a form in which something can be found.
    assert text in postgres
    assert number in redis
    shown = [secret for secret in planted for form in _forms(secret) if form in postgres or form in redis]
    assert [planted.index(secret) for secret in shown] == []


def _plants_keys(house: House, tenant: Tenant) -> Iterator[str]:
    """All that opens the API, used once: of the house, of its user, one more of the user's."""
    named = {"Idempotency-Key": secrets.token_hex(8)}
    made = house.rest("POST", f"{tenant.path}/api_keys", {"name": "Second"}, tenant.key, headers=named)
    assert made.status == 201, made.content
    for key in (tenant.key, made.json["api_key"]):
        assert house.rest("GET", tenant.path, key=key).status == 200
        yield key
        yield key.split("_", 2)[2]
    yield from (house.ready[name] for name in ("admin_api_key", "meta_app_secret", "meta_verify_token"))


def _plants_tokens(tenant: Tenant) -> Iterator[str]:
    """The tokens of two phone numbers, one of which a turn will use, and what signs a web chat's visitors."""
    used, other = (f"EAAG{secrets.token_hex(20)}" for _ in range(2))
    tenant.change_number(access_token=used)
    account = str(secrets.randbelow(10**15))
    tenant.make("phone_numbers", {"type": "instagram", "instagram_account_id": account, "access_token": other})
    chat = tenant.make("phone_numbers", {"type": "webchat", "allowed_origins": ["https://shop.example"]})
    yield from (used, other)
    yield tenant.get(f"phone_numbers/{chat['id']}/webchat")["identity_secret"]


def _forms(secret: str) -> tuple[str, str, str]:
    """As it is, as bytea comes out of Postgres, and as bytes go into JSON."""
    return secret, secret.encode().hex(), b64encode(secret.encode()).decode().rstrip("=")


def _everything_in_postgres(house: House) -> str:
    tables = house.sql("select tablename from pg_tables where schemaname = 'public'")
    return str([house.sql(f'select t::text from "{name}" t') for (name,) in tables])  # noqa: S608 - our own names


def _everything_in_redis(house: House) -> str:
    with house.redis() as redis:
        return str([(key, _value(redis, key)) for key in redis.scan_iter(count=1_000)])


def _value(redis: Redis, key: bytes) -> Any:
    kind = redis.type(key).decode()
    return None if kind == "none" else READ[kind](redis, key)
