"""A key's calls are counted together, whichever door they come through."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from application.admission import WRONG_KEYS_PER_ADDRESS
from entrypoints.rpc._generated.frontdesk.v1 import credit_pb2
from entrypoints.rpc._generated.frontdesk.v1.credit_pb2_grpc import CreditServiceStub
from tests.doors.conftest import bearer
from tests.doors.stubs import ADMIN_KEY


@pytest.fixture
def credits_(channel) -> CreditServiceStub:
    return CreditServiceStub(channel)


@pytest.fixture
def may_call(house):
    """How many calls a minute are allowed from now on."""

    def set_to(count: int) -> None:
        object.__setattr__(house.application.admit_call, "requests_per_minute", count)

    return set_to


def asked(credits_: CreditServiceStub, user_id: str, key: str, *more: tuple[str, str]):
    metadata = (("authorization", f"Bearer {key}"), *more)
    return credits_.GetBalance(credit_pb2.GetBalanceRequest(user_id=user_id), metadata=metadata)


async def refused(call) -> tuple[grpc.StatusCode, dict[str, str], float | None]:
    """The code, the trailers, and after how many seconds to come again."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    after = None
    for packed in rpc_status.from_call(caught.value).details:
        retry = error_details_pb2.RetryInfo()
        if packed.Unpack(retry):
            after = retry.retry_delay.ToTimedelta().total_seconds()
    return caught.value.code(), dict(caught.value.trailing_metadata()), after


async def test_both_doors_count_together_and_tell_what_is_left(rest, credits_, shop, may_call):
    may_call(2)
    by_rest = await rest.get(shop.path("/users/{user_id}/credits"), headers=bearer(shop.key))
    by_rpc = asked(credits_, shop.user_id, shop.key)
    await by_rpc
    assert by_rest.headers["ratelimit"] == '"key";r=1;t=30'
    told = dict(await by_rpc.trailing_metadata())
    assert (told["ratelimit-policy"], told["ratelimit"]) == ('"key";q=2;w=60', '"key";r=0;t=60')

    code, trailers, after = await refused(asked(credits_, shop.user_id, shop.key))
    again = await rest.get(shop.path("/users/{user_id}/credits"), headers=bearer(shop.key))

    assert (code, after) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 30.0)
    assert trailers["ratelimit"] == '"key";r=0;t=60'
    assert (again.status_code, again.headers["retry-after"]) == (429, "30")


async def test_who_waits_as_long_as_told_may_call_again(credits_, shop, house, may_call):
    may_call(1)
    await asked(credits_, shop.user_id, shop.key)
    _, _, after = await refused(asked(credits_, shop.user_id, shop.key))
    house.clock.advance(after)
    await asked(credits_, shop.user_id, shop.key)


async def test_the_administrator_is_not_counted(credits_, shop, may_call):
    may_call(1)
    for _ in range(3):
        call = asked(credits_, shop.user_id, ADMIN_KEY)
        await call
        assert "ratelimit" not in dict(await call.trailing_metadata())


async def test_wrong_keys_are_soon_not_even_looked_at_at_either_door(rest, credits_, shop):
    wrong = "fd_" + "0" * 32 + "_" + "x" * 43
    for _ in range(WRONG_KEYS_PER_ADDRESS.burst):
        code, _, _ = await refused(asked(credits_, shop.user_id, wrong))
        assert code is grpc.StatusCode.UNAUTHENTICATED
    code, _, after = await refused(asked(credits_, shop.user_id, wrong))
    right, _, _ = await refused(asked(credits_, shop.user_id, shop.key))
    by_rest = await rest.get(shop.path("/users/{user_id}"), headers=bearer(shop.key))
    elsewhere = asked(credits_, shop.user_id, shop.key, ("x-forwarded-for", "203.0.113.9"))

    assert (code, right, after) == (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.RESOURCE_EXHAUSTED, 1.0)
    assert by_rest.status_code == 429
    await elsewhere


async def test_to_the_administrator_a_user_that_is_not_there_is_not_found_rather_than_empty(credits_, shop):
    nobody = "00000000-0000-4000-8000-000000000404"
    metadata = (("authorization", f"Bearer {ADMIN_KEY}"),)
    call = credits_.ListEntries(credit_pb2.ListEntriesRequest(user_id=nobody), metadata=metadata)
    assert (await refused(call))[0] is grpc.StatusCode.NOT_FOUND
