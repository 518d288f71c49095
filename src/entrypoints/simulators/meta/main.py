"""The Meta simulator as a program."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from entrypoints.simulators import control, server
from entrypoints.simulators.application import Simulator
from entrypoints.simulators.journal import Journal
from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.meta.aftermath import Aftermath
from entrypoints.simulators.meta.customers import Acquaintances, Customers
from entrypoints.simulators.meta.deliveries import Deliveries
from entrypoints.simulators.meta.errors import render
from entrypoints.simulators.meta.knobs import MetaKnobs
from entrypoints.simulators.meta.media import Media, add_media_routes
from entrypoints.simulators.meta.message_routes import add_message_routes
from entrypoints.simulators.meta.outcomes import Outcome
from entrypoints.simulators.meta.sending import Sending
from entrypoints.simulators.meta.signing import Signer
from entrypoints.simulators.meta.tokens import add_token_routes
from entrypoints.simulators.options import SimulatorOptions, common_options, create_parser, parse
from entrypoints.simulators.routing import Router
from entrypoints.simulators.script import Rule, Script


@dataclass(frozen=True, kw_only=True)
class MetaSimulatorOptions(SimulatorOptions):
    """Where to listen, with which secrets webhooks are signed, which knobs are turned at the start."""

    app_secret: str = ""
    instagram_app_secret: str = ""
    knobs: MetaKnobs = field(default_factory=MetaKnobs)


def run_meta_simulator(options: MetaSimulatorOptions) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 0 after a clean end, 1 if the port is in use."""
    return server.run(lambda: create_meta_simulator(options), options)


def create_meta_simulator(options: MetaSimulatorOptions) -> Simulator:
    """The simulator, put together; needs a running event loop to serve."""
    board = KnobBoard(options.knobs)
    journal = Journal(options.journal_path, options.journal_records_max)
    script: Script[Outcome] = Script()
    deliveries = Deliveries(board, journal)
    signer = Signer(
        app_secret=options.app_secret,
        instagram_app_secret=options.instagram_app_secret or options.app_secret,
    )
    acquaintances = Acquaintances()
    sending = Sending(board=board, script=script, journal=journal, aftermath=Aftermath(board, deliveries, signer))
    controls = control.create_control(
        name="meta", board=board, script=script, rules_type=list[Rule[Outcome]], journal=journal
    )
    Customers(deliveries, signer, journal, acquaintances).add_routes(controls)
    control.add(controls, "GET", "deliveries", deliveries.show)
    api = Router()
    add_token_routes(api, sending, board)
    add_message_routes(api, sending, board, acquaintances)
    add_media_routes(api, controls, Media(), journal)
    return Simulator(
        name="Meta",
        base_path="",
        api=api,
        control=controls,
        board=board,
        journal=journal,
        render=render,
        running=deliveries,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run with the flags of the command line; the exit code."""
    parser = create_parser("frontdesk simulate meta", "Answer as Meta's Graph would.", MetaKnobs)
    secrets_in_environment = os.environ.get("META_APP_SECRETS", "")
    parser.add_argument(
        "--app-secret",
        default=secrets_in_environment.partition(",")[0].strip(),
        help="signs webhooks; the first of META_APP_SECRETS by default, unsigned without one",
    )
    parser.add_argument("--instagram-app-secret", default="", help="signs Instagram's, if it differs")
    arguments, knobs = parse(parser, argv, MetaKnobs)
    return run_meta_simulator(
        MetaSimulatorOptions(
            **common_options(arguments),
            app_secret=arguments.app_secret,
            instagram_app_secret=arguments.instagram_app_secret,
            knobs=knobs,
        )
    )
