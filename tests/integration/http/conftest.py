"""A listening server with its workers, and clients with tokens of each role."""

from collections.abc import AsyncIterator, Callable, Sequence

import aiohttp
import pytest

from citybrain.app import open_runtime
from citybrain.http import paging, sharing, telemetry
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems import SYSTEMS
from citybrain.systems.system import System
from tests.given.api import Api
from tests.given.waiting import PATIENCE_SECONDS


@pytest.fixture(scope="session")
def template(prepared: str) -> str:
    """Read models that are there from the start."""
    return prepared


@pytest.fixture(autouse=True)
def readers_are_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a position waits for it however much the machine has to do."""
    monkeypatch.setattr(paging, "CATCH_UP_SECONDS", PATIENCE_SECONDS)


@pytest.fixture(autouse=True)
def nobody_is_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither who asks too often, nor who asks again and again how the server is."""
    monkeypatch.setattr(telemetry, "TOO_MANY_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(sharing, "RESTS", 0.0)


@pytest.fixture
def change_settings() -> Callable[[Settings], None]:
    """Override to change the settings of the server."""
    return lambda settings: None


@pytest.fixture
def with_faces() -> bool:
    """Override to load the face models, which takes a second."""
    return False


@pytest.fixture
def with_workers() -> bool:
    """Override where nothing waits for read models and process managers: starting them takes time.

    The server is the same, and what it stores is.
    """
    return True


@pytest.fixture
def at_work() -> Sequence[System]:
    """Override where what a test waits for is the work of few systems."""
    return SYSTEMS


@pytest.fixture
async def api(
    settings: Settings,
    change_settings: Callable[[Settings], None],
    with_faces: bool,
    with_workers: bool,
    at_work: Sequence[System],
) -> AsyncIterator[Api]:
    """A server on a free port, with projections and processes running."""
    settings.http_port = 0
    settings.rate_limit_per_second, settings.rate_limit_burst = 1e6, 1_000_000
    change_settings(settings)
    async with (
        open_runtime(settings, faces=with_faces, workers=with_workers, at_work=at_work) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Api(url, runtime, session)
