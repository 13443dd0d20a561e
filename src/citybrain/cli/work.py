"""`citybrain work`: keep up read models and run process managers, and serve nothing else."""

from typing import Annotated, Literal

import typer
import uvloop

from citybrain import garbage
from citybrain.app import open_worker
from citybrain.cli.serve import Port, keep_no_core, stop_signal, until_stopped
from citybrain.cli.shared.output import console
from citybrain.observability import configure_logging
from citybrain.settings import Settings

app = typer.Typer()


Via = Annotated[
    Literal["log", "kafka"] | None,
    typer.Option(help="kafka: read models are fed from there as well, where they can be."),
]


@app.command()
def work(port: Port = None, via: Via = None) -> None:
    """Keep up read models and run process managers, and serve nothing else.

    The port is for health, readiness and metrics.
    """
    settings = Settings()
    if port is not None:
        settings.work_port = port
    if via is not None:
        settings.via = via
    configure_logging(settings.log_level, settings.log_format)
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    stopping = stop_signal()
    keep_no_core()
    async with open_worker(settings) as url:
        garbage.set_aside()
        console.print(f"citybrain works, and is watched at {url}")
        await until_stopped(stopping)
