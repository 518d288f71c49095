"""``/users/{user_id}/phone_numbers/{phone_number_id}/webchat``: what it takes to have a web chat on a page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from application.app import Application
from application.webchat.managing import WebChatSetUp
from domain.users import Caller


class WebChatView(msgspec.Struct):
    """A web chat's set-up. `identity_secret` is for the owner's server: no page may carry it."""

    phone_number_id: UUID
    allowed_origins: tuple[str, ...]
    identity_secret: str
    script_tag: str


@get("/users/{user_id:uuid}/phone_numbers/{phone_number_id:uuid}/webchat")
async def show_web_chat(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    phone_number_id: FromPath[UUID],
) -> WebChatView:
    """Show the script tag and the secret that signs visitors."""
    return _view(request, await application.web_chats.show(caller, user_id, phone_number_id))


@post("/users/{user_id:uuid}/phone_numbers/{phone_number_id:uuid}/webchat/rotate", status_code=200)
async def rotate_identity_secret(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    phone_number_id: FromPath[UUID],
) -> WebChatView:
    """Replace the secret that signs visitors."""
    return _view(request, await application.web_chats.rotate(caller, user_id, phone_number_id))


def _view(request: Request[Any, Any, Any], set_up: WebChatSetUp) -> WebChatView:
    source = f"{str(request.base_url).rstrip('/')}/webchat/widget.js"
    tag = f'<script src="{source}" data-phone-number="{set_up.phone_number_id}" async></script>'
    return WebChatView(set_up.phone_number_id, set_up.allowed_origins, set_up.identity_secret, tag)


routes = [show_web_chat, rotate_identity_secret]
