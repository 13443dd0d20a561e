"""Arrays as we write them are read by PostgreSQL as the driver's own are."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from citybrain.columns import array, arrays
from citybrain.eventstore import EventStore

AT = datetime(2026, 11, 30, 8, 15, 59, 120_003, UTC)
ODD = [
    "",
    "a",
    "NULL",
    "null",
    '"',
    "\\",
    '\\"',
    "a,b",
    "{a}",
    " a ",
    "\n\t\r\x01",
    "\u2028",
    "花园路 🚦",
]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("text", []),
        ("text", ODD),
        ("text", ["plain", None, "{}"]),
        ("text", ['"', None]),
        ("bigint", [0, -1, (1 << 63) - 1, -(1 << 63), None]),
        ("boolean", [True, False, None]),
        ("date", [date(2026, 2, 28), None]),
        ("timestamptz", [AT, AT.replace(microsecond=0), None]),
        ("uuid", [UUID(int=1), None]),
    ],
)
async def test_an_array_is_what_it_was(store: EventStore, kind: str, values: list[Any]) -> None:
    ours = await store.pool.fetchval(f"SELECT $1::text::{kind}[]", array(values))
    theirs = await store.pool.fetchval(f"SELECT $1::{kind}[]", values)
    assert ours == theirs == values


async def test_columns_of_rows(store: EventStore) -> None:
    rows = [(text, number) for number, text in enumerate(ODD)]
    query = "SELECT * FROM unnest($1::text::text[], $2::text::bigint[])"
    assert [tuple(row) for row in await store.pool.fetch(query, *arrays(rows))] == rows
    assert arrays([]) == []
