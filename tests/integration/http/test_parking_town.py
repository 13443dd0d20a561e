"""The simulated city parks over a real server: places from a file, sessions, officers."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from citybrain.domain.actor import system_actor
from commands.handling import CommandContext
from commands.parking.imports.place_files import read_places
from commands.parking.register import register_places
from ops.simulators.parking import drivers, officers, reading
from ops.simulators.parking.places import as_geojson
from ops.simulators.parking.town import Town
from tests.given.api import Api
from tests.given.simulators import SEED, client_of, topics
from tests.given.waiting import PATIENCE_SECONDS

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
    for opened in (186, 0):
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
