"""Recording who reads other people's data: before it is shown, or it is not shown.

It knows no system. Streams that are about one person say so (`personal`); whose stream it is, the
read model `data_accesses` knows.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from citybrain.domain.access import Access, AccessRecorded
from citybrain.domain.stream import personal_categories
from citybrain.errors import CitybrainError, InvalidInput, Unavailable
from citybrain.eventstore import NO_STREAM, EventStore, NewEvent, RecordedEvent
from citybrain.eventstore.codec import mapper
from commands.handling import CommandContext

AskedPurpose = Literal["review", "audit", "complaint", "support"]
"""What whoever has to choose may say they read for."""


class AccessNotRecorded(Unavailable):
    """The reading could not be recorded, so nothing is shown."""

    code = "access-not-recorded"


class PurposeNeeded(InvalidInput):
    """The answer is about people: whoever asks says for what."""

    code = "purpose-needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is read, for what, in which role, through which operation or command."""

    what: str
    purpose: str
    role: str
    through: str


async def record_access(
    look: Look, about: Iterable[str], context: CommandContext, store: EventStore, now: datetime
) -> None:
    """Record one reading about these streams, together; raises `AccessNotRecorded`."""
    actor, streams = context.actor, list(dict.fromkeys(about))
    place = {"department": actor.department, "counter": actor.counter}
    accesses = Access.record(now, about=streams, who=actor.subject, **place, **asdict(look))
    try:
        await asyncio.gather(*(_append(access, context, store) for access in accesses))
    except CitybrainError as error:
        raise AccessNotRecorded("who reads this cannot be recorded now") from error


async def _append(access: Access, context: CommandContext, store: EventStore) -> None:
    """Not kept in the cache of aggregates: it is never changed."""
    stored = mapper().to_stored_event(access.pending_events[0])
    event = NewEvent(stored.topic, stored.state)
    await store.append(access.id, NO_STREAM, [event], metadata=context.metadata())


def people_in(events: Sequence[RecordedEvent], *, left_by: Iterable[str] = ()) -> list[str]:
    """The people's streams that stored events are of, or name, each once.

    Left out are the accesses that the operations `left_by` left: whoever follows the log would
    follow their own traces without end.
    """
    own = frozenset(left_by)
    texts = (
        f"{event.stream_id} {event.metadata_json or ''}".encode() + event.state
        for event in events
        if not (own and event.topic == AccessRecorded.TOPIC and event.data["through"] in own)
    )
    return people_named(texts)


def people_named(texts: Iterable[bytes]) -> list[str]:
    """The people's streams that texts name, each once."""
    categories = "|".join(sorted(personal_categories()))
    named = re.compile(rf"\b(?:{categories})-[0-9a-f]{{32}}\b".encode())
    return list(dict.fromkeys(match.decode() for text in texts for match in named.findall(text)))
