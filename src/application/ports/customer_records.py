"""Customers, one by one: found, read whole, erased.

Another user's customers are NotFound. Lists raise InvalidInput for a cursor that none of their pages gave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.pages import Page, PageRequest
from domain.channels import ChannelType
from domain.conversations import Message
from domain.customers import Consent, KnownCustomer, PastTurn


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which customers are asked for; None leaves a field open. `customer` is an id or any address, former ones too."""

    type: ChannelType | None = None
    customer: str | None = None


class CustomerRecords(Protocol):
    """A user's customers, and all that is on record of each."""

    async def get(self, user_id: UUID, customer_id: UUID) -> KnownCustomer:
        """That customer. Raises NotFound."""
        ...

    async def list(self, user_id: UUID, wanted: CustomerFilter, page: PageRequest) -> Page[KnownCustomer]:
        """A user's customers, in the order in which they came."""
        ...

    async def erase(self, user_id: UUID, customer_id: UUID) -> None:
        """Delete the customer with everything that was said, and free what their turns held. Raises NotFound.

        A turn under way is lost to its worker: whatever it writes next is refused. What lies with the model's provider
        and in the content store is noted in the same transaction, and erased by chores.
        """
        ...

    async def consents(self, user_id: UUID, customer_id: UUID, page: PageRequest) -> Page[Consent]:
        """What the customer agreed to and took back, in order."""
        ...

    async def messages(self, user_id: UUID, conversation_id: UUID, page: PageRequest) -> Page[Message]:
        """What was said in a conversation, by number; however long it is, a page costs what the first one costs."""
        ...

    async def turns(self, user_id: UUID, conversation_id: UUID, page: PageRequest) -> Page[PastTurn]:
        """The turns of a conversation, in order."""
        ...
