"""Work in a process of its own: read models and process managers, and nothing else is served."""

import aiohttp
import pytest

from citybrain.app import open_worker
from citybrain.eventstore import EventStore
from citybrain.http.platform import operations
from citybrain.settings import Settings
from commands.inspection.case import report_case
from tests.given.read_models import caught_up
from tests.given.services import CAMERA, context, report, services_over
from tests.given.waiting import PATIENCE_SECONDS, eventually


@pytest.fixture(autouse=True)
def readiness_is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine does other work as well."""
    monkeypatch.setattr(operations, "READY_SECONDS", PATIENCE_SECONDS)


async def test_a_worker_keeps_up_what_others_append_and_is_watched(
    settings: Settings, store: EventStore
) -> None:
    settings.work_port = 0
    async with open_worker(settings) as url, aiohttp.ClientSession(url) as http:
        case = (await report_case(report(), context(CAMERA), services_over(store))).stream_id

        async def dispatched() -> bool:
            return "case.dispatched" in {event.topic for event in await store.read(case)}

        await eventually(dispatched)
        await caught_up(store)
        for path, status in (
            ("/healthz", 200),
            ("/readyz", 200),
            ("/metrics", 200),
            ("/v1/cases", 404),
            ("/docs", 404),
        ):
            async with http.get(path) as answer:
                assert (answer.status, path) == (status, path)
                assert answer.headers["Cache-Control"] == "no-store"
