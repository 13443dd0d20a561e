"""Where cases' problems were seen, for finding the cases that a detection belongs to.

Detections of one class belong together where one lies within the class's radius and window of the
next; that holds whatever the order they come in. Places are kept for each case with the time from
the first to the last detection there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import floor
from typing import Any

from citybrain.columns import columns
from citybrain.definitions.inspection.cases import MergeRule
from citybrain.geo.distance import degrees_around, metres_between

CELL_DEGREES = 0.0005
CELLS_A_ROW = 1 << 20

NEAR = """
SELECT d.ordinal, p.case_id, p.latitude, p.longitude, p.first_at, p.last_at,
       c.first_at AS case_first_at, c.closed_at, c.apart
FROM unnest($1::int[], $2::text[], $3::bigint[], $4::timestamptz[], $5::interval[], $6::interval[])
     AS d(ordinal, class_code, cell, at, span, reopens)
JOIN sighting_places p ON p.class_code = d.class_code AND p.cell = d.cell
JOIN sighted_cases c ON c.case_id = p.case_id AND NOT c.gone
WHERE d.at >= p.first_at - d.span
  AND d.at <= greatest(p.last_at + d.span, c.closed_at + d.reopens)
"""
PROLONG = """
UPDATE sighting_places p
SET first_at = least(p.first_at, n.first_at), last_at = greatest(p.last_at, n.last_at)
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::float8[], $5::float8[], $6::timestamptz[],
            $7::timestamptz[], $8::interval[])
     WITH ORDINALITY AS n(case_id, class_code, cell, latitude, longitude, first_at, last_at, span,
                          ordinal)
WHERE p.class_code = n.class_code AND p.cell = n.cell AND p.origin_case_id = n.case_id
  AND p.latitude = n.latitude AND p.longitude = n.longitude
  AND n.first_at <= p.last_at + n.span AND n.last_at >= p.first_at - n.span
RETURNING n.ordinal
"""
SEE = """
INSERT INTO sighting_places
    (origin_case_id, case_id, class_code, cell, latitude, longitude, first_at, last_at)
SELECT n.case_id, n.case_id, n.class_code, n.cell, n.latitude, n.longitude, n.first_at, n.last_at
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::float8[], $5::float8[], $6::timestamptz[],
            $7::timestamptz[])
     AS n(case_id, class_code, cell, latitude, longitude, first_at, last_at)
"""
OPEN = """
INSERT INTO sighted_cases (case_id, first_at) SELECT * FROM unnest($1::text[], $2::timestamptz[])
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A detection that is to find its case."""

    detection_id: str
    class_code: str
    latitude: float
    longitude: float
    at: datetime
    rule: MergeRule


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case that a sighting may belong to."""

    case_id: str
    first_at: datetime
    closed: bool
    apart: bool
    distance_m: float


@dataclass(slots=True)
class Plan:
    """Which case each sighting belongs to, and which cases turn out to be one."""

    case_of: dict[str, str] = field(default_factory=dict)
    opened: dict[str, list[Sighting]] = field(default_factory=dict)
    merges: list[tuple[str, str]] = field(default_factory=list)  # source, target


async def candidates(connection: Any, sightings: Sequence[Sighting]) -> dict[str, list[Candidate]]:
    """The cases within radius and window of each sighting, by its detection id."""
    wanted: list[tuple[int, str, int, datetime, timedelta, timedelta]] = [
        (
            number,
            each.class_code,
            cell,
            each.at,
            each.rule.window,
            timedelta(hours=each.rule.reopen_hours),
        )
        for number, each in enumerate(sightings)
        for cell in cells_around(each.latitude, each.longitude, each.rule.radius_m)
    ]
    rows = await connection.fetch(NEAR, *columns(wanted))
    nearest: dict[tuple[int, str], Candidate] = {}
    for row in rows:
        each = sightings[row["ordinal"]]
        distance_m = metres_between(
            each.latitude, each.longitude, row["latitude"], row["longitude"]
        )
        key = row["ordinal"], row["case_id"]
        if distance_m <= each.rule.radius_m and (
            key not in nearest or distance_m < nearest[key].distance_m
        ):
            nearest[key] = Candidate(
                row["case_id"],
                row["case_first_at"],
                row["closed_at"] is not None,
                row["apart"],
                distance_m,
            )
    found: dict[str, list[Candidate]] = defaultdict(list)
    for (number, _), candidate in nearest.items():
        found[sightings[number].detection_id].append(candidate)
    return found


def plan(
    sightings: Sequence[Sighting], found: dict[str, list[Candidate]], new_case_of: Any
) -> Plan:
    """Put sightings and open cases together that belong together.

    A group without a case opens one; one with several cases makes them one, into that which was
    seen first, but for those that a person keeps apart: a sighting then goes to the nearest. A
    closed case takes what no open one does.
    """
    groups = _Groups()
    for each in sightings:
        groups.find(each.detection_id)
        for candidate in _to_merge(found.get(each.detection_id, ())):
            groups.join(each.detection_id, candidate.case_id)
    for one, other in _pairs(sightings):
        groups.join(one.detection_id, other.detection_id)
    members: dict[str, list[Sighting]] = defaultdict(list)
    for each in sightings:
        members[groups.find(each.detection_id)].append(each)
    result = Plan()
    for group in members.values():
        _plan_group(group, found, new_case_of, result)
    return result


def _plan_group(
    group: list[Sighting], found: dict[str, list[Candidate]], new_case_of: Any, result: Plan
) -> None:
    candidates = {
        candidate.case_id: candidate
        for sighting in group
        for candidate in found.get(sighting.detection_id, ())
    }
    mergeable = sorted(_to_merge(candidates.values()), key=_age)
    closed = [candidate for candidate in candidates.values() if candidate.closed]
    apart = [
        candidate for candidate in candidates.values() if candidate.apart and not candidate.closed
    ]
    first = min(group, key=lambda sighting: (sighting.at, sighting.detection_id))
    if mergeable:
        target = mergeable[0].case_id
        result.merges += [(candidate.case_id, target) for candidate in mergeable[1:]]
    elif apart:
        target = min(apart, key=_distance).case_id
    elif closed:
        target = max(closed, key=_age).case_id
    else:
        target = new_case_of(first.detection_id)
        result.opened[target] = group
    for sighting in group:
        near = [
            candidate for candidate in found.get(sighting.detection_id, ()) if not candidate.closed
        ]
        if any(candidate.apart for candidate in near):
            result.case_of[sighting.detection_id] = min(near, key=_distance).case_id
        else:
            result.case_of[sighting.detection_id] = target


def _to_merge(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [each for each in candidates if not each.closed and not each.apart]


def _age(candidate: Candidate) -> tuple[datetime, str]:
    return candidate.first_at, candidate.case_id


def _distance(candidate: Candidate) -> tuple[float, str]:
    return candidate.distance_m, candidate.case_id


class _Groups:
    """Disjoint sets."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def find(self, name: str) -> str:
        """The name that stands for the set."""
        parent = self._parents.setdefault(name, name)
        while parent != self._parents[parent]:
            self._parents[name] = parent = self._parents[parent]
        return parent

    def join(self, one: str, other: str) -> None:
        """Make two sets one."""
        self._parents[self.find(one)] = self.find(other)


def _pairs(sightings: Sequence[Sighting]) -> Iterator[tuple[Sighting, Sighting]]:
    """Sightings of the batch that are near enough to each other."""
    by_cell: dict[tuple[str, int], list[Sighting]] = defaultdict(list)
    for each in sightings:
        for cell in cells_around(each.latitude, each.longitude, each.rule.radius_m):
            for other in by_cell[each.class_code, cell]:
                if together(each, other):
                    yield each, other
        by_cell[each.class_code, cell_of(each.latitude, each.longitude)].append(each)


def together(one: Sighting, other: Sighting) -> bool:
    """Whether two sightings of a class are of one problem."""
    return (
        one.class_code == other.class_code
        and abs(one.at - other.at) <= one.rule.window
        and metres_between(one.latitude, one.longitude, other.latitude, other.longitude)
        <= one.rule.radius_m
    )


async def remember(connection: Any, sightings: Sequence[Sighting], result: Plan) -> None:
    """Keep the places of a plan."""
    opened = {case_id: min(each.at for each in group) for case_id, group in result.opened.items()}
    await connection.execute(OPEN, list(opened), list(opened.values()))
    rows = list(_stretches(sightings, result))
    prolonged = {row["ordinal"] for row in await connection.fetch(PROLONG, *columns(rows))}
    new = [row[:-1] for number, row in enumerate(rows, 1) if number not in prolonged]
    if new:
        await connection.execute(SEE, *columns(new))


def _stretches(sightings: Sequence[Sighting], result: Plan) -> Iterator[tuple[Any, ...]]:
    """The sightings of a case at one place, as stretches of time without a longer gap."""
    places: dict[tuple[str, str, float, float], list[Sighting]] = defaultdict(list)
    for each in sightings:
        case_id = result.case_of[each.detection_id]
        places[case_id, each.class_code, each.latitude, each.longitude].append(each)
    for (case_id, class_code, latitude, longitude), seen in places.items():
        place = case_id, class_code, cell_of(latitude, longitude), latitude, longitude
        window = seen[0].rule.window
        times = sorted(each.at for each in seen)
        first = last = times[0]
        for at in times[1:]:
            if at - last > window:
                yield *place, first, last, window
                first = at
            last = at
        yield *place, first, last, window


def cell_of(latitude: float, longitude: float) -> int:
    """The square that a point lies in."""
    return _cell(floor(latitude / CELL_DEGREES), floor(longitude / CELL_DEGREES))


def cells_around(latitude: float, longitude: float, radius_m: float) -> list[int]:
    """The squares that a circle may touch."""
    north, east = degrees_around(latitude, radius_m)
    rows = _range(latitude, north)
    return [_cell(row, column) for row in rows for column in _range(longitude, east)]


def _range(centre: float, reach: float) -> range:
    return range(floor((centre - reach) / CELL_DEGREES), floor((centre + reach) / CELL_DEGREES) + 1)


def _cell(row: int, column: int) -> int:
    return row * CELLS_A_ROW + column
