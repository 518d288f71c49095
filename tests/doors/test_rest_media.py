"""Files handed back to the business that they were sent to, and to nobody else."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.media import MediumStatus, MissingReason
from tests.doors.conftest import bearer
from tests.doors.stubs import FILE

PATH = "/users/{user_id}/messages/{message_id}/media/"


def another(house, shop, **fields):
    """One more file of the shop's message."""
    return house.keeps_a_file(house.store.messages[UUID(shop.message_id)], **{"place": 1} | fields)


async def test_a_file_is_saved_by_its_owner_and_never_shown_as_a_page(rest, house, shop):
    another(house, shop, filename='../a"\r\nX: y.html', mime_type="text/html")
    answer = await rest.get(shop.path(PATH + "1"), headers=bearer(shop.key))
    assert (answer.status_code, answer.content) == (200, FILE)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-disposition"] == 'attachment; filename="a_X_y.html"'
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("cache-control") == ["private, max-age=3600, immutable"]
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["content-length"] == str(len(FILE))


async def test_a_file_without_a_name_is_called_what_it_is(rest, shop):
    answer = await rest.get(shop.path(PATH + "0"), headers=bearer(shop.key))
    assert answer.headers["content-disposition"] == 'attachment; filename="image-0"'
    assert answer.headers["content-type"] == "image/png"


@pytest.mark.parametrize("status", [MediumStatus.PENDING, MediumStatus.MISSING])
async def test_a_file_that_is_not_there_is_not_found(rest, house, shop, status):
    another(house, shop, status=status, storage_key=None, bytes=None)
    assert (await rest.get(shop.path(PATH + "1"), headers=bearer(shop.key))).status_code == 404


async def test_a_file_that_the_store_has_lost_or_cannot_reach_is_said_so(rest, house, shop):
    house.content.kept.clear()
    lost = await rest.get(shop.path(PATH + "0"), headers=bearer(shop.key))
    house.content.is_out = True
    out = await rest.get(shop.path(PATH + "0"), headers=bearer(shop.key))
    assert [(one.status_code, one.headers["content-type"]) for one in (lost, out)] == [
        (404, "application/problem+json"),
        (503, "application/problem+json"),
    ]


@pytest.mark.parametrize(("place", "status"), [("9", 404), ("-1", 422), ("99999999999", 422), ("x", 404), ("..", 404)])
async def test_a_place_where_nothing_is_is_not_found(rest, shop, place, status):
    answer = await rest.get(shop.path(PATH + place), headers=bearer(shop.key))
    assert answer.status_code in {status, 404}


async def test_a_message_is_listed_with_its_files_and_never_with_where_they_lie(rest, house, shop):
    missing = {"status": MediumStatus.MISSING, "reason": MissingReason.TOO_LARGE, "bytes": None, "storage_key": None}
    another(house, shop, **missing)
    listed = (await rest.get(shop.path("/users/{user_id}/messages"), headers=bearer(shop.key))).json()["items"]
    assert [len(one["media"]) for one in listed] == [0, 2]
    assert listed[0]["content"] is None
    base = {"kind": "image", "mime_type": "image/png", "filename": None}
    assert listed[1]["media"] == [
        base | {"place": 0, "bytes": len(FILE), "status": "kept", "reason": None},
        base | {"place": 1, "bytes": None, "status": "missing", "reason": "too_large"},
    ]


async def test_the_description_says_that_a_file_comes_as_it_was_sent(rest):
    document = (await rest.get("/openapi.json")).json()
    operation = document["paths"]["/users/{user_id}/messages/{message_id}/media/{place}"]["get"]
    assert list(operation["responses"]["200"]["content"]) == ["*/*"]
    assert {"content", "media"} <= set(document["components"]["schemas"]["MessageView"]["required"])
