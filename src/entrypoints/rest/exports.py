"""Exports: rows streamed as CSV or JSON Lines, two batches in memory at a time.

While one is written the next one is read, so that the store and this process work side by side; and it is written in a
thread, so that no other request waits for it.

A spreadsheet takes a cell that begins with = + - @ (or with a tab or a line break before them) for a formula, and a
customer may have written one. Such a cell gets an apostrophe in front, which spreadsheets do not show. Plain numbers
keep their sign: +34911234567 and -5 compute nothing.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Literal

import msgspec
from litestar.openapi import ResponseSpec
from litestar.response import Stream

from entrypoints.rest.bodies import view

Batches = AsyncIterator[Sequence[object]]
ExportFormat = Literal["csv", "jsonl"]
EXPORT = {200: ResponseSpec(bytes, generate_examples=False, media_type="*/*", description="All rows, streamed")}
MEDIA_TYPES: Mapping[str, str] = {"csv": "text/csv", "jsonl": "application/jsonl"}
OTHER = "other"
"""The column of values whose field no form names any more, as JSON."""

FORMULA = re.compile(r"[\s\x00-\x1f]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def exported(
    format_: ExportFormat,
    name: str,
    type_: type[msgspec.Struct],
    columns: Sequence[str],
    fields: Sequence[str],
    batches: Batches,
) -> Stream:
    """All rows as a file of that name. `columns` are paths in the view, `fields` the values of its `data`."""
    lines = _json_lines(type_, batches) if format_ == "jsonl" else _csv(type_, columns, fields, batches)
    headers = {"content-disposition": f'attachment; filename="{name}.{format_}"', "cache-control": "private, no-store"}
    return Stream(lines, media_type=MEDIA_TYPES[format_], headers=headers)


async def _json_lines(type_: type[msgspec.Struct], batches: Batches) -> AsyncIterator[bytes]:
    encoder = msgspec.json.Encoder()
    async for chunk in _written_ahead(batches, lambda rows: encoder.encode_lines([view(type_, row) for row in rows])):
        yield chunk


async def _csv(
    type_: type[msgspec.Struct], columns: Sequence[str], fields: Sequence[str], batches: Batches
) -> AsyncIterator[bytes]:
    shown = [attrgetter(column) for column in columns]
    yield _csv_lines([[*columns, *fields, OTHER]])
    async for chunk in _written_ahead(
        batches, lambda rows: _csv_lines(_cells(view(type_, row), shown, fields) for row in rows)
    ):
        yield chunk


async def _written_ahead(batches: Batches, written: Callable[[Sequence[object]], bytes]) -> AsyncIterator[bytes]:
    """Each batch as bytes, while the next one is being read."""
    coming = asyncio.ensure_future(anext(batches, None))
    try:
        while (rows := await coming) is not None:
            coming = asyncio.ensure_future(anext(batches, None))
            yield await asyncio.to_thread(written, rows)
    finally:
        coming.cancel()  # whoever asked may have hung up


def _cells(row: Any, shown: Sequence[attrgetter[Any]], fields: Sequence[str]) -> list[str]:  # noqa: ANN401 - a view
    data = dict(row.data or {})
    cells = [msgspec.to_builtins(column(row)) for column in shown]
    cells += [data.pop(field, None) for field in fields]
    return ["" if value is None else safe_cell(_text(value)) for value in (*cells, data or None)]


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and value.keys() == {"amount", "currency"}:
        return f"{value['amount']} {value['currency'] or ''}".strip()
    return msgspec.json.encode(value).decode()


def safe_cell(text: str) -> str:
    """The text as no spreadsheet computes it."""
    if not text[:1].isalnum() and FORMULA.match(text) and not PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)
    return file.getvalue().encode()
