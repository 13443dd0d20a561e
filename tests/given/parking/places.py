"""Places of parking: a block with two zones and their berths, a garage, cameras."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from citybrain.domain.actor import Actor, Role
from commands.parking.place_fields import PlaceDeclared
from commands.parking.register import Declared, Plan, register_places
from commands.services import Services
from tests.given.services import context

CITY = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2026, 1, 1, tzinfo=CITY)
PARKING = Actor("official-1", frozenset({Role.OFFICIAL}), "parking")
EAST, NORTH = 113.6253, 34.7466
BERTH, DEEP = 0.00006, 0.00003  # degrees: about 5.5 m by 3.3 m


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A box as GeoJSON."""
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [corners]}


def berth(zone: str, number: int, row: int = 0, **said: Any) -> dict[str, Any]:
    """A berth, one beside the other; `row` is the street."""
    west, south = EAST + (number - 1) * BERTH, NORTH + row * 0.001
    return {
        "place_id": f"{zone}-{number:03}",
        "kind": "berth",
        "valid_from": BEGIN,
        "name": f"{number:03}",
        "parent": zone,
        "number": number,
        "length_cm": 550,
        "geometry": square(west, south, west + BERTH, south + DEEP),
    } | said


def zone(place_id: str, berths: int, row: int = 0, **said: Any) -> dict[str, Any]:
    """A zone with room for so many berths."""
    south = NORTH + row * 0.001
    return {
        "place_id": place_id,
        "kind": "zone",
        "valid_from": BEGIN,
        "parent": "410105",
        "tariff_zone": "1",
        "name": f"一號街 {place_id}",
        "geometry": square(EAST, south, EAST + berths * BERTH, south + DEEP),
    } | said


def area(**said: Any) -> dict[str, Any]:
    """The district that all lie in."""
    box = square(EAST - 0.1, NORTH - 0.1, EAST + 0.1, NORTH + 0.1)
    place = {"place_id": "410105", "kind": "area", "valid_from": BEGIN, "name": "金水區"}
    return place | {"geometry": box} | said


def camera(place_id: str, *watches: str, **said: Any) -> dict[str, Any]:
    """A camera that sees these places."""
    return {
        "place_id": place_id,
        "kind": "device",
        "valid_from": BEGIN,
        "name": place_id,
        "latitude": NORTH,
        "longitude": EAST,
        "watches": list(watches),
    } | said


def facility(place_id: str, capacity: int | None = 200, **said: Any) -> dict[str, Any]:
    """A garage."""
    place = {"latitude": NORTH + 0.002, "longitude": EAST}
    names = {"place_id": place_id, "kind": "facility", "valid_from": BEGIN, "name": place_id}
    return names | {"capacity": capacity, "tariff_zone": "1", **place} | said


def block() -> list[dict[str, Any]]:
    """A district, two zones of three and two berths, a garage, what watches them."""
    return [
        area(),
        zone("Z1", 3),
        zone("Z2", 2, row=1, tariff_zone="2"),
        *(berth("Z1", number) for number in (1, 2, 3)),
        *(berth("Z2", number, row=1) for number in (1, 2)),
        facility("G1"),
        camera("C1", "Z1-001", "Z1-002", "Z1-003"),
        camera("C2", "Z2-001", "Z2-002"),
        camera("L1", "G1"),
    ]


def declared(*said: dict[str, Any]) -> list[Declared]:
    """Declarations, numbered."""
    return [
        Declared(str(number), PlaceDeclared.model_validate(each))
        for number, each in enumerate(said)
    ]


async def registered(services: Services, *said: dict[str, Any], actor: Actor = PARKING) -> Plan:
    """What becomes of declarations."""
    return await register_places(declared(*said), context(actor), services)


def reasons(problems: Sequence[Any]) -> list[tuple[str, str]]:
    """Where each problem is, and of which member."""
    return [(each.where, each.member) for each in problems]
