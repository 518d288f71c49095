"""What a failed call to OpenAI means: try again, nobody knows, or never."""

from __future__ import annotations

import re

import aiohttp
import httpx2
import openai

from adapters.llm.openai_input import FILE_REFUSALS
from domain.answers import Forgotten, NotAnswered, TryAgain, Uncertain
from domain.conversations import UnansweredReason

RETRY_AFTER_SECONDS_MAX = 120.0
SERVER_ERROR = 500
DETAIL_LENGTH_MAX = 300
PART = re.compile(r"^input\[\d+\]\.content\[[1-9]\d*\]|image_url|file_data")
"""The first part is the customer's words; what is behind it can be left out."""
ORPHANED_CALL = re.compile(r"No tool output found for function call (call_\w+)")

Failure = TryAgain | Uncertain | NotAnswered | Forgotten


def of_status(error: openai.APIStatusError) -> Failure:
    """What an error answer means; by its code where it has one."""
    detail = f"OpenAI answered {error.status_code} {error.code or ''}: {error.message}"[:DETAIL_LENGTH_MAX]
    if error.code == "conversation_locked" or isinstance(error, openai.ConflictError):
        return TryAgain(detail, is_locked=True)
    if isinstance(error, openai.AuthenticationError):
        return TryAgain(detail, is_outage=True)  # our key, not this message: nobody is answered until it is mended
    if isinstance(error, openai.RateLimitError):
        # Without quota nobody's call is taken until somebody pays: an outage, not a rate.
        return TryAgain(detail, _retry_after(error.response), is_outage=error.code == "insufficient_quota")
    if error.status_code >= SERVER_ERROR or error.status_code == httpx2.codes.REQUEST_TIMEOUT:
        # Before OpenAI stand gateways, which give up on calls that go on behind them.
        is_over = error.status_code in {httpx2.codes.INTERNAL_SERVER_ERROR, httpx2.codes.SERVICE_UNAVAILABLE}
        return Uncertain(detail, _retry_after(error.response), is_over)
    if isinstance(error, openai.NotFoundError) and _names_the_conversation(error):
        return Forgotten(detail)
    return NotAnswered(UnansweredReason.MODEL_FAILED, detail)


def _names_the_conversation(error: openai.NotFoundError) -> bool:
    """A 404 about the model or the prompt is the business's to mend.

    A conversation that lacks the item behind which we look (`after`) is not the one we know either.
    """
    return error.param in {"conversation", "after"} or "conversation with id" in error.message.lower()


def of_connection(error: openai.APIConnectionError) -> TryAgain | Uncertain:
    """Nothing was sent when no connection was made; otherwise nobody knows.

    Only aiohttp's own error tells the two apart: the SDK's transport calls every broken connection a ConnectTimeout.
    """
    cause = _first_cause(error, aiohttp.ClientError) or error
    if isinstance(cause, aiohttp.ClientConnectorError):
        return TryAgain("OpenAI could not be reached.", is_outage=True)
    return Uncertain(f"The connection to OpenAI broke: {type(cause).__name__}")


def _first_cause(error: BaseException, of_type: type[BaseException]) -> BaseException | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, of_type):
        cause = cause.__cause__
    return cause


def orphaned_call(error: openai.APIStatusError) -> str | None:
    """The id of a tool call that was never answered, when that is what OpenAI complains of."""
    found = ORPHANED_CALL.search(error.message)
    return found[1] if found else None


def refused_file(error: openai.APIStatusError) -> str | None:
    """What OpenAI has against a file in the request: a code of its own, or the place of an image or a file."""
    if error.code in FILE_REFUSALS:
        return error.code
    names_a_part = error.status_code == httpx2.codes.BAD_REQUEST and PART.search(error.param or "")
    return (error.code or "invalid_input_part") if names_a_part else None


def _retry_after(response: httpx2.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return min(float(value), RETRY_AFTER_SECONDS_MAX) if value.replace(".", "", 1).isdecimal() else None
