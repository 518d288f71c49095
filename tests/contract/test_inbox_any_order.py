"""Whatever order things come in, and however often: one picture in the end."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.channels import Change, Echo, InboundMessage, Move
from tests.contract.kept import Kept
from tests.contract.paths import Path, Shop, a_text
from tests.fakes.clock import MONDAY_MORNING

NAMES = {"kim": ("4917", "DE.17"), "zoe": ("4930", "DE.30")}
Event = InboundMessage | Echo | Change | Move


def _at(seconds: int):
    return MONDAY_MORNING + timedelta(seconds=seconds)


def _events(shop: Shop) -> list[Event]:
    """Of each customer: a message under either name and under both, a reply of a person, an edit, and a move."""
    channel, account = shop.number.type, shop.number.meta_phone_number_id
    events: list[Event] = []
    for who, (phone, user_id) in NAMES.items():
        texts = [(phone, ()), (user_id, ()), (phone, (user_id,))]
        for second, (address, aliases) in enumerate(texts, 1):
            name = f"{who}.{second}"
            named = {"address": address, "aliases": aliases, "platform_message_id": name, "name": who}
            events.append(a_text(shop.number, text=name, written_at=_at(second), **named))
        events.append(Echo(channel, account, user_id, f"{who}.echo", "text", "Hello.", _at(2)))
        events.append(Change(channel, account, f"{who}.2", f"{who} edited", _at(4)))
        events.append(Change(channel, account, f"{who}.2", f"{who} edited again", _at(5)))
        events.append(Change(channel, account, f"{who}.1", None, _at(4)))
        events.append(Move(channel, account, user_id, f"{user_id}.new", _at(6)))
    return events


async def _brings(path: Path, event: Event) -> None:
    match event:
        case InboundMessage():
            await path.inbox.accept([event])
        case Echo():
            await path.inbox.note_echoes([event])
        case Change():
            await path.inbox.note_changes([event])
        case Move():
            await path.inbox.note_moves([event])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_any_order_and_any_repetition_end_in_one_picture(path: Path, data) -> None:
    shop = await path.a_shop()
    events = _events(shop)
    order = data.draw(st.permutations(range(len(events))))
    repeated = data.draw(st.lists(st.sampled_from(range(len(events))), max_size=8))

    # The platform brings everything once more in the end: a move that came before anybody was known is heard then.
    for place in [*order, *repeated, *range(len(events))]:
        await _brings(path, events[place])

    known = await Kept(path, shop).customers()
    assert sorted(one.aliases for one in known) == [("4917", "DE.17", "DE.17.new"), ("4930", "DE.30", "DE.30.new")]
    texts = {message.platform_message_id: message.text for message in await path.messages(shop)}
    assert len(texts) == len(await path.messages(shop)) == 8
    for who in NAMES:
        assert [texts[f"{who}.{name}"] for name in (1, 2, 3, "echo")] == [
            None,
            f"{who} edited again",
            f"{who}.3",
            "Hello.",
        ]
    assert path.find_broken() == []  # numbers without a gap
