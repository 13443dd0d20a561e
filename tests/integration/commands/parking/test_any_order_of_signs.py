"""In whatever order, and in whatever batches, signs come: the sessions end the same."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from citybrain.domain.parking.session import ParkingSession
from citybrain.eventstore import EventStore
from commands.handling import CommandContext
from commands.parking.places import NewPlace, describe_places
from commands.parking.plates import PlateKeeper
from commands.parking.pricing import price_of
from tests.given.parking.city import GARAGE, IMPORT, Street, at, places
from tests.given.parking.owners import OTHERS
from tests.given.parking.plates import plate
from tests.given.services import services_over
from tests.given.storm import repeated

BERTHS = ("Z1-001", "Z1-002", "Z1-003", GARAGE)
BESIDE = "Z1-004"
ORDERS = 4

Told = tuple[str, str, timedelta, int | None, str]
"""A sign, where, how long after eight, which car's plate was read if any, and by which camera."""


def a_morning(chance: Random) -> list[Told]:
    """What cameras say of two cars that move about, some of it twice, and some of it never."""
    found: list[Told] = []
    for car in (0, 1):
        clock = timedelta(minutes=chance.randrange(30))
        for _ in range(chance.randint(1, 3)):
            place = chance.choice(BERTHS)
            until = clock + timedelta(seconds=chance.choice((50, 900, 3000)))
            gate = place == GARAGE
            read = car if gate or chance.random() < 0.8 else None
            found.append(("arrived", place, clock, read, "c-1"))
            if chance.random() < 0.3 and not gate:  # the camera beside sees it as well
                found.append(("arrived", BESIDE, clock + timedelta(seconds=20), car, "c-2"))
            if chance.random() < 0.3 and not gate:
                found.append(("occupied", place, clock + (until - clock) / 2, car, "c-1"))
            if chance.random() < 0.8:
                gone = car if gate or chance.random() < 0.7 else None
                found.append(("left", place, until, gone, "c-1"))
            clock = until + timedelta(seconds=chance.choice((20, 90, 600, 3600)))
    return sorted(found, key=lambda told: told[2])


class Town:
    """One of several cities beside one another: nobody's plate is in two of them."""

    def __init__(self, street: Street, number: int) -> None:
        self.street, self.number = street, number

    def named(self, name: str) -> str:
        return f"{name}.{self.number}"

    def car(self, which: int) -> str:
        return f"豫A{which}{self.number}X77"

    async def open(self) -> None:
        """Its places are known."""
        new = [
            NewPlace(
                self.named(each.place_id),
                each.kind,
                replace(
                    each.version,
                    parent=each.version.parent and self.named(each.version.parent),
                    watches=[self.named(name) for name in each.version.watches],
                ),
            )
            for each in places()
        ]
        by = CommandContext(IMPORT, "import", uuid4(), uuid4())
        await describe_places(new, by, self.street.services)

    async def tell(self, told: list[Told], chance: Random) -> None:
        """In this order, in batches of any size."""
        signs = [
            self.street.sign(
                sign,
                self.named(place),
                at("08:00") + after,
                device_id=self.named(device),
                plate=None if car is None else self.car(car),
            )
            for sign, place, after, car, device in told
        ]
        while signs:
            many = chance.randint(1, 4)
            await self.street.say(*signs[:many])
            signs = signs[many:]

    async def come_to(self) -> list[dict[str, Any]]:
        """The sessions that there are, without their ids: what people see of them."""
        keeper = PlateKeeper(self.street.services)
        cars = {await keeper.find(plate(self.car(which))): which for which in (0, 1)}
        sessions = {
            each.id: each
            for each in await self.street.sessions()
            if each.place_id.endswith(self.named(""))
        }

        def known(session_id: str | None) -> Any:
            if session_id is None:
                return None
            session = sessions[session_id]
            return session.place_id.partition(".")[0], session.arrived_at

        found = [
            {
                "stay": (*known(each.id), each.left_at, each.ending),
                "car": cars.get(each.plate_id) if each.plate_id else None,
                "doubt": each.doubt,
                "goes on with": known(each.continues),
                "clones": sorted(map(known, each.clones)),
                "fen": await self.fen(each),
            }
            for each in sessions.values()
        ]
        return sorted(found, key=lambda each: each["stay"][:2])

    async def fen(self, session: ParkingSession) -> int | None:
        if session.left_at is None:
            return None
        return (await price_of(session, self.street.services, OTHERS)).amount_fen


@pytest.mark.parametrize("seed", range(repeated(12)))
async def test_the_sessions_of_a_morning_do_not_depend_on_the_order(
    store: EventStore, seed: int
) -> None:
    chance = Random(seed)
    street = await Street.open(services_over(store), at("13:00"))
    told = a_morning(chance)
    in_order = Town(street, 0)
    await in_order.open()
    await in_order.tell(told, chance)
    right = await in_order.come_to()
    assert right
    for number in range(1, ORDERS):
        town, shuffled = Town(street, number), chance.sample(told, len(told))
        await town.open()
        await town.tell(shuffled, chance)
        assert await town.come_to() == right, shuffled
