"""The composition root: every part of a serving process is put together here, once."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, TypeAlias

import structlog

from citybrain import __version__
from citybrain.certificates import open_certificates
from citybrain.definitions.calendars import BusinessCalendar
from citybrain.ending import end
from citybrain.eventstore import open_event_store
from citybrain.eventstore.connections import Connections, needed
from citybrain.exchange import open_exchange
from citybrain.faces.services import open_faces
from citybrain.http import reach
from citybrain.http.access_texts import merged
from citybrain.http.machine import watch_machine
from citybrain.http.platform import operations
from citybrain.http.routing import Route
from citybrain.http.runtime import Runtime
from citybrain.http.server import serving, watched
from citybrain.http.tokens import open_verifier, refuses_all
from citybrain.intake.reading import IntakeReader
from citybrain.kafka.clients import connection
from citybrain.mail import open_mailer
from citybrain.notifications import open_notifier
from citybrain.payments import open_payments
from citybrain.photos import open_photos
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS, SYSTEMS, load_definitions, register_streams
from citybrain.systems.system import System
from citybrain.vault import Vault, open_key_wrapper, require_own_key
from commands.kept_definitions import keep_definitions
from commands.processes.runner import keep
from commands.services import Services
from projections.dead_letters import DeadLetters
from projections.kafka_feed import KafkaFeed
from projections.projection import Projection
from projections.runner import ProjectionRunner, prepare

log = structlog.get_logger(__name__)

HOUR_SECONDS = 3600.0
ADDRESSES = "address"  # of the key that makes pseudonyms of them

KafkaReader: TypeAlias = KafkaFeed | IntakeReader


@asynccontextmanager
async def open_services(
    settings: Settings,
    *,
    faces: bool = False,
    keeps: Connections | None = None,
    serves: bool = False,
) -> AsyncIterator[Services]:
    """What command handlers need; with `faces` also the loaded face models.

    `keeps`: the connections that a serving process opens at once and keeps. Production
    serves faces where a pack is named: the development pack is not for people.
    """
    register_streams()
    definitions = load_definitions(settings.definitions_dir)
    async with (
        open_event_store(settings, keeps=keeps, serves=serves) as store,
        open_exchange(settings) as exchange,
        open_payments(settings) as payments,
        open_photos(settings) as photos,
    ):
        keys = open_key_wrapper(settings)
        await keys.fit(store.pool)
        vault, certificates = Vault(store.pool, keys), open_certificates(settings)
        if serves:
            await certificates.fit(store.pool)
        services = Services(
            store,
            await keep_definitions(definitions, store.pool),
            vault,
            open_notifier(settings),
            mailer=open_mailer(settings),
            exchange=exchange,
            payments=payments,
            photos=photos,
            certificates=certificates,
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
    `keeps` as of `open_services`: it is one of many, perhaps.
    """
    verifier, development = open_verifier(settings)
    require_own_key(settings)
    watch_machine(settings)
    async with open_services(
        settings, faces=faces, keeps=keeps, serves=keeps is not None
    ) as services:
        runtime = Runtime(
            settings,
            services.store,
            services,
            verifier,
            development,
            projections=PROJECTIONS,
            board_parts=[system.board for system in SYSTEMS if system.board is not None],
            routes=_routes(development is not None),
            streams=[stream for system in SYSTEMS for stream in system.streams],
            names=merged(s.words(services.definitions) for s in SYSTEMS if s.words is not None),
            mounts=[mount for system in SYSTEMS for mount in system.mounts],
            checks={"issuer_keys": lambda: verifier.keys.known},
            remarks=lambda: _unknown_holidays(services),
            registers=next((s.registers for s in SYSTEMS if s.registers is not None), None),
            address_key=await services.vault.digest(ADDRESSES, b""),
        )
        await prepare(services.store, PROJECTIONS)
        _tell_of_holidays(services)
        if workers:
            work = _work(services, at_work, _kafka_readers(services, at_work))
        else:
            work = [] if keeps is None else _beside_others(services)
        async with _running([verifier.keys.run(), *work]):
            yield runtime


def _unknown_holidays(services: Services) -> list[str]:
    """What is to be entered before deadlines are counted over these years."""
    years = services.definitions.of(BusinessCalendar).unknown_years(services.clock())
    return [
        f"the calendar lacks the holidays of {year}: deadlines take its days for ordinary weeks"
        for year in years
    ]


def _tell_of_holidays(services: Services) -> None:
    for remark in _unknown_holidays(services):
        log.warning("holidays_unknown", remark=remark)


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncIterator[str]:
    """Read models and process managers alone, and what is asked of them: gives its URL.

    Raises `NotEnoughConnections` where PostgreSQL has no room for it.
    """
    require_own_key(settings)
    watch_machine(settings)
    async with open_services(settings, keeps=needed(settings)) as services:
        store = services.store
        readers = _kafka_readers(services, SYSTEMS)
        runtime = Runtime(
            settings,
            store,
            services,
            refuses_all,
            board_parts=[system.board for system in SYSTEMS if system.board is not None],
            routes=operations.WATCHED,
            checks={"kafka": lambda: all(r.away is False for r in readers)} if readers else {},
            remarks=lambda: _unknown_holidays(services),
        )
        await prepare(store, PROJECTIONS)
        _tell_of_holidays(services)
        work = _work(services, SYSTEMS, readers)
        async with (
            _telling("work", settings) as started,
            _running(work),
            watched(runtime, settings.work_port) as url,
        ):
            started(url)
            yield url


@asynccontextmanager
async def open_server(
    settings: Settings, *, workers: bool = True, listens: socket.socket | None = None
) -> AsyncIterator[str]:
    """A listening server with all the connections that it needs; gives its URL.

    `listens`: a bound socket to listen on, in place of one of the settings. Raises
    `NotEnoughConnections` where PostgreSQL has no room for it.
    """
    keeps = needed(settings, working=workers)
    async with (
        _telling("serve", settings) as started,
        open_runtime(settings, workers=workers, keeps=keeps) as runtime,
        serving(runtime, listens) as url,
    ):
        started(url)
        yield url


@asynccontextmanager
async def _telling(what: str, settings: Settings) -> AsyncIterator[Callable[[str], None]]:
    """The log says when a process has started, at which address, and that it has stopped."""

    def started(url: str) -> None:
        log.info("started", what=what, url=url, version=__version__, mode=settings.mode)

    try:
        yield started
    finally:
        log.info("stopped", what=what)


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


@asynccontextmanager
async def _running(work: Sequence[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """It is done during the block."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        await end(*tasks)
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()


def _work(
    services: Services, at_work: Sequence[System], readers: Sequence[KafkaReader]
) -> list[Coroutine[Any, Any, None]]:
    """Projections, process managers and upkeep, and what comes through Kafka."""
    store = services.store
    return [
        ProjectionRunner(store, _projections(at_work)).run(),
        *(reader.run() for reader in readers),
        *(
            [DeadLetters(services.settings, store).run()]
            if services.settings.via == "kafka"
            else []
        ),
        _upkeep(services, at_work),
        *(each.run(store, services) for system in at_work for each in system.processes),
    ]


def _kafka_readers(services: Services, at_work: Sequence[System]) -> list[KafkaReader]:
    """Who feeds read models and takes in what devices send, where the settings say so.

    Raises `KafkaNotConfigured`.
    """
    settings = services.settings
    readers: list[KafkaReader] = []
    if settings.via == "kafka":
        readers.append(KafkaFeed(settings, services.store, _projections(at_work)))
    if settings.intake:
        intakes = [intake for system in at_work for intake in system.intakes]
        readers.append(IntakeReader(settings, services, intakes))
    if readers:
        connection(settings)
    return readers


def _projections(at_work: Sequence[System]) -> list[Projection]:
    return [projection for system in at_work for projection in system.projections]


def _beside_others(services: Services) -> list[Coroutine[Any, Any, None]]:
    """What a process does that only serves: it hears of what the others append."""
    for system in SYSTEMS:
        if system.beside_others is not None:
            system.beside_others(services)
    return [keep("hearing", services.store.hear)]


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
