"""The composition root: every part of a serving process is put together here, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from citybrain.definitions import load_definitions
from citybrain.eventstore import open_event_store
from citybrain.http.application import serving
from citybrain.http.runtime import Runtime
from citybrain.http.tokens import open_verifier
from citybrain.settings import Settings
from commands.handling import Services
from commands.processes.registry import PROCESSES
from commands.processes.runner import ProcessRunner
from projections.registry import PROJECTIONS
from projections.runner import ProjectionRunner, prepare

ANSWERS_KEPT_DAYS = 7
HOUR_SECONDS = 3600.0


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """The definitions and an open store: what command handlers need."""
    definitions = load_definitions(settings.definitions_dir)
    async with open_event_store(settings) as store:
        yield Services(store=store, definitions=definitions)


@asynccontextmanager
async def open_runtime(settings: Settings, *, workers: bool = True) -> AsyncIterator[Runtime]:
    """The parts of a serving process; with `workers`, projections and processes run in it."""
    verifier, development = open_verifier(settings)
    async with open_services(settings) as services:
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
    processes = ProcessRunner(services.store, PROCESSES, services)
    return [
        asyncio.create_task(work)
        for work in (projections.run(), processes.run(), _forget_answers(services))
    ]


async def _forget_answers(services: Services) -> None:
    """Drop idempotency records that no client will ask for any more, once an hour."""
    while True:
        await asyncio.sleep(HOUR_SECONDS)
        await services.store.forget_answers(ANSWERS_KEPT_DAYS)
