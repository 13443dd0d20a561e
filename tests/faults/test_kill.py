"""Writers and PostgreSQL are killed with SIGKILL again and again under load.

Afterwards: every acknowledged event is there exactly once, what was refused left no trace,
positions are gapless and in commit order, and a follower saw all of it in order.
"""

import asyncio
import os
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from citybrain.eventstore import EventStore, RecordedEvent, StoreUnavailable, open_event_store
from citybrain.settings import Settings
from tests.given.killed_server import kill_postgres
from tests.given.storm import repeated
from tests.given.waiting import eventually, holds
from tests.given.warm import Warm

ROUNDS = repeated(6)
WRITERS = 3
QUIET_LOOKS = 25
ACTIVE = """
SELECT count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()
"""


def start_writer(data_dir: Path, notes: Path) -> Warm:
    said = data_dir.parent / "said"
    return Warm(said, "tests.given.writer", str(data_dir), str(notes), environment=os.environ)


def acknowledged(notes: Path) -> int:
    """How many appends have been answered with yes."""
    return notes.read_bytes().count(b"yes ") if notes.exists() else 0


async def until_more(notes: Path, appends: int) -> None:
    """Wait until so many more have been."""
    enough = acknowledged(notes) + appends
    await holds(lambda: acknowledged(notes) >= enough)


async def follow(store: EventStore, seen: list[int]) -> None:
    """Follow the log, as a projection does: on from the last it saw after a read gave up."""
    while True:
        with suppress(StoreUnavailable):
            async for batch in store.follow(seen[-1] if seen else 0, batch_size=500):
                seen.extend(event.position for event in batch)


async def settle(
    store: EventStore, seen: list[int], follower: asyncio.Task[None]
) -> list[RecordedEvent]:
    """The whole log, once nothing is appended any more and the follower has reached its head.

    A commit that a killed writer had asked for may still come.
    """
    quiet = before = 0

    async def settled() -> bool:
        nonlocal quiet, before
        if follower.done():
            follower.result()  # raises what ended it
        head, active = await store.head(), await store.pool.fetchval(ACTIVE)
        quiet = quiet + 1 if head == before and not active else 0
        before = head
        return quiet >= QUIET_LOOKS and len(seen) >= head

    await eventually(settled)
    return await store.read_all(limit=before + 1)


@pytest.mark.fault
@pytest.mark.storm
async def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    notes = tmp_path / "notes"
    chance = random.Random(20261123)
    seen: list[int] = []
    async with open_event_store(Settings(data_dir=data_dir)) as store:
        follower = asyncio.create_task(follow(store, seen))
        writers = [start_writer(data_dir, notes) for _ in range(WRITERS)]
        try:
            for turn in range(ROUNDS):
                await until_more(notes, chance.randrange(100, 500))
                if turn % 2:
                    kill_postgres(data_dir)
                else:
                    victim = chance.randrange(WRITERS)
                    await writers[victim].kill()
                    writers[victim] = start_writer(data_dir, notes)
            await until_more(notes, 500)
        finally:
            for writer in writers:
                await writer.kill()
        log = await settle(store, seen, follower)
        follower.cancel()

    answers = [line.split() for line in notes.read_text().splitlines()]
    events_of = Counter(event.metadata["command_id"] for event in log)
    last_of = {event.metadata["command_id"]: event for event in log}
    told = [answer for answer in answers if answer[0] == "yes"]
    for _, command_id, stream_id, version, position, count in told:
        event = last_of[command_id]
        assert events_of[command_id] == int(count), "an acknowledged append is there exactly once"
        assert (event.stream_id, event.version, event.position) == (
            stream_id,
            int(version),
            int(position),
        )
    for _, command_id, *_ in (answer for answer in answers if answer[0] == "no"):
        assert command_id not in events_of, "what was refused left a trace"
    assert max(events_of.values()) <= 3, "an append was written twice"
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    assert seen == list(range(1, len(log) + 1)), "the follower skipped, doubled or misordered"
    versions: Counter[str] = Counter()
    for event in log:
        versions[event.stream_id] += 1
        assert event.version == versions[event.stream_id]
