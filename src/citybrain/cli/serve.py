"""`citybrain serve`: serve the API with the settings of the environment (production by default)."""

import asyncio
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
import uvloop

from citybrain import garbage
from citybrain.app import open_server
from citybrain.cli.shared.output import console
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
) -> None:
    """Serve the API with the settings of the environment (production by default)."""
    settings = Settings()
    if port is not None:
        settings.http_port = port
    configure_logging(settings.log_level, settings.log_format)
    uvloop.run(_serve(settings, workers=workers))


async def _serve(settings: Settings, *, workers: bool) -> None:
    stopping = stop_signal()
    async with listening(settings, workers=workers):
        await until_stopped(stopping)


def stop_signal() -> asyncio.Event:
    """Set when the process is asked to stop."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


@asynccontextmanager
async def listening(settings: Settings, *, workers: bool) -> AsyncIterator[str]:
    """A server that says where it listens; gives its URL."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold keys and faces
    async with open_server(settings, workers=workers) as url:
        garbage.set_aside()
        console.print(f"citybrain listens at [bold]{url}[/]  (API: {url}/docs)")
        yield url


async def until_stopped(stopping: asyncio.Event) -> None:
    """Wait for the signal, all that was said being seen."""
    sys.stdout.flush()
    await stopping.wait()
    console.print("stopping: accepted requests finish first")
