"""A server as in production: a PgBouncer with TLS before PostgreSQL, and a role that owns nothing.

Reads share connections (transaction mode); what needs a session has one (session mode).
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
from pydantic import SecretStr

from citybrain.app import open_runtime
from citybrain.eventstore.connections import needed
from citybrain.eventstore.grants import grant
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS
from citybrain.systems.inspection import INSPECTION
from ops.kafka.security import BROKER, CA, make_certificates
from tests.given.api import REPORT_NOW, Api
from tests.given.pgbouncer import PgBouncer, pgbouncer
from tests.given.terminal import Terminal
from tests.given.waiting import holds

READS = 40
OF_OURS = """
SELECT count(*) FILTER (WHERE application_name LIKE 'citybrain-reads %') AS reads,
    count(*) FILTER (WHERE application_name LIKE 'citybrain-%') AS all_of_us,
    count(*) FILTER (WHERE application_name LIKE 'citybrain-%' AND usename = 'postgres')
        AS superusers
FROM pg_stat_activity WHERE datname = current_database()
"""


@pytest.fixture
async def role(settings: Settings) -> AsyncIterator[str]:
    """It owns nothing of the log, and is given what it needs."""
    admin = await asyncpg.connect(url_of(settings))
    name = f"worker_{uuid4().hex}"
    await admin.execute(f"CREATE ROLE {name} LOGIN NOSUPERUSER")
    assert await grant(admin, name) > len(PROJECTIONS)
    yield name
    await admin.execute(f"REASSIGN OWNED BY {name} TO postgres")
    await admin.execute(f"DROP OWNED BY {name}")
    await admin.execute(f"DROP ROLE {name}")
    await admin.close()


@pytest.fixture
async def bouncer(settings: Settings, role: str, tmp_path: Path) -> AsyncIterator[PgBouncer]:
    """It takes connections with TLS."""
    make_certificates(tmp_path)
    async with pgbouncer(url_of(settings), role, certificate=tmp_path / BROKER) as bouncer:
        yield bouncer


@pytest.fixture
async def api(
    settings: Settings, bouncer: PgBouncer, role: str, tmp_path: Path
) -> AsyncIterator[Api]:
    """Not a single connection of it goes to PostgreSQL itself."""
    ours = settings.model_copy(
        update={
            "database_url": SecretStr(bouncer.url("session", role, tmp_path / CA)),
            "pooled_database_url": SecretStr(bouncer.url("transaction", role, tmp_path / CA)),
            "http_port": 0,
        }
    )
    keeps = needed(ours)
    assert (keeps.reads, keeps.total) == (0, 7)
    async with (
        open_runtime(ours, faces=False, at_work=(INSPECTION,), keeps=keeps) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Api(url, runtime, session)


def url_of(settings: Settings) -> str:
    assert settings.database_url is not None
    return settings.database_url.get_secret_value()


async def test_everything_works_through_a_pooler(api: Api, settings: Settings) -> None:
    """What is reported is heard of, led, written and read; many readers share two connections."""
    store = api.runtime.store
    await holds(lambda: store.listener.alive)
    heard = store.listener.notices
    answer = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
    assert answer.status == 201, answer.body
    case, position = answer.json["case_id"], answer.headers["X-Position"]
    await holds(lambda: store.listener.notices > heard)

    async def read(number: int) -> str:
        """Statements of all kinds at once: none is answered with another one's rows."""
        found = await api.call(
            "GET", f"/v1/cases?min_position={position}&limit={number % 7 + 1}", "operator"
        )
        assert found.status == 200, found.body
        said = await api.call("GET", f"/v1/cases/{case}", "operator")
        assert said.status == 200, said.body
        (only,) = found.json["cases"]
        assert said.json["case_id"] == only["case_id"]
        return str(only["case_id"])

    assert set(await asyncio.gather(*map(read, range(READS)))) == {case}
    direct = await asyncpg.connect(url_of(settings))
    row = await direct.fetchrow(OF_OURS)
    await direct.close()
    assert row is not None
    assert row["reads"] <= 2
    assert row["superusers"] == 0
    ready = await api.call("GET", "/readyz")
    assert ready.status == 200, ready.body


async def test_what_a_session_is_told_stays_in_it(api: Api) -> None:
    """Settings are said on connections with a session of their own, and on no shared one."""
    store = api.runtime.store
    own = await store.connect("citybrain-own", synchronous_commit="off")
    assert await own.fetchval("SHOW synchronous_commit") == "off"
    assert await own.fetchval("SHOW tcp_user_timeout") != ""
    await own.close()
    assert await store.pool.fetchval("SHOW synchronous_commit") == "on"
    async with store.writing() as writing:
        assert await writing.fetchval("SHOW synchronous_commit") == "off"
        assert await writing.fetchval("SHOW jit") == "off"


async def test_an_authority_that_did_not_sign_is_a_sentence_and_a_status(
    bouncer: PgBouncer, settings: Settings, role: str, tmp_path: Path
) -> None:
    (tmp_path / "another").mkdir()
    make_certificates(tmp_path / "another")
    terminal = Terminal(settings, tmp_path / "terminal")
    trusted, another = (
        bouncer.url("session", role, folder / CA) for folder in (tmp_path, tmp_path / "another")
    )
    ended = await terminal.run("migrate", CITYBRAIN_DATABASE_URL=trusted)
    assert (ended.status, "0001 event_store" in ended.out) == (0, True)
    ended = await terminal.run("migrate", CITYBRAIN_DATABASE_URL=another)
    assert ended.status == 78
    assert "is not trusted" in ended.err
    assert "Traceback" not in ended.err
