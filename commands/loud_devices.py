"""Devices that send more than is usual: a list for whoever looks after them.

Whoever takes in what they send says so, and it is kept until a device has been quiet for days. It
is no event: nothing is decided by it, and what is read again may be counted again.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from citybrain.columns import columns
from citybrain.eventstore import EventStore
from citybrain.eventstore.reader import patiently
from commands.services import Services

KEPT_DAYS = 7
MOST_SHOWN = 500

NOTE = """
INSERT INTO loud_devices AS l (topic, device, first_at, last_at, messages)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[])
ON CONFLICT (topic, device) DO UPDATE SET
    first_at = least(l.first_at, excluded.first_at),
    last_at = greatest(l.last_at, excluded.last_at),
    messages = l.messages + excluded.messages
"""
NEWEST = """
SELECT topic, device, first_at, last_at, messages FROM loud_devices
ORDER BY last_at DESC, topic, device LIMIT $1
"""
FORGET = "DELETE FROM loud_devices WHERE last_at < clock_timestamp() - make_interval(days => $1)"


@dataclass(frozen=True, slots=True)
class LoudDevice:
    """From when until when it was loud, and how many of its messages were beyond what is usual."""

    topic: str
    device: str
    first_at: datetime
    last_at: datetime
    messages: int


async def note(store: EventStore, found: Sequence[LoudDevice]) -> None:
    """Put them on the list, each once; raises what says that PostgreSQL is away."""
    await store.pool.execute(NOTE, *columns(map(astuple, found)))


async def loud_devices(store: EventStore) -> list[dict[str, Any]]:
    """Those that were loud last, the newest first; raises `StoreUnavailable`."""
    return [dict(row) for row in await patiently(lambda: store.pool.fetch(NEWEST, MOST_SHOWN))]


async def forget_quiet_devices(services: Services) -> None:
    """Those that have been quiet for days."""
    await services.store.pool.execute(FORGET, KEPT_DAYS)
