"""From what cameras say to reservations: who came, what is in the way, and what nobody saw."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from citybrain.eventstore import EventStore
from commands.parking.processes.arrivals import ParkingArrivals
from commands.parking.processes.reservation_deadlines import ReservationDeadlines
from commands.parking.standing import standing_by, was_blind
from commands.processes.runner import context_of
from projections.parking.berths import watching
from tests.given.parking.city import Street as Cameras
from tests.given.parking.reservations import clock
from tests.given.parking.reserving import Street
from tests.given.read_models import project

BERTH = "Z1-001"
MODELS = ("parking_places", "parking_berths")


@dataclass
class Town:
    """People who reserve, cameras that say what they see, and who tells one of the other."""

    street: Street
    cameras: Cameras
    process: ParkingArrivals = field(default_factory=ParkingArrivals)
    position: int = 0

    async def say(self, sign: str, at: str, plate: str | None = None, **said: Any) -> None:
        """A camera says so now, and all that follows is done."""
        place = None if sign in ("lost", "restored") else BERTH
        said = self.cameras.sign(sign, place, clock(at), plate=plate, **said)
        await self.cameras.say(said)
        store, services = self.street.services.store, self.street.services
        for event in await store.read_all(self.position, limit=1000):
            if event.topic in self.process.topics:
                await self.process.react(event, services, partial(context_of, self.process, event))
        self.position = await store.head()

    async def reserved(self) -> str:
        """Anna has the berth from two to three."""
        self.street.at("13:00")
        return await self.street.reserved(await self.street.citizen(), berth=BERTH)

    async def ring(self, one: str, at: str) -> None:
        """Its alarm rings."""
        self.street.at(at)
        await project(self.street.services.store, *MODELS)
        await self.street.ring(one)

    async def conflict(self, one: str) -> str | None:
        found = (await self.street.load(one)).conflict
        return None if found is None else str(found["kind"])


@pytest.fixture
async def town(store: EventStore) -> Town:
    street = await Street.open(store)
    cameras = await Cameras.open(street.services, street.now)
    street.services.clock = lambda: street.now
    street.deadlines = ReservationDeadlines(standing_by(watching))
    return Town(street, cameras, position=await store.head())


async def test_p51_a_camera_sees_who_stands_there_before_the_citizen_comes(town: Town) -> None:
    one = await town.reserved()
    await town.ring(one, "13:45")
    town.street.at("13:55:03")
    await town.say("arrived", "13:55", "豫A8X800")
    assert await town.conflict(one) == "obstructed"
    await town.ring(one, "14:15")
    assert await town.street.status(one) == "given-back"


@pytest.mark.parametrize("noted", [False, True])
@pytest.mark.parametrize(("at", "expected"), [("14:15", "checked-in"), ("14:15:01", "no-show")])
async def test_p52_a_camera_tells_late(town: Town, at: str, expected: str, noted: bool) -> None:
    one = await town.reserved()
    await town.ring(one, "13:45")
    town.street.at("14:10")
    await town.say("empty", "14:10")
    if noted:
        await town.ring(one, "14:15:30")
        assert await town.street.status(one) == "no-show"
    town.street.at("14:16:10")
    await town.say("arrived", at, "豫A2W200")
    await town.ring(one, "14:16:11")
    assert await town.street.status(one) == expected


async def test_who_leaves_frees_the_rest_of_the_time(town: Town) -> None:
    one = await town.reserved()
    await town.ring(one, "13:45")
    town.street.at("14:01")
    await town.say("arrived", "14:00", "豫A2W200")
    town.street.at("14:20")
    await town.say("left", "14:20", "豫A2W200")
    await town.street.go_on(one)
    assert await town.street.status(one) == "completed"
    await town.street.hold(await town.street.citizen(), BERTH, "14:30", "15:00")


async def test_a_vehicle_whose_plate_was_not_read_is_for_an_officer(town: Town) -> None:
    one = await town.reserved()
    await town.ring(one, "13:45")
    town.street.at("13:50")
    await town.say("arrived", "13:50")
    assert await town.conflict(one) == "unsure"
    town.street.at("13:51")
    await town.say("occupied", "13:51", "豫A2W200")  # now it is read
    assert await town.street.status(one) == "checked-in"


async def test_who_stood_there_since_the_morning_is_seen_when_it_is_time(town: Town) -> None:
    town.street.at("9:01")
    await town.say("arrived", "9:00", "豫A8X800")
    one = await town.reserved()
    assert await town.conflict(one) is None
    await town.ring(one, "13:45")
    assert await town.conflict(one) == "obstructed"
    town.street.at("13:58")
    await town.say("left", "13:58", "豫A8X800")
    assert await town.conflict(one) is None


@pytest.mark.parametrize(
    ("lost", "restored"), [("13:50", "14:05"), ("13:50", None), ("13:20", "13:46")]
)
async def test_where_the_cameras_were_lost_nobody_is_charged(
    town: Town, lost: str, restored: str | None
) -> None:
    one = await town.reserved()
    town.street.at("14:14")
    for device in ("c-1", "c-2"):
        await town.say("lost", lost, device_id=device)
        if restored is not None:
            await town.say("restored", restored, device_id=device)
            await town.say("empty", "14:14", device_id=device)
    for at in ("14:15", "14:15"):
        await town.ring(one, at)
    assert await town.conflict(one) == "unseen"
    await town.ring(one, "15:00")
    assert await town.street.status(one) == "given-back"


async def test_one_camera_that_sees_is_enough(town: Town) -> None:
    one = await town.reserved()
    town.street.at("14:14")
    await town.say("lost", "13:50", device_id="c-1")
    await town.say("empty", "14:14", device_id="c-2")
    for at in ("14:15", "14:15"):
        await town.ring(one, at)
    assert await town.street.status(one) == "no-show"


async def test_a_silent_street_says_nothing_of_who_came(town: Town) -> None:
    one = await town.reserved()
    await town.say("empty", "13:00")  # and nothing since
    for at in ("14:15", "14:15"):
        await town.ring(one, at)
    assert await town.conflict(one) == "unseen"


def test_when_a_device_was_blind() -> None:
    since = clock("13:45")
    for signs, expected in (
        ([], False),
        ([("lost", "12:00"), ("restored", "12:30")], False),
        ([("lost", "12:00")], True),
        ([("lost", "12:00"), ("restored", "13:50")], True),
        ([("lost", "14:00")], True),
        ([("lost", "14:00"), ("restored", "14:01")], True),
    ):
        assert was_blind([(sign, clock(at)) for sign, at in signs], since) is expected
