"""Eight servers on a PostgreSQL that takes a hundred connections, three of them for superusers."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest

from citybrain.app import open_runtime
from citybrain.eventstore.connections import NotEnoughConnections, needed
from citybrain.http.platform import operations
from citybrain.http.server import serving
from citybrain.settings import Settings
from tests.given.api import REPORT_NOW, Api
from tests.given.limited import limited
from tests.given.waiting import PATIENCE_SECONDS, holds

SERVERS, LEFT_BY_A_HUNDRED = 8, 97


@pytest.fixture(autouse=True)
def readiness_is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine does other work as well."""
    monkeypatch.setattr(operations, "READY_SECONDS", PATIENCE_SECONDS)


async def test_eight_servers_work_on_a_hundred_connections(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        role = await stack.enter_async_context(limited(settings, LEFT_BY_A_HUNDRED))
        role.settings.http_port, role.settings.request_timeout_seconds = 0, 3600.0
        need = needed(role.settings)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        servers = []
        for _ in range(SERVERS):
            opened = open_runtime(role.settings, faces=False, keeps=need)
            runtime = await stack.enter_async_context(opened)
            url = await stack.enter_async_context(serving(runtime))
            servers.append(Api(url, runtime, session))

        answers = await asyncio.gather(
            *(
                api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
                for api in servers
                for _ in range(20)
            )
        )
        assert {answer.status for answer in answers} == {201}
        for api in servers:
            assert (await api.call("GET", "/readyz")).json["reasons"] == []
        held = await role.held()
        print(f"{SERVERS} servers have {sum(held.values())} connections: {sorted(held.values())}")
        assert len(held) == SERVERS
        assert max(held.values()) <= need.total
        assert sum(held.values()) <= LEFT_BY_A_HUNDRED

        await role.allow(sum(held.values()) + need.total - 1)
        with pytest.raises(NotEnoughConnections):
            async with open_runtime(role.settings, faces=False, keeps=need):
                pass

        await role.allow(1)
        await role.end_appends()
        cut_off = servers[0]
        await holds(lambda: cut_off.runtime.store.appender.cut_off)
        answer = await cut_off.call("GET", "/readyz")
        assert answer.status == 503
        assert answer.json["reasons"] == ["no connection to append on can be had"]
        await role.allow(LEFT_BY_A_HUNDRED)
        for api in servers:
            await holds(lambda: not api.runtime.store.appender.cut_off)  # noqa: B023
            assert (await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)).status == 201
