"""A listening server with its workers, and clients with tokens of each role."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable

import aiohttp
import asyncpg
import pytest
from pydantic import SecretStr

from citybrain.app import open_runtime
from citybrain.eventstore import open_event_store
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS, load_definitions
from projections.runner import prepare
from tests.given.api import Api
from tests.given.services import DEFINITIONS


@pytest.fixture(scope="session")
def template(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with all tables and read models and nothing in them, to be copied."""
    name = f"prepared_{uuid.uuid4().hex}"
    url = server_url.replace("/postgres?", f"/{name}?")

    async def prepare_it() -> None:
        connection = await asyncpg.connect(server_url)
        await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.close()
        data_dir = tmp_path_factory.mktemp("prepared")
        settings = Settings(mode="development", database_url=SecretStr(url), data_dir=data_dir)
        async with open_event_store(settings) as store:
            await prepare(store, PROJECTIONS)

    asyncio.run(prepare_it())
    return name


@pytest.fixture(autouse=True)
def definitions_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours do not change from test to test; a city's own are read as ever."""
    monkeypatch.setattr(
        "citybrain.app.load_definitions",
        lambda folder: load_definitions(folder) if folder else DEFINITIONS,
    )


@pytest.fixture
def change_settings() -> Callable[[Settings], None]:
    """Override to change the settings of the server."""
    return lambda settings: None


@pytest.fixture
def with_faces() -> bool:
    """Override to load the face models, which takes a second."""
    return False


@pytest.fixture
async def api(
    settings: Settings, change_settings: Callable[[Settings], None], with_faces: bool
) -> AsyncIterator[Api]:
    """A server on a free port, with projections and processes running."""
    settings.http_port = 0
    settings.rate_limit_per_second, settings.rate_limit_burst = 1e6, 1_000_000
    change_settings(settings)
    async with (
        open_runtime(settings, faces=with_faces) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Api(url, runtime, session)
