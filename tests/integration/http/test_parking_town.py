"""The simulated city parks over a real server: places from a file, sessions, officers."""

import asyncio
import random
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from citybrain.domain.actor import system_actor
from commands.handling import CommandContext
from commands.parking.imports.place_files import read_places
from commands.parking.register import register_places
from ops.simulators.client import Person
from ops.simulators.parking import drivers, officers, reading
from ops.simulators.parking.disputes import Disputes
from ops.simulators.parking.drivers import Drivers
from ops.simulators.parking.places import as_geojson
from ops.simulators.parking.reserving import Reserving
from ops.simulators.parking.town import Town
from ops.simulators.parking.traffic import Planned
from tests.given.api import Api
from tests.given.at_work import FOR_PARKING, models
from tests.given.parking.world import OTHER_PLATE, PLATE
from tests.given.read_models import caught_up
from tests.given.simulators import SEED, client_of, topics
from tests.given.waiting import PATIENCE_SECONDS
from tests.given.world import parking_world

SPEED = 60.0
MORNING = datetime(2026, 9, 14, 1, tzinfo=UTC)
WANTED = {
    "parking.opened",
    "parking.left",
    "parking.priced",
    "parking.claimed",
    "parking.held",
    "parking.plate_corrected",
    "parking.released",
    "parking.plate_binding_asked",
    "parking.counter_read",
}


async def test_the_city_parks_and_its_officers_look_at_what_is_held(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(officers, "OFFICE_SECONDS", 0.5)
    monkeypatch.setattr(drivers, "BIND_SECONDS", 0.5)
    monkeypatch.setattr(reading, "MISREAD_SHARE", 0.15)
    monkeypatch.setattr(reading, "DIM_SHARE", 0.25)
    services, began = api.runtime.services, time.monotonic()
    services.clock = lambda: MORNING + timedelta(seconds=SPEED * (time.monotonic() - began))
    file = tmp_path / "places.geojson"
    file.write_bytes(as_geojson())
    command_id = uuid4()
    context = CommandContext(system_actor("import"), "import", command_id, command_id)
    for opened in (190, 0):
        plan = await register_places(read_places([file]), context, services)
        assert plan.summary()["opened"] == opened
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        town = Town(client_of(api), SEED, clock=services.clock, speed=SPEED)
        parking = group.create_task(town.run())
        while missing := WANTED - set(await topics(api)):
            await asyncio.sleep(0.2)
        parking.cancel()
    assert not missing
    rows = await services.store.pool.fetch("SELECT simulated FROM parking_sessions.sessions")
    assert {row["simulated"] for row in rows} == {True}


class Sure(random.Random):
    """Whatever may happen does."""

    def random(self) -> float:
        return 0.0


async def drivers_of(api: Api) -> Drivers:
    """Two who have a session, a claim and a reservation each."""
    world = await parking_world(api)
    drivers = Drivers(client_of(api), [PLATE, OTHER_PLATE], random.Random(SEED))
    drivers.citizens = {
        plate: Person(whose, "citizen")
        for plate, whose in ((PLATE, world.mine), (OTHER_PLATE, world.theirs))
    }
    return drivers


async def test_who_plans_ahead_reserves_and_may_think_better_of_it(api: Api) -> None:
    drivers, clock, hour = await drivers_of(api), api.runtime.services.clock, 3600.0
    plans = deque(
        (Planned(0.0, plate, berth, begins, begins + hour, comes), clock())
        for plate, berth, begins, comes in (
            (PLATE, "Z1-005", hour, True),
            (OTHER_PLATE, "Z1-006", hour, False),
            (PLATE, "Z1-007", -2 * hour, True),  # that time is over
        )
    )
    before = await topics(api)
    await Reserving(client_of(api), plans, drivers, Sure(), clock).look()
    new = await topics(api) - before
    assert new["parking.reservation_held"] == 2
    assert new["parking.reservation_cancelled"] == 1
    assert not plans


async def test_a_driver_disputes_and_a_supervisor_decides(api: Api) -> None:
    drivers = await drivers_of(api)
    disputes = Disputes(client_of(api), drivers, Sure())
    await caught_up(api.runtime.store, *models(FOR_PARKING))
    assert await disputes.disputed(drivers.citizens[PLATE])
    await caught_up(api.runtime.store, *models(FOR_PARKING))
    await disputes.decide()
    assert not (await topics(api))["parking.dispute_decided"], "it is not of the simulated city"
    assert not await disputes.disputed(drivers.citizens[PLATE]), "once"
