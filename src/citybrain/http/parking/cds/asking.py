"""What a client asks: parameters read strictly, each mistake named. Times are milliseconds."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final
from uuid import UUID

from aiohttp import web

from citybrain.domain.actor import Actor
from citybrain.http.paging import decode_cursor
from citybrain.http.parking.cds.errors import BadParameter, MissingParameter
from citybrain.http.parking.cds.versions import Version
from citybrain.http.problems import Malformed
from citybrain.http.runtime import Runtime

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_MS: Final = 100_000_000_000  # what is less is seconds: in milliseconds it was before 1974
LAST_MS: Final = 32_503_680_000_000  # the year 3000
WHOLE: Final = re.compile(r"\d{1,14}", re.ASCII)
NUMBER: Final = re.compile(r"-?\d{1,12}(?:\.\d{1,20})?", re.ASCII)
IDENTITY: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
BOX: Final = ("min_lat", "min_lng", "max_lat", "max_lng")
CIRCLE: Final = ("lat", "lng", "radius")
AROUND: Final = (*BOX, *CIRCLE)
PAGED: Final = ("cursor", "limit")
SHOWN, MOST_SHOWN, MOST_IDS = 200, 1000, 200


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees, from the south-west to the north-east."""

    south: float
    west: float
    north: float
    east: float


@dataclass(frozen=True, slots=True)
class Circle:
    """Degrees, and metres."""

    latitude: float
    longitude: float
    radius_m: float


@dataclass(slots=True)
class Asked:
    """A request that may be answered: in which version, by whom, with which parameters."""

    request: web.Request
    runtime: Runtime
    version: Version
    actor: Actor | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """By the services' clock."""
        return self.runtime.services.clock()

    @property
    def authenticated(self) -> Actor:
        """Who asks where a token is needed."""
        assert self.actor is not None
        return self.actor

    def identity(self, name: str) -> UUID | None:
        """A UUID; None where the parameter is absent."""
        text = self.parameters.get(name)
        return None if text is None else _identity(text, name)

    def identities(self, name: str) -> list[UUID] | None:
        """UUIDs, separated by commas."""
        text = self.parameters.get(name)
        if text is None:
            return None
        found = [_identity(each.strip(), name) for each in text.split(",")]
        if len(found) > MOST_IDS:
            raise BadParameter(f"{name} has {MOST_IDS} values at most", [name])
        return found

    def moment(self, name: str) -> datetime | None:
        """A time in milliseconds since 1970, UTC."""
        text = self.parameters.get(name)
        if text is None:
            return None
        if not WHOLE.fullmatch(text):
            raise BadParameter(f"{name} is a whole number of milliseconds since 1970", [name])
        return moment_of(int(text), name)

    def flag(self, name: str, otherwise: bool) -> bool:
        """`true` or `false`."""
        text = self.parameters.get(name)
        if text not in (None, "true", "false"):
            raise BadParameter(f"{name} is true or false", [name])
        return otherwise if text is None else text == "true"

    def limit(self) -> int:
        """How many a page holds, at most."""
        text = self.parameters.get("limit", str(SHOWN))
        if not WHOLE.fullmatch(text) or not 1 <= int(text) <= MOST_SHOWN:
            raise BadParameter(f"limit is a whole number from 1 to {MOST_SHOWN}", ["limit"])
        return int(text)

    def cursor(self) -> tuple[datetime, str] | None:
        """Where a page begins: a time and a text, as `links.next` gave them."""
        text = self.parameters.get("cursor")
        if text is None:
            return None
        try:
            at, identity = decode_cursor(text[:500], 2)
        except Malformed:
            raise BadParameter("cursor is not one that links.next gave", ["cursor"]) from None
        return at, identity

    def around(self) -> Box | Circle | None:
        """The box or the circle that is asked for; raises where it is not whole, or both are."""
        box = self._numbers(BOX)
        circle = self._numbers(CIRCLE)
        if box and circle:
            raise BadParameter("a box and a circle are not asked for together", AROUND)
        if box:
            south, west, north, east = box
            if south > north or west > east:
                raise BadParameter("a box has its lesser corner first", BOX)
            _check_degrees(south, west, BOX[:2])
            _check_degrees(north, east, BOX[2:])
            return Box(south, west, north, east)
        if circle:
            latitude, longitude, radius_cm = circle
            _check_degrees(latitude, longitude, CIRCLE[:2])
            if radius_cm <= 0:
                raise BadParameter("radius is more than 0 centimetres", ["radius"])
            return Circle(latitude, longitude, radius_cm / 100)
        return None

    def _numbers(self, names: Collection[str]) -> list[float]:
        """Numbers that come together or not at all."""
        missing = [name for name in names if name not in self.parameters]
        if len(missing) == len(names):
            return []
        if missing:
            raise MissingParameter(f"{', '.join(names)} are given together", missing)
        found = []
        for name in names:
            text = self.parameters[name]
            if not NUMBER.fullmatch(text) or not isfinite(float(text)):
                raise BadParameter(f"{name} is a number", [name])
            found.append(float(text))
        return found


def parameters_of(request: web.Request, known: Collection[str]) -> dict[str, str]:
    """The parameters of a query; raises where one is not known, empty, or given twice."""
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise BadParameter(f"a parameter is not known here; known are: {listed}")
        if name in found:
            raise BadParameter(f"{name} is given twice", [name])
        if not value.strip() or not value.isprintable():
            raise BadParameter(f"{name} is empty, or not readable", [name])
        found[name] = value.strip()
    return found


def moment_of(milliseconds: int, name: str) -> datetime:
    """The moment; raises where it is far off, as seconds are."""
    if milliseconds < FIRST_MS:
        raise BadParameter(f"{name} lies before 1974: give milliseconds, not seconds", [name])
    if milliseconds > LAST_MS:
        raise BadParameter(f"{name} lies too far ahead: give milliseconds", [name])
    return EPOCH + timedelta(milliseconds=milliseconds)


def milliseconds(at: datetime) -> int:
    """As CDS has times."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def _identity(text: str, name: str) -> UUID:
    if not IDENTITY.fullmatch(text):
        raise BadParameter(f"{name} is a UUID", [name])
    return UUID(text)


def _check_degrees(latitude: float, longitude: float, names: Collection[str]) -> None:
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise BadParameter("latitude is from -90 to 90, longitude from -180 to 180", list(names))
