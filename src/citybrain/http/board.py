"""A system's part of the live snapshot that the front page follows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from citybrain.http.runtime import Runtime
from projections.reading import Pool


@dataclass(frozen=True, slots=True)
class Origin:
    """Of which kind a stream is, and whether its data are made up."""

    class_code: str | None
    simulated: bool | None


@dataclass(frozen=True, slots=True)
class BoardPart:
    """Counts, topics and stream ids only: no free text, nobody's data."""

    members: Callable[[Runtime], Awaitable[dict[str, Any]]]
    """Members of the snapshot, named as no other system's."""

    origins: Callable[[Pool, Sequence[str]], Awaitable[Mapping[str, Origin]]]
    """Of these streams, those that are the system's."""

    any_simulated: Callable[[Pool], Awaitable[bool]]
    """Whether the system holds made-up data."""

    measure: Callable[[Runtime], Awaitable[None]] | None = None
    """Sets its gauges, whenever `/metrics` is asked for."""
