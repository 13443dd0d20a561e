"""The API reads from a standby; where that lags or is away, it reads where the models are kept."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from pydantic import SecretStr

from citybrain.app import open_runtime
from citybrain.eventstore import open_event_store, presence
from citybrain.http import paging
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS
from citybrain.systems.inspection import INSPECTION
from projections.runner import prepare
from tests.given.api import REPORT_NOW, Api
from tests.given.standby import pair
from tests.given.waiting import PATIENCE_SECONDS, eventually

PAUSE, RESUME = "SELECT pg_wal_replay_pause()", "SELECT pg_wal_replay_resume()"


@pytest.mark.fault
async def test_a_standby_that_lags_or_is_away_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(presence, "ANSWER_SECONDS", PATIENCE_SECONDS)
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
            case = answer.json["case_id"]

            async def read(path: str = reads) -> list[str]:
                found = await api.call("GET", path, "operator")
                assert found.status == 200, found.body
                return [each["case_id"] for each in found.json["cases"]]

            async def answers() -> bool | None:
                said: bool | None = (await api.call("GET", "/readyz")).json["standby"]
                return said

            monkeypatch.setattr(paging, "CATCH_UP_SECONDS", PATIENCE_SECONDS)
            monkeypatch.setattr(paging, "STANDBY_SECONDS", 0.1)
            assert await read() == [case], "of the primary, for the standby lags"
            assert await read("/v1/cases") == []
            assert await answers()
            await standby.execute(RESUME)
            monkeypatch.setattr(paging, "STANDBY_SECONDS", PATIENCE_SECONDS)
            assert await read() == [case]
            await standby.close()
            await both.stop_standby()
            assert await read("/v1/cases") == [case], "of the primary, for the standby is away"
            await eventually(lambda: _is(answers, False))
            await both.start_standby()
            await eventually(lambda: _is(answers, True))
            assert await runtime.store.models.fetchval("SELECT pg_is_in_recovery()")


async def _is(said: Callable[[], Awaitable[bool | None]], wanted: bool) -> bool:
    return await said() is wanted
