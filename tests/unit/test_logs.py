"""What a line tells of an exception, and to whom lines go."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoints.logs import told

SOURCE = Path(__file__).parents[2] / "src"
SCRIPT = """
import logging, structlog
from entrypoints.logs import configure_logs
configure_logs("info", "json", process="tests")
log = structlog.get_logger()
log.debug("unseen")
log.info("seen", text="two\\nlines \\x1b[31m")
logging.getLogger("a.library").warning("of %s", "a library")
logging.getLogger("httpx").info("GET https://example.test/?token=secret")
try:
    raise ValueError("the customer '4915112345678' said \\"hello\\"")
except ValueError:
    log.exception("broken")
    logging.getLogger("a.library").exception("broken too")
"""


def written(script: str) -> list[str]:
    answer = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, check=True
    )
    return answer.stdout.decode().splitlines()


def test_our_lines_and_those_of_libraries_are_json_of_one_form():
    lines = [json.loads(line) for line in written(SCRIPT)]

    assert [line["event"] for line in lines] == ["seen", "of a library", "broken", "broken too"]
    assert all(line["process"] == "tests" and line["timestamp"] and line["level"] for line in lines)
    assert lines[0]["text"] == "two\nlines \x1b[31m"


def test_an_exception_is_told_without_what_it_quotes():
    for line in map(json.loads, written(SCRIPT)[2:]):
        assert "4915112345678" not in str(line)
        assert "hello" not in str(line)
        assert line["exception"].endswith("builtins.ValueError: the customer … said …")


@pytest.mark.parametrize(
    "message",
    [
        "no such thing: 'a secret'",
        'Key (address)=("a secret")',
        "call 4915112345678 back",
        "write to someone@example.com",
        "Authorization: Bearer a-secret",
        "token EAAGm0PX4ZCpsBA1234",
        "first line\nDETAIL: a secret",
    ],
)
def test_values_numbers_addresses_and_tokens_are_blotted_out(message):
    line = told((ValueError, ValueError(message), None))

    assert not any(part in line for part in ("a secret", "a-secret", "4915112345678", "someone", "EAAG"))


def test_the_cause_is_told_first():
    try:
        try:
            raise KeyError(7)
        except KeyError as error:
            raise RuntimeError("It broke.") from error
    except RuntimeError as error:
        lines = told((RuntimeError, error, error.__traceback__)).splitlines()

    assert lines[1] == "builtins.KeyError: 7"
    assert lines[-1] == "builtins.RuntimeError: It broke."


def test_nobody_who_reads_does_no_harm():
    script = (
        "import os; os.close(1); os.open('/dev/full', os.O_WRONLY)\n"
        "import structlog; from entrypoints.logs import configure_logs\n"
        "configure_logs('info', 'json'); structlog.get_logger().info('unheard')\n"
    )
    assert written(script) == []
