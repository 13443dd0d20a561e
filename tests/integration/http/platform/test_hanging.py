"""A database that hangs, or is away, or has another time: nothing waits for it without end."""

import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from citybrain.app import open_runtime
from citybrain.domain.times import CLOCK_TOLERANCE
from citybrain.eventstore import appender, listener
from citybrain.http.platform import operations
from citybrain.http.server import serving
from citybrain.settings import Settings
from commands.inspection.processes.deadlines import CaseDeadlines
from tests.given.api import REPORT_NOW, Api
from tests.given.limited import Limited, limited
from tests.given.waiting import PATIENCE_SECONDS, holds


@pytest.fixture(autouse=True)
def readiness_is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine does other work as well."""
    monkeypatch.setattr(operations, "READY_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
async def role(settings: Settings) -> AsyncIterator[Limited]:
    async with limited(settings, 50) as role:
        yield role


@pytest.fixture
async def api(role: Limited) -> AsyncIterator[Api]:
    settings = role.settings
    settings.http_port, settings.pool_size = 0, 1
    settings.request_timeout_seconds = 3600.0
    async with (
        open_runtime(settings, faces=False, workers=False) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Api(url, runtime, session)


async def test_a_read_that_hangs_ends_with_its_request_and_harms_none_after_it(api: Api) -> None:
    pool = api.runtime.store.pool
    stopped = await pool.fetchval("SELECT pg_backend_pid()")
    os.kill(stopped, signal.SIGSTOP)
    try:
        api.runtime.settings.request_timeout_seconds = 0.2
        late = await api.call("GET", "/v1/cases", "operator")
        api.runtime.settings.request_timeout_seconds = 3600.0
        assert (late.status, late.json["code"]) == (503, "request-timeout")
        assert (await api.call("GET", "/v1/cases", "operator")).status == 200
        assert await pool.fetchval("SELECT pg_backend_pid()") != stopped
    finally:
        os.kill(stopped, signal.SIGCONT)


async def test_a_connection_for_notices_that_hangs_is_left(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = api.runtime.store
    await holds(lambda: store.listener.alive)
    monkeypatch.setattr(listener, "PULSE_SECONDS", 0.05)
    monkeypatch.setattr(listener, "PULSE_TIMEOUT_SECONDS", 0.5)
    found = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'citybrain-listens %'"
    (row,) = await store.pool.fetch(f"{found} AND usename = current_user")
    os.kill(row["pid"], signal.SIGSTOP)
    try:
        seen = store.listener.notices
        await holds(lambda: store.listener.alive and store.listener.notices > seen)
    finally:
        os.kill(row["pid"], signal.SIGCONT)


async def test_while_the_database_is_away_whoever_asks_is_told_at_once(
    api: Api, role: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "AWAY_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(appender, "AWAY_AFTER_SECONDS", 0.0)
    store = api.runtime.store
    assert (await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)).status == 201
    await role.allow(0)
    await role.end_all()
    await holds(lambda: store.away)
    for method in ("POST", "GET"):
        told = await api.call(method, "/v1/cases", "operator", json=REPORT_NOW)
        assert (told.status, told.json["code"]) == (503, "store-unavailable")
        assert told.headers["Retry-After"] == "5"
    ready = await api.call("GET", "/readyz")
    assert (ready.status, ready.json["checks"]["database"]) == (503, False)
    await role.allow(50)
    await holds(lambda: not store.away)
    assert (await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)).status == 201


async def test_what_the_database_cannot_do_now_is_no_fault_of_ours(api: Api) -> None:
    """The role may not wait for a lock; somebody holds one."""
    store = api.runtime.store
    holder = await store.connect("holder", statement_seconds=60)
    async with holder.transaction():
        await holder.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
        appends = await store.connect("looks")
        await appends.execute("ALTER ROLE CURRENT_USER SET lock_timeout = '20ms'")
        await appends.close()
        told = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
        assert (told.status, told.json["code"]) == (503, "store-unavailable")
    await holder.close()
    assert (await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)).status == 201


async def test_where_clocks_are_apart_a_server_is_not_ready_and_no_alarm_rings(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = api.runtime.store
    ahead = (CLOCK_TOLERANCE + timedelta(minutes=1)).total_seconds()
    real = listener.wall_clock
    monkeypatch.setattr(listener, "PULSE_SECONDS", 0.01)
    monkeypatch.setattr(listener, "wall_clock", lambda: real() + ahead)
    await holds(lambda: store.clock_is_off)
    ready = await api.call("GET", "/readyz")
    assert (ready.status, ready.json["checks"]["clock"]) == (503, False)
    alarms = CaseDeadlines()
    monkeypatch.setattr(alarms, "_due", None)  # nobody asks what is due
    await alarms.ring_due(api.runtime.services)
    monkeypatch.setattr(listener, "wall_clock", real)
    await holds(lambda: not store.clock_is_off)
    assert (await api.call("GET", "/readyz")).status == 200
