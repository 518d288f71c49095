"""The simulated phone: only there when `frontdesk dev` says where its simulators are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from application.app import Application
from application.console import SignedIn
from application.pages import PageRequest
from application.ports.conversations import MessageFilter
from domain.channels import ChannelType, PhoneNumber
from domain.shared import InvalidInput, Unavailable, checked_text
from entrypoints.rest.dashboard.pages import Desk, back_to
from entrypoints.rest.dashboard.sessions import Form
from entrypoints.rest.dashboard.simulation import META_BROKEN, OPENAI_BROKEN, Simulation

MESSAGES_SHOWN = 40
NUMBERS_MAX = 50
TEXT_MAX = 4_000
SENDERS = {ChannelType.WHATSAPP: "15550009999", ChannelType.INSTAGRAM: "9000000009999"}
NAME = "Simulated customer"


@get("/users/{user_id:uuid}/phone")
async def show_phone(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    simulation: NamedDependency[Simulation],
    user_id: FromPath[UUID],
    number: FromQuery[str] = "",
) -> Response[Any]:
    """A customer's side of one phone number, and what can be broken."""
    desk = await Desk.of(request, application, signed_in, user_id)
    numbers = (await application.phone_numbers.list(desk.caller, user_id, PageRequest(NUMBERS_MAX))).items
    chosen = next((one for one in numbers if str(one.id) == number), numbers[0] if numbers else None)
    return desk.page(
        "phone",
        numbers=numbers,
        chosen=chosen,
        messages=await _messages(desk, chosen),
        openai=await _quietly(simulation.how_openai_is()),
        meta=await _quietly(simulation.how_meta_is()),
        openai_choices=list(OPENAI_BROKEN) if simulation.openai_url else [],
        meta_choices=list(META_BROKEN) if simulation.meta_url else [],
    )


@post("/users/{user_id:uuid}/phone/say")
async def say(
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    simulation: NamedDependency[Simulation],
    form: NamedDependency[Form],
    user_id: FromPath[UUID],
) -> Response[Any]:
    """Write as the customer."""
    signed_in.caller.must_write(user_id)
    number = await application.phone_numbers.get(signed_in.caller, user_id, _id_in(form.get("number", "")))
    if number.type not in SENDERS:
        raise InvalidInput("number", "A web chat is tried on its own page.")
    text = checked_text(form.get("text", "").replace("\r\n", "\n").strip(), "text", TEXT_MAX)
    if not text:
        raise InvalidInput("text", "Write something first.")
    await simulation.say(number, SENDERS[number.type], NAME, text)
    return back_to(f"/dashboard/users/{user_id}/phone?number={number.id}", fragment="#write")


@post("/users/{user_id:uuid}/phone/break")
async def break_providers(
    signed_in: NamedDependency[SignedIn],
    simulation: NamedDependency[Simulation],
    form: NamedDependency[Form],
    user_id: FromPath[UUID],
) -> Response[Any]:
    """Turn the knobs of the simulators."""
    signed_in.caller.must_write(user_id)
    openai, meta = form.get("openai", ""), form.get("meta", "")
    if openai in OPENAI_BROKEN:
        await simulation.break_openai(openai)
    if meta in META_BROKEN:
        await simulation.break_meta(meta)
    return back_to(f"/dashboard/users/{user_id}/phone?number={form.get('number', '')}")


async def _messages(desk: Desk, chosen: PhoneNumber | None) -> list[Any]:
    if chosen is None or chosen.type not in SENDERS:
        return []
    wanted = MessageFilter(phone_number_id=chosen.id, customer=SENDERS[chosen.type])
    page = PageRequest(MESSAGES_SHOWN, newest_first=True)
    found = await desk.application.conversations.messages(desk.caller, desk.user_id, wanted, page)
    return list(reversed(found.items))


def _id_in(word: str) -> UUID:
    try:
        return UUID(word)
    except ValueError as error:
        raise InvalidInput("number", "Choose one of your phone numbers.") from error


async def _quietly(asked: Any) -> Any:  # noqa: ANN401 - a choice, or None
    try:
        return await asked
    except Unavailable:
        return None


routes = [show_phone, say, break_providers]
