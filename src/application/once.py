"""The key with which a caller may send a request again without its acting again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn, TypeVar

from application.ports.answers import AnsweredBefore, AnswerLost, Answers, KeyReused, Once
from application.ports.vault import SecretUnreadable, Vault
from domain.shared import InvalidInput
from domain.users import Caller

Result = TypeVar("Result")

VISIBLE_KEY = r"[!-~]{1,255}"
KEPT_DAYS = 30.0
"""How long the same request is answered as before; afterwards it is a new one."""
FORGET_BATCH = 1_000
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class NameRequest:
    """Makes of a key, of whoever shows it and of what is asked the `Once` that a use case passes down."""

    vault: Vault

    def __call__(
        self, caller: Caller, key: str | None, request: bytes, render: Callable[[Result], bytes]
    ) -> Once[Result] | None:
        """None without a key. Raises InvalidInput for what is none.

        `request` says which operation is asked for, of which things and with what body: equal for equal requests and
        for no others. `render` makes the answer of the result, and the same one whenever it is asked.
        """
        if key is None:
            return None
        name, digest = _name(caller, _checked(key)), sha256(request).digest()
        return Once(
            name,
            lambda result: self.vault.seal_answer(digest + render(result), name),
            lambda sealed: self._replay(sealed, name, digest),
        )

    def _replay(self, sealed: bytes, name: bytes, digest: bytes) -> NoReturn:
        try:
            kept = self.vault.unseal_answer(sealed, name)
        except SecretUnreadable as error:
            raise AnswerLost from error
        if kept[:DIGEST_BYTES] != digest:
            raise KeyReused
        raise AnsweredBefore(kept[DIGEST_BYTES:])


@dataclass(frozen=True, slots=True)
class ForgetAnswers:
    """Deletes answers that nobody needs to hear again."""

    answers: Answers

    async def __call__(self) -> int:
        """Delete a batch of what is older than KEPT_DAYS; how many it were, FORGET_BATCH when there may be more."""
        return await self.answers.forget(KEPT_DAYS, FORGET_BATCH)


def _checked(key: str) -> str:
    if not re.fullmatch(VISIBLE_KEY, key):
        raise InvalidInput("Idempotency-Key", "It must have 1 to 255 characters, all of them visible ASCII.")
    return key


def _name(caller: Caller, key: str) -> bytes:
    """Spelled in migration 0012 too, for answers that were kept before."""
    owner = "administrator" if caller.is_admin else caller.user_id
    return sha256(f"{owner} {key}".encode()).digest()
