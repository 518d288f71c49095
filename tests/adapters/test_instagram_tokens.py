from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.channels.instagram_tokens import InstagramTokens
from application.ports.token_refresh import NotRefreshed, Refreshed, TokenRefused


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


async def test_the_simulator_gives_a_new_token_for_sixty_days(http, meta_process, meta_controls) -> None:
    refreshed = await InstagramTokens(http, meta_process.url).refresh("IGAA-old")

    assert isinstance(refreshed, Refreshed)
    assert refreshed.access_token.startswith("IGAA")
    assert refreshed.lasts_seconds == 60 * 86_400
    assert len(await meta_controls.records("token_refresh")) == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"http_status": 400, "code": 190, "subcode": 463}, TokenRefused),
        ({"http_status": 400, "code": 10}, TokenRefused),
        ({"http_status": 400, "code": 4}, NotRefreshed),
        ({"http_status": 500, "code": 1}, NotRefreshed),
    ],
    ids=str,
)
async def test_only_an_error_of_the_token_s_own_is_a_refusal(
    http, meta_process, meta_controls, error, expected
) -> None:
    await meta_controls.script({"kind": "token_refresh", "then": {"error": error}, "times": 1})

    outcome = await InstagramTokens(http, meta_process.url).refresh("IGAA-old")

    assert isinstance(outcome, expected)
    assert "IGAA" not in outcome.detail


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b'{"access_token": "IGAA-new"}'),
        (200, b'{"access_token": "IGAA\\n", "expires_in": 1}'),
        (302, b"{}"),
        (404, b"<html>"),
    ],
)
async def test_an_answer_without_a_token_changes_nothing(http, provider, status, body) -> None:
    provider.says(status, body)

    assert isinstance(await InstagramTokens(http, provider.url).refresh("IGAA-old"), NotRefreshed)


async def test_it_is_asked_as_meta_documents_it_and_in_the_words_that_others_use(http, provider) -> None:
    provider.says(200, b'{"access_token": "IGAA-new", "token_type": "bearer", "expires_in": "5183944"}')

    assert await InstagramTokens(http, provider.url + "/").refresh("IGAA old") == Refreshed("IGAA-new", 5_183_944)
    (asked,) = provider.asked
    assert asked.path == "/refresh_access_token"


async def test_nobody_there_changes_nothing(http, provider) -> None:
    provider.cuts()
    assert isinstance(await InstagramTokens(http, provider.url).refresh("IGAA-old"), NotRefreshed)
    assert isinstance(await InstagramTokens(http, "http://127.0.0.1:1").refresh("IGAA-old"), NotRefreshed)
