"""Cities for CDS: the small one, a zone that was redrawn, squares in a row; and what was said."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from citybrain.domain.parking.place import PlaceKind, PlaceVersion
from citybrain.errors import CitybrainError
from commands.handling import CommandContext
from commands.parking.detection import RecordParkingDetection, record_detections
from commands.parking.places import NewPlace, describe_places
from tests.given.api import Api
from tests.given.parking.city import IMPORT, LONG_AGO, WATCHER, Street, at, version
from tests.given.read_models import caught_up
from tests.given.services import context
from tests.given.waiting import eventually

NOW = at("12:00")
SIDE = 0.001


def square(west: float, south: float) -> dict[str, Any]:
    """About a tenth of a kilometre to each side."""
    east, north = west + SIDE, south + SIDE
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


async def described(api: Api, *new: NewPlace) -> None:
    """These places are known, and the read models know it."""
    by = CommandContext(IMPORT, "import", uuid4(), uuid4())
    for each in await describe_places(new, by, api.runtime.services):
        assert not isinstance(each, CitybrainError), each
    await caught_up(api.runtime.store, "parking_places", "parking_cds_events")


async def opened_street(api: Api) -> Street:
    """The small city, at noon."""
    found = await Street.open(api.runtime.services, NOW)
    await caught_up(api.runtime.store, "parking_places", "parking_cds_events")
    return found


async def told(street: Street, api: Api, *signs: dict[str, Any]) -> None:
    """Devices said this, and the read models know it."""
    commands = [RecordParkingDetection.model_validate(each) for each in signs]
    for each in await record_detections(commands, context(WATCHER), street.services):
        assert not isinstance(each, CitybrainError), each
    await caught_up(api.runtime.store, "parking_cds_events")


async def ended(api: Api, sessions: int) -> None:
    """So many sessions have ended, and the read models know it."""

    async def counted() -> bool:
        return await happened(api, "parking.left") == sessions

    await eventually(counted)
    await caught_up(api.runtime.store, "parking_cds_events", "parking_sessions")


async def happened(api: Api, topic: str) -> int:
    """How many events of a topic there are."""
    query = "SELECT count(*) FROM stored_events WHERE topic = $1"
    return int(await api.runtime.store.pool.fetchval(query, topic))


def redrawn() -> Sequence[NewPlace]:
    """Z-new in place of Z-old from 2026-09-10 on."""
    change = at("00:00", "2026-09-10")
    street = version("old street", parent="A-1", tariff_zone="1")
    old = replace(street, geometry=square(113.6, 34.7))
    new = replace(old, name="new street", valid_from=change, previous=["Z-old"])
    return (
        NewPlace("A-1", PlaceKind.AREA, version("district")),
        NewPlace("Z-old", PlaceKind.ZONE, old),
        NewPlace("Z-old", PlaceKind.ZONE, replace(old, valid_from=change, retired=True)),
        NewPlace("Z-new", PlaceKind.ZONE, replace(new, geometry=square(113.6005, 34.7))),
    )


async def several(api: Api) -> None:
    """Five squares in a row, a kilometre apart, from west to east."""
    zones = [
        NewPlace(
            f"Z{number}",
            PlaceKind.ZONE,
            PlaceVersion(
                valid_from=LONG_AGO,
                name=f"street {number}",
                geometry=square(113.6 + number / 100, 34.7),
                parent="A-1" if number < 3 else "A-2",
                tariff_zone="1",
            ),
        )
        for number in range(5)
    ]
    areas = [NewPlace(each, PlaceKind.AREA, version(each)) for each in ("A-1", "A-2")]
    await described(api, *areas, *zones)
