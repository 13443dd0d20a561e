"""`citybrain publish`: publish the log to Apache Kafka; several stand by for each other."""

import asyncio
import sys
from typing import Annotated

import typer
import uvloop

from citybrain import garbage
from citybrain.cli.serve import stop_signal
from citybrain.cli.shared.output import console
from citybrain.ending import end
from citybrain.errors import CitybrainError
from citybrain.eventstore import open_event_store
from citybrain.http.health import health_served
from citybrain.http.machine import watch_machine
from citybrain.kafka.clients import connection
from citybrain.kafka.publisher import Publisher
from citybrain.observability import configure_logging
from citybrain.settings import Settings
from citybrain.systems import SYSTEMS

app = typer.Typer()

Port = Annotated[
    int | None,
    typer.Option(
        help="Port of /healthz, /readyz and /metrics; 0 picks a free one.", min=0, max=65535
    ),
]


@app.command()
def publish(port: Port = None) -> None:
    """Publish the log to Apache Kafka; several stand by for each other."""
    settings = Settings()
    if port is not None:
        settings.health_port = port
    configure_logging(settings.log_level, settings.log_format)
    uvloop.run(_publish(settings))


async def _publish(settings: Settings) -> None:
    connection(settings)
    watch_machine(settings)
    stopping = stop_signal()
    async with open_event_store(settings, there_for="publish") as store:
        publisher = Publisher(settings, store, settings.kafka_categories or _categories())
        async with health_served(settings, lambda: publisher.problems) as url:
            garbage.set_aside()
            console.print(
                f"citybrain publishes{f', and says at [bold]{url}[/] how it is' if url else ''}"
            )
            sys.stdout.flush()
            await _until(stopping, publisher)


async def _until(stopping: asyncio.Event, publisher: Publisher) -> None:
    """Publish until the process is asked to stop; raises what ends it before."""
    working = asyncio.create_task(publisher.run())
    asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        console.print("stopping: what was begun is given up, and nothing of it is seen")
    except* CitybrainError as group:
        raise _first(group) from None
    finally:
        asked.cancel()
        await end(working)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _categories() -> list[str]:
    return [stream.category for system in SYSTEMS for stream in system.streams]
