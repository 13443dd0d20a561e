"""Renmin Road as a client of a real server: cameras, controllers and officers at work."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from citybrain.settings import Settings
from ops.simulators.signals.renmin.placing import JUNCTIONS
from ops.simulators.signals.renmin.road import Road
from tests.given.api import Api
from tests.given.simulators import SEED, client_of, topics
from tests.given.waiting import PATIENCE_SECONDS


@pytest.fixture
def with_workers() -> bool:
    """The junctions are controlled, and read models follow."""
    return True


@pytest.fixture
def change_settings() -> Callable[[Settings], None]:
    """The city's own definitions."""
    return lambda _: None


async def test_a_street_of_sumo_is_seen_controlled_and_told_of(api: Api, tmp_path: Path) -> None:
    road = Road(client_of(api), api.session, api.url, tmp_path, SEED)
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        working = group.create_task(road.run())
        while not all(await asyncio.gather(*(_works(api, code) for code in JUNCTIONS))):
            await asyncio.sleep(0.5)
        working.cancel()
    assert (await topics(api))["signal.day_opened"] == len(JUNCTIONS)


async def _works(api: Api, junction: str) -> bool:
    """Whether its lamps are on, its controller says the same, and all its cameras are believed."""
    found = await api.call("GET", f"/v1/signals/junctions/{junction}", "auditor")
    if found.status != 200 or found.json["standing"] != "local":
        return False
    assert found.json["faults"] == {}
    said = await api.call(
        "GET", "/v1/signals/detectors", "auditor", params={"junction": junction, "limit": "100"}
    )
    cameras: list[dict[str, Any]] = [
        each for each in said.json["detectors"] if each["kind"] == "camera"
    ]
    return bool(cameras) and all(each["standing"] == "good" for each in cameras)
