"""Places: districts, block faces, berths, facilities with gates, kiosks and cameras.

Stream `parking_place-<id>`, whose id follows from the place's code. What holds of a place is dated:
each version is in force from its day on until the next one; versions are added and never changed.
A block face that is drawn anew is another place with another code, which names the one before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import Refused

IMPORTERS = (Role.OFFICIAL, Role.SUPERVISOR, Role.SYSTEM)


class PlaceKind(StrEnum):
    """What a place is. In brackets the words of CDS."""

    AREA = "area"  # a district (Curb Area)
    ZONE = "zone"  # a block face of one tariff zone (Curb Zone)
    BERTH = "berth"  # a marked space (Curb Space)
    FACILITY = "facility"  # off the street, with gates and a counter
    DEVICE = "device"  # a camera, a gate, a sensor (Curb Object)
    KIOSK = "kiosk"  # where people pay (Curb Object)


PARENT = {PlaceKind.ZONE: PlaceKind.AREA, PlaceKind.BERTH: PlaceKind.ZONE}
"""What a place lies in, by its kind."""


class PlaceKindDiffers(Refused):
    """A place stays what it is: another kind has another code."""

    code = "parking-place-kind-differs"


class PlaceVersionDiffers(Refused):
    """There is another version from that moment on: what holds of a day is never changed."""

    code = "parking-place-version-differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceVersion:
    """What holds of a place from `valid_from` on.

    `parent`: the area of a zone, the zone of a berth. `tariff_zone`: of a zone or a facility.
    `geometry`: GeoJSON, WGS-84, longitude first. `number`: of a berth in its zone, from 1.
    `length_cm`: of a berth or zone. `capacity`: of a facility; None: unknown. `watches`: the places
    that a device reports on. `previous`: zones that this one was drawn in place of.
    `retired`: it is not in use from then on.
    """

    valid_from: datetime
    name: str
    geometry: dict[str, Any] | None
    parent: str | None = None
    tariff_zone: str | None = None
    time_zone: str = "Asia/Shanghai"
    number: int | None = None
    length_cm: int | None = None
    capacity: int | None = None
    watches: list[str] = field(default_factory=list)
    previous: list[str] = field(default_factory=list)
    retired: bool = False

    def members(self) -> dict[str, Any]:
        """For an event."""
        return asdict(self)

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "PlaceVersion":
        """From an event."""
        return cls(**{name: members[name] for name in cls.__dataclass_fields__})


class PlaceEvent(StreamEvent):
    """A version of a place."""

    valid_from: datetime
    name: str
    geometry: dict[str, Any] | None
    parent: str | None
    tariff_zone: str | None
    time_zone: str
    number: int | None
    length_cm: int | None
    capacity: int | None
    watches: list[str]
    previous: list[str]
    retired: bool


class PlaceOpened(StreamCreated):
    """A place is known."""

    TOPIC: ClassVar[str] = "parking.place_opened"
    place_id: str
    kind: str
    simulated: bool


class PlaceDescribed(PlaceEvent):
    """What holds of it from a moment on."""

    TOPIC: ClassVar[str] = "parking.place_described"

    def apply(self, aggregate: Any) -> None:
        aggregate.versions.append(
            {name: getattr(self, name) for name in PlaceVersion.__dataclass_fields__}
        )
        aggregate.versions.sort(key=lambda version: version["valid_from"])


class ParkingPlace(StreamAggregate):
    """One place, with all that ever held of it."""

    TOPIC: ClassVar[str] = "parking_place"
    category: ClassVar[str] = "parking_place"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (PlaceOpened, PlaceDescribed)

    def __init__(self, place_id: str, kind: str, simulated: bool) -> None:
        self.place_id, self.kind, self.simulated = place_id, kind, simulated
        self.versions: list[dict[str, Any]] = []

    @classmethod
    def open(
        cls, actor: Actor, now: datetime, *, place_id: str, kind: PlaceKind, simulated: bool
    ) -> "ParkingPlace":
        """A place is known; what holds of it follows by `describe`."""
        check_may_import(actor)
        return cls._create(
            PlaceOpened,
            id=stream_of(place_id),
            timestamp=now,
            place_id=place_id,
            kind=kind.value,
            simulated=simulated,
        )

    def describe(self, actor: Actor, now: datetime, kind: PlaceKind, version: PlaceVersion) -> None:
        """What holds from a moment on; nothing where that is known.

        Raises `PlaceKindDiffers`, `PlaceVersionDiffers`, `RoleNotAllowed`.
        """
        check_may_import(actor)
        if kind != self.kind:
            raise PlaceKindDiffers("a place stays what it is")
        for known in self.versions:
            if PlaceVersion.of(known) == version:
                return
            if known["valid_from"] == version.valid_from:
                raise PlaceVersionDiffers("there is another version from that moment on")
        self.trigger_event(PlaceDescribed, timestamp=now, **version.members())

    def at(self, moment: datetime) -> PlaceVersion | None:
        """What holds at a moment; None before the first version, and where it is retired."""
        held = [each for each in self.versions if each["valid_from"] <= moment]
        return None if not held or held[-1]["retired"] else PlaceVersion.of(held[-1])


def stream_of(place_id: str) -> str:
    """The stream of a place: its id follows from its code."""
    return f"{ParkingPlace.category}-{uuid5(NAMESPACE_URL, f'parking-place:{place_id}').hex}"


def check_may_import(actor: Actor) -> None:
    """Raise `RoleNotAllowed` unless somebody of the office, or an import, acts."""
    if not actor.has(*IMPORTERS):
        raise RoleNotAllowed("places are described by the office of parking")


def centre(geometry: dict[str, Any] | None) -> tuple[float | None, float | None]:
    """Longitude and latitude of the middle of a geometry: the mean of its corners."""
    points = list(_points(geometry["coordinates"])) if geometry else []
    if not points:
        return None, None
    return (
        sum(point[0] for point in points) / len(points),
        sum(point[1] for point in points) / len(points),
    )


def _points(coordinates: Any) -> Iterator[Any]:
    if coordinates and isinstance(coordinates[0], int | float):
        yield coordinates
    else:
        for each in coordinates:
            yield from _points(each)
