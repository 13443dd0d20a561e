"""`citybrain serve` and `citybrain run`: the server, and a whole development city."""

import asyncio
import resource
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from citybrain.app import open_server
from citybrain.cli.output import console
from citybrain.errors import CitybrainError
from citybrain.observability import configure_logging
from citybrain.settings import Settings

app = typer.Typer()

CHECKOUT = Path(__file__).resolve().parents[3]

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
    uvloop.run(_serve(settings, workers=True, departments=True, city=city, rate=rate))


async def _serve(
    settings: Settings,
    *,
    workers: bool,
    departments: bool = False,
    city: bool = False,
    rate: float = 0,
) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold keys and faces
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    said = ""
    async with AsyncExitStack() as stack:
        if departments:
            process, said = await _start_departments(settings.data_dir)
            stack.push_async_callback(_stop_child, process)
        url = await stack.enter_async_context(open_server(settings, workers=workers))
        console.print(f"citybrain listens at [bold]{url}[/]  (API: {url}/docs)")
        if said:
            console.print(f"simulated {said}")
        if city:
            process = await _start_city(url, rate)
            stack.push_async_callback(_stop_child, process)
            console.print("a simulated city reports to it; stop with Ctrl-C")
        sys.stdout.flush()
        await stopping.wait()
        console.print("stopping: accepted requests finish first")


async def _start_departments(data_dir: Path) -> tuple[asyncio.subprocess.Process, str]:
    """Simulated departments and a bank, with what they say once they listen."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ops.simulators.departments",
        "--data-dir",
        str(_absolute(data_dir)),
        cwd=CHECKOUT,
        start_new_session=True,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    said = await process.stdout.readline()
    if not said:
        raise CitybrainError("the simulated departments did not start")
    return process, said.decode().strip()


def _absolute(path: Path) -> Path:
    return path.absolute()


async def _start_city(url: str, rate: float) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ops.simulators.city",
        "--url",
        url,
        "--rate",
        str(rate),
        cwd=CHECKOUT,
        start_new_session=True,
    )


async def _stop_child(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
