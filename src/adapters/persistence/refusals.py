"""What it means when a constraint refuses a row, in the domain's words: each constraint is named here, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg

from domain.shared import Conflict, DomainError, NotFound

REFUSALS: Mapping[str | None, DomainError] = {
    "api_keys_user_id_fkey": NotFound("user"),
    "phone_numbers_user_id_fkey": NotFound("user"),
    "prompts_user_id_fkey": NotFound("user"),
    "agents_user_id_fkey": NotFound("user"),
    "phone_numbers_account_is_taken_once": Conflict("Another phone number is connected to this account."),
    "agents_one_per_phone_number": Conflict("Another agent answers on this phone number."),
}


@contextmanager
def refusals_named() -> Iterator[None]:
    """Raise the domain's error in place of the driver's; a constraint without a name here is a bug and stays one."""
    try:
        yield
    except psycopg.IntegrityError as error:
        refusal = REFUSALS.get(error.diag.constraint_name)
        if refusal is None:
            raise
        raise type(refusal)(*refusal.args) from error
