"""`frontdesk`: one command for every process. Each subcommand loads only what it needs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from entrypoints.memory import loading

Run = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; the exit code. A failure that has a name is one line on standard error and code 1."""
    parser = _parser()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["simulate"]:
        return _simulate(words[1:])
    chosen = parser.parse_args(words)
    run: Run = chosen.run
    return run(chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="frontdesk", description="AI agents that answer a business's customers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    dev = _command(commands, "dev", _dev, "start everything on this machine, simulators included")
    dev.add_argument("--port", type=int, help="REST port; 0 picks free ports for REST and gRPC")
    dev.add_argument("--ready-file", type=Path, help="write addresses and demo keys here, as JSON, once all answers")
    dev.add_argument(
        "--extraction-idle-seconds", type=float, metavar="N", help="read conversations after so much quiet already"
    )
    dev.add_argument("--with-parent", action="store_true", help="stop when the process that started this one ends")

    serve = commands.add_parser("serve", help="serve REST or gRPC").add_subparsers(required=True, metavar="DOOR")
    _command(serve, "rest", _serve_rest, "serve REST")
    _command(serve, "grpc", _serve_grpc, "serve gRPC")

    worker = _command(commands, "worker", _worker, "answer customers, and start again whoever dies doing so")
    how_many = worker.add_mutually_exclusive_group()
    how_many.add_argument("--processes", type=_count, default=1, metavar="N", help="how many workers; one by default")
    how_many.add_argument(
        "--autoscale", action="store_true", help="as many as are needed, from WORKERS_MIN to WORKERS_MAX"
    )
    _command(commands, "scheduler", _scheduler, "do the chores that nobody asks for")

    migrate = _command(commands, "migrate", _migrate, "bring the database's schema up to date")
    migrate.add_argument("--down", type=_count, metavar="STEPS", help="take that many migrations back instead")

    commands.add_parser("simulate", help="play OpenAI or Meta: frontdesk simulate openai|meta --help")

    say = _command(commands, "say", _say, "write as a customer and print the agent's reply")
    say.add_argument("text", help="what the customer writes")
    say.add_argument("--from", dest="sender", default="15550001111", help="the customer's number")
    say.add_argument("--to", help="Meta's id of the phone number; the demo's WhatsApp number by default")
    say.add_argument("--home", type=Path, help="FRONTDESK_HOME of the running `frontdesk dev`")
    say.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="how long to wait for the reply")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Run,
    text: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def _count(written: str) -> int:
    count = int(written) if written.isdecimal() else 0
    if count < 1:
        raise argparse.ArgumentTypeError("it must be a whole number from 1")
    return count


def _dev(chosen: argparse.Namespace) -> int:
    with loading():
        from entrypoints.dev.launcher import run_dev  # noqa: PLC0415

    environment = dict(os.environ)
    if chosen.extraction_idle_seconds is not None:
        environment["EXTRACTION_IDLE_SECONDS"] = str(chosen.extraction_idle_seconds)
    return run_dev(environment, chosen.port, chosen.ready_file, with_parent=chosen.with_parent)


def _serve_rest(_: argparse.Namespace) -> int:
    with loading():
        from entrypoints.rest.process import rest_process  # noqa: PLC0415

    return rest_process(os.environ)


def _serve_grpc(_: argparse.Namespace) -> int:
    with loading():
        from entrypoints.rpc.process import grpc_process  # noqa: PLC0415

    return grpc_process(os.environ)


def _worker(chosen: argparse.Namespace) -> int:
    with loading():
        from entrypoints.worker.process import worker_process  # noqa: PLC0415

    return worker_process(None if chosen.autoscale else chosen.processes)


def _scheduler(_: argparse.Namespace) -> int:
    with loading():
        from entrypoints.scheduler.main import scheduler_process  # noqa: PLC0415

    return scheduler_process(os.environ)


def _migrate(chosen: argparse.Namespace) -> int:
    from entrypoints.cli.migrate import migrate  # noqa: PLC0415

    return migrate(os.environ, chosen.down)


def _simulate(words: Sequence[str]) -> int:
    if words[:1] == ["openai"]:
        from entrypoints.simulators.openai.main import main as simulate_openai  # noqa: PLC0415

        return simulate_openai(words[1:])
    if words[:1] == ["meta"]:
        from entrypoints.simulators.meta.main import main as simulate_meta  # noqa: PLC0415

        return simulate_meta(words[1:])
    sys.stderr.write("usage: frontdesk simulate openai|meta [OPTION …]\n")
    return 2


def _say(chosen: argparse.Namespace) -> int:
    from entrypoints.cli.say import say  # noqa: PLC0415

    home = chosen.home or Path(os.environ.get("FRONTDESK_HOME") or ".frontdesk")
    return say(home, chosen.text, sender=chosen.sender, account=chosen.to, timeout_seconds=chosen.timeout)


if __name__ == "__main__":
    sys.exit(main())
