"""Rows as one statement takes them: an array a column for `unnest`, or one document for all.

`asyncpg` looks for nested arrays in every element of an array, which for many rows costs more than
anything else that is done with it here. Texts and documents it passes on.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson


def columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """The columns of rows of one length; none where there are no rows."""
    return list(map(list, zip(*rows, strict=True)))


def array(values: Collection[Any]) -> str:
    """An array as PostgreSQL writes it (8.15.6): for a parameter `$1::text::text[]`.

    The values are texts, numbers, true or false, moments, days or UUIDs, or None. It is the array
    of JSON in other brackets, but for what a backslash stands before.
    """
    written = orjson.dumps(values if isinstance(values, list) else [*values]).decode()
    if "\\" in written:
        return "{" + ",".join(map(_element, values)) + "}"
    return "{" + written[1:-1] + "}"


def _element(value: Any) -> str:
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def arrays(rows: Iterable[Sequence[Any]]) -> list[str]:
    """The columns of rows of one length, each an `array`; none where there are no rows."""
    return [array(list(column)) for column in zip(*rows, strict=True)]


def counted(counts: Mapping[tuple[Any, ...], int]) -> list[str]:
    """The columns of counts as `arrays`: one for each part of their keys, the numbers last."""
    return arrays((*key, count) for key, count in counts.items())


def recordset(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as `json_to_recordset` takes them, columns by name: for many columns, or for states."""
    return orjson.dumps(rows).decode()
