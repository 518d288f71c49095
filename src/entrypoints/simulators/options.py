"""What both simulators are started with, and the flags that say so."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from entrypoints.simulators.answers import JsonValue
from entrypoints.simulators.knobs import Knobs

K = TypeVar("K", bound=Knobs)


@dataclass(frozen=True, kw_only=True)
class SimulatorOptions:
    """Where to listen (port 0: any free one), whom to tell, what to write down."""

    host: str = "127.0.0.1"
    port: int = 0
    ready_file: Path | None = None
    journal_path: Path | None = None
    journal_records_max: int = 1_000_000


def create_parser(program: str, description: str, knobs: type[Knobs]) -> argparse.ArgumentParser:
    """A parser with the flags of both simulators and one flag for each knob."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port (default)")
    parser.add_argument("--ready-file", type=Path, help="written once the simulator answers: url and pid")
    parser.add_argument("--journal", type=Path, help="append the journal to this file as JSON lines")
    parser.add_argument("--journal-records", type=int, default=1_000_000, help="how many are kept in memory")
    group = parser.add_argument_group("knobs (also live: GET and PATCH /_sim/knobs)")
    for name, text in _descriptions(knobs).items():
        group.add_argument(f"--{name.replace('_', '-')}", dest=name, type=_json_or_text, help=text)
    return parser


def common_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of SimulatorOptions, as parsed."""
    return {
        "host": arguments.host,
        "port": arguments.port,
        "ready_file": arguments.ready_file,
        "journal_path": arguments.journal,
        "journal_records_max": arguments.journal_records,
    }


def parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None, knobs: type[K]) -> tuple[Any, K]:
    """The parsed flags and the knobs among them; a bad value ends the program with a line that names it."""
    arguments = parser.parse_args(argv)
    given = {name: getattr(arguments, name) for name in knobs.__struct_fields__}
    try:
        return arguments, msgspec.convert({k: v for k, v in given.items() if v is not None}, knobs)
    except msgspec.ValidationError as error:
        parser.error(str(error))


def _json_or_text(text: str) -> JsonValue:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _descriptions(knobs: type[Knobs]) -> dict[str, str]:
    properties = msgspec.json.schema(knobs)["$defs"][knobs.__name__]["properties"]
    return {name: schema.get("description", "") for name, schema in properties.items()}
