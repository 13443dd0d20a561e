"""Writers and PostgreSQL are killed with SIGKILL again and again under load.

Afterwards: every acknowledged event is there exactly once, what was refused left no trace,
positions are gapless and in commit order, and a follower saw all of it in order.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from citybrain.eventstore import EventStore, RecordedEvent, open_event_store
from citybrain.settings import Settings

ROUNDS = 12
WRITERS = 3


def start_writer(data_dir: Path, notes: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.given.writer", str(data_dir), str(notes)],
        stdout=subprocess.DEVNULL,
        stderr=(data_dir.parent / "stderr").open("a"),
    )


def kill_postgres(data_dir: Path) -> None:
    """SIGKILL the postmaster and all its children, as a power cut would."""
    pid = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    with suppress(psutil.NoSuchProcess):
        postmaster = psutil.Process(pid)
        for process in [postmaster, *postmaster.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


async def follow(store: EventStore, seen: list[int]) -> None:
    async for batch in store.follow(0, batch_size=500):
        seen.extend(event.position for event in batch)


async def settle(store: EventStore, seen: list[int]) -> list[RecordedEvent]:
    """The whole log, once nothing is appended any more and the follower has reached its head.

    A commit that a killed writer had asked for may still come.
    """
    async with asyncio.timeout(60):
        head, before = await store.head(), -1
        while head != before or len(seen) < head:
            await asyncio.sleep(1.0)
            head, before = await store.head(), head
    return await store.read_all(limit=head + 1)


@pytest.mark.fault
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
                await asyncio.sleep(chance.uniform(0.6, 1.6))
                if turn % 2:
                    kill_postgres(data_dir)
                else:
                    victim = chance.randrange(WRITERS)
                    writers[victim].kill()
                    writers[victim].wait()
                    writers[victim] = start_writer(data_dir, notes)
            await asyncio.sleep(3)
        finally:
            for writer in writers:
                os.kill(writer.pid, signal.SIGKILL)
                writer.wait()
        log = await settle(store, seen)
        follower.cancel()

    answers = [line.split() for line in notes.read_text().splitlines()]
    events_of = Counter(event.metadata["command_id"] for event in log)
    last_of = {event.metadata["command_id"]: event for event in log}
    acknowledged = [answer for answer in answers if answer[0] == "yes"]
    assert len(acknowledged) > 1000, "the writers did next to nothing"
    for _, command_id, stream_id, version, position, count in acknowledged:
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
