"""A system's part of the board: of the live snapshot, and of what was so at any minute."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.http.runtime import Runtime
from projections.board import BoardModel
from projections.board_reading import Reading
from projections.reading import Pool

BOARD_READERS = (Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR)
"""The centre: it has all that waits for somebody, of whichever department."""

Figures = Mapping[str, float | None]
"""Figures of a system by name; None where there is nothing to say it of."""

Histogram = Sequence[tuple[float, int]]
"""At most how much, and how many are of it, ascending."""


class BoardPlace(BaseModel):
    """Where it is, as far as is known."""

    place_id: str | None = Field(description="of a junction, a parking place or a device")
    name: str | None = Field(description="of a case: of the smallest area that it lies in")
    name_en: str | None
    latitude: float | None = Field(description="degrees, WGS-84")
    longitude: float | None


async def nowhere(_: Runtime, __: Sequence[str]) -> Mapping[str, BoardPlace]:
    """Of a system that has no places of its own."""
    return {}


def no_histograms(_: Reading) -> Mapping[str, Histogram]:
    """Of a system that counts nothing by size."""
    return {}


@dataclass(frozen=True, slots=True)
class Followed:
    """What the board shows of a system at any minute: its model, and what is made of that."""

    system: str
    model: BoardModel
    figures: Callable[[Reading], Figures]
    places: Callable[[Runtime, Sequence[str]], Awaitable[Mapping[str, BoardPlace]]] = nowhere
    """Those of these places that are known, by id."""

    histograms: Callable[[Reading], Mapping[str, Histogram]] = no_histograms
    kinds: tuple[str, ...] = ()
    """What of it is known of every moment, one by one."""


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

    followed: Followed | None = None
    """What is known of it at any minute."""

    drawn: Callable[[Runtime, datetime], Awaitable[dict[str, Any]]] | None = None
    """Of its members those that are known of a past minute, shaped as in the snapshot."""
