"""The endpoint that both channels send through, and two small ones around it."""

from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.answers import Json, json_answer, read_object
from entrypoints.simulators.faults import FaultError
from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.meta import instagram, whatsapp
from entrypoints.simulators.meta.customers import Acquaintances
from entrypoints.simulators.meta.errors import demand_token, invalid
from entrypoints.simulators.meta.knobs import MetaKnobs
from entrypoints.simulators.meta.messages import OutgoingMessage
from entrypoints.simulators.meta.sending import Sending
from entrypoints.simulators.routing import Router

SENDER_ACTIONS = {"mark_seen": "read", "typing_on": "typing", "typing_off": "typing"}
"""Each with the kind under which the journal has it."""


def add_message_routes(
    router: Router, sending: Sending, board: KnobBoard[MetaKnobs], acquaintances: Acquaintances
) -> None:
    """Add them all."""
    routes = MessageRoutes(sending, board, acquaintances)
    router.add("POST", "/{version}/{account}/messages", routes.send)
    router.add("POST", "/{version}/{account}/subscribed_apps", routes.subscribe)


class MessageRoutes:
    """Tell the kinds of posts apart and pass them on."""

    def __init__(self, sending: Sending, board: KnobBoard[MetaKnobs], acquaintances: Acquaintances) -> None:
        """Send through this."""
        self._sending = sending
        self._board = board
        self._acquaintances = acquaintances

    async def send(self, request: BaseRequest, _version: str, account_id: str) -> Response:
        demand_token(request)
        body = await read_object(request)
        if body.get("status") == "read":
            return await self._mark_read(request, account_id, body)
        if "sender_action" in body:
            return await self._act(request, account_id, body)
        try:
            message = self._read(account_id, body)
        except FaultError as error:
            self._sending.note_invalid(account_id, body, error)
            raise
        return await self._sending.send(request, message)

    async def subscribe(self, request: BaseRequest, _version: str, _account_id: str) -> Response:
        demand_token(request)
        return json_answer({"success": True})

    def _read(self, account_id: str, body: Json) -> OutgoingMessage:
        if body.get("messaging_product") == "whatsapp":
            return whatsapp.read_message(account_id, body, self._board.values.country_code)
        if not isinstance(body.get("recipient"), dict):
            raise invalid("The parameter messaging_product is required.")
        if account_id == "me":
            account_id = self._acquaintances.account_of(instagram.read_recipient(body))
        return instagram.read_message(account_id, body)

    async def _mark_read(self, request: BaseRequest, account_id: str, body: Json) -> Response:
        if not body.get("message_id"):
            raise invalid("The parameter message_id is required.")
        kind = "typing" if body.get("typing_indicator") else "read"
        facts = {"phone_number_id": account_id, "platform_message_id": body["message_id"]}
        return await self._sending.acknowledge(request, kind, facts, {"success": True})

    async def _act(self, request: BaseRequest, account_id: str, body: Json) -> Response:
        customer_id = instagram.read_recipient(body)
        if body["sender_action"] not in SENDER_ACTIONS:
            raise invalid("Param sender_action must be one of mark_seen, typing_on, typing_off.")
        kind = SENDER_ACTIONS[body["sender_action"]]
        facts = {"phone_number_id": account_id, "customer_id": customer_id, "action": body["sender_action"]}
        return await self._sending.acknowledge(request, kind, facts, {"recipient_id": customer_id})
