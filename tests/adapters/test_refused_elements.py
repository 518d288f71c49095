"""What the driver refuses of a batch is tried again by itself, and costs its neighbours nothing."""

import psycopg
import pytest

from adapters.persistence.refused_elements import each_on_its_own, without_refusals


async def test_what_somebody_else_stored_in_that_very_moment_is_looked_at_again() -> None:
    tries = 0

    async def flush(items: list[str]) -> list[str]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise psycopg.errors.UniqueViolation
        return ["known" for _ in items]

    assert without_refusals(await each_on_its_own(flush)(["echo"])) == ["known"]


async def test_what_is_refused_for_good_fails_alone() -> None:
    async def flush(items: list[str]) -> list[str]:
        if "bad" in items:
            raise psycopg.errors.CheckViolation
        return ["kept" for _ in items]

    before, bad, behind = await each_on_its_own(flush)(["one", "bad", "two"])

    assert (before, behind) == ("kept", "kept")
    with pytest.raises(psycopg.errors.CheckViolation):
        without_refusals([bad])
