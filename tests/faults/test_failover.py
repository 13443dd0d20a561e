"""A standby takes over without the newest commits: whoever saw them stops, and nothing is mixed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from citybrain.app import open_runtime
from citybrain.eventstore import EventStore, open_event_store
from citybrain.eventstore.incarnations import Standing, begin_incarnation, read_lineage
from citybrain.eventstore.witness import WENT_BACK
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems.inspection import INSPECTION
from projections.rebuild import compare
from tests.given.api import REPORT_NOW, Api
from tests.given.read_models import caught_up
from tests.given.standby import pair
from tests.given.waiting import eventually, holds

MODELS = [projection.name for projection in INSPECTION.projections]

STEPS = 3  # reported, filed, dispatched


@asynccontextmanager
async def api_over(settings: Settings) -> AsyncIterator[Api]:
    async with (
        open_runtime(settings, faces=False, at_work=(INSPECTION,)) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Api(url, runtime, session)


async def report(api: Api) -> int:
    """A case that is acknowledged; the position of its event."""
    answer = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
    assert answer.status == 201, answer.body
    return int(answer.headers["X-Position"])


@pytest.mark.fault
async def test_a_log_that_went_back_stops_whoever_saw_more_of_it(tmp_path: Path) -> None:
    async with pair() as both:
        settings = Settings(
            mode="development", database_url=SecretStr(both.url), data_dir=tmp_path, http_port=0
        )
        async with api_over(settings) as api:
            store = api.runtime.store
            await report(api)
            await both.follow()
            kept = await settled(store, 1)
            await both.standby_has_all()
            await both.stop_standby()
            await report(api)
            lost = await settled(store, 2)

            await both.take_over()
            await holds(lambda: store.witness.gone)
            told = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
            assert told.is_problem(503, "log-went-back")
            ready = await api.call("GET", "/readyz")
            assert (ready.status, ready.json["checks"]["log"]) == (503, False)
            assert any("incarnation begin" in reason for reason in ready.json["reasons"])
            metrics = (await api.call("GET", "/metrics")).body.decode()
            assert "citybrain_log_went_back 1.0" in metrics

            async with open_event_store(settings) as other:
                assert await other.head() == kept
                old = (await read_lineage(other.pool)).current
                await begin_incarnation(other.pool)
                lineage = await read_lineage(other.pool)
                assert lineage.standing(old, kept) is Standing.OURS
                assert lineage.standing(old, lost) is Standing.VOID

            async with api_over(settings) as anew:
                assert await report(anew) == kept + 1
                await settled(anew.runtime.store, 2)
                assert (await api.call("GET", "/readyz")).status == 503
                for projection in INSPECTION.projections:
                    assert (await compare(anew.runtime.store, projection)).equal
    WENT_BACK.set(0)


async def settled(store: EventStore, cases: int) -> int:
    """Each case is filed and dispatched, and all read models have that; where the log ends."""

    async def done() -> bool:
        return await store.head() == STEPS * cases

    await eventually(done)
    await caught_up(store, *MODELS)
    return STEPS * cases
