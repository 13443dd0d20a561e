"""`citybrain run`: run everything for development, with a simulated city that reports to it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
import uvloop

from citybrain.cli.serve import Port, listening, stop_signal, until_stopped
from citybrain.cli.shared.checkout import CHECKOUT, of_checkout
from citybrain.cli.shared.output import console
from citybrain.errors import CitybrainError
from citybrain.exchange.directory import load_directory
from citybrain.observability import configure_logging
from citybrain.settings import Settings

app = typer.Typer()

STOPS_WITHIN_SECONDS = 10
CALLED_BACK = "/v1/parking/payments/callbacks"
PLACES = "simulated-places.geojson"


CLIENTS_OF = {
    "m": "the citizen's phone",
    "board": "the city's board",
    "desk": "the official's desk",
    "audit": "the auditor's window",
}


@app.command()
def run(
    port: Port = None,
    city: Annotated[bool, typer.Option(help="Also run the simulated city.")] = True,
    rate: Annotated[
        float, typer.Option(help="Reports a second of the simulated city.", min=0.01, max=1000)
    ] = 1.0,
) -> None:
    """Run everything for development: database, keys, server, workers, departments, a city."""
    settings = Settings(mode="development")
    if port is not None:
        settings.http_port = port
    if "log_format" not in settings.model_fields_set:
        settings.log_format = "console"
    if "log_level" not in settings.model_fields_set:
        settings.log_level = "WARNING"
    configure_logging(settings.log_level, settings.log_format)
    uvloop.run(_run(settings, rate if city else None))


async def _run(settings: Settings, rate: float | None) -> None:
    stopping = stop_signal()
    told = ["--data-dir", str(settings.data_dir.absolute()), "--callbacks"]
    async with AsyncExitStack() as stack:
        departments = await stack.enter_async_context(
            _child("ops.simulators.applications.departments", *told, says=True)
        )
        url = await stack.enter_async_context(listening(settings, workers=False))
        for base, whose in CLIENTS_OF.items():
            console.print(f"  {url}/{base}/  {whose}")
        console.print(await stack.enter_async_context(_work(settings, stopping)))
        await _call_at(departments.rpartition(" ")[2], url)
        console.print(f"simulated {departments}")
        if rate is not None:
            await _build_streets(settings)
            told = ["--url", url, "--rate", str(rate)]
            if (bank := load_directory(settings).bank) is not None:
                told += ["--gateway", bank.url]
            await stack.enter_async_context(_child("ops.simulators.city", *told))
            console.print("a simulated city reports to it; stop with Ctrl-C")
            told = ["--url", url]
            road = await stack.enter_async_context(
                _child("ops.simulators.signals.renmin", *told, says=True)
            )
            console.print(road)
        await until_stopped(stopping)


def _work(settings: Settings, stopping: asyncio.Event) -> AbstractAsyncContextManager[str]:
    """Read models and process managers in a process of their own: no burst slows an answer.

    Without it nothing goes on: where it ends all stops.
    """
    return _child(
        "citybrain",
        *("work", "--port", "0"),
        says=True,
        folder=Path.cwd(),
        without_it=stopping,
        CITYBRAIN_MODE=settings.mode,
        CITYBRAIN_LOG_LEVEL=settings.log_level,
        CITYBRAIN_LOG_FORMAT=settings.log_format,
    )


async def _call_at(control: str, url: str) -> None:
    """The gateway is told where payments are called back: known once the server listens."""
    said = {"do": "call_at", "url": f"{url}{CALLED_BACK}"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{control.rpartition('/')[0]}/gateway", json=said) as answer,
    ):
        answer.raise_for_status()


async def _build_streets(settings: Settings) -> None:
    """The places where the simulated city parks are imported; a second time nothing changes."""
    places = of_checkout("ops.simulators.parking.places", "the simulated city is")
    file = settings.data_dir.absolute() / PLACES
    file.write_bytes(places.as_geojson())
    importing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "citybrain", "import", "parking-places", str(file)),
        env=os.environ | {"CITYBRAIN_DATA_DIR": str(file.parent), "CITYBRAIN_MODE": "development"},
        cwd=CHECKOUT,
        start_new_session=True,
    )
    try:
        await importing.wait()
    finally:
        await _stop(importing)


@asynccontextmanager
async def _child(
    module: str,
    *arguments: str,
    says: bool = False,
    folder: Path = CHECKOUT,
    without_it: asyncio.Event | None = None,
    **environment: str,
) -> AsyncIterator[str]:
    """A process of its own; with `says`, its first line once it is ready.

    Where it ends by itself `without_it` is set, and the block ends with `CitybrainError`.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        env=os.environ | environment,
        cwd=folder,
        start_new_session=True,
        stdout=asyncio.subprocess.PIPE if says else None,
    )
    ended = asyncio.create_task(process.wait())
    if without_it is not None:
        ended.add_done_callback(lambda _: without_it.set())
    try:
        said = ""
        if says:
            assert process.stdout is not None
            said = (await process.stdout.readline()).decode().strip()
            if not said:
                raise CitybrainError(f"{module} did not start")
        yield said
        if without_it is not None and ended.done():
            raise CitybrainError(f"{module} ended by itself, with status {ended.result()}")
    finally:
        await _stop(process)
        await ended


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(STOPS_WITHIN_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
