"""Places: districts, block faces, berths, facilities with gates, kiosks and cameras.

Stream `parking_place-<id>`, whose id follows from the place's code. What holds of a place is dated:
each version is in force from its moment on until the next one; versions are added, never changed.
The code of a block face or a berth stands for one geometry: drawn anew it is another place, which
names the one before. What was a block face once is never one again.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import Forbidden, Refused

IMPORTERS = (Role.OPERATOR, Role.OFFICIAL, Role.SUPERVISOR, Role.SYSTEM)


class PlaceKind(StrEnum):
    """What a place is. In brackets the words of CDS."""

    AREA = "area"  # a district (Curb Area)
    ZONE = "zone"  # a block face of one tariff zone (Curb Zone)
    BERTH = "berth"  # a marked space (Curb Space)
    FACILITY = "facility"  # off the street, with gates and a counter
    DEVICE = "device"  # a camera, a gate, a sensor (Curb Object)
    KIOSK = "kiosk"  # where people pay (Curb Object)


class DeviceType(StrEnum):
    """What kind of thing a device is, as CDS says it (`data_source_type`)."""

    DATA_FEED = "data_feed"
    CAMERA = "camera"
    ABOVE_GROUND = "above_ground"
    IN_GROUND = "in_ground"
    METER = "meter"
    PAYMENT = "payment"
    IN_PERSON = "in_person"
    OTHER = "other"


PARENT = {PlaceKind.ZONE: PlaceKind.AREA, PlaceKind.BERTH: PlaceKind.ZONE}
"""What a place lies in, by its kind."""

DRAWN_ONCE = frozenset({PlaceKind.ZONE, PlaceKind.BERTH})
"""Kinds whose code stands for one geometry (CDS Curbs: Curb Zone ID Stability)."""


class PlaceKindDiffers(Refused):
    """A place stays what it is: another kind has another code."""

    code = "parking-place-kind-differs"


class PlaceVersionDiffers(Refused):
    """There is another version from that moment on: what holds of a day is never changed."""

    code = "parking-place-version-differs"


class PlaceRedrawn(Refused):
    """The geometry is another one: that is another place."""

    code = "parking-place-redrawn"


class PlaceEnded(Refused):
    """The block face has been retired: its code is not used again."""

    code = "parking-place-ended"


class NotYourPlaces(Forbidden):
    """Officials and supervisors describe places of a department that looks after parking."""

    code = "not-your-places"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceVersion:
    """What holds of a place from `valid_from` on.

    `parent`: the area of a zone, the zone of a berth. `tariff_zone`: of a zone or a facility.
    `geometry`: GeoJSON, WGS-84, longitude first. `number`: of a berth in its zone, from 1.
    `length_cm`: of a berth or zone. `capacity`: of a facility; None: unknown. `watches`: the places
    that a device reports on, `device_type` what it is (a `DeviceType`). `previous`: zones that
    this one was drawn in place of.
    `retired`: it is not in use from then on.

    Of the counter of a facility: `sentinels` are numbers by which it says that it knows none,
    `drift` is how far below nothing it may be and still say full, `silence_seconds` how long what
    it said holds; None: as the rules of parking have it.
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
    sentinels: list[int] = field(default_factory=list)
    drift: int | None = None
    silence_seconds: int | None = None
    watches: list[str] = field(default_factory=list)
    previous: list[str] = field(default_factory=list)
    retired: bool = False
    device_type: str | None = None

    def members(self) -> dict[str, Any]:
        """For an event."""
        return asdict(self)

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "PlaceVersion":
        """From an event."""
        return cls(**{name: members[name] for name in cls.__dataclass_fields__ if name in members})


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
    sentinels: list[int]
    drift: int | None
    silence_seconds: int | None
    watches: list[str]
    previous: list[str]
    retired: bool
    device_type: str | None = field(default=None, kw_only=True)


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

        Raises `PlaceKindDiffers`, `PlaceVersionDiffers`, `PlaceRedrawn`, `PlaceEnded`,
        `RoleNotAllowed`.
        """
        check_may_import(actor)
        if kind != self.kind:
            raise PlaceKindDiffers("a place stays what it is")
        for known in self.versions:
            if PlaceVersion.of(known) == version:
                return
            if known["valid_from"] == version.valid_from:
                raise PlaceVersionDiffers("there is another version from that moment on")
        self._check_stays(version)
        self.trigger_event(PlaceDescribed, timestamp=now, **version.members())

    def _check_stays(self, version: PlaceVersion) -> None:
        """A geometry is one place, and a block face has one life."""
        if self.kind not in DRAWN_ONCE:
            return
        known = [PlaceVersion.of(each) for each in self.versions]
        drawn = [each for each in (*known, version) if not each.retired]
        if any(each.geometry != drawn[0].geometry for each in drawn):
            raise PlaceRedrawn(f"drawn anew it is another {self.kind}, which names this one")
        ends = [each.valid_from for each in (*known, version) if each.retired]
        if self.kind == PlaceKind.ZONE and any(
            each.valid_from > end for each in drawn for end in ends
        ):
            raise PlaceEnded("a zone that was retired is never used again")

    @property
    def history(self) -> list[tuple[PlaceVersion, datetime | None]]:
        """What holds in turn, each with the moment from which on it does not."""
        begins = [each["valid_from"] for each in self.versions]
        ends = [*begins[1:], None]
        return [(PlaceVersion.of(each), end) for each, end in zip(self.versions, ends, strict=True)]

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


def check_looks_after(actor: Actor, departments: Collection[str]) -> None:
    """Raise `NotYourPlaces` where an official or a supervisor is of another department."""
    check_may_import(actor)
    if not actor.has(Role.OPERATOR, Role.SYSTEM) and actor.department not in departments:
        raise NotYourPlaces("places are described by the departments that look after parking")


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
