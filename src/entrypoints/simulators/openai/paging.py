"""Pages of a list of items."""

from collections.abc import Iterable
from itertools import islice

from aiohttp.web import BaseRequest

from entrypoints.simulators.answers import Json
from entrypoints.simulators.openai.errors import refused

LIMIT_MAX = 100


def page(items: list[Json], request: BaseRequest) -> Json:
    """The page that limit, order and after ask for; the newest 20 without them."""
    limit, order = _limit(request.query.get("limit", "20")), request.query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise refused(f"Invalid value for 'order': {order!r}.", param="order", code="invalid_value")
    ordered = items if order == "asc" else reversed(items)
    found = list(islice(_after(ordered, request.query.get("after")), limit + 1))
    return item_list(found[:limit], has_more=len(found) > limit)


def item_list(items: list[Json], *, has_more: bool = False) -> Json:
    """These items as a list object."""
    first, last = (items[0]["id"], items[-1]["id"]) if items else ("", "")
    return {"object": "list", "data": items, "first_id": first, "last_id": last, "has_more": has_more}


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LIMIT_MAX:
        raise refused(f"Invalid 'limit': {text!r} is not between 1 and 100.", param="limit")
    return int(text)


def _after(items: Iterable[Json], after: str | None) -> Iterable[Json]:
    iterator = iter(items)
    if after and not any(item["id"] == after for item in iterator):
        raise refused(f"Item with id '{after}' not found.", status=404, param="after")
    return iterator
