"""What it means when a constraint refuses a row, in the domain's words: each constraint is named here, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import psycopg

from application.ports.answers import KeyReused
from domain.shared import Conflict, DomainError, NotFound

REFUSALS: Mapping[str | None, Callable[[], DomainError]] = {
    "api_keys_user_id_fkey": partial(NotFound, "user"),
    # Seen before the effect, it would have been answered: it is about another user, and unseen from there.
    "kept_answers_pkey": KeyReused,
    "alerts_user_id_fkey": partial(NotFound, "user"),
    "phone_numbers_user_id_fkey": partial(NotFound, "user"),
    "prompts_user_id_fkey": partial(NotFound, "user"),
    "agents_prompt_version_exists": partial(NotFound, "prompt version"),
    "prompt_versions_user_id_fkey": partial(NotFound, "user"),
    "agents_user_id_fkey": partial(NotFound, "user"),
    "phone_numbers_account_is_taken_once": partial(Conflict, "Another phone number is connected to this account."),
    "agents_one_per_phone_number": partial(Conflict, "Another agent answers on this phone number."),
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
        raise refusal() from error
