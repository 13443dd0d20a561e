"""Signs of devices into the log and into sessions: by command and by HTTP, one by one and many.

Beside them stand what takes in the same bytes without any decision: appends, plain INSERTs, and
an HTTP handler that parses and answers.
"""

import asyncio
import time
from collections.abc import Sequence

from citybrain.app import open_services
from citybrain.eventstore import NO_STREAM, EventStore, NewEvent, RecordedEvent
from commands.parking.detection import Recorded, record_detection, record_detections
from commands.parking.processes.sessions import ParkingSessions
from commands.services import Services
from ops.bench.append_limits import insert_one_row, insert_unnest
from ops.bench.append_ours import ours as appending
from ops.bench.append_ours import verify
from ops.bench.events import new_metadata, new_stream_id
from ops.bench.figures import Sample, sample
from ops.bench.http import loaded
from ops.bench.meter import Meter
from ops.bench.parking.street import BERTHS, GATEWAY, context_of, open_street, sign
from ops.bench.rounds import Contender
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench

BATCH = 1000
DETECTED = "parking.detected"
STORED = f"SELECT topic, state FROM stored_events WHERE topic = '{DETECTED}' LIMIT 1"


async def in_batches(bench: Workbench) -> Sample:
    """Signs through the command; all that was acknowledged must be there."""
    async with bench.database() as url, open_services(bench.settings(url)) as services:
        places = await open_street(services)
        tally, number, context = Tally(bench.seconds), 0, context_of(GATEWAY)
        with Meter(bench) as meter:
            while tally.running():
                commands = [sign(number + each) for each in range(BATCH)]
                number += BATCH
                began = time.perf_counter()
                found = await record_detections(commands, context, services)
                tally.note(began, sum(isinstance(each, Recorded) for each in found))
        await verify(url, tally.acknowledged + places)
    return meter.of(tally.sample(), tally.acknowledged)


def over_http(connections: int, load: str, batch: int = 0) -> Contender:
    """The contender: signs over HTTP to a server on one core; all must be there."""

    async def contender(bench: Workbench) -> Sample:
        async with bench.database() as url:
            async with open_services(bench.settings(url)) as services:
                places = await open_street(services)
            found = await loaded(bench, url, connections, workers=False, load=load, batch=batch)
            await verify(url, found.acknowledged + places)
        return found.sample

    return contender


async def stored_sign(bench: Workbench) -> NewEvent:
    """A sign, as it stands in the log."""
    async with bench.database() as url, open_services(bench.settings(url)) as services:
        await open_street(services, berths=1)
        await record_detection(sign(0), context_of(GATEWAY), services)
        row = await services.store.pool.fetchrow(STORED)
    if row is None:
        raise BenchFailed("a sign was not recorded")
    return NewEvent(row["topic"], row["state"])


async def appended(bench: Workbench) -> Sample:
    """The same bytes through our store, a batch at a time, without a decision."""
    event = await stored_sign(bench)

    async def client(store: EventStore, tally: Tally) -> None:
        while tally.running():
            began = time.perf_counter()
            await asyncio.gather(
                *(
                    store.append(new_stream_id(), NO_STREAM, [event], metadata=new_metadata())
                    for _ in range(BATCH)
                )
            )
            tally.note(began, BATCH)

    return await appending(client, 1)(bench)


async def inserted_batches(bench: Workbench) -> Sample:
    """The same bytes as plain INSERTs of a batch of rows."""
    return await insert_unnest(bench, BATCH, await stored_sign(bench))


def inserted_one_by_one(connections: int) -> Contender:
    """The contender: the same bytes as plain INSERTs of a row with a commit each."""

    async def contender(bench: Workbench) -> Sample:
        return await insert_one_row(bench, connections, await stored_sign(bench))

    return contender


async def into_sessions(bench: Workbench) -> Sample:
    """Signs that are recorded become sessions that have ended."""
    async with bench.database() as url, open_services(bench.settings(url)) as services:
        await open_street(services)
        process, number, spent, meter = ParkingSessions(), 0, 0.0, Meter(bench)
        context, position = context_of(GATEWAY), await services.store.head()
        while spent < bench.seconds:
            commands = [sign(number + each) for each in range(2 * BERTHS)]
            for part in (commands[:BERTHS], commands[BERTHS:]):
                await record_detections(part, context, services)
            number += 2 * BERTHS
            events = await _detected(services, position)
            position = await services.store.head()
            began = time.perf_counter()
            with meter:
                await process.react_all(events, services)
            spent += time.perf_counter() - began
        ended = await services.store.pool.fetchval(
            "SELECT count(*) FROM stored_events WHERE topic = 'parking.left'"
        )
    if ended != number // 2:
        raise BenchFailed(f"{number} signs became {ended} sessions that ended")
    return meter.of(sample(number, spent), number)


async def _detected(services: Services, position: int) -> Sequence[RecordedEvent]:
    return await services.store.read_all(position, topics=[DETECTED], limit=2 * BERTHS)
