"""Conversations: the items, the lock while a response is worked on, and the damage a dead call leaves."""

import time

from entrypoints.simulators.answers import Json
from entrypoints.simulators.openai.errors import refused
from entrypoints.simulators.openai.identifiers import new_id
from entrypoints.simulators.openai.items import count_tokens

_LOCKED = "Another process is currently operating on this conversation. Please retry in a few seconds."
_LONELY = "Item '{}' of type 'reasoning' was provided without its required following item."
_CONVERSATIONS_MAX = 200_000


class Conversation:
    """One conversation."""

    def __init__(self, metadata: Json, items: list[Json]) -> None:
        """Start with these items."""
        self.id = new_id("conv")
        self.created_at = int(time.time())
        self.metadata = metadata
        self.items: list[Json] = []
        self.tokens = 0
        self.worked_on = False
        self._open_calls: dict[str, None] = {}
        self._items_were_deleted = False
        self.append(items)

    def view(self) -> Json:
        """The conversation as the API shows it."""
        return {
            "id": self.id,
            "object": "conversation",
            "created_at": self.created_at,
            "metadata": self.metadata,
        }

    def append(self, items: list[Json]) -> None:
        """Add items at the end."""
        self.items.extend(items)
        self.tokens += count_tokens(items)
        self._note_calls(items)

    def find(self, item_id: str) -> Json:
        """The item. Raises FaultError (404)."""
        for item in self.items:
            if item["id"] == item_id:
                return item
        raise refused(f"Item with id '{item_id}' not found.", status=404)

    def delete(self, item_id: str) -> None:
        """Take an item out. Raises FaultError (404)."""
        gone = self.find(item_id)
        self.items.remove(gone)
        self.tokens -= count_tokens([gone])
        self._items_were_deleted = True
        self._open_calls.clear()
        self._note_calls(self.items)

    def demand_free(self) -> None:
        """Raises FaultError (400, conversation_locked) while a response is worked on."""
        if self.worked_on:
            raise refused(_LOCKED, param="conversation", code="conversation_locked")

    def demand_whole(self, new_items: list[Json]) -> None:
        """Raises FaultError (400) for a call without its output or reasoning without what it led to."""
        answered = {item.get("call_id") for item in new_items if item.get("type") == "function_call_output"}
        for call_id in self._open_calls:
            if call_id not in answered:
                raise refused(f"No tool output found for function call {call_id}.", param="input")
        # Only a deletion can part reasoning from its message, so the long walk is for those alone.
        if self._items_were_deleted:
            self._demand_reasoning_led_somewhere()

    def _note_calls(self, items: list[Json]) -> None:
        for item in items:
            if item.get("type") == "function_call":
                self._open_calls[item["call_id"]] = None
            elif item.get("type") == "function_call_output":
                self._open_calls.pop(item.get("call_id", ""), None)

    def _demand_reasoning_led_somewhere(self) -> None:
        followers = [*self.items[1:], {"role": "user"}]
        for item, follower in zip(self.items, followers, strict=True):
            if item.get("type") == "reasoning" and follower.get("role") in {"user", "system", "developer"}:
                raise refused(_LONELY.format(item["id"]), param="input")


class Conversations:
    """All conversations, the newest 200,000."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_id: dict[str, Conversation] = {}

    def add(self, metadata: Json, items: list[Json]) -> Conversation:
        """Create a conversation."""
        conversation = Conversation(metadata, items)
        self._by_id[conversation.id] = conversation
        if len(self._by_id) > _CONVERSATIONS_MAX:
            del self._by_id[next(iter(self._by_id))]
        return conversation

    def find(self, conversation_id: str) -> Conversation:
        """The conversation. Raises FaultError (404)."""
        found = self._by_id.get(conversation_id)
        if found is None:
            raise refused(f"Conversation with id '{conversation_id}' not found.", status=404, param="conversation")
        return found

    def delete(self, conversation_id: str) -> None:
        """Forget a conversation. Raises FaultError (404)."""
        self.find(conversation_id)
        del self._by_id[conversation_id]
