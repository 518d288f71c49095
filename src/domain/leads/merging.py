"""The lead of a customer: what all runs over all their conversations proved, the newest value first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.conversations import Customer

OLDER_MAX = 20
"""How many values of a field are kept: whoever changes their mind more often shows the latest ones."""


@dataclass(frozen=True, slots=True)
class LeadValue:
    """A value with its proof: messages of a conversation, the last of them written at `proven_at`.

    `read_at` is when the run was opened that found it: of two readings of the same messages the later one counts.
    """

    value: Any
    evidence: tuple[int, ...]
    conversation_id: UUID
    extraction_id: UUID
    proven_at: datetime
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Lead:
    """What is known of a customer. `fields` holds each field's values, the one that counts first."""

    user_id: UUID
    customer: Customer
    fields: Mapping[str, Sequence[LeadValue]]
    created_at: datetime
    updated_at: datetime

    @property
    def id(self) -> UUID:
        """A customer has one lead, known by the customer's id."""
        return self.customer.id

    @property
    def data(self) -> dict[str, Any]:
        """The values that count."""
        return {name: values[0].value for name, values in self.fields.items()}


def merged(known: Sequence[LeadValue], found: Sequence[LeadValue]) -> tuple[LeadValue, ...]:
    """The values of one field in the order in which they count, each once: newest proof, then latest reading first."""
    newest_first = sorted((*known, *found), key=lambda one: (one.proven_at, one.read_at), reverse=True)
    values: list[LeadValue] = []
    for one in newest_first:
        if all(one.value != kept.value for kept in values):
            values.append(one)
    return tuple(values[:OLDER_MAX])
