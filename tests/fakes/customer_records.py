"""What is on record of each customer, in memory."""

from __future__ import annotations

from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.conversations import MessageFilter
from application.ports.customer_records import CustomerFilter
from domain.conversations import Customer, Message
from domain.customers import Consent, KnownCustomer, PastTurn
from domain.shared import NotFound
from tests.fakes.conversations import MemoryConversations
from tests.fakes.memory_store import MemoryStore
from tests.fakes.pages import page_in_order, page_of


class MemoryCustomerRecords:
    """Reads what the inbox and the turns put into the store. Of a consent it knows where, who and what."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def get(self, user_id: UUID, customer_id: UUID) -> KnownCustomer:
        customer = self._store.customers.get(customer_id)
        known = customer and self._known(customer)
        if known is None or known.user_id != user_id:
            raise NotFound("customer")
        return known

    async def list(self, user_id: UUID, wanted: CustomerFilter, page: PageRequest) -> Page[KnownCustomer]:
        everyone = [self._known(customer) for customer in self._store.customers.values()]
        own = [one for one in everyone if one is not None and one.user_id == user_id]
        return page_of([one for one in own if _is_wanted(one, wanted)], page)

    async def erase(self, user_id: UUID, customer_id: UUID) -> None:
        await self.get(user_id, customer_id)
        self._store.forget_customer(customer_id)

    async def consents(self, user_id: UUID, customer_id: UUID, page: PageRequest) -> Page[Consent]:
        await self.get(user_id, customer_id)
        now = self._store.clock.now()
        said = [
            Consent(UUID(int=place), number, kind, UUID(int=place), now)
            for place, (number, who, kind) in enumerate(self._store.consents)
            if who == customer_id
        ]
        return page_of(said, page)

    async def messages(self, user_id: UUID, conversation_id: UUID, page: PageRequest) -> Page[Message]:
        wanted = MessageFilter(conversation_id=conversation_id)
        listed = await MemoryConversations(self._store).messages(user_id, wanted, PageRequest(limit=1_000_000))
        return page_in_order(listed.items, page, lambda message: [message.sequence_number])

    async def turns(self, user_id: UUID, conversation_id: UUID, page: PageRequest) -> Page[PastTurn]:
        turns = [
            PastTurn(
                id=turn.id,
                conversation_id=turn.conversation_id,
                status=turn.status,
                reason=None,
                error=None,
                attempts=turn.attempts,
                prompt_id=None,
                prompt_version=None,
                model=None,
                response_id=turn.response_id,
                input_tokens=None,
                output_tokens=None,
                created_at=turn.begun_at,
                ended_at=None,
            )
            for turn in self._store.turns.values()
            if (turn.user_id, turn.conversation_id) == (user_id, conversation_id)
        ]
        return page_of(turns, page)

    def _known(self, customer: Customer) -> KnownCustomer | None:
        keys = [key for key, id_ in self._store.customer_ids.items() if id_ == customer.id]
        if not keys:
            return None
        user_id, type_, _ = keys[0]
        spoken = [row.created_at for row in self._store.conversations.values() if row.customer.id == customer.id]
        return KnownCustomer(
            id=customer.id,
            user_id=user_id,
            type=type_,
            address=customer.address,
            name=customer.name,
            username=self._store.usernames.get(customer.id),
            aliases=tuple(value for _, _, value in keys),
            created_at=min(spoken, default=self._store.clock.now()),
        )


def _is_wanted(customer: KnownCustomer, wanted: CustomerFilter) -> bool:
    names = {None, str(customer.id), *customer.aliases}
    return wanted.type in {None, customer.type} and wanted.customer in names
