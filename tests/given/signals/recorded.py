"""Days of junctions in the log: what a street decided, stored as a server stores it."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import uuid4

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.eventstore import ANY, EventStore, Metadata, NewEvent
from citybrain.eventstore.codec import mapper
from tests.given.signals.attack import Attack, Step
from tests.given.signals.x1 import Street, at

EVERYTHING: list[Step] = [
    ("call", 5.0, 4, 0, 0.0),
    ("mode", 30.0, 1, 0, 0.0),
    ("command", 1.0, 1, 1, 20.0),
    ("command", 1.0, 2, 1, 20.0),
    ("wish", 1.0, 1, 1, 0.0),
    ("midnight", 20.0, 0, 0, 0.0),
    ("preempt", 10.0, 2, 0, 30.0),
    ("preempt", 3.0, 0, 1, 50.0),
    ("pass", 9.0, 0, 0, 0.0),
    ("clock", 1.0, 0, 0, 50.0),
    ("clock", 9.0, 0, 0, 0.0),
    ("plan", 9.0, 1, 0, 0.0),
    ("hand", 9.0, 0, 0, 20.0),
    ("conflict", 60.0, 0, 0, 0.0),
    ("call", 5.0, 1, 0, 0.0),
    ("reset", 9.0, 0, 0, 0.0),
    ("midnight", 40.0, 0, 0, 0.0),
    ("power", 30.0, 0, 0, 0.0),
    ("call", 40.0, 3, 0, 0.0),
]
"""Two midnights, commands, vehicles, a person, faults, flashing and power failures."""

FOR_LONG = 36 * 86_400.0
"""Seconds: longer than read models keep."""


def flashed_for_long(dated: DatedJunction) -> tuple[Attack, float]:
    """A junction that everything happened to, that then flashed for long, and then again.

    And when it began to flash.
    """
    attack = Attack(Street(dated))
    attack.go([*EVERYTHING, ("conflict", 1.0, 0, 0, 0.0)])
    flashed_at = attack.street.events[-1].timestamp
    attack.now += FOR_LONG
    attack.go([("reset", 1.0, 0, 0, 0.0), *EVERYTHING])
    return attack, (flashed_at - at(0)).total_seconds()


METADATA = Metadata("tester", "system", "test", uuid4(), uuid4())


async def record(store: EventStore, events: Sequence[Any]) -> None:
    """Append these events to their streams, in their order."""
    for stream_id, some in groupby(events, key=lambda event: event.originator_id):
        stored = [mapper().to_stored_event(event) for event in some]
        new = [NewEvent(each.topic, each.state) for each in stored]
        await store.append(stream_id, ANY, new, metadata=METADATA)
