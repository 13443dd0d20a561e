"""A street of berths for the benchmarks of parking: its places, its cameras, what these say.

Vehicle after vehicle comes to berth after berth, and goes when all have come. The same numbers
give the same signs.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson

from citybrain.domain.actor import Actor, Role, system_actor
from citybrain.domain.parking.place import PlaceKind, PlaceVersion
from citybrain.domain.parking.presence import Sign
from commands.handling import CommandContext
from commands.parking.detection import RecordParkingDetection
from commands.parking.places import NewPlace, describe_places
from commands.services import Services
from ops.bench.workbench import BenchFailed

BERTHS, A_CAMERA = 1000, 10
ZONE = "Z-1"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BEGINNING = datetime.now(UTC) - timedelta(hours=1)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
GATEWAY = Actor("gateway-1", frozenset({Role.GATEWAY}), acts_for=frozenset({"c-*"}))


def berth_name(number: int) -> str:
    """The code of berth `number`, from 0."""
    return f"B-{number:04}"


def sign_members(number: int, client: int = 0) -> dict[str, Any]:
    """What sign `number` of a client says, as JSON has it."""
    turn, berth = divmod(number, BERTHS)
    return {
        "device_id": f"c-{berth // A_CAMERA:03}",
        "ref": f"{client}-{number}",
        "sign": (Sign.LEFT if turn % 2 else Sign.ARRIVED).value,
        "place_id": berth_name(berth),
        "occurred_at": (BEGINNING + timedelta(seconds=turn)).isoformat(),
        "plate": f"豫{LETTERS[turn // 2 % len(LETTERS)]}{berth:05}",
        "confidence": 97,
        "simulated": True,
    }


def sign(number: int) -> RecordParkingDetection:
    """The command of a sign."""
    return RecordParkingDetection.model_validate(sign_members(number))


def sign_body(number: int, client: int) -> bytes:
    """A client's `number`th request, from 1: one sign."""
    return orjson.dumps(sign_members(number - 1, client))


def signs_body(number: int, client: int, size: int) -> bytes:
    """A client's `number`th request, from 1: a batch of signs."""
    first = (number - 1) * size
    return orjson.dumps(
        {"detections": [sign_members(first + each, client) for each in range(size)]}
    )


async def open_street(services: Services, berths: int | None = None) -> int:
    """Berths, and cameras that watch them; how many events that is."""
    names = [berth_name(number) for number in range(berths or BERTHS)]
    point = {"type": "Point", "coordinates": [113.6254, 34.7466]}

    def place(place_id: str, kind: PlaceKind, **members: Any) -> NewPlace:
        version = PlaceVersion(valid_from=LONG_AGO, name=place_id, geometry=point, **members)
        return NewPlace(place_id, kind, version, simulated=True)

    found = await describe_places(
        [
            place("A-1", PlaceKind.AREA),
            place(ZONE, PlaceKind.ZONE, parent="A-1", tariff_zone="1"),
            *(
                place(name, PlaceKind.BERTH, parent=ZONE, number=number)
                for number, name in enumerate(names, 1)
            ),
            *(
                place(
                    f"c-{first // A_CAMERA:03}",
                    PlaceKind.DEVICE,
                    watches=names[first : first + A_CAMERA],
                )
                for first in range(0, len(names), A_CAMERA)
            ),
        ],
        context_of(system_actor("bench")),
        services,
    )
    if not all(isinstance(each, int) for each in found):
        raise BenchFailed("places were refused")
    return 2 * len(found)


def context_of(actor: Actor) -> CommandContext:
    """Of a command that somebody sends over HTTP."""
    command_id = uuid4()
    return CommandContext(actor, "http", command_id, command_id)
