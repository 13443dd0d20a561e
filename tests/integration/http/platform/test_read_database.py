"""Read models in a database of their own: kept up, read, rebuilt, compared; and what lost its log.

Neither database has the tables of the other, so whoever asks the wrong one is told.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from pydantic import SecretStr

from citybrain.app import open_runtime
from citybrain.eventstore import (
    EventStore,
    StoreUnavailable,
    open_event_store,
    presence,
    read_models,
)
from citybrain.eventstore.connections import needed
from citybrain.eventstore.incarnations import begin_incarnation
from citybrain.eventstore.witness import WENT_BACK
from citybrain.faults import AGAIN_LATER
from citybrain.http.platform import operations
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems.inspection import INSPECTION
from projections.feeder import Feeder
from projections.rebuild import compare, rebuild
from projections.runner import prepare
from projections.status import projection_status
from tests.given.api import REPORT_NOW, Api
from tests.given.feeding import all_received
from tests.given.lost_log import lose
from tests.given.network import PostgresNetwork
from tests.given.read_models import append, caught_up, running
from tests.given.seen import Seen
from tests.given.waiting import PATIENCE_SECONDS, eventually, holds

TABLES = """
SELECT table_name::text, array_agg(column_name || ' ' || data_type || ' ' || is_nullable
                                   ORDER BY column_name) AS columns
FROM information_schema.columns WHERE table_schema = 'public' GROUP BY 1
"""
SCHEMAS = "SELECT count(*) FROM pg_namespace WHERE nspname = 'case_desk'"


@pytest.fixture(scope="session")
def template(migrated: str) -> str:
    """A log without read models: they are elsewhere."""
    return migrated


@pytest.fixture
def apart(empty_database_url: str, settings: Settings) -> Settings:
    """Settings with a second database."""
    theirs = SecretStr(empty_database_url)
    return settings.model_copy(update={"read_database_url": theirs, "http_port": 0})


@asynccontextmanager
async def api_over(settings: Settings) -> AsyncIterator[Api]:
    async with (
        open_runtime(
            settings, faces=False, at_work=(INSPECTION,), keeps=needed(settings)
        ) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Api(url, runtime, session)


async def test_read_models_of_another_database(apart: Settings) -> None:
    assert needed(apart).writing == 0
    async with api_over(apart) as api:
        store = api.runtime.store
        reported = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
        position = reported.headers["X-Position"]
        for path, role in (
            (f"/v1/cases?min_position={position}", "operator"),
            (f"/v1/cases/{reported.json['case_id']}/timeline?min_position={position}", "operator"),
            ("/v1/projections", "operator"),
            ("/v1/devices/loud", "operator"),
            ("/metrics", None),
            ("/readyz", None),
        ):
            answer = await api.call("GET", path, role)
            assert answer.status == 200, (path, answer.body)
        found = await api.call("GET", f"/v1/cases?min_position={position}", "operator")
        assert [each["case_id"] for each in found.json["cases"]] == [reported.json["case_id"]]

        async def all_there() -> bool:
            rows = await projection_status(store, INSPECTION.projections)
            return not any(row["lag"] for row in rows) and all(row["running"] for row in rows)

        await eventually(all_there)
        for projection in INSPECTION.projections:
            assert (await compare(store, projection)).equal
        await rebuild(store, INSPECTION.projections[0])
        assert (await compare(store, INSPECTION.projections[0])).equal
        assert await store.pool.fetchval(SCHEMAS) == 0
        assert await store.keeping.fetchval(SCHEMAS) == 1


async def test_commands_go_on_while_the_read_models_are_away(
    apart: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert apart.read_database_url is not None
    monkeypatch.setattr(presence, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(presence, "ANSWER_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(read_models, "AWAY_AFTER_SECONDS", 0.1)
    async with PostgresNetwork(apart.read_database_url.get_secret_value()) as network:
        ours = apart.model_copy(update={"read_database_url": SecretStr(network.url)})
        async with api_over(ours) as api:
            assert (await api.call("GET", "/v1/cases", "operator")).status == 200
            network.cut()
            away = await api.call("GET", "/v1/cases", "operator")
            assert away.is_problem(503, "store-unavailable")
            assert int(away.headers["Retry-After"]) > 0
            reported = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
            assert reported.status == 201, reported.body
            await eventually(lambda: _ready(api, operations.REASONS["read_models"]))
            network.heal()
            store, position = api.runtime.store, reported.headers["X-Position"]
            await eventually(lambda: _answers(store))
            await caught_up(store, "case_desk")
            found = await api.call("GET", f"/v1/cases?min_position={position}", "operator")
            assert [each["case_id"] for each in found.json["cases"]] == [reported.json["case_id"]]
            await eventually(lambda: _ready(api))


async def _ready(api: Api, *reasons: str) -> bool:
    """Whether it is, and says no more than this of what is not as it should be."""
    said = await api.call("GET", "/readyz")
    return said.status == 200 and said.json["reasons"] == list(reasons)


async def _answers(store: EventStore) -> bool:
    try:
        return bool(await store.models.fetchval("SELECT true"))
    except (StoreUnavailable, *AGAIN_LATER):
        return False


async def test_both_databases_have_the_same_tables_of_positions(apart: Settings) -> None:
    async with open_event_store(apart) as store:
        theirs = dict(map(tuple, await store.keeping.fetch(TABLES)))
        ours = dict(map(tuple, await store.pool.fetch(TABLES)))
    assert set(theirs) == {
        *("projection_checkpoints", "parked_events", "streams_ahead", "schema_migrations")
    }
    assert {name: ours[name] for name in theirs} == theirs


async def test_what_comes_through_kafka_goes_there_too(apart: Settings) -> None:
    model = Seen()
    async with open_event_store(apart) as store:
        await prepare(store, [model])
        for _ in range(3):
            await append(store, "test-1")
        assert await Feeder(store, model).apply((await all_received(store))[:2]) == 2
        async with running(store, model):
            await eventually(lambda: _at(store, 3))
        assert (await compare(store, model)).equal


async def _at(store: EventStore, position: int) -> bool:
    rows = await projection_status(store, [Seen()])
    return bool(rows) and rows[0]["position"] == position


async def seen_more_than_there_is(settings: Settings) -> Seen:
    """A model of three events, of which the log has lost the last one."""
    model = Seen()
    async with open_event_store(settings) as store:
        await prepare(store, [model])
        async with running(store, model):
            for _ in range(3):
                await append(store, "test-1")
            await eventually(lambda: _at(store, 3))
    await lose(settings, 1)
    return model


async def test_models_that_have_more_than_the_log_stop_and_are_rebuilt_after_a_new_incarnation(
    apart: Settings,
) -> None:
    model = await seen_more_than_there_is(apart)
    async with open_event_store(apart) as store:  # one that has seen nothing of it
        await append(store, "test-2")
        await append(store, "test-2")
        async with running(store, model):
            await holds(lambda: store.witness.gone)
        assert store.witness.gone is not None
        assert store.witness.gone.details == {"position": 3, "head": 4}
    async with open_event_store(apart) as store:
        await begin_incarnation(store.pool)
        async with running(store, model):
            await holds(lambda: store.witness.gone)  # it began too late: 3 and 4 were given already
    WENT_BACK.set(0)
    async with open_event_store(apart) as store:
        assert await rebuild(store, model) == 4
        async with running(store, model):
            await append(store, "test-2")
            await eventually(lambda: _at(store, 5))
        assert (await compare(store, model)).equal


async def test_models_that_the_log_lost_are_made_anew(apart: Settings) -> None:
    model = await seen_more_than_there_is(apart)
    async with open_event_store(apart) as store:
        await begin_incarnation(store.pool)
        await append(store, "test-2")
        await append(store, "test-2")
        async with running(store, model):
            await eventually(lambda: _at(store, 4))
        assert store.witness.gone is None
        rows = await store.keeping.fetch("SELECT stream_id, version FROM seen.seen ORDER BY place")
        assert [tuple(row) for row in rows] == [
            *(("test-1", 1), ("test-1", 2), ("test-2", 1), ("test-2", 2))
        ]


async def test_whoever_is_stopped_while_it_writes_is_ended_there(apart: Settings) -> None:
    """It holds a row that its successor needs."""
    async with open_event_store(apart) as store:
        hanging = await store.connect("citybrain-leads hanging work")
        writing = await store.connect_keeping("citybrain-worker hanging")
        await writing.execute("BEGIN")
        await store.leads._end_writers(["hanging"])
        await holds(writing.is_closed)
        await hanging.close()
