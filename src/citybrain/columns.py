"""Rows as `unnest` takes them: an array a column."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """The columns of rows of one length; none where there are no rows."""
    return list(map(list, zip(*rows, strict=True)))


def counted(counts: Mapping[tuple[Any, ...], int]) -> list[list[Any]]:
    """The columns of counts: one for each part of their keys, the numbers last."""
    return columns((*key, count) for key, count in counts.items())
