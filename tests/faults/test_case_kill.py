"""Servers killed across deadlines and in the midst of detections.

Afterwards: each deadline was escalated once, and each acknowledged detection is evidence of exactly
one case, together with what was seen near it.
"""

import asyncio
import random
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from citybrain.eventstore import EventStore, open_event_store
from citybrain.settings import Settings
from commands.processes.parked import parked_commands
from tests.given.killed_server import killed_server
from tests.given.server import Server
from tests.given.storm import repeated
from tests.given.waiting import eventually, holds

DUE_SECONDS = 1.5
CASES = 12
DEADLINE_ROUNDS = repeated(1)
DETECTION_ROUNDS = repeated(2)
SPOTS = 30
BATCH = 20
DEFINITIONS = f"""
valid_from: 2021-01-01
deadlines:
  - {{code: handling, stage: handling, within: {DUE_SECONDS / 3600:.6f}, unit: hours}}
  - {{code: closing, stage: closing, within: {DUE_SECONDS * 1.5 / 3600:.6f}, unit: hours}}
classes:
  - code: urgent_matter
    name: 急事
    name_en: Urgent matter
    source: made up
    route: {{departments: [sanitation], lead: sanitation}}
"""


async def missed(store: EventStore) -> Counter[tuple[str, str]]:
    """How often each deadline of each case was escalated."""
    rows = await store.read_all(limit=await store.head() + 1)
    return Counter(
        (event.stream_id, event.data["code"])
        for event in rows
        if event.topic == "case.deadline_missed"
    )


async def until_missed(store: EventStore, count: int) -> None:
    async def enough() -> bool:
        return (await missed(store)).total() >= count

    await eventually(enough)


async def nothing_is_left_to_ring(store: EventStore) -> bool:
    left = await store.pool.fetchval("SELECT count(*) FROM stream_alarms")
    return bool(left == 0)


@pytest.mark.fault
@pytest.mark.storm
async def test_deadlines_survive_kills_and_are_escalated_once(tmp_path: Path) -> None:
    chance = random.Random(20261123)
    folder = tmp_path / "definitions" / "case"
    folder.mkdir(parents=True)
    (folder / "2021-urgent.yaml").write_text(DEFINITIONS)
    given: Any = {"CITYBRAIN_DEFINITIONS_DIR": str(folder.parent)}
    async with open_event_store(Settings(data_dir=tmp_path)) as store:
        for turn in range(DEADLINE_ROUNDS):
            before = 2 * CASES * turn
            async with killed_server(tmp_path, **given) as serving:
                for number in range(chance.randrange(CASES // 2, CASES)):
                    await report(serving, number)
                await serving.kill()  # in the midst of filing and dispatching
            async with killed_server(tmp_path, **given) as serving:
                while await reported(store) < CASES * (turn + 1):
                    await report(serving, 0)
            await asyncio.sleep(DUE_SECONDS * 1.5)  # nobody is there when they fall due
            async with killed_server(tmp_path, **given) as serving:
                await until_missed(store, before + chance.randrange(1, 2 * CASES))
                await serving.kill()  # in the midst of escalating
            async with killed_server(tmp_path, **given):
                await until_missed(store, before + 2 * CASES)
                await eventually(partial(nothing_is_left_to_ring, store))
        assert set((found := await missed(store)).values()) == {1}
        assert len(found) == 2 * CASES * DEADLINE_ROUNDS
        assert not await parked_commands(store)


async def reported(store: EventStore) -> int:
    """How many cases there are."""
    query = "SELECT count(*) FROM stored_events WHERE topic = 'case.reported'"
    count: int = await store.pool.fetchval(query)
    return count


async def report(serving: Server, number: int) -> None:
    body = {
        "source": "citizen",
        "class_code": "urgent_matter",
        "latitude": 34.7,
        "longitude": 113.6,
        "simulated": True,
    }
    await serving.post("/v1/cases", body, await serving.token(f"citizen-{number}", "citizen"))


def detections(chance: random.Random, number: int) -> dict[str, Any]:
    """A batch over spots that are far apart, each seen by several cameras."""
    now = datetime.now(UTC).isoformat()
    seen = [chance.randrange(SPOTS) for _ in range(BATCH)]
    return {
        "detections": [
            {
                "camera_id": f"c-{spot}-{chance.randrange(3)}",
                "ref": f"{number}-{place}",
                "class_code": "piled_rubbish",
                "confidence": 95,
                "simulated": True,
                "latitude": 34.7 + spot * 0.002 + chance.uniform(0, 0.0001),
                "longitude": 113.6,
                "occurred_at": now,
            }
            for place, spot in enumerate(seen)
        ]
    }


class Gateway:
    """Sends batches until each is acknowledged."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.up: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
        self.acknowledged = 0
        self.ending = False

    async def run(self) -> None:
        number = 0
        while not self.ending:
            number += 1
            await self._send(detections(self.chance, number))

    async def _send(self, batch: dict[str, Any]) -> None:
        while True:
            serving = await self.up
            with suppress(aiohttp.ClientError, ConnectionError, AssertionError):
                token = await serving.token("gateway-1", "gateway")
                answer = await serving.post("/v1/detections/batch", batch, token)
                assert answer["refused"] == []
                self.acknowledged += len(batch["detections"])
                return
            await asyncio.sleep(0.05)


@pytest.mark.fault
@pytest.mark.storm
async def test_each_detection_is_evidence_of_one_case_whoever_was_killed(tmp_path: Path) -> None:
    chance = random.Random(20261124)
    gateway = Gateway(chance)
    async with open_event_store(Settings(data_dir=tmp_path)) as store:
        sending = asyncio.create_task(gateway.run())
        for turn in range(DETECTION_ROUNDS + 1):
            async with killed_server(tmp_path) as serving:
                enough = gateway.acknowledged + BATCH * chance.randrange(2, 6)
                gateway.up.set_result(serving)
                await holds(lambda: gateway.acknowledged >= enough)  # noqa: B023
                if turn == DETECTION_ROUNDS:
                    gateway.ending = True
                    await sending
                    await until_all_are_in_cases(store, gateway.acknowledged)
                    break
                gateway.up = asyncio.get_running_loop().create_future()
                await serving.kill()
        log = await store.read_all(limit=await store.head() + 1)
        assert not await parked_commands(store)
    merged: dict[str, list[str]] = defaultdict(list)
    spots: dict[str, set[int]] = defaultdict(set)
    for event in log:
        if event.topic == "case.detection_merged":
            seen = event.data["detection"]
            merged[seen["detection_id"]].append(event.stream_id)
            spots[event.stream_id].add(int(seen["camera_id"].split("-")[1]))
    assert len(merged) == gateway.acknowledged
    assert all(len(cases) == 1 for cases in merged.values())
    assert all(len(each) == 1 for each in spots.values())
    assert len(spots) == len({spot for each in spots.values() for spot in each})


async def until_all_are_in_cases(store: EventStore, detections: int) -> None:
    query = "SELECT count(*) >= $1 FROM stored_events WHERE topic = 'case.detection_merged'"
    await eventually(partial(store.pool.fetchval, query, detections))
