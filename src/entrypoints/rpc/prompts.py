"""`PromptService` over the application."""

from __future__ import annotations

from application.app import Application
from domain.agents import Prompt, Voice
from domain.shared import InvalidInput
from entrypoints.rpc._generated.frontdesk.v1 import prompt_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.prompt_pb2_grpc import PromptServiceServicer
from entrypoints.rpc.fields import emptied_in, page_in, time_out, uuid_in
from entrypoints.rpc.idempotency import once_of
from entrypoints.rpc.interceptors import Context, caller_of_call


class PromptServicer(PromptServiceServicer):
    """Prompts by gRPC."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._prompts = application.prompts

    async def CreatePrompt(self, request: pb.CreatePromptRequest, context: Context) -> pb.CreatePromptResponse:
        """Add a prompt with its first version."""
        user_id = uuid_in(request.user_id, "user_id")
        once = once_of(self._application, request, _created)
        return _created(await self._prompts.add(caller_of_call.get(), user_id, request.name, _voice(request), once))

    async def GetPrompt(self, request: pb.GetPromptRequest, context: Context) -> pb.GetPromptResponse:
        """Show a prompt with its latest version."""
        user_id = uuid_in(request.user_id, "user_id")
        prompt = await self._prompts.get(caller_of_call.get(), user_id, request.prompt_id)
        return pb.GetPromptResponse(prompt=_prompt(prompt))

    async def ListPrompts(self, request: pb.ListPromptsRequest, context: Context) -> pb.ListPromptsResponse:
        """List a user's prompts, each with its latest version."""
        user_id = uuid_in(request.user_id, "user_id")
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._prompts.list(caller_of_call.get(), user_id, page)
        return pb.ListPromptsResponse(
            prompts=[_prompt(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def ListPromptVersions(
        self, request: pb.ListPromptVersionsRequest, context: Context
    ) -> pb.ListPromptVersionsResponse:
        """List all versions of a prompt."""
        user_id = uuid_in(request.user_id, "user_id")
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._prompts.versions(caller_of_call.get(), user_id, request.prompt_id, page)
        return pb.ListPromptVersionsResponse(
            prompts=[_prompt(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def GetPromptVersion(
        self, request: pb.GetPromptVersionRequest, context: Context
    ) -> pb.GetPromptVersionResponse:
        """Show one version of a prompt."""
        user_id = uuid_in(request.user_id, "user_id")
        if request.version < 1:
            raise InvalidInput("version", "It must be at least 1.")
        prompt = await self._prompts.version(caller_of_call.get(), user_id, request.prompt_id, request.version)
        return pb.GetPromptVersionResponse(prompt=_prompt(prompt))

    async def CreatePromptVersion(
        self, request: pb.CreatePromptVersionRequest, context: Context
    ) -> pb.CreatePromptVersionResponse:
        """Add a version."""
        user_id = uuid_in(request.user_id, "user_id")
        once = once_of(self._application, request, _with_version)
        caller, voice = caller_of_call.get(), _voice(request)
        return _with_version(await self._prompts.add_version(caller, user_id, request.prompt_id, voice, once))


def _voice(request: pb.CreatePromptRequest | pb.CreatePromptVersionRequest) -> Voice:
    temperature, tokens = emptied_in(request, "temperature"), emptied_in(request, "max_output_tokens")
    return Voice(request.instructions, request.model, temperature, tokens)


def _created(prompt: Prompt) -> pb.CreatePromptResponse:
    return pb.CreatePromptResponse(prompt=_prompt(prompt))


def _with_version(prompt: Prompt) -> pb.CreatePromptVersionResponse:
    return pb.CreatePromptVersionResponse(prompt=_prompt(prompt))


def _prompt(prompt: Prompt) -> pb.Prompt:
    return pb.Prompt(
        id=prompt.id,
        version=prompt.version,
        name=prompt.name,
        instructions=prompt.voice.instructions,
        model=prompt.voice.model,
        temperature=prompt.voice.temperature,
        max_output_tokens=prompt.voice.max_output_tokens,
        create_time=time_out(prompt.created_at),
    )
