"""Events as they come from elsewhere: again, late, in orders of their own, with some left out."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random
from uuid import UUID
from zlib import crc32

from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.eventstore.incarnations import read_lineage
from citybrain.kafka.wire import ReceivedEvent, headers_of, key_of, received
from citybrain.systems import projection_named
from projections.feeder import Feeder
from projections.runner import prepare
from tests.given.read_models import tables

SHOWN = {
    "cases": (
        *("case_desk", "case_timeline", "case_days", "evaluation_days", "heat_grid"),
        *("service_requests", "streams", "correlations", "case_evidence"),
    ),
    "devices": ("cameras", "detections"),
    "applications": ("applications", "application_days", "source_days", "refusal_days"),
    "drafts": ("drafts",),
    "identities": ("identity_days",),
    "parking": (
        *("parking_sessions", "parking_strays", "plate_bindings", "parking_permits"),
        *("parking_repricings", "parking_notices"),
    ),
}
"""The models of which a test shows that the order of each stream is enough, by what it is with."""
PARTITIONS = 3
MOST_AT_ONCE = 40
REPEATED = 0.1


def received_as(event: RecordedEvent, incarnation: UUID) -> ReceivedEvent:
    """An event as its record would bring it."""
    return received(key_of(event), event.state, headers_of(event, "urn:test", incarnation))


async def all_received(store: EventStore) -> list[ReceivedEvent]:
    """The log, as its records would bring it."""
    incarnation = (await read_lineage(store.pool)).current
    events = await store.read_all(limit=100_000)
    return [received_as(event, incarnation) for event in events]


def interleaved(events: Iterable[ReceivedEvent], random: Random) -> list[ReceivedEvent]:
    """Some order that keeps that of each stream, but for some that come again."""
    streams: dict[str, list[ReceivedEvent]] = defaultdict(list)
    for event in events:
        streams[event.stream_id].append(event)
    places = [stream for stream, found in streams.items() for _ in found]
    random.shuffle(places)
    left = {stream: iter(found) for stream, found in streams.items()}
    ordered = [next(left[stream]) for stream in places]
    again = [event for event in ordered if random.random() < REPEATED]
    for event in again:
        ordered.insert(random.randrange(ordered.index(event), len(ordered) + 1), event)
    return ordered


async def feed(feeder: Feeder, events: Sequence[ReceivedEvent], random: Random) -> None:
    """Give them, some at a time."""
    first = 0
    while first < len(events):
        end = first + random.randint(1, MOST_AT_ONCE)
        await feeder.apply(events[first:end])
        first = end


async def drop(store: EventStore, *names: str) -> None:
    """Remove read models, and all that is known of how far they were."""
    for name in names:
        await store.keeping.execute(f"DROP SCHEMA {name} CASCADE")
        for table in ("projection_checkpoints", "streams_ahead", "parked_events"):
            await store.keeping.execute(f"DELETE FROM {table} WHERE projection = $1", name)


async def same_in_any_order(store: EventStore, *names: str, seed: int = 1) -> None:
    """Models that are fed from partitions, side by side and in an order of chance, are as they are.

    They are up to date before.
    """
    before = await tables(store, *names)
    events = await all_received(store)
    await drop(store, *names)
    await prepare(store, [projection_named(name) for name in names])
    for name in names:
        random = Random(f"{seed} {name}")
        partitions: dict[int, list[ReceivedEvent]] = defaultdict(list)
        for event in events:
            partitions[crc32(event.stream_id.encode()) % PARTITIONS].append(event)
        await asyncio.gather(
            *(
                feed(Feeder(store, projection_named(name)), interleaved(part, random), random)
                for part in partitions.values()
            )
        )
    after = await tables(store, *names)
    assert [name for name in before if after[name] != before[name]] == []
