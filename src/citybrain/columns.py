"""Rows as one statement takes them: an array a column for `unnest`, or one document for all."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson


def columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """The columns of rows of one length; none where there are no rows."""
    return list(map(list, zip(*rows, strict=True)))


def counted(counts: Mapping[tuple[Any, ...], int]) -> list[list[Any]]:
    """The columns of counts: one for each part of their keys, the numbers last."""
    return columns((*key, count) for key, count in counts.items())


def recordset(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as `json_to_recordset` takes them, columns by name.

    For many rows of many columns: `asyncpg` looks for nested arrays in every element of an array,
    which costs more than anything else that is done with it here.
    """
    return orjson.dumps(rows).decode()
