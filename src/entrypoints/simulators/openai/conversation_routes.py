"""The endpoints of conversations and their items."""

from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.answers import Json, json_answer, read_object
from entrypoints.simulators.journal import Journal
from entrypoints.simulators.openai.conversations import Conversation, Conversations
from entrypoints.simulators.openai.errors import demand_key, refused
from entrypoints.simulators.openai.items import as_items
from entrypoints.simulators.openai.paging import item_list, page
from entrypoints.simulators.routing import Handler, Router

_ITEMS_PER_POST = 20


def add_conversation_routes(router: Router, conversations: Conversations, journal: Journal) -> None:
    """Add them all."""
    routes = ConversationRoutes(conversations, journal)
    one, items = "/v1/conversations/{id}", "/v1/conversations/{id}/items"
    router.add("POST", "/v1/conversations", routes.keyed(routes.create))
    router.add("GET", one, routes.keyed(routes.show))
    router.add("POST", one, routes.keyed(routes.update))
    router.add("DELETE", one, routes.keyed(routes.delete))
    router.add("POST", items, routes.keyed(routes.add_items))
    router.add("GET", items, routes.keyed(routes.list_items))
    router.add("GET", f"{items}/{{item_id}}", routes.keyed(routes.show_item))
    router.add("DELETE", f"{items}/{{item_id}}", routes.keyed(routes.delete_item))


class ConversationRoutes:
    """Parse, call, answer."""

    def __init__(self, conversations: Conversations, journal: Journal) -> None:
        """Work on these conversations; write what changes them into the journal."""
        self._conversations = conversations
        self._journal = journal

    def keyed(self, answer: Callable[..., Coroutine[Any, Any, object]]) -> Handler:
        """The endpoint as a handler that demands a key and answers in JSON."""

        async def handler(request: BaseRequest, *arguments: str) -> Response:
            demand_key(request)
            return json_answer(await answer(request, *arguments))

        return handler

    async def create(self, request: BaseRequest) -> Json:
        body = await read_object(request)
        conversation = self._conversations.add(body.get("metadata") or {}, _new_items(body))
        self._note("create", conversation, items=len(conversation.items), metadata=conversation.metadata)
        return conversation.view()

    async def show(self, _: BaseRequest, conversation_id: str) -> Json:
        return self._conversations.find(conversation_id).view()

    async def update(self, request: BaseRequest, conversation_id: str) -> Json:
        conversation = self._conversations.find(conversation_id)
        conversation.metadata = (await read_object(request)).get("metadata") or {}
        return conversation.view()

    async def delete(self, _: BaseRequest, conversation_id: str) -> Json:
        self._note("delete", self._conversations.find(conversation_id))
        self._conversations.delete(conversation_id)
        return {"id": conversation_id, "object": "conversation.deleted", "deleted": True}

    async def add_items(self, request: BaseRequest, conversation_id: str) -> Json:
        conversation = self._conversations.find(conversation_id)
        items = _new_items(await read_object(request))
        conversation.demand_free()
        conversation.append(items)
        self._note("add_items", conversation, items=len(items))
        return item_list(items)

    async def list_items(self, request: BaseRequest, conversation_id: str) -> Json:
        return page(self._conversations.find(conversation_id).items, request)

    async def show_item(self, _: BaseRequest, conversation_id: str, item_id: str) -> Json:
        return self._conversations.find(conversation_id).find(item_id)

    async def delete_item(self, _: BaseRequest, conversation_id: str, item_id: str) -> Json:
        conversation = self._conversations.find(conversation_id)
        conversation.demand_free()
        conversation.delete(item_id)
        self._note("delete_item", conversation, item_id=item_id)
        return conversation.view()

    def _note(self, change: str, conversation: Conversation, **facts: object) -> None:
        self._journal.write("conversation", accepted=True, outcome=change, conversation_id=conversation.id, **facts)


def _new_items(body: Json) -> list[Json]:
    items = as_items(body.get("items") or [], "items")
    if len(items) > _ITEMS_PER_POST:
        message = f"Invalid 'items': array too long. Expected at most 20 items, but got {len(items)}."
        raise refused(message, param="items", code="array_above_max_length")
    return items
