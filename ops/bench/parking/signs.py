"""`citybrain bench parking`: signs of devices into the log and into sessions, and prices.

Recording stands beside appends of as many bytes without any decision; a price beside a plain loop
over the same arithmetic, which knows no windows, days, versions, caps or exemptions. `cpu_us` is
what this process computed for one of them.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from citybrain.app import open_services
from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.actor import Actor, Role, system_actor
from citybrain.domain.parking.place import PlaceKind, PlaceVersion
from citybrain.domain.parking.presence import Sign
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Stay
from citybrain.eventstore import NO_STREAM, EventStore, NewEvent, RecordedEvent
from citybrain.systems import load_definitions
from commands.handling import CommandContext
from commands.parking.detection import Recorded, RecordParkingDetection, record_detections
from commands.parking.places import NewPlace, describe_places
from commands.parking.processes.sessions import ParkingSessions
from commands.services import Services
from ops.bench.append_ours import ours as appending
from ops.bench.append_ours import verify
from ops.bench.events import new_metadata, new_stream_id
from ops.bench.figures import Sample, sample
from ops.bench.lines import Line
from ops.bench.rounds import Contender
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench

BATCH, BERTHS, A_LOOP = 1000, 1000, 500
SIGNS = "signs/s"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def sign(number: int, now: datetime) -> RecordParkingDetection:
    """Vehicle after vehicle comes to berth after berth, and goes when all have come."""
    turn, berth = divmod(number, BERTHS)
    serial = f"{berth % 100_000:05}"
    return RecordParkingDetection(
        device_id="c-1",
        ref=str(number),
        sign=Sign.LEFT if turn % 2 else Sign.ARRIVED,
        place_id=f"B-{berth:04}",
        occurred_at=now + timedelta(seconds=turn),
        plate=f"豫{LETTERS[turn // 2 % len(LETTERS)]}{serial}",
        confidence=97,
        simulated=True,
    )


async def open_street(services: Services) -> int:
    """Berths and the camera that watches them; how many events that is."""
    point = {"type": "Point", "coordinates": [113.6254, 34.7466]}

    def place(place_id: str, kind: PlaceKind, **members: Any) -> NewPlace:
        version = PlaceVersion(valid_from=LONG_AGO, name=place_id, geometry=point, **members)
        return NewPlace(place_id, kind, version, simulated=True)

    names = [f"B-{number:04}" for number in range(BERTHS)]
    found = await describe_places(
        [
            place("A-1", PlaceKind.AREA),
            place("Z-1", PlaceKind.ZONE, parent="A-1", tariff_zone="1"),
            *(
                place(name, PlaceKind.BERTH, parent="Z-1", number=number)
                for number, name in enumerate(names, 1)
            ),
            place("c-1", PlaceKind.DEVICE, watches=names),
        ],
        _context(system_actor("bench")),
        services,
    )
    if not all(isinstance(each, int) for each in found):
        raise BenchFailed("places were refused")
    return 2 * len(found)


async def in_batches(bench: Workbench) -> Sample:
    """Signs through the command; all that was acknowledged must be there."""
    async with bench.database() as url, open_services(bench.settings(url)) as services:
        acknowledged = await open_street(services)
        tally, number, spent = Tally(bench.seconds), 0, time.process_time()
        now, context = datetime.now(UTC) - timedelta(hours=1), _context(CAMERA)
        while tally.running():
            commands = [sign(number + place, now) for place in range(BATCH)]
            number += BATCH
            began = time.perf_counter()
            found = await record_detections(commands, context, services)
            tally.note(began, sum(isinstance(each, Recorded) for each in found))
        spent = time.process_time() - spent
        await verify(url, tally.acknowledged + acknowledged)
    own = tally.sample()
    return Sample(own.rate, own.p50_ms, own.p99_ms, cpu_us=spent / tally.acknowledged * 1e6)


async def same_bytes(store: EventStore, tally: Tally) -> None:
    """The limit: an event as large, appended without a decision."""
    event = NewEvent("parking.detected", b"{" + b" " * 900 + b"}")
    while tally.running():
        began = time.perf_counter()
        await asyncio.gather(
            *(
                store.append(new_stream_id(), NO_STREAM, [event], metadata=new_metadata())
                for _ in range(BATCH)
            )
        )
        tally.note(began, BATCH)


async def into_sessions(bench: Workbench) -> Sample:
    """Signs that are recorded become sessions that have ended."""
    async with bench.database() as url, open_services(bench.settings(url)) as services:
        await open_street(services)
        process, number, spent, computed = ParkingSessions(), 0, 0.0, 0.0
        now, context = datetime.now(UTC) - timedelta(hours=1), _context(CAMERA)
        position = await services.store.head()
        while spent < bench.seconds:
            commands = [sign(number + place, now) for place in range(2 * BERTHS)]
            for part in (commands[:BERTHS], commands[BERTHS:]):
                await record_detections(part, context, services)
            number += 2 * BERTHS
            events = await _detected(services, position)
            position = await services.store.head()
            began, cpu = time.perf_counter(), time.process_time()
            await process.react_all(events, services)
            spent += time.perf_counter() - began
            computed += time.process_time() - cpu
        ended = await services.store.pool.fetchval(
            "SELECT count(*) FROM stored_events WHERE topic = 'parking.left'"
        )
    if ended != number // 2:
        raise BenchFailed(f"{number} signs became {ended} sessions that ended")
    own = sample(number, spent)
    return Sample(own.rate, cpu_us=computed / number * 1e6)


async def _detected(services: Services, position: int) -> Sequence[RecordedEvent]:
    return await services.store.read_all(position, topics=["parking.detected"], limit=2 * BERTHS)


STAYS = [
    (datetime(2026, 9, 14, 1, tzinfo=UTC) + timedelta(minutes=7 * number), 1 + 13 * number % 900)
    for number in range(A_LOOP)
]


async def pricing(bench: Workbench) -> Sample:
    """Stays of up to fifteen hours, by the tariff of the street."""
    tariff = tariff_of(load_definitions(), "street")
    return _looped(
        bench.seconds,
        lambda begins, minutes: (
            price(
                Stay(start=begins, end=begins + timedelta(minutes=minutes), zone="1"), tariff
            ).total_fen
        ),
    )


async def plain_loop(bench: Workbench) -> Sample:
    """Started hours by the ladder, and nothing else."""

    def ladder(_: datetime, minutes: int) -> int:
        fen = 0
        for hour in range(1, -(-minutes // 60) + 1):
            fen += 400 if hour == 1 or hour > 3 else 200
        return fen

    return _looped(bench.seconds, ladder)


def _looped(seconds: float, one: Any) -> Sample:
    done, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        for begins, minutes in STAYS:
            one(begins, minutes)
        done += len(STAYS)
    spent = time.perf_counter() - began
    return Sample(done / spent, cpu_us=(time.process_time() - cpu) / done * 1e6)


CAMERA = Actor("c-1", frozenset({Role.CAMERA}))


def _context(actor: Actor) -> CommandContext:
    command_id = uuid4()
    return CommandContext(actor, "http", command_id, command_id)


CONTENDERS: Mapping[str, Contender] = {
    "record_1000": in_batches,
    "append_1000": appending(same_bytes, 1),
    "sessions": into_sessions,
    "price": pricing,
    "plain_loop": plain_loop,
}

LINES = (
    Line("record_1000", "record_1000", "append_1000", unit=SIGNS),
    Line("sessions", "sessions", "append_1000", ("record_1000",), unit=SIGNS),
    Line("price", "price", None, ("plain_loop",), unit="prices/s"),
)
