"""Exports: rows streamed as CSV or JSON Lines, one batch in memory at a time.

A spreadsheet takes a cell that begins with = + - @ (or with a tab or a line break before them) for a formula, and a
customer may have written one. Such a cell gets an apostrophe in front, which spreadsheets do not show. Plain numbers
keep their sign: +34911234567 and -5 compute nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from litestar.openapi import ResponseSpec
from litestar.response import Stream

from entrypoints.rest.bodies import view

ExportFormat = Literal["csv", "jsonl"]
EXPORT = {200: ResponseSpec(bytes, generate_examples=False, media_type="*/*", description="All rows, streamed")}
MEDIA_TYPES: Mapping[str, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
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
    batches: AsyncIterator[Sequence[object]],
) -> Stream:
    """All rows as a file of that name. `columns` are paths in the view, `fields` the values of its `data`."""
    lines = _json_lines(type_, batches) if format_ == "jsonl" else _csv(type_, columns, fields, batches)
    headers = {"content-disposition": f'attachment; filename="{name}.{format_}"', "cache-control": "private, no-store"}
    return Stream(lines, media_type=MEDIA_TYPES[format_], headers=headers)


async def _json_lines(type_: type[msgspec.Struct], batches: AsyncIterator[Sequence[object]]) -> AsyncIterator[bytes]:
    encoder = msgspec.json.Encoder()
    async for rows in batches:
        yield b"".join(encoder.encode(view(type_, row)) + b"\n" for row in rows)


async def _csv(
    type_: type[msgspec.Struct],
    columns: Sequence[str],
    fields: Sequence[str],
    batches: AsyncIterator[Sequence[object]],
) -> AsyncIterator[bytes]:
    yield _written([[*columns, *fields, OTHER]])
    async for rows in batches:
        plain = (msgspec.to_builtins(view(type_, row)) for row in rows)
        yield _written(_cells(row, columns, fields) for row in plain)


def _cells(row: Mapping[str, Any], columns: Sequence[str], fields: Sequence[str]) -> list[str]:
    data = dict(row["data"] or {})
    shown = [_at(row, column) for column in columns]
    shown += [data.pop(field, None) for field in fields]
    return [safe_cell(_text(value)) for value in (*shown, data or None)]


def _at(row: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    for name in path.split("."):
        row = row[name]
    return row


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and value.keys() == {"amount", "currency"}:
        return f"{value['amount']} {value['currency'] or ''}".strip()
    return msgspec.json.encode(value).decode()


def safe_cell(text: str) -> str:
    """The text as no spreadsheet computes it."""
    if FORMULA.match(text) and not PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)
    return file.getvalue().encode()
