"""The peer UmaDB: its own server (the `umadb` wheel carries it) on a fresh folder.

It is asked for the same promises: a new stream must not exist yet, metadata is kept. Its client
blocks, so clients are threads; they share at most 16 connections, which suits it best.
"""

import asyncio
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from citybrain.eventstore import Metadata
from ops.bench.clients import in_threads
from ops.bench.events import STATE, TOPIC, new_metadata, new_stream_id
from ops.bench.figures import Sample
from ops.bench.rounds import Contender, NotInstalled
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench

CONNECTIONS = 16
START_SECONDS = 20.0
SERVER = "from umadb.umadb_server_cli import main; main()"


def umadb_module() -> Any:
    """The client library; importing it takes over Ctrl-C, which is given back here."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        import umadb
    except ImportError as error:
        raise NotInstalled from error
    signal.signal(signal.SIGINT, handler)
    return umadb


@asynccontextmanager
async def umadb_server(bench: Workbench) -> AsyncIterator[str]:
    """The URL of a running, empty server."""
    umadb_module()
    with tempfile.TemporaryDirectory(prefix="umadb-", dir=bench.folder) as folder:
        port = _free_port()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            SERVER,
            "--listen",
            f"127.0.0.1:{port}",
            "--db-path",
            folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _listening(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            await process.wait()


def umadb_append(concurrency: int, events_per_append: int = 1) -> Contender:
    """New streams, `concurrency` clients at once; each append asserts that its stream is new."""

    async def contender(bench: Workbench) -> Sample:
        umadb = umadb_module()

        def client(connection: Any, tally: Tally) -> None:
            while tally.running():
                began = time.perf_counter()
                stream = new_stream_id()
                connection.append(
                    _events(umadb, stream, events_per_append), _not_behind(umadb, stream, None)
                )
                tally.note(began, events_per_append)

        return await _run(bench, client, concurrency)

    return contender


def umadb_hot_stream(concurrency: int, *, exact: bool) -> Contender:
    """One stream: at the exact position known, or whatever its version."""

    async def contender(bench: Workbench) -> Sample:
        umadb = umadb_module()

        def client(connection: Any, tally: Tally) -> None:
            position = None
            while tally.running():
                began = time.perf_counter()
                condition = _not_behind(umadb, "bench-hot", position) if exact else None
                position = connection.append(_events(umadb, "bench-hot", 1), condition)
                tally.note(began, 1)

        return await _run(bench, client, concurrency)

    return contender


@asynccontextmanager
async def umadb_log(bench: Workbench, events: int) -> AsyncIterator[Callable[[], int]]:
    """A server with `events` single-event streams; gives a function that reads them all."""
    umadb = umadb_module()
    async with umadb_server(bench) as url:
        client = umadb.Client(url)

        def fill() -> None:
            for _ in range(0, events, 1000):
                client.append([_events(umadb, new_stream_id(), 1)[0] for _ in range(1000)], None)

        def read() -> int:
            seen = 0
            response = client.read()
            while batch := response.next_batch():
                seen += len(batch)
            return seen

        await asyncio.to_thread(fill)
        yield read
        client.close()


async def _run(bench: Workbench, client: Callable[[Any, Tally], None], concurrency: int) -> Sample:
    umadb = umadb_module()
    async with umadb_server(bench) as url:
        connections = [umadb.Client(url) for _ in range(min(concurrency, CONNECTIONS))]
        tally = await in_threads(
            lambda number, tally: client(connections[number % CONNECTIONS], tally),
            concurrency,
            bench.seconds,
        )
        head = connections[0].head()
        if head != tally.acknowledged:
            raise BenchFailed(f"umadb: {tally.acknowledged} acknowledged, head is {head}")
        for connection in connections:
            connection.close()
    return tally.sample()


def _events(umadb: Any, stream: str, count: int) -> list[Any]:
    metadata = _metadata(new_metadata())
    return [umadb.Event(TOPIC, STATE, [stream], None, metadata) for _ in range(count)]


def _metadata(metadata: Metadata) -> dict[str, str]:
    return {
        "actor": metadata.actor,
        "role": metadata.role,
        "channel": metadata.channel,
        "command_id": str(metadata.command_id),
        "correlation_id": str(metadata.correlation_id),
    }


def _not_behind(umadb: Any, stream: str, position: int | None) -> Any:
    query = umadb.Query([umadb.QueryItem(tags=[stream])])
    return umadb.AppendCondition(query, position)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def _listening(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            if time.monotonic() > deadline:
                raise BenchFailed("the UmaDB server does not listen") from error
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return
