"""Whatever stands anywhere in a delivery, nothing is raised and what stands beside it is read."""

import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.ports.channel_gateway import UnreadableWebhook
from domain.channels import Delivery
from tests.adapters.deliveries import (
    INSTAGRAM,
    WHATSAPP,
    instagram_event,
    read_body,
    samples,
    whatsapp_message,
    whatsapp_value,
)

ODD = [
    None,
    True,
    0,
    -1,
    7,
    1.5,
    10**18,
    10**30,
    "",
    "\x00",
    "\ud83d",
    "x" * 300,
    "2" * 5_000,
    [],
    {},
    [None],
    [[[]]],
    {"id": {"id": []}},
    {"\x00": {"\ud83d": 1}},
]
JSON = st.recursive(
    st.sampled_from(ODD) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PAYLOADS = [json.loads(Path(row["path"]).read_bytes()) for row in samples()]
BESIDE = {
    WHATSAPP: (
        "changes",
        {"field": "messages", "value": whatsapp_value(whatsapp_message(id="beside", text={"body": "Hi"}))},
    ),
    INSTAGRAM: ("messaging", instagram_event(message={"mid": "beside", "text": "Hi"})),
}


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in _places(inner, (*path, key)))]


PLACES = [(payload, place) for payload in PAYLOADS for place in _places(payload)]


def _replaced(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.copy(payload)
    changed[path[0]] = _replaced(payload[path[0]], path[1:], value)
    return changed


def _is_storable(delivery: Delivery) -> bool:
    texts = msgspec.json.encode([getattr(delivery, name) for name in Delivery.__slots__]).decode()
    return "\\u0000" not in texts


def _entries_beside(payload: dict[str, Any]) -> list[Any]:
    key, element = BESIDE.get(payload["object"], BESIDE[WHATSAPP])
    return [{"id": "shop", key: [element]}]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_any_value_anywhere_is_survived(place: tuple[Any, tuple[Any, ...]], value: Any) -> None:
    delivery = read_body(json.dumps(_replaced(*place, value)).encode())

    assert _is_storable(delivery)


INSIDE = [(payload, path) for payload, path in PLACES if len(path) > 1 and payload["object"] != "page"]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(INSIDE), JSON)
def test_any_value_in_an_entry_spoils_no_other_entry(place: tuple[Any, tuple[Any, ...]], value: Any) -> None:
    payload = _replaced(*place, value)
    payload = payload | {"entry": [*_entries_beside(payload), *payload["entry"], *_entries_beside(payload)]}

    delivery = read_body(json.dumps(payload).encode())

    assert [one.platform_message_id for one in delivery.messages].count("beside") == 2


IN_LISTS = [
    (payload, path) for payload, path in INSIDE if sum(isinstance(key, int) for key in path) > 1 and len(path) > 4
]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(IN_LISTS), JSON)
def test_any_value_in_an_element_spoils_no_other_element(place: tuple[Any, tuple[Any, ...]], value: Any) -> None:
    payload = copy.deepcopy(_replaced(*place, value))
    key, element = BESIDE[payload["object"]]
    entry = payload["entry"][0]
    beside = entry.setdefault(key, [])
    beside.insert(0, element)
    beside.append(element)

    delivery = read_body(json.dumps(payload).encode())

    assert [one.platform_message_id for one in delivery.messages].count("beside") == 2


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()[:-1]))
def test_bytes_of_any_kind_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(UnreadableWebhook):
        read_body(body)


@pytest.mark.parametrize(
    "body", [b'{"object":"\xff"}', b'{"object":"\xed\xa0\x80"}', b'{"field":"\xff","value":{}}', b"\xff"]
)
def test_what_is_not_utf_8_is_refused_as_such(body: bytes) -> None:
    with pytest.raises(UnreadableWebhook):
        read_body(body)


def test_an_element_that_is_not_utf_8_spoils_no_other() -> None:
    texts = [instagram_event(message={"mid": mid, "text": mid}) for mid in ("one", "two", "three")]
    body = json.dumps({"object": INSTAGRAM, "entry": [{"id": "shop", "messaging": texts}]}).encode()

    delivery = read_body(body.replace(b'"text": "two"', b'"text": "\xff"'))

    assert ([one.text for one in delivery.messages], delivery.unreadable) == (["one", "three"], 1)
