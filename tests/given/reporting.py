"""Cameras that report to servers which come and go, and what has to be so afterwards."""

import asyncio
from collections import Counter
from contextlib import suppress
from uuid import uuid4

import aiohttp

from citybrain.eventstore import EventStore
from citybrain.systems import PROJECTIONS
from commands.processes.parked import parked_commands
from projections.rebuild import compare
from projections.status import projection_status
from tests.given.server import Server
from tests.given.waiting import eventually

CAMERAS = 12
REPORT = {
    "source": "camera",
    "class_code": "overflowing_bin",
    "latitude": 34.7,
    "longitude": 113.6,
    "confidence": 90,
    "simulated": True,
}


class City:
    """Cameras that send each report with one key until a server acknowledges it."""

    def __init__(self) -> None:
        self.up: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
        self.acknowledged: dict[str, str] = {}
        self.ending = False

    async def camera(self, number: int) -> None:
        while not self.ending:
            await self._report(f"camera-{number}", str(uuid4()))

    async def _report(self, camera: str, key: str) -> None:
        while True:
            serving = await self.up
            with suppress(aiohttp.ClientError, ConnectionError, AssertionError):
                token = await serving.token(camera, "camera")
                headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
                async with (
                    aiohttp.ClientSession(serving.url) as http,
                    http.post("/v1/cases", json=REPORT, headers=headers) as answer,
                ):
                    assert answer.status == 201
                    self.acknowledged[key] = (await answer.json())["case_id"]
                    return
            await asyncio.sleep(0.05)


async def until_quiet(store: EventStore, cases: int) -> None:
    """Every case is dispatched and every read model has seen the whole log."""

    async def quiet() -> bool:
        if await store.head() < 3 * cases:
            return False
        return not any(row["lag"] for row in await projection_status(store, PROJECTIONS))

    await eventually(quiet)


async def whole(store: EventStore, city: City) -> None:
    """Each acknowledged report is one case, filed and dispatched once; each model is right."""
    log = await store.read_all(limit=await store.head() + 1)
    parked = await parked_commands(store)
    comparisons = [await compare(store, projection) for projection in PROJECTIONS]

    assert len(set(city.acknowledged.values())) == len(city.acknowledged)
    steps = Counter((event.stream_id, event.topic) for event in log)
    for case_id in city.acknowledged.values():
        for topic in ("case.reported", "case.filed", "case.dispatched"):
            assert steps.pop((case_id, topic)) == 1
    assert not steps, "a report that was sent again made a second case"
    assert not parked
    assert all(comparison.equal for comparison in comparisons), comparisons
