"""What a stream was: its state at a version, a log position or a time of recording.

It is computed from the events alone, with the code that decided them. What is sealed stays sealed.
"""

from datetime import datetime
from typing import Any, Final

from citybrain.domain.stream import StreamAggregate
from citybrain.eventstore import EventStore

NOT_SHOWN: Final = ("_pending_events", "_id")


async def state_as_of(
    store: EventStore,
    stream_id: str,
    *,
    version: int | None = None,
    position: int | None = None,
    time: datetime | None = None,
) -> tuple[int, dict[str, Any]]:
    """The version that a stream had then, now where nothing is said; and its state by member.

    Raises `StreamNotFound` where there was no such stream, or not yet.
    """
    aggregate = await store.load_as_of(
        StreamAggregate, stream_id, version=version, position=position, time=time
    )
    members = {
        name.lstrip("_"): value for name, value in vars(aggregate).items() if name not in NOT_SHOWN
    }
    return aggregate.version, members
