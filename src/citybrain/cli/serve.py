"""`citybrain serve`: serve the API with the settings of the environment (production by default)."""

import asyncio
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

import typer
import uvloop

from citybrain import garbage
from citybrain.app import open_server
from citybrain.cli.shared.output import console
from citybrain.cli.shared.supervisor import Supervisor, go_on_saying
from citybrain.observability import configure_logging
from citybrain.settings import Settings

app = typer.Typer()

Port = Annotated[
    int | None, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65535)
]


@app.command()
def serve(
    port: Port = None,
    workers: Annotated[
        bool, typer.Option(help="Also run projections and process managers.")
    ] = True,
    processes: Annotated[
        int, typer.Option(help="So many processes on one port.", min=1, max=256)
    ] = 1,
    listens: Annotated[int | None, typer.Option("--socket", hidden=True)] = None,
    line: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Serve the API with the settings of the environment (production by default).

    With more than one process: SIGHUP replaces them one by one, and no connection is refused.
    """
    settings = Settings()
    if port is not None:
        settings.http_port = port
    configure_logging(settings.log_level, settings.log_format)
    if listens is not None and line is not None:
        uvloop.run(_supervised(settings, workers, listens, socket.socket(fileno=line)))
    elif processes > 1:
        uvloop.run(_supervise(settings, processes, [] if workers else ["--no-workers"]))
    else:
        uvloop.run(_serve(settings, workers=workers))


async def _serve(settings: Settings, *, workers: bool) -> None:
    stopping = stop_signal()
    async with listening(settings, workers=workers):
        await until_stopped(stopping)


async def _supervise(settings: Settings, processes: int, options: list[str]) -> None:
    await Supervisor(settings, processes, options).run()


async def _supervised(settings: Settings, workers: bool, listens: int, line: socket.socket) -> None:
    """One process of several: it says when it listens, and ends with the one that watches it."""
    stopping = stop_signal()
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(line)
        stopping.set()

    loop.add_reader(line, ended)  # nothing comes on it but its end
    keep_no_core()
    async with AsyncExitStack() as stack:  # it goes on saying so while the last requests end
        own = socket.socket(fileno=listens)
        server = open_server(settings, workers=workers, listens=own)
        saying: list[asyncio.Task[None]] = []
        stack.callback(lambda: [each.cancel() for each in saying])
        await stack.enter_async_context(server)
        garbage.set_aside()
        saying.append(asyncio.create_task(go_on_saying(line)))
        await stopping.wait()


def stop_signal() -> asyncio.Event:
    """Set when the process is asked to stop."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


@asynccontextmanager
async def listening(settings: Settings, *, workers: bool) -> AsyncIterator[str]:
    """A server that says where it listens; gives its URL."""
    keep_no_core()
    async with open_server(settings, workers=workers) as url:
        garbage.set_aside()
        console.print(f"citybrain listens at [bold]{url}[/]  (API: {url}/docs)")
        yield url


def keep_no_core() -> None:
    """Whatever happens, nothing of our memory is written to a disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold keys and faces


async def until_stopped(stopping: asyncio.Event) -> None:
    """Wait for the signal, all that was said being seen."""
    sys.stdout.flush()
    await stopping.wait()
    console.print("stopping: accepted requests finish first")
