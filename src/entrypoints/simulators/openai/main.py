"""The OpenAI simulator as a program."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from entrypoints.simulators import server
from entrypoints.simulators.application import Simulator
from entrypoints.simulators.control import create_control
from entrypoints.simulators.journal import Journal
from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.openai.conversation_routes import add_conversation_routes
from entrypoints.simulators.openai.conversations import Conversations
from entrypoints.simulators.openai.errors import render
from entrypoints.simulators.openai.knobs import OpenAIKnobs
from entrypoints.simulators.openai.model_routes import add_model_routes
from entrypoints.simulators.openai.outcomes import Outcome
from entrypoints.simulators.openai.response_routes import add_response_routes
from entrypoints.simulators.openai.work import Workshop
from entrypoints.simulators.options import SimulatorOptions, common_options, create_parser, parse
from entrypoints.simulators.routing import Router
from entrypoints.simulators.script import Rule, Script


@dataclass(frozen=True, kw_only=True)
class OpenAISimulatorOptions(SimulatorOptions):
    """Where to listen and which knobs are turned at the start."""

    knobs: OpenAIKnobs = field(default_factory=OpenAIKnobs)


def run_openai_simulator(options: OpenAISimulatorOptions) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 0 after a clean end, 1 if the port is in use."""
    return server.run(lambda: create_openai_simulator(options), options)


def create_openai_simulator(options: OpenAISimulatorOptions) -> Simulator:
    """The simulator, put together; needs a running event loop to serve."""
    board = KnobBoard(options.knobs)
    journal = Journal(options.journal_path, options.journal_records_max)
    script: Script[Outcome] = Script()
    conversations = Conversations()
    workshop = Workshop(board=board, script=script, journal=journal, conversations=conversations)
    api = Router()
    add_response_routes(api, workshop)
    add_conversation_routes(api, conversations, journal)
    add_model_routes(api, board)
    control = create_control(name="openai", board=board, script=script, rules_type=list[Rule[Outcome]], journal=journal)
    return Simulator(
        name="OpenAI",
        base_path="/v1",
        api=api,
        control=control,
        board=board,
        journal=journal,
        render=render,
        running=workshop,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run with the flags of the command line; the exit code."""
    parser = create_parser("frontdesk simulate openai", "Answer as OpenAI would.", OpenAIKnobs)
    arguments, knobs = parse(parser, argv, OpenAIKnobs)
    return run_openai_simulator(OpenAISimulatorOptions(**common_options(arguments), knobs=knobs))
