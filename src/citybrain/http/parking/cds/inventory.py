"""Which places are asked for: one by its id, or a page, also by what they lie in or near."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from citybrain.domain.parking.place import PlaceKind
from citybrain.http.paging import encode_cursor
from citybrain.http.parking.cds.asking import EPOCH, Asked, Box, Circle
from citybrain.http.parking.cds.errors import BadParameter, NothingThere
from citybrain.http.parking.cds.identities import stream_named
from citybrain.http.parking.cds.shapes import meets, metres_to, reach_of, shape_of
from projections.parking import curbs

Row = dict[str, Any]
BATCH: Final = 1000
MOST_NEAR: Final = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """Places in their order, and the cursor of what follows."""

    rows: Sequence[Row]
    following: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which places: of some kinds, in a place, as of a moment; `ever`: also what was there before.

    `drawn` says whether one can be shown at all.
    """

    kinds: tuple[PlaceKind, ...]
    at: datetime
    drawn: Callable[[Row], bool]
    parent: str | None = None
    ever: bool = False


def cursor_after(identity: str) -> str:
    """The cursor of what follows this one, in a list by id."""
    return encode_cursor(EPOCH, identity)


async def one(asked: Asked, kind: PlaceKind, identity: UUID) -> list[Row]:
    """All versions of a place of a kind; raises `NothingThere`."""
    rows = await curbs.of_streams(asked.runtime.store.models, [stream_named(identity)])
    if not rows or rows[0]["kind"] != kind:
        raise NothingThere("there is nothing of this id")
    return rows


async def named(asked: Asked, name: str, *kinds: PlaceKind) -> str | None:
    """The place that a parameter names; None where it is absent. Raises `NothingThere`."""
    identity = asked.identity(name)
    if identity is None:
        return None
    rows = await curbs.of_streams(asked.runtime.store.models, [stream_named(identity)])
    if not rows or rows[0]["kind"] not in kinds:
        raise NothingThere(f"there is no such {name}", [name])
    return str(rows[0]["place_id"])


def version_at(rows: Sequence[Row], at: datetime, *, historic: bool = False) -> Row:
    """The version that is in force; the last one that was where `historic`.

    Raises `NothingThere` before the first, and where the place is retired.
    """
    begun = [row for row in rows if row["valid_from"] <= at]
    if begun and not begun[-1]["retired"]:
        return begun[-1]
    held = [row for row in begun if not row["retired"]]
    if not historic or not held:
        raise NothingThere("there is nothing of this id then")
    return held[-1]


async def page(asked: Asked, wanted: Wanted) -> Page:
    """A page: by id, or from the nearest where a circle is asked for."""
    around = asked.around()
    if isinstance(around, Circle):
        return await _nearest(asked, wanted, around)
    limit, cursor = asked.limit(), asked.cursor()
    after = None if cursor is None else cursor[1]
    found: list[Row] = []
    while len(found) <= limit:
        rows = await _rows(asked, wanted, around, after, BATCH if around else limit + 1)
        found += [row for row in rows if wanted.drawn(row) and _in(row, around)]
        if len(rows) < (BATCH if around else limit + 1):
            break
        after = rows[-1]["place_id"]
    following = None
    if len(found) > limit:
        following = cursor_after(found[limit - 1]["place_id"])
    return Page(found[:limit], following)


async def every(asked: Asked, wanted: Wanted, most: int) -> list[Row]:
    """All places that are asked for; raises `BadParameter` where they are too many."""
    around, after, found = asked.around(), None, list[Row]()
    while True:
        rows = await _rows(asked, wanted, around, after, BATCH)
        found += [row for row in rows if _in(row, around)]
        if len(found) > most:
            raise BadParameter(f"that is more than {most} places: name one, or ask for fewer")
        if len(rows) < BATCH:
            return found
        after = rows[-1]["place_id"]


async def _nearest(asked: Asked, wanted: Wanted, around: Circle) -> Page:
    """Ascending by distance; a page begins after a number of places."""
    limit, cursor = asked.limit(), asked.cursor()
    rows = await _rows(asked, wanted, around, None, MOST_NEAR + 1)
    if len(rows) > MOST_NEAR:
        raise BadParameter("too many places are that near: make the radius smaller", ["radius"])
    found = []
    for row in rows:
        shape = shape_of(row["geometry"])
        if shape is not None and wanted.drawn(row):
            metres = metres_to(shape, around)
            if metres <= around.radius_m:
                found.append((metres, row["place_id"], row))
    found.sort(key=lambda each: each[:2])
    after = (-1.0, "") if cursor is None else _distance_in(cursor[1])
    rest = [each for each in found if each[:2] > after]
    following = None
    if len(rest) > limit:
        metres, place_id, _ = rest[limit - 1]
        following = cursor_after(f"{metres!r} {place_id}")
    return Page([row for _, _, row in rest[:limit]], following)


def _distance_in(text: str) -> tuple[float, str]:
    metres, _, place_id = text.partition(" ")
    try:
        return float(metres), place_id
    except ValueError:
        raise BadParameter("cursor is not one that links.next gave", ["cursor"]) from None


async def _rows(
    asked: Asked, wanted: Wanted, around: Box | Circle | None, after: str | None, limit: int
) -> list[Row]:
    return await curbs.page(
        asked.runtime.store.models,
        [kind.value for kind in wanted.kinds],
        wanted.at,
        parent=wanted.parent,
        after=after,
        near=None if around is None or PlaceKind.AREA in wanted.kinds else reach_of(around),
        ever=wanted.ever,
        limit=limit,
    )


def _in(row: Row, around: Box | Circle | None) -> bool:
    if around is None:
        return True
    shape = shape_of(row["geometry"])
    if shape is None:
        return False
    if isinstance(around, Box):
        return meets(shape, around)
    return metres_to(shape, around) <= around.radius_m
