"""Who may do what, made of the description: every operation with every kind of key."""

from __future__ import annotations

import copy
from uuid import UUID

import pytest

from domain.shared import Unauthorized
from domain.users import Caller, Scope
from entrypoints.rest.app import create_rest_app
from entrypoints.rest.description.completion import completed
from entrypoints.rest.description.scopes import ADMINISTRATOR
from tests.doors.conftest import bearer
from tests.doors.stubs import ADMIN_KEY, House

KEYLESS = ("/health", "/metrics", "/webhooks/", "/webchat/")
SCOPES = {"read": {Scope.READ}, "write": {Scope.READ, Scope.WRITE}, "admin": set(Scope)}
SUFFICIENT = {"read": {"read", "write", "admin"}, "write": {"write", "admin"}, "admin": {"admin"}, ADMINISTRATOR: set()}
NO_SUCH_USER = "There is no such user."
ENDLESS = "followMessages"
"""Asked for a conversation that is not there: who is let in to one that is would be answered for ever."""


def described() -> list[tuple[str, str, dict]]:
    document = completed(create_rest_app(House().application).openapi_schema.to_schema())
    return [
        (method.upper(), path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


OPERATIONS = described()
KEYED = [pytest.param(*one, id=one[2]["operationId"]) for one in OPERATIONS if "security" in one[2]]


def test_only_the_routes_of_strangers_need_no_key():
    keyless = [path for _, path, operation in OPERATIONS if "security" not in operation]
    assert keyless
    assert all(path.startswith(KEYLESS) for path in keyless)


@pytest.fixture
def asked(rest, shop, current_application, monkeypatch):
    """Ask for an operation on the shop's things with some key, as its description's example does."""
    real = current_application.authenticate
    owner = UUID(shop.user_id)
    known = {
        f"a key to {name}": Caller(owner, frozenset(scopes), UUID(int=number))
        for number, (name, scopes) in enumerate(SCOPES.items(), 100)
    }

    async def authenticate(spelled: str) -> Caller:
        return known.get(spelled) or await real(spelled)

    object.__setattr__(current_application.admit_call, "authenticate", authenticate)

    async def ask(method, path, operation, headers):
        if operation["operationId"] == ENDLESS:
            path = path.replace("{conversation_id}", str(UUID(int=404)))
        body = copy.deepcopy(operation.get("requestBody", {}).get("content", {}).get("application/json", {}))
        return await rest.request(method, shop.path(path), json=body.get("example"), headers=headers)

    return ask


def is_let_in(answer) -> bool:
    """Whatever came of it, it was not the key that was wrong."""
    return answer.status_code not in {401, 403} and NO_SUCH_USER not in answer.text


@pytest.mark.parametrize(("method", "path", "operation"), KEYED)
async def test_without_a_key_or_with_a_wrong_one_nobody_is_let_in(asked, method, path, operation):
    for headers in ({}, bearer("wrong"), bearer("fd_" + "0" * 32 + "_" + "x" * 43)):
        answer = await asked(method, path, operation, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, Unauthorized.code)


@pytest.mark.parametrize(("method", "path", "operation"), KEYED)
async def test_another_users_key_finds_nothing(asked, stranger, method, path, operation):
    answer = await asked(method, path, operation, bearer(stranger.key))
    if "{user_id}" in path:
        assert (answer.status_code, answer.json()["detail"]) == (404, NO_SUCH_USER)
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("method", "path", "operation"), KEYED)
async def test_a_key_may_do_what_its_scope_says_and_no_more(asked, method, path, operation, scope):
    [[needed]] = [needed for requirement in operation["security"] for needed in requirement.values()]
    answer = await asked(method, path, operation, bearer(f"a key to {scope}"))
    assert is_let_in(answer) == (scope in SUFFICIENT[needed]), answer.text
    if not is_let_in(answer):
        assert (answer.status_code, answer.json()["code"]) == (
            403,
            "forbidden" if needed == ADMINISTRATOR else "scope_missing",
        )


@pytest.mark.parametrize(("method", "path", "operation"), KEYED)
async def test_the_administrator_is_let_in_everywhere(asked, method, path, operation):
    assert is_let_in(await asked(method, path, operation, bearer(ADMIN_KEY)))


@pytest.mark.parametrize(("method", "path", "operation"), KEYED)
async def test_the_administrator_finds_nothing_of_a_user_that_is_not_there(rest, asked, method, path, operation):
    if "{user_id}" not in path:
        return
    unknown = path.replace("{user_id}", str(UUID(int=404)))
    answer = await asked(method, unknown, operation, bearer(ADMIN_KEY))
    assert (answer.status_code, answer.json()["detail"]) == (404, NO_SUCH_USER)
