"""Phone numbers and what belongs to them, between our words and those of protobuf."""

from __future__ import annotations

from typing import Any, cast

from application.channels.manage_phone_numbers import SettingsChanges
from application.channels.read_queue import QueueReport
from application.webchat.managing import WebChatSetUp
from domain.channels import ChannelSettings, PhoneNumber, Template
from domain.notices import KeptNotice
from entrypoints.rpc._generated.frontdesk.v1 import phone_number_pb2 as pb
from entrypoints.rpc.fields import id_out, number_out, optional_time_out, struct_out, time_out


def settings_in(settings: pb.PhoneNumberSettings) -> SettingsChanges:
    """What of the settings is named. Raises InvalidInput."""
    return cast(
        "SettingsChanges", {field.name: _setting_in(field.name, value) for field, value in settings.ListFields()}
    )


def _setting_in(name: str, value: Any) -> object:  # noqa: ANN401 - each setting is of its own type
    match name:
        case "template":
            return Template(value.name, value.language) if value.name else None
        case "stop_words" | "start_words":
            return tuple(value.words)
        case "unreadable_sentence":
            return value or None
        case _:
            return value


def phone_number_out(phone_number: PhoneNumber) -> pb.PhoneNumber:
    """A phone number as it is told."""
    return pb.PhoneNumber(
        id=id_out(phone_number.id),
        user_id=id_out(phone_number.user_id),
        type=pb.ChannelType.ValueType(number_out(pb.ChannelType.DESCRIPTOR, phone_number.type)),
        display_name=phone_number.display_name,
        number=phone_number.number,
        meta_phone_number_id=phone_number.meta_phone_number_id,
        instagram_account_id=phone_number.instagram_account_id,
        status=pb.ChannelStatus.ValueType(number_out(pb.ChannelStatus.DESCRIPTOR, phone_number.status)),
        status_detail=struct_out(phone_number.status_detail),
        token_expire_time=optional_time_out(phone_number.token_expires_at),
        allowed_origins=phone_number.allowed_origins,
        settings=_settings_out(phone_number.settings),
        create_time=time_out(phone_number.created_at),
    )


def _settings_out(settings: ChannelSettings) -> pb.PhoneNumberSettings:
    template = settings.template
    return pb.PhoneNumberSettings(
        shows_typing=settings.shows_typing,
        template=None if template is None else pb.Template(name=template.name, language=template.language),
        hears_stop=settings.hears_stop,
        stop_words=pb.Words(words=settings.stop_words),
        start_words=pb.Words(words=settings.start_words),
        human_pause_minutes=settings.human_pause_minutes,
        unreadable_sentence=settings.unreadable_sentence,
    )


def notice_out(notice: KeptNotice) -> pb.Notice:
    """What the platform told, as it is told on."""
    return pb.Notice(
        id=id_out(notice.id),
        field=notice.field,
        account=notice.account,
        business=notice.business,
        content=struct_out(notice.content),
        occur_time=time_out(notice.occurred_at),
        create_time=time_out(notice.created_at),
    )


def queue_out(report: QueueReport) -> pb.Queue:
    """A queue as it is told."""
    state = report.state
    return pb.Queue(
        depth=state.waiting,
        in_flight=state.in_flight,
        pending=report.pending,
        oldest_seconds=state.oldest_seconds,
        locked=state.locked,
        lock_waits=state.lock_waits,
        lock_wait_seconds=state.lock_wait_seconds,
    )


def web_chat_out(set_up: WebChatSetUp) -> pb.WebChat:
    """A web chat's set-up as it is told."""
    return pb.WebChat(
        phone_number_id=id_out(set_up.phone_number_id),
        allowed_origins=set_up.allowed_origins,
        identity_secret=set_up.identity_secret,
    )
