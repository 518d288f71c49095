"""Messages made up from their descriptors: right ones, wrong ones, and bytes that are none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from uuid import UUID

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

TEXTS = (
    "",
    " ",
    "Bakery",
    "nonsense",
    "a\0b",
    "é" * 300,
    "x" * 100_001,
    "https://shop.example",
    "prm_" + "0" * 32,
    "🥐\u202e",
)
WHOLE = (0, 1, -1, 50, 201, 2**31 - 1, -(2**31))
LARGE = (*WHOLE, 2**53, 2**63 - 1, -(2**63))
REAL = (0.0, 0.5, -1.0, 3.0, 1e308, -1e308, math.nan, math.inf, -math.inf)
SECONDS = (0, 1, 1_763_800_000, -1, 253_402_300_800, -62_135_596_801, 2**63 - 1)
NUMBERS = {
    FieldDescriptor.TYPE_INT32: WHOLE,
    FieldDescriptor.TYPE_INT64: LARGE,
    FieldDescriptor.TYPE_DOUBLE: REAL,
    FieldDescriptor.TYPE_BOOL: (False, True),
    FieldDescriptor.TYPE_ENUM: (0, 1, 2, 3, 99, -1),
    FieldDescriptor.TYPE_BYTES: (b"", b"\0\xff"),
}
SPOILED = 0.15
"""How many requests are spoiled as bytes."""
KNOWN = 0.75
"""How many ids are those of a thing that is there."""


class MessageMaker:
    """Makes up requests about `things`: the ids that are known, by the names of the fields that ask for them."""

    def __init__(self, random: Random, things: Mapping[str, Sequence[str]]) -> None:
        self._random = random
        self._things = things

    def request(self, method: MethodDescriptor) -> bytes:
        """One request of that method, as it travels."""
        data = self._message(method.input_type).SerializeToString()
        return self._spoiled(data) if self._random.random() < SPOILED else data

    def _spoiled(self, data: bytes) -> bytes:
        match self._random.randrange(4):
            case 0:
                return self._random.randbytes(self._random.randrange(60))
            case 1:
                return data[: self._random.randrange(len(data) + 1)]
            case 2:
                return data + b"\xc2\x3e\x01a"  # field 1000 is nobody's
            case _:
                changed = bytearray(data)
                for _ in range(3 if data else 0):
                    changed[self._random.randrange(len(changed))] = self._random.randrange(256)
                return bytes(changed)

    def _message(self, kind: Any) -> Message:
        message = GetMessageClass(kind)()
        for field in kind.fields:
            if self._random.random() < (0.9 if field.name.endswith("_id") or field.name in {"name", "model"} else 0.5):
                self._set(message, field)
        return message

    def _set(self, message: Message, field: FieldDescriptor) -> None:
        if field.is_repeated:
            count = self._random.choice((0, 1, 2, 3, 300))
            getattr(message, field.name).extend(self._value(field) for _ in range(count))
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(self._part(field))
        else:
            setattr(message, field.name, self._value(field))

    def _value(self, field: FieldDescriptor) -> Any:
        if field.type == FieldDescriptor.TYPE_STRING:
            return self._text(field.name)
        return self._random.choice(NUMBERS[field.type])

    def _text(self, name: str) -> str:
        known = self._things.get(name, ())
        if known and self._random.random() < KNOWN:
            return self._random.choice(known)
        if name.endswith("_id") and self._random.random() < KNOWN:
            return str(UUID(int=self._random.getrandbits(128), version=4))
        return self._random.choice(TEXTS)

    def _part(self, field: FieldDescriptor) -> Message:
        match field.message_type.full_name:
            case "google.protobuf.Timestamp":
                return Timestamp(seconds=self._random.choice(SECONDS), nanos=self._random.choice((0, 1, -1, 2**31 - 1)))
            case "google.protobuf.Struct":
                return self._struct(self._random.choice((1, 2, 40)))
            case "google.protobuf.FieldMask":
                names = [each.name for each in field.containing_type.fields]
                return FieldMask(paths=self._random.choices([*names, "nonsense", "a.b"], k=self._random.randrange(4)))
            case _:
                return self._message(field.message_type)

    def _struct(self, depth: int) -> Struct:
        struct = Struct()
        for name in self._random.sample(TEXTS[:5], k=2):
            struct.fields[name].CopyFrom(self._struct_value(depth))
        return struct

    def _struct_value(self, depth: int) -> Value:
        match self._random.randrange(4 if depth else 3):
            case 0:
                return Value(number_value=self._random.choice(REAL))
            case 1:
                return Value(string_value=self._random.choice(TEXTS))
            case 2:
                return Value()
            case _:
                return Value(struct_value=self._struct(depth - 1))
