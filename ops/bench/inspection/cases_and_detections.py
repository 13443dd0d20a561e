"""`citybrain bench inspection`: detections into the log and into cases, and cases found again.

Recording stands beside appends of the same bytes without any decision; merging beside appends of
the events that it leaves; a search beside looking up as many rows by their key. The tables of the
search hold as many open cases as a large city's (`CITYBRAIN_BENCH_CASES`). Questions to the read
models are asked while detections go on becoming cases, beside looking up one case by its id.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg

from citybrain.app import open_services
from citybrain.domain.actor import Actor, Role
from citybrain.eventstore import NO_STREAM, EventStore, NewEvent
from commands.handling import CommandContext
from commands.inspection.detection import (
    RecordDetection,
    Recorded,
    record_detection,
    record_detections,
)
from commands.services import Services
from ops.bench.append_ours import ours as appending
from ops.bench.append_ours import verify
from ops.bench.events import new_metadata, new_stream_id
from ops.bench.figures import Sample
from ops.bench.http import loaded
from ops.bench.inspection.cases import merging, searching
from ops.bench.inspection.detections import detection, stored_events
from ops.bench.inspection.reads import asking, by_key, deadlines, heat, near
from ops.bench.lines import Line
from ops.bench.meter import Meter
from ops.bench.rounds import Contender
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench

BENCH = "inspection"
DETECTIONS = "detections/s"
WRITERS, BATCH, HTTP_BATCH, HTTP_CONNECTIONS = 64, 1000, 500, 4
RECORDED = "SELECT count(*) FROM stored_events WHERE topic = 'detection.recorded'"

Recording = Callable[[Services, Tally], Coroutine[Any, Any, None]]


async def in_batches(services: Services, tally: Tally) -> None:
    """A client that hands over a batch at a time."""
    context, number = _context(), 0
    while tally.running():
        commands = [detection(number + place) for place in range(BATCH)]
        number += BATCH
        began = time.perf_counter()
        found = await record_detections(commands, context, services)
        tally.note(began, sum(isinstance(each, Recorded) for each in found))


async def one_by_one(services: Services, tally: Tally) -> None:
    """Clients that hand over one at a time."""
    context, numbers = _context(), iter(range(1 << 40))

    async def writer() -> None:
        while tally.running():
            command: RecordDetection = detection(next(numbers))
            began = time.perf_counter()
            await record_detection(command, context, services)
            tally.note(began, 1)

    async with asyncio.TaskGroup() as group:
        for _ in range(WRITERS):
            group.create_task(writer())


def recording(client: Recording) -> Contender:
    """The contender: detections through the command; all that was acknowledged must be there."""

    async def contender(bench: Workbench) -> Sample:
        async with recorders(bench) as (services, tally):
            with Meter(bench) as meter:
                await client(services, tally)
        return meter.of(tally.sample(), tally.acknowledged)

    return contender


@asynccontextmanager
async def recorders(bench: Workbench) -> AsyncIterator[tuple[Services, Tally]]:
    """Services over a fresh database; what the tally says is looked for in the end."""
    async with bench.database() as url, open_services(bench.settings(url)) as services:
        tally = Tally(bench.seconds)
        yield services, tally
        await verify(url, tally.acknowledged)


async def same_batches(store: EventStore, tally: Tally) -> None:
    """The limit of `in_batches`: its events, appended at once."""
    events = stored_events()["detection.recorded"]
    while tally.running():
        began = time.perf_counter()
        await asyncio.gather(*(_append(store, [events]) for _ in range(BATCH)))
        tally.note(began, BATCH)


async def same_one_by_one(store: EventStore, tally: Tally) -> None:
    """The limit of a writer: its events, appended."""
    event = stored_events()["detection.recorded"]
    while tally.running():
        began = time.perf_counter()
        await _append(store, [event])
        tally.note(began, 1)


async def same_cases(store: EventStore, tally: Tally) -> None:
    """The limit of new cases: a report with its evidence, appended."""
    found = stored_events()
    events = [found["case.reported"], found["case.detection_merged"]]
    while tally.running():
        began = time.perf_counter()
        await _append(store, events)
        tally.note(began, 2)


async def _append(store: EventStore, events: list[NewEvent]) -> None:
    await store.append(new_stream_id(), NO_STREAM, events, metadata=new_metadata())


def cases_a_second(contender: Contender) -> Contender:
    """A contender of two events a case, as cases."""

    async def halved(bench: Workbench) -> Sample:
        found = await contender(bench)
        return Sample(found.rate / 2, found.p50_ms, found.p99_ms)

    return halved


async def over_http(bench: Workbench) -> Sample:
    """The contender: batches over HTTP to a server on one core; all must be there."""
    async with bench.database() as url:
        found = await loaded(
            bench, url, HTTP_CONNECTIONS, workers=False, load="detections", batch=HTTP_BATCH
        )
        connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
        try:
            stored = await connection.fetchval(RECORDED)
        finally:
            await connection.close()
    if stored != found.acknowledged:
        raise BenchFailed(f"{found.acknowledged} were acknowledged, {stored} are stored")
    return found.sample


def _context() -> CommandContext:
    command_id = uuid4()
    actor = Actor("gateway-1", frozenset({Role.GATEWAY}), acts_for=frozenset({"c-*"}))
    return CommandContext(actor, "http", command_id, command_id)


CONTENDERS: Mapping[str, Contender] = {
    "record_1000": recording(in_batches),
    "record_64": recording(one_by_one),
    "http_500": over_http,
    "append_1000": appending(same_batches, 1),
    "append_64": appending(same_one_by_one, WRITERS),
    "append_cases_64": cases_a_second(appending(same_cases, WRITERS)),
    "merge_new": merging(again=False),
    "merge_again": merging(again=True),
    "search_1": searching(1, by_key=False),
    "search_500": searching(500, by_key=False),
    "key_1": searching(1, by_key=True),
    "key_500": searching(500, by_key=True),
    "near_1m": asking(near),
    "deadlines_1m": asking(deadlines),
    "heat_1m": asking(heat),
    "case_1m": asking(by_key),
}

LINES = (
    Line("record_1000", "record_1000", "append_1000", unit=DETECTIONS),
    Line("record_64", "record_64", "append_64", unit=DETECTIONS),
    Line("http_500", "http_500", "append_1000", ("record_1000",), unit=DETECTIONS),
    Line("merge_new", "merge_new", "append_cases_64", unit="cases/s"),
    Line("merge_again", "merge_again", "append_64", unit=DETECTIONS),
    Line("search_1", "search_1", "key_1", unit="searches/s"),
    Line("search_500", "search_500", "key_500", unit="searches/s"),
    Line("near_1m", "near_1m", "case_1m", unit="questions/s"),
    Line("deadlines_1m", "deadlines_1m", "case_1m", unit="questions/s"),
    Line("heat_1m", "heat_1m", "case_1m", unit="questions/s"),
)
