"""A writer process for the fault tests: appends until killed, noting each answer it gets.

Each line of the notes is `<answer> <command id> <stream id> <version> <position>`; the file is
written with one `write` a line, so a SIGKILL cuts at a line's end.
"""

import asyncio
import os
import sys
from pathlib import Path
from uuid import uuid4

from citybrain.domain.stream import uuid7_hex
from citybrain.eventstore import (
    ANY,
    NO_STREAM,
    EventStore,
    Metadata,
    NewEvent,
    OutcomeUnknown,
    StoreUnavailable,
    open_event_store,
)
from citybrain.settings import Settings

CONCURRENT = 24


async def write(store: EventStore, notes: int, worker: int) -> None:
    """One of the concurrent callers: new streams, its own stream, and a stream that all share."""
    own, version = f"own-{uuid7_hex()}", 0
    turn = 0
    while True:
        turn += 1
        command_id = uuid4()
        kind = (turn + worker) % 3
        stream_id, expected = [(f"new-{uuid7_hex()}", NO_STREAM), ("hot-1", ANY), (own, version)][
            kind
        ]
        events = [NewEvent("fault.happened", b'{"turn":%d}' % turn)] * (1 + turn % 3)
        metadata = Metadata(f"worker-{worker}", "system", "test", command_id, command_id)
        try:
            done = await store.append(stream_id, expected, events, metadata=metadata)
            line = f"yes {command_id} {stream_id} {done.version} {done.position} {len(events)}\n"
            if kind == 2:
                version = done.version
        except StoreUnavailable:
            line = f"no {command_id} {stream_id} 0 0 {len(events)}\n"
        except OutcomeUnknown:
            line = f"unknown {command_id} {stream_id} 0 0 {len(events)}\n"
            own, version = f"own-{uuid7_hex()}", 0
        os.write(notes, line.encode())


async def main(data_dir: Path, notes_file: Path) -> None:
    """Open the store (starting PostgreSQL where it is down) and write for ever."""
    notes = os.open(notes_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    async with open_event_store(Settings(data_dir=data_dir)) as store, asyncio.TaskGroup() as group:
        for worker in range(CONCURRENT):
            group.create_task(write(store, notes, worker))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
