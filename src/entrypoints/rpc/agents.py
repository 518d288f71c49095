"""`AgentService` over the application."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from application.app import Application
from domain.agents import Agent
from entrypoints.rpc._generated.frontdesk.v1 import agent_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.agent_pb2_grpc import AgentServiceServicer
from entrypoints.rpc.fields import (
    emptied_in,
    given_in,
    id_out,
    kept_in,
    optional_id_out,
    page_in,
    struct_in,
    struct_out,
    time_out,
    uuid_in,
)
from entrypoints.rpc.idempotency import once_of
from entrypoints.rpc.interceptors import Context, caller_of_call

CHANGEABLE = {"name", "prompt_id", "phone_number_id", "lead_form", "prompt_version"}
AgentRequest = pb.CreateAgentRequest | pb.UpdateAgentRequest


class AgentServicer(AgentServiceServicer):
    """Agents by gRPC."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._agents = application.agents

    async def CreateAgent(self, request: pb.CreateAgentRequest, context: Context) -> pb.CreateAgentResponse:
        """Add an agent."""
        user_id = uuid_in(request.user_id, "user_id")
        phone_number_id, form = _phone_number_in(request), _form_in(request)
        caller, once = caller_of_call.get(), once_of(self._application, request, _created)
        what = (request.name, request.prompt_id, phone_number_id, form, emptied_in(request, "prompt_version"))
        return _created(await self._agents.add(caller, user_id, *what, once))

    async def GetAgent(self, request: pb.GetAgentRequest, context: Context) -> pb.GetAgentResponse:
        """Show an agent."""
        user_id, agent_id = uuid_in(request.user_id, "user_id"), uuid_in(request.agent_id, "agent_id")
        return pb.GetAgentResponse(agent=_agent(await self._agents.get(caller_of_call.get(), user_id, agent_id)))

    async def ListAgents(self, request: pb.ListAgentsRequest, context: Context) -> pb.ListAgentsResponse:
        """List a user's agents."""
        user_id = uuid_in(request.user_id, "user_id")
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._agents.list(caller_of_call.get(), user_id, page)
        return pb.ListAgentsResponse(
            agents=[_agent(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def UpdateAgent(self, request: pb.UpdateAgentRequest, context: Context) -> pb.UpdateAgentResponse:
        """Change what is given."""
        user_id, agent_id = uuid_in(request.user_id, "user_id"), uuid_in(request.agent_id, "agent_id")
        agent = await self._agents.change(caller_of_call.get(), user_id, agent_id, **_changes(request))
        return pb.UpdateAgentResponse(agent=_agent(agent))

    async def DeleteAgent(self, request: pb.DeleteAgentRequest, context: Context) -> pb.DeleteAgentResponse:
        """Delete an agent and archive its active conversations."""
        user_id, agent_id = uuid_in(request.user_id, "user_id"), uuid_in(request.agent_id, "agent_id")
        await self._agents.remove(caller_of_call.get(), user_id, agent_id)
        return pb.DeleteAgentResponse()


def _changes(request: pb.UpdateAgentRequest) -> dict[str, Any]:
    """What is to change, in the application's words. Raises InvalidInput."""
    changes: dict[str, Any] = {}
    for field in given_in(request, CHANGEABLE):
        match field:
            case "phone_number_id":
                changes[field] = _phone_number_in(request)
            case "lead_form":
                changes[field] = _form_in(request)
            case "prompt_version":
                changes[field] = emptied_in(request, field)
            case _:
                changes[field] = kept_in(request, field)
    return changes


def _phone_number_in(request: AgentRequest) -> UUID | None:
    return uuid_in(request.phone_number_id, "phone_number_id") if request.HasField("phone_number_id") else None


def _form_in(request: AgentRequest) -> dict[str, Any] | None:
    return struct_in(request.lead_form, "lead_form") if request.HasField("lead_form") else None


def _created(agent: Agent) -> pb.CreateAgentResponse:
    return pb.CreateAgentResponse(agent=_agent(agent))


def _agent(agent: Agent) -> pb.Agent:
    return pb.Agent(
        id=id_out(agent.id),
        user_id=id_out(agent.user_id),
        name=agent.name,
        prompt_id=agent.prompt_id,
        phone_number_id=optional_id_out(agent.phone_number_id),
        lead_form=struct_out(agent.lead_form),
        prompt_version=agent.prompt_version,
        create_time=time_out(agent.created_at),
    )
