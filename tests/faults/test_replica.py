"""The API reads from a standby: whoever names a position waits for it there, or is told."""

from pathlib import Path

import aiohttp
import asyncpg
import pytest
from pydantic import SecretStr

from citybrain.app import open_runtime
from citybrain.eventstore import open_event_store
from citybrain.http import paging
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS
from citybrain.systems.inspection import INSPECTION
from projections.runner import prepare
from tests.given.api import REPORT_NOW, Api
from tests.given.standby import pair
from tests.given.waiting import PATIENCE_SECONDS

PAUSE, RESUME = "SELECT pg_wal_replay_pause()", "SELECT pg_wal_replay_resume()"


@pytest.mark.fault
async def test_a_position_is_waited_for_where_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair() as both:
        settings = Settings(
            mode="development", database_url=SecretStr(both.url), data_dir=tmp_path, http_port=0
        )
        async with open_event_store(settings) as store:
            await prepare(store, PROJECTIONS)
        await both.follow()
        await both.standby_has_all()
        settings.replica_url = SecretStr(both.standby_url)
        standby = await asyncpg.connect(both.standby_url)
        async with (
            open_runtime(settings, faces=False, at_work=(INSPECTION,)) as runtime,
            serving(runtime) as url,
            aiohttp.ClientSession() as session,
        ):
            api = Api(url, runtime, session)
            assert await runtime.store.models.fetchval("SELECT pg_is_in_recovery()")
            await standby.execute(PAUSE)
            answer = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
            reads = f"/v1/cases?min_position={answer.headers['X-Position']}"
            monkeypatch.setattr(paging, "CATCH_UP_SECONDS", 0.1)
            late = await api.call("GET", reads, "operator")
            assert late.is_problem(503, "not-caught-up")
            assert (await api.call("GET", "/v1/cases", "operator")).json["cases"] == []
            await standby.execute(RESUME)
            monkeypatch.setattr(paging, "CATCH_UP_SECONDS", PATIENCE_SECONDS)
            found = await api.call("GET", reads, "operator")
            assert [each["case_id"] for each in found.json["cases"]] == [answer.json["case_id"]]
        await standby.close()
