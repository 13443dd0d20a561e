"""What places must be to one another, at every moment: in use together, apart, numbered.

After CDS Curbs: zones do not overlap at one time, berths lie in their zone and not on one another,
and are numbered from 1 without a hole.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from citybrain.domain.parking.place import ParkingPlace, PlaceKind, PlaceVersion
from citybrain.geo.areas import SLIVER_DEGREES, is_sliver

WATCHED = frozenset({PlaceKind.BERTH, PlaceKind.FACILITY})
LIES_IN = {
    PlaceKind.ZONE: PlaceKind.AREA,
    PlaceKind.BERTH: PlaceKind.ZONE,
    PlaceKind.FACILITY: PlaceKind.AREA,
    PlaceKind.KIOSK: PlaceKind.ZONE,
}
Found = tuple[Sequence[str], str, str]
"""Whose it is, the first first; the member; the reason."""

InUse = Mapping[str, tuple[PlaceKind, PlaceVersion]]
"""The places in use at a moment."""


@dataclass(frozen=True, slots=True)
class Known:
    """A place with all its versions, and when each is over."""

    kind: PlaceKind
    history: list[tuple[PlaceVersion, datetime | None]]

    def at(self, moment: datetime) -> PlaceVersion | None:
        """What holds then, where it is in use."""
        held = [version for version, _ in self.history if version.valid_from <= moment]
        return None if not held or held[-1].retired else held[-1]

    def before_rest(self, moment: datetime) -> PlaceVersion | None:
        """What held last, where it is not in use any more, or for a time."""
        held = [version for version, _ in self.history if version.valid_from <= moment]
        used = [version for version in held if not version.retired]
        return used[-1] if held and held[-1].retired and used else None


def inconsistencies(
    places: Mapping[str, ParkingPlace], touched: Collection[str], since: datetime
) -> Iterator[Found]:
    """What is wrong around these places, from a moment on; each once."""
    around = _around(places, touched)
    zones_too = any(places[place_id].kind == PlaceKind.ZONE for place_id in touched)
    known = {
        place_id: Known(PlaceKind(place.kind), place.history)
        for place_id, place in places.items()
        if place_id in around or (zones_too and place.kind == PlaceKind.ZONE)
    }
    yield from _named(places, touched)
    seen: set[Found] = set()
    for moment in _moments(known, around, since):
        then = {
            place_id: (place.kind, version)
            for place_id, place in known.items()
            if (version := place.at(moment)) is not None
        }
        resting: defaultdict[str | None, set[int]] = defaultdict(set)
        for place in known.values():
            version = place.before_rest(moment)
            if place.kind is PlaceKind.BERTH and version is not None:
                resting[version.parent].add(version.number or 0)
        for found in _at_one_moment(then, around, touched, resting):
            if found not in seen:
                seen.add(found)
                yield found


def _named(places: Mapping[str, ParkingPlace], touched: Collection[str]) -> Iterator[Found]:
    """Places that others name, whether they are in use or not."""
    for place_id in touched:
        place = places[place_id]
        for version, _ in place.history:
            for name in version.watches:
                if name not in places or places[name].kind not in WATCHED:
                    yield (place_id,), "watches", f"there is no berth or facility {name!r}"
            for name in version.previous:
                if name not in places or places[name].kind != place.kind:
                    yield (place_id,), "previous", f"there is no {place.kind} {name!r}"


def _around(places: Mapping[str, ParkingPlace], touched: Collection[str]) -> set[str]:
    """The touched places, what they lie in, and what lies in them or beside them."""
    lie_in = _parents(places[place_id] for place_id in touched)
    zones = {each for each in lie_in if each in places and places[each].kind == PlaceKind.ZONE}
    parents = zones | {
        place_id
        for place_id in touched
        if places[place_id].kind in (PlaceKind.AREA, PlaceKind.ZONE)
    }
    beside = {
        place_id
        for place_id, place in places.items()
        if any(version["parent"] in parents for version in place.versions)
    }
    found = {*touched, *parents, *beside}
    return found | _parents(places[place_id] for place_id in found)


def _parents(places: Iterable[ParkingPlace]) -> set[str]:
    said = (version["parent"] for place in places for version in place.versions)
    return {place_id for place_id in said if place_id is not None}


def _moments(known: Mapping[str, Known], around: set[str], since: datetime) -> list[datetime]:
    """When anything changes around here, from a moment on."""
    begins = {
        version.valid_from
        for place_id in around & known.keys()
        for version, _ in known[place_id].history
    }
    return sorted(moment for moment in begins if moment >= since)


def _at_one_moment(
    then: InUse, around: set[str], touched: Collection[str], resting: Mapping[str | None, set[int]]
) -> Iterator[Found]:
    berths: defaultdict[str, list[str]] = defaultdict(list)
    for place_id in sorted(around & then.keys()):
        kind, version = then[place_id]
        parent = version.parent
        if parent is None:
            continue
        if then.get(parent, (None,))[0] is not LIES_IN[kind]:
            reason = f"{place_id} lies in {parent!r}, which is not in use then"
            yield (place_id, parent), "parent", reason
        elif kind is PlaceKind.BERTH:
            berths[parent].append(place_id)
    for zone, found in berths.items():
        yield from _numbered(zone, found, then, resting.get(zone, set()))
        yield from _within(zone, found, then)
    yield from _overlapping_zones(then, touched)


def _numbered(zone: str, berths: Sequence[str], then: InUse, resting: set[int]) -> Iterator[Found]:
    numbers: dict[int, str] = {}
    for place_id in berths:
        number = then[place_id][1].number or 0
        if number in numbers:
            yield (place_id, numbers[number], zone), "number", f"{zone} has two berths {number}"
        numbers[number] = place_id
    for number in range(1, max(numbers)):
        if number not in numbers and number not in resting:
            after = numbers[min(each for each in numbers if each > number)]
            yield (after, zone, *berths), "number", f"{zone} has no berth {number}"
            return


def _within(zone: str, berths: Sequence[str], then: InUse) -> Iterator[Found]:
    """Berths lie in their zone, and none on another."""
    shapes = {place_id: _shape(then[place_id][1]) for place_id in berths}
    around = _shape(then[zone][1])
    for place_id, shape in shapes.items():
        if around.geom_type in ("Polygon", "MultiPolygon") and not _lies_in(shape, around):
            yield (place_id, zone), "geometry", f"{place_id} does not lie in {zone}"
    for one, other in _overlaps(shapes):
        yield (other, one), "geometry", f"{one} and {other} overlap"


def _lies_in(shape: BaseGeometry, around: BaseGeometry) -> bool:
    if shape.geom_type == "Point" and not shape.is_empty:
        return bool(around.distance(shape) <= SLIVER_DEGREES)
    return is_sliver(shape.difference(around))


def _overlapping_zones(then: InUse, touched: Collection[str]) -> Iterator[Found]:
    zones = {
        place_id: _shape(version)
        for place_id, (kind, version) in then.items()
        if kind is PlaceKind.ZONE
    }
    for one, other in _overlaps(zones, [each for each in zones if each in touched]):
        yield (other, one), "geometry", f"{one} and {other} overlap"


def _overlaps(
    shapes: Mapping[str, BaseGeometry], among: Sequence[str] | None = None
) -> Iterator[tuple[str, str]]:
    """Pairs that lie on one another; with `among`, those that one of these is in."""
    ids = list(shapes)
    tree = STRtree([shapes[place_id] for place_id in ids])
    for one in ids if among is None else among:
        for index in tree.query(shapes[one], predicate="intersects"):
            other = ids[index]
            if other != one and not is_sliver(shapes[one].intersection(shapes[other])):
                yield min(one, other), max(one, other)


def _shape(version: PlaceVersion) -> BaseGeometry:
    if version.geometry is None:
        return shapely.Point()
    return shapely.from_geojson(orjson.dumps(version.geometry))
