"""`PhoneNumberService` over the application."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from application.app import Application
from application.channels.manage_phone_numbers import NewPhoneNumber
from domain.channels import ChannelType, PhoneNumber
from domain.shared import InvalidInput
from entrypoints.rpc._generated.frontdesk.v1 import phone_number_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.phone_number_pb2_grpc import PhoneNumberServiceServicer
from entrypoints.rpc.fields import emptied_in, given_in, kept_in, known_word_in, page_in, uuid_in
from entrypoints.rpc.idempotency import once_of
from entrypoints.rpc.interceptors import Context, caller_of_call
from entrypoints.rpc.phone_number_views import notice_out, phone_number_out, queue_out, settings_in, web_chat_out

CHANGEABLE = {"display_name", "number", "access_token", "allowed_origins", "settings", "status"}


class PhoneNumberServicer(PhoneNumberServiceServicer):
    """Phone numbers by gRPC."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._phone_numbers = application.phone_numbers
        self._channel_health = application.channel_health
        self._read_queue = application.read_queue
        self._web_chats = application.web_chats

    async def CreatePhoneNumber(
        self, request: pb.CreatePhoneNumberRequest, context: Context
    ) -> pb.CreatePhoneNumberResponse:
        """Connect a channel."""
        user_id = uuid_in(request.user_id, "user_id")
        new = NewPhoneNumber(
            type=ChannelType(known_word_in(pb.ChannelType.DESCRIPTOR, request.type, "type")),
            display_name=emptied_in(request, "display_name"),
            number=emptied_in(request, "number"),
            meta_phone_number_id=emptied_in(request, "meta_phone_number_id"),
            instagram_account_id=emptied_in(request, "instagram_account_id"),
            access_token=emptied_in(request, "access_token"),
            allowed_origins=tuple(request.allowed_origins),
            settings=settings_in(request.settings),
        )
        once = once_of(self._application, request, _created)
        return _created(await self._phone_numbers.add(caller_of_call.get(), user_id, new, once))

    async def GetPhoneNumber(self, request: pb.GetPhoneNumberRequest, context: Context) -> pb.GetPhoneNumberResponse:
        """Show a phone number."""
        user_id, phone_number_id = uuid_in(request.user_id, "user_id"), _id_in(request)
        found = await self._phone_numbers.get(caller_of_call.get(), user_id, phone_number_id)
        return pb.GetPhoneNumberResponse(phone_number=phone_number_out(found))

    async def ListPhoneNumbers(
        self, request: pb.ListPhoneNumbersRequest, context: Context
    ) -> pb.ListPhoneNumbersResponse:
        """List a user's phone numbers."""
        user_id = uuid_in(request.user_id, "user_id")
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._phone_numbers.list(caller_of_call.get(), user_id, page)
        return pb.ListPhoneNumbersResponse(
            phone_numbers=[phone_number_out(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def UpdatePhoneNumber(
        self, request: pb.UpdatePhoneNumberRequest, context: Context
    ) -> pb.UpdatePhoneNumberResponse:
        """Change what is given, and rotate the token if one is."""
        user_id, phone_number_id = uuid_in(request.user_id, "user_id"), _id_in(request)
        changes = _changes(request)
        token, resumes = changes.pop("access_token", None), changes.pop("status", None) is not None
        caller = caller_of_call.get()
        changed = await self._phone_numbers.change(caller, user_id, phone_number_id, token, resumes=resumes, **changes)
        return pb.UpdatePhoneNumberResponse(phone_number=phone_number_out(changed))

    async def DeletePhoneNumber(
        self, request: pb.DeletePhoneNumberRequest, context: Context
    ) -> pb.DeletePhoneNumberResponse:
        """Disconnect a channel and delete its conversations."""
        user_id, phone_number_id = uuid_in(request.user_id, "user_id"), _id_in(request)
        await self._phone_numbers.remove(caller_of_call.get(), user_id, phone_number_id)
        return pb.DeletePhoneNumberResponse()

    async def ListNotices(self, request: pb.ListNoticesRequest, context: Context) -> pb.ListNoticesResponse:
        """List what the platform told of a phone number's accounts."""
        user_id, phone_number_id = uuid_in(request.user_id, "user_id"), _id_in(request)
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._channel_health.notices(caller_of_call.get(), user_id, phone_number_id, page)
        return pb.ListNoticesResponse(
            notices=[notice_out(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def GetQueue(self, request: pb.GetQueueRequest, context: Context) -> pb.GetQueueResponse:
        """Show how the queue of a phone number stands."""
        user_id, phone_number_id = uuid_in(request.user_id, "user_id"), _id_in(request)
        report = await self._read_queue(caller_of_call.get(), user_id, phone_number_id)
        return pb.GetQueueResponse(queue=queue_out(report))

    async def GetWebChat(self, request: pb.GetWebChatRequest, context: Context) -> pb.GetWebChatResponse:
        """Show what it takes to have a web chat on a page."""
        user_id, phone_number_id = uuid_in(request.user_id, "user_id"), _id_in(request)
        set_up = await self._web_chats.show(caller_of_call.get(), user_id, phone_number_id)
        return pb.GetWebChatResponse(web_chat=web_chat_out(set_up))

    async def RotateWebChatSecret(
        self, request: pb.RotateWebChatSecretRequest, context: Context
    ) -> pb.RotateWebChatSecretResponse:
        """Replace the secret that signs a web chat's visitors."""
        user_id, phone_number_id = uuid_in(request.user_id, "user_id"), _id_in(request)
        set_up = await self._web_chats.rotate(caller_of_call.get(), user_id, phone_number_id)
        return pb.RotateWebChatSecretResponse(web_chat=web_chat_out(set_up))


def _created(phone_number: PhoneNumber) -> pb.CreatePhoneNumberResponse:
    return pb.CreatePhoneNumberResponse(phone_number=phone_number_out(phone_number))


class _OfOne(Protocol):
    @property
    def phone_number_id(self) -> str: ...


def _id_in(request: _OfOne) -> UUID:
    return uuid_in(request.phone_number_id, "phone_number_id")


def _changes(request: pb.UpdatePhoneNumberRequest) -> dict[str, Any]:
    """What is to change, in the application's words. Raises InvalidInput."""
    changes: dict[str, Any] = {}
    for field in given_in(request, CHANGEABLE):
        match field:
            case "allowed_origins":
                changes[field] = tuple(request.allowed_origins)
            case "settings":
                changes[field] = settings_in(kept_in(request, field))
            case "status" if request.status != pb.CHANNEL_STATUS_ACTIVE:
                raise InvalidInput(field, "Only active can be asked for.")
            case "status":
                changes[field] = request.status
            case "access_token":
                changes[field] = kept_in(request, field)
            case _:
                changes[field] = emptied_in(request, field)
    return changes
