"""`UserService` over the application."""

from __future__ import annotations

from typing import cast

from application.app import Application
from application.users import IssuedKey, UserChanges
from domain.users import ApiKey, Scope, User
from entrypoints.rpc._generated.frontdesk.v1 import user_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.user_pb2_grpc import UserServiceServicer
from entrypoints.rpc.fields import (
    emptied_in,
    given_in,
    id_out,
    kept_in,
    known_word_in,
    number_out,
    optional_time_out,
    page_in,
    time_out,
    uuid_in,
)
from entrypoints.rpc.idempotency import once_of
from entrypoints.rpc.interceptors import Context, caller_of_call

CHANGEABLE = {"name", "low_balance_threshold"}


class UserServicer(UserServiceServicer):
    """Users and their keys by gRPC."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._users = application.users

    async def CreateUser(self, request: pb.CreateUserRequest, context: Context) -> pb.CreateUserResponse:
        """Add a user, with its first key."""
        once = once_of(self._application, request, _created)
        return _created(await self._users.add(caller_of_call.get(), request.name, once))

    async def GetUser(self, request: pb.GetUserRequest, context: Context) -> pb.GetUserResponse:
        """Show a user."""
        user_id = uuid_in(request.user_id, "user_id")
        return pb.GetUserResponse(user=_user(await self._users.get(caller_of_call.get(), user_id)))

    async def ListUsers(self, request: pb.ListUsersRequest, context: Context) -> pb.ListUsersResponse:
        """List all users."""
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._users.list(caller_of_call.get(), page)
        return pb.ListUsersResponse(
            users=[_user(user) for user in found.items], next_page_token=found.next_cursor or ""
        )

    async def UpdateUser(self, request: pb.UpdateUserRequest, context: Context) -> pb.UpdateUserResponse:
        """Change what is given."""
        user_id = uuid_in(request.user_id, "user_id")
        changes = {field: _change(request, field) for field in given_in(request, CHANGEABLE)}
        user = await self._users.change(caller_of_call.get(), user_id, **cast("UserChanges", changes))
        return pb.UpdateUserResponse(user=_user(user))

    async def DeleteUser(self, request: pb.DeleteUserRequest, context: Context) -> pb.DeleteUserResponse:
        """Erase a user with everything of theirs."""
        await self._users.erase(caller_of_call.get(), uuid_in(request.user_id, "user_id"))
        return pb.DeleteUserResponse()

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, context: Context) -> pb.CreateApiKeyResponse:
        """Add a key."""
        user_id = uuid_in(request.user_id, "user_id")
        scopes = [Scope(known_word_in(pb.Scope.DESCRIPTOR, scope, "scopes")) for scope in request.scopes]
        once = once_of(self._application, request, _issued)
        caller = caller_of_call.get()
        return _issued(await self._users.add_key(caller, user_id, request.name, scopes or tuple(Scope), once))

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, context: Context) -> pb.ListApiKeysResponse:
        """List a user's keys."""
        user_id = uuid_in(request.user_id, "user_id")
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._users.list_keys(caller_of_call.get(), user_id, page)
        return pb.ListApiKeysResponse(keys=[_key(key) for key in found.items], next_page_token=found.next_cursor or "")

    async def DeleteApiKey(self, request: pb.DeleteApiKeyRequest, context: Context) -> pb.DeleteApiKeyResponse:
        """Delete a key: it opens nothing from now on."""
        user_id = uuid_in(request.user_id, "user_id")
        await self._users.remove_key(caller_of_call.get(), user_id, uuid_in(request.api_key_id, "api_key_id"))
        return pb.DeleteApiKeyResponse()


def _created(added: tuple[User, IssuedKey]) -> pb.CreateUserResponse:
    user, issued = added
    return pb.CreateUserResponse(user=_user(user), api_key=issued.spelled)


def _issued(issued: IssuedKey) -> pb.CreateApiKeyResponse:
    return pb.CreateApiKeyResponse(key=_key(issued.key), api_key=issued.spelled)


def _user(user: User) -> pb.User:
    return pb.User(
        id=id_out(user.id),
        name=user.name,
        create_time=time_out(user.created_at),
        low_balance_threshold=user.low_balance_threshold,
    )


def _change(request: pb.UpdateUserRequest, field: str) -> object:
    return kept_in(request, field) if field == "name" else emptied_in(request, field)


def _key(key: ApiKey) -> pb.ApiKey:
    return pb.ApiKey(
        id=id_out(key.id),
        user_id=id_out(key.user_id),
        name=key.name,
        create_time=time_out(key.created_at),
        last_used_time=optional_time_out(key.last_used_at),
        scopes=[pb.Scope.ValueType(number_out(pb.Scope.DESCRIPTOR, scope)) for scope in Scope if scope in key.scopes],
    )
