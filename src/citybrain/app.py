"""The composition root: every part of a serving process is put together here, once."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any

import structlog

from citybrain.certificates import open_certificates
from citybrain.eventstore import open_event_store
from citybrain.eventstore.connections import Connections, needed
from citybrain.exchange import open_exchange
from citybrain.faces.services import open_faces
from citybrain.http import reach
from citybrain.http.access_texts import merged
from citybrain.http.routing import Route
from citybrain.http.runtime import Runtime
from citybrain.http.server import serving
from citybrain.http.tokens import open_verifier
from citybrain.kafka.clients import connection
from citybrain.notifications import open_notifier
from citybrain.payments import open_payments
from citybrain.photos import open_photos
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS, SYSTEMS, load_definitions, register_streams
from citybrain.systems.system import System
from citybrain.vault import Vault, open_key_wrapper, require_own_key
from commands.services import Services
from projections.dead_letters import DeadLetters
from projections.kafka_feed import KafkaFeed
from projections.projection import Projection
from projections.runner import ProjectionRunner, prepare

log = structlog.get_logger(__name__)

HOUR_SECONDS = 3600.0


@asynccontextmanager
async def open_services(
    settings: Settings, *, faces: bool = False, keeps: Connections | None = None
) -> AsyncIterator[Services]:
    """What command handlers need; with `faces` also the loaded face models.

    `keeps`: the connections that a serving process opens at once and keeps. Production
    serves faces where a pack is named: the development pack is not for people.
    """
    register_streams()
    definitions = load_definitions(settings.definitions_dir)
    async with (
        open_event_store(settings, keeps=keeps) as store,
        open_exchange(settings) as exchange,
        open_payments(settings) as payments,
        open_photos(settings) as photos,
    ):
        vault = Vault(store.pool, open_key_wrapper(settings))
        services = Services(
            store,
            definitions,
            vault,
            open_notifier(settings),
            exchange=exchange,
            payments=payments,
            photos=photos,
            certificates=open_certificates(settings),
            settings=settings,
        )
        if not faces or (settings.mode == "production" and settings.faces_pack is None):
            yield services
            return
        async with open_faces(settings, store, vault) as services.faces:
            yield services


@asynccontextmanager
async def open_runtime(
    settings: Settings,
    *,
    workers: bool = True,
    at_work: Sequence[System] = SYSTEMS,
    faces: bool = True,
    keeps: Connections | None = None,
) -> AsyncIterator[Runtime]:
    """The parts of a serving process.

    With `workers`, projections and processes run in it: those of the systems `at_work`.
    """
    verifier, development = open_verifier(settings)
    require_own_key(settings)
    async with open_services(settings, faces=faces, keeps=keeps) as services:
        runtime = Runtime(
            settings,
            services.store,
            services,
            verifier,
            development,
            projections=PROJECTIONS,
            board_parts=[system.board for system in SYSTEMS if system.board is not None],
            routes=_routes(development is not None),
            names=merged(s.words(services.definitions) for s in SYSTEMS if s.words is not None),
            mounts=[mount for system in SYSTEMS for mount in system.mounts],
        )
        await prepare(services.store, PROJECTIONS)
        tasks = _workers(services, at_work) if workers else []
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
    """A listening server with all the connections that it needs; gives its URL.

    Raises `NotEnoughConnections` where PostgreSQL has no room for them.
    """
    keeps = needed(settings, working=workers)
    async with (
        open_runtime(settings, workers=workers, keeps=keeps) as runtime,
        serving(runtime) as url,
    ):
        yield url


@cache
def _routes(development: bool) -> tuple[Route, ...]:
    """All routes; those of the development issuer only where there is one.

    Raises `RouteWithoutReach` where one does not say to whose data it reaches.
    """
    routes = [route for system in SYSTEMS for route in system.routes]
    rows = {name: row for system in SYSTEMS for name, row in system.reach.items()}
    if development:
        routes += [route for system in SYSTEMS for route in system.development_routes]
        rows |= {name: row for system in SYSTEMS for name, row in system.development_reach.items()}
    reach.check(routes, rows)
    return tuple(routes)


def _workers(services: Services, at_work: Sequence[System]) -> list["asyncio.Task[Any]"]:
    store = services.store
    projections = [projection for system in at_work for projection in system.projections]
    return [
        asyncio.create_task(work)
        for work in (
            ProjectionRunner(store, projections).run(),
            *_fed_from_kafka(services, projections),
            _upkeep(services, at_work),
            *(each.run(store, services) for system in at_work for each in system.processes),
        )
    ]


def _fed_from_kafka(
    services: Services, projections: Sequence[Projection]
) -> list[Coroutine[Any, Any, None]]:
    """Work beside the leaders of read models, where they are fed; raises `KafkaNotConfigured`."""
    settings = services.settings
    if settings.via != "kafka":
        return []
    connection(settings)
    feed = KafkaFeed(settings, services.store, projections)
    return [feed.run(), DeadLetters(settings, services.store).run()]


async def _upkeep(services: Services, at_work: Sequence[System]) -> None:
    """At once what follows from definitions; once an hour that again, and what systems drop.

    What fails is tried again in an hour; the others and the hours after do not wait for it.
    """
    due = [work for system in at_work for work in system.at_start]
    while True:
        for work in due:
            try:
                await work(services)
            except Exception:
                log.exception("upkeep_failed", work=work.__name__)
        await asyncio.sleep(HOUR_SECONDS)
        due = [work for system in at_work for work in (*system.at_start, *system.upkeep)]
