"""`citybrain dead-letters`: events that read models could not apply, and applying them again."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from citybrain.cli.shared.output import console, print_json
from citybrain.eventstore import open_event_store
from citybrain.settings import Settings
from citybrain.systems import projection_named, register_streams
from projections.parked import Retried, retry_parked
from projections.reading import Row
from projections.status import parked_events

MOST = 10_000

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Projection = Annotated[str | None, typer.Argument(help="Of this read model alone.")]


@app.callback()
def dead_letters() -> None:
    """See and replay the events that read models could not apply."""
    register_streams()


@app.command(name="list")
def list_command(projection: Projection = None, as_json: Json = False) -> None:
    """What could not be applied, and what waits behind it in its stream."""

    async def read() -> list[Row]:
        async with open_event_store(Settings()) as store:
            return await parked_events(store.keeping, MOST, _known(projection))

    letters = asyncio.run(read())
    if as_json:
        print_json({"dead_letters": letters}, indent=True)
        return
    table = Table(
        "projection", "position", "stream", "type", "source", "first failed", "tries", "why"
    )
    for letter in letters:
        table.add_row(
            letter["projection"],
            str(letter["position"]),
            letter["stream_id"],
            letter["topic"],
            letter["source"] or "log",
            letter["parked_at"].isoformat(timespec="seconds"),
            str(letter["attempts"]),
            letter["error"],
        )
    console.print(table)


@app.command()
def replay(projection: Projection = None, as_json: Json = False) -> None:
    """Apply letters again, each stream in order; exit status 1 where some stay.

    A stream stops at its first letter that fails again. What was applied is no letter any more.
    """

    async def run() -> dict[str, Retried]:
        async with open_event_store(Settings()) as store:
            letters = await parked_events(store.keeping, MOST, _known(projection))
            names = dict.fromkeys(letter["projection"] for letter in letters)
            return {name: await retry_parked(store, projection_named(name)) for name in names}

    done = asyncio.run(run())
    if as_json:
        print_json({"replayed": {name: asdict(result) for name, result in done.items()}})
    elif not done:
        console.print("there are no letters: whatever there was has been applied")
    else:
        for name, result in done.items():
            console.print(f"{name}: {result.applied} applied, {result.still_parked} stay")
    if any(result.still_parked for result in done.values()):
        raise typer.Exit(1)


def _known(projection: str | None) -> str | None:
    """The name of a read model that there is; raises `UnknownProjection`."""
    return None if projection is None else projection_named(projection).name
