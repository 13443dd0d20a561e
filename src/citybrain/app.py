"""The composition root: every part of a serving process is put together here, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from citybrain.definitions import load_definitions
from citybrain.eventstore import open_event_store
from citybrain.exchange import open_exchange
from citybrain.faces.services import open_faces
from citybrain.http.application import serving
from citybrain.http.runtime import Runtime
from citybrain.http.tokens import open_verifier
from citybrain.notifications import open_notifier
from citybrain.photos import open_photos
from citybrain.settings import Settings
from citybrain.vault import Vault, open_key_wrapper, require_own_key
from commands.identity import forget_codes
from commands.processes.batches import BatchRunner
from commands.processes.registry import BATCHES, IN_ORDER, SIDE_BY_SIDE
from commands.processes.runner import ProcessRunner
from commands.processes.side_by_side import SideBySideRunner
from commands.services import Deadlines, Services
from projections.registry import PROJECTIONS
from projections.runner import ProjectionRunner, prepare

ANSWERS_KEPT_DAYS = 7
HOUR_SECONDS = 3600.0


@asynccontextmanager
async def open_services(settings: Settings, *, faces: bool = False) -> AsyncIterator[Services]:
    """What command handlers need; with `faces` also the loaded face models.

    Production serves faces where a pack is named: the development pack is not for people.
    """
    definitions = load_definitions(settings.definitions_dir)
    async with (
        open_event_store(settings) as store,
        open_exchange(settings) as exchange,
        open_photos(settings) as photos,
    ):
        vault = Vault(store.pool, open_key_wrapper(settings))
        services = Services(
            store,
            definitions,
            vault,
            open_notifier(settings),
            exchange=exchange,
            photos=photos,
            deadlines=Deadlines(
                identity=timedelta(seconds=settings.application_identity_seconds),
                evidence=timedelta(seconds=settings.application_evidence_seconds),
                payout=timedelta(seconds=settings.application_payout_seconds),
            ),
        )
        if not faces or (settings.mode == "production" and settings.faces_pack is None):
            yield services
            return
        async with open_faces(settings, store, vault) as services.faces:
            yield services


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, workers: bool = True, faces: bool = True
) -> AsyncIterator[Runtime]:
    """The parts of a serving process; with `workers`, projections and processes run in it."""
    verifier, development = open_verifier(settings)
    require_own_key(settings)
    async with open_services(settings, faces=faces) as services:
        runtime = Runtime(settings, services.store, services, verifier, development)
        await prepare(services.store, PROJECTIONS)
        tasks = _workers(services) if workers else []
        try:
            yield runtime
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


@asynccontextmanager
async def open_server(settings: Settings, *, workers: bool = True) -> AsyncIterator[str]:
    """A listening server; gives its URL."""
    async with open_runtime(settings, workers=workers) as runtime, serving(runtime) as url:
        yield url


def _workers(services: Services) -> list["asyncio.Task[Any]"]:
    projections = ProjectionRunner(services.store, PROJECTIONS)
    processes = ProcessRunner(services.store, IN_ORDER, services)
    batches = [BatchRunner(services.store, process, services) for process in BATCHES]
    long = [SideBySideRunner(services.store, manager, services) for manager in SIDE_BY_SIDE]
    return [
        asyncio.create_task(work)
        for work in (
            projections.run(),
            processes.run(),
            _forget(services),
            *(runner.run() for runner in batches),
            *(runner.run() for runner in long),
        )
    ]


async def _forget(services: Services) -> None:
    """Once an hour: drop what no client asks for any more and what is kept for a time only."""
    while True:
        await asyncio.sleep(HOUR_SECONDS)
        await services.store.forget_answers(ANSWERS_KEPT_DAYS)
        await services.vault.delete_expired()
        await forget_codes(services)
        if services.faces is not None:
            await services.faces.challenges.forget_old()
