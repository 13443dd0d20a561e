"""Devices and reservations: what a camera says of a berth reaches whoever has reserved it."""

from functools import partial

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.place import PlaceKind
from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore
from commands.parking.detection import RecordParkingDetection, record_detection
from commands.parking.places import NewPlace, describe_places
from commands.parking.processes.arrivals import ParkingArrivals, berth_now
from commands.parking.processes.sessions import ParkingSessions
from commands.processes.runner import context_of
from tests.given.parking.city import version
from tests.given.parking.reservations import BERTH, clock
from tests.given.parking.reserving import IMPORT, Street, sent

EYE = Actor("c-1", frozenset({Role.CAMERA}))


async def watched(store: EventStore) -> Street:
    """A street whose camera is known."""
    street = await Street.open(store)
    camera = NewPlace("c-1", PlaceKind.DEVICE, version("camera", watches=[BERTH]))
    (found,) = await describe_places([camera], sent(IMPORT), street.services)
    assert not isinstance(found, CitybrainError), found
    return street


async def says(street: Street, sign: str, at: str, plate: str | None = None) -> None:
    """A camera says something of the berth, and all that looks at it does its part."""
    command = RecordParkingDetection(
        device_id="c-1",
        ref=f"{sign}-{at}",
        sign=sign,
        place_id=None if sign == "lost" else BERTH,
        occurred_at=clock(at),
        plate=plate,
        confidence=97 if plate else None,
    )
    recorded = await record_detection(command, sent(EYE), street.services)
    (event,) = await street.services.store.read(recorded.detection_id)
    manager = ParkingArrivals()
    await manager.react(event, street.services, partial(context_of, manager, event))
    await ParkingSessions().react_all([event], street.services)


async def test_p52_the_reserved_car_checks_in_when_its_camera_sees_it(store: EventStore) -> None:
    street = await watched(store)
    one = await street.reserved(await street.citizen())
    street.at("14:16:10")
    await says(street, "arrived", "14:15:00", "豫A2W200")
    assert await street.status(one) == "checked-in"


async def test_p51_a_stranger_on_the_berth_is_a_conflict_that_an_officer_sees(
    store: EventStore,
) -> None:
    street = await watched(store)
    one = await street.reserved(await street.citizen())
    street.at("13:55:02")
    await says(street, "arrived", "13:55:00", "豫A8X800")
    conflict = (await street.load(one)).conflict
    assert conflict is not None
    assert conflict["kind"] == "obstructed"
    street.at("13:58")
    await says(street, "left", "13:57:00", "豫A8X800")
    assert (await street.load(one)).conflict is None


async def test_who_stands_on_a_berth_is_known_until_the_camera_is_lost(store: EventStore) -> None:
    street = await watched(store)
    street.at("13:30")
    nobody = await berth_now(BERTH, clock("13:00"), street.services)
    assert (nobody.vehicle, nobody.seen) == (None, True)
    await says(street, "arrived", "13:10", "豫A8X800")
    there = await berth_now(BERTH, clock("13:00"), street.services)
    assert there.vehicle is not None
    assert (there.vehicle.occurred_at, there.vehicle.confidence) == (clock("13:10"), 100)
    await says(street, "lost", "13:20")
    assert not (await berth_now(BERTH, clock("13:00"), street.services)).seen
