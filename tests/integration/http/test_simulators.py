"""The simulators over a real server: cameras in batches and alone, and a small city at work."""

import asyncio
import random
from contextlib import suppress

import orjson
import pytest

from ops.simulators.client import Client
from ops.simulators.inspection import desk, officials
from ops.simulators.inspection.cameras import Cameras, street_classes
from ops.simulators.inspection.centre import OPERATOR, Centre
from ops.simulators.inspection.desk import Desk
from ops.simulators.inspection.officials import Officials
from ops.simulators.inspection.pictures import Pictures
from ops.simulators.inspection.streets import Streets
from tests.given.api import Api
from tests.given.simulators import SEED, client_of, topics
from tests.given.waiting import PATIENCE_SECONDS, holds


async def streets_of(client: Client, cameras: int) -> Streets:
    codes = [row["code"] for row in await street_classes(client)]
    return Streets(cameras, codes, random.Random(SEED))


@pytest.mark.parametrize("batch", [1, 25])
async def test_every_detection_that_was_sent_is_recorded(
    api: Api, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.simulators.inspection.cameras.LAST_WORDS_SECONDS", PATIENCE_SECONDS)
    client = client_of(api)
    streets = await streets_of(client, 40)
    cameras = Cameras(client, streets, rate=100.0, batch=batch, seed=SEED)
    await cameras.register()
    sent, working = cameras.sent, asyncio.create_task(cameras.run())
    await holds(lambda: sent.recorded > 50 or working.done())
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    assert sent.sent == sent.recorded > 50
    assert (sent.known, sent.refused) == (0, 0)
    facts = await api.runtime.store.pool.fetchrow(
        "SELECT count(*) FILTER (WHERE topic = 'detection.recorded') AS detections, "
        "count(*) FILTER (WHERE topic = 'camera.registered') AS cameras FROM stored_events"
    )
    assert dict(facts or {}) == {"detections": sent.sent, "cameras": 40}


async def test_a_city_takes_what_cameras_see_to_its_end(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "ROUND_SECONDS", 0.05)
    monkeypatch.setattr("ops.simulators.inspection.centre.ROUND_SECONDS", 0.05)
    monkeypatch.setattr("ops.simulators.inspection.officials.ROUND_SECONDS", 0.05)
    monkeypatch.setattr(desk, "STEP_SHARE", 1.0)
    monkeypatch.setattr(officials, "HAND_BACK_SHARE", 0.3)
    monkeypatch.setattr(officials, "EXTENSION_SHARE", 0.3)
    client = client_of(api)
    streets = await streets_of(client, 40)
    pictures = Pictures(client, random.Random(SEED), OPERATOR)
    cameras = Cameras(
        client, streets, rate=20.0, batch=1, seed=SEED, sights_a_problem=3, pictures=pictures
    )
    desks = Desk(client, random.Random(SEED), pictures)
    await cameras.register()
    departments = (await api.call("GET", "/v1/departments")).json["departments"]
    wanted = {
        "detection.confirmed",
        "detection.dismissed",
        "case.declined",
        "case.decided",
        "case.task_finished",
        "case.milestone_reached",
        "case.extended",
        "case.change_denied",
        "case.handed_back",
        "case.returned",
        "case.closed",
    }
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        work = [
            group.create_task(each)
            for each in (
                cameras.run(),
                Centre(desks, streets).run(),
                *(Officials(desks, streets, row["code"]).run() for row in departments),
            )
        ]
        while missing := wanted - set(await topics(api)):
            await asyncio.sleep(0.2)
        for task in work:
            task.cancel()
    assert not missing
    state = await api.runtime.store.pool.fetchval(
        "SELECT state FROM stored_events WHERE topic = 'case.handled' LIMIT 1"
    )
    (digest,) = orjson.loads(state)["evidence_sha256"]
    assert (await api.call("GET", f"/v1/photos/{digest}", "operator")).status == 200
