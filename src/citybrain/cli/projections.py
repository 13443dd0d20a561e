"""`citybrain projections`: see, rebuild, compare and repair the read models."""

import asyncio
import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from citybrain.cli.shared.output import console, errors, print_json
from citybrain.cli.shared.progress import progress_bar
from citybrain.eventstore import open_event_store
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS, projection_named, register_streams
from projections.parked import Retried, retry_parked
from projections.reading import Row
from projections.rebuild import Comparison, compare, rebuild
from projections.rebuild import Progress as ReportProgress
from projections.status import parked_events, projection_status, with_pace

app = typer.Typer(no_args_is_help=True)

FAR_BEHIND = 10_000  # events
PACE_SECONDS = 2.0

Name = Annotated[str, typer.Argument(help="Name of a projection, as in `projections status`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def projections() -> None:
    """See, rebuild, compare and repair the read models."""
    register_streams()  # some fold their rows as the domain does


@app.command()
def status(as_json: Json = False) -> None:
    """Version, position, lag and parked events of each read model.

    Where one is far behind it is looked at twice: at which pace it goes on, and when it is there.
    """

    async def read() -> tuple[list[Row], list[Row]]:
        async with open_event_store(Settings()) as store:
            rows = await projection_status(store, PROJECTIONS)
            if any(row["lag"] >= FAR_BEHIND for row in rows):
                before, began = rows, time.monotonic()
                await asyncio.sleep(PACE_SECONDS)
                rows = await projection_status(store, PROJECTIONS)
                rows = with_pace(before, rows, time.monotonic() - began)
            return rows, await parked_events(store.keeping)

    rows, parked = asyncio.run(read())
    if as_json:
        print_json({"projections": rows, "parked": parked}, indent=True)
        return
    table = Table("projection", "version", "position", "lag", "there in", "parked", "running")
    for row in rows:
        table.add_row(
            row["projection"],
            str(row["version"]),
            str(row["position"]),
            str(row["lag"]),
            _there_in(row),
            str(row["parked"]),
            "yes" if row["running"] else "no",
        )
    console.print(table)
    for row in rows:
        if row["stopped"]:
            errors.print(f"stopped: {row['projection']}: {row['stopped']}")
    for event in parked:
        errors.print(
            f"parked: {event['projection']} position {event['position']} {event['topic']} "
            f"{event['stream_id']}: {event['error']}"
        )


def _there_in(row: Row) -> str:
    """When a model that is far behind is at the end of the log, and at which pace it goes there."""
    if row.get("events_per_second") is None or not row["lag"]:
        return ""
    pace = f"at {row['events_per_second']:,.0f} a second"
    left = row["seconds_left"]
    return f"never, {pace}" if left is None else f"{left:,.0f} s, {pace}"


@app.command(name="rebuild")
def rebuild_command(name: Name, as_json: Json = False) -> None:
    """Build a read model anew beside the live one and swap it in; readers notice nothing.

    Exit status 1 where some events are parked.
    """

    async def run(progress: ReportProgress) -> tuple[int, int]:
        async with open_event_store(Settings()) as store:
            projection = projection_named(name)
            position = await rebuild(store, projection, progress)
            (row,) = await projection_status(store, [projection])
            return position, row["parked"]

    with progress_bar(f"rebuilding {name}") as progress:
        position, parked = asyncio.run(run(progress))
    if as_json:
        print_json({"projection": name, "position": position, "parked": parked})
    else:
        console.print(f"{name} is rebuilt, up to position {position}")
    if parked:
        errors.print(f"{parked} events are parked: see `citybrain projections status`")
        raise typer.Exit(1)


@app.command(name="compare")
def compare_command(name: Name, as_json: Json = False) -> None:
    """Compare a read model with one rebuilt from the log; exit status 1 where they differ."""

    async def run(progress: ReportProgress) -> Comparison:
        async with open_event_store(Settings()) as store:
            return await compare(store, projection_named(name), progress)

    with progress_bar(f"comparing {name}") as progress:
        comparison = asyncio.run(run(progress))
    if as_json:
        print_json(asdict(comparison) | {"equal": comparison.equal}, indent=True)
    else:
        for table in comparison.tables:
            console.print(
                f"{name}.{table.table}: {table.rows} rows, {table.only_live} only live, "
                f"{table.only_rebuilt} only rebuilt"
            )
            for sample in table.samples:
                console.print(f"  {sample}")
        verdict = "equal" if comparison.equal else "different"
        console.print(f"{name} at position {comparison.position}: {verdict}")
    if not comparison.equal:
        raise typer.Exit(1)


@app.command()
def retry(name: Name, as_json: Json = False) -> None:
    """Apply the parked events of a read model again; exit status 1 where some stay parked."""

    async def run() -> Retried:
        async with open_event_store(Settings()) as store:
            return await retry_parked(store, projection_named(name))

    result = asyncio.run(run())
    if as_json:
        print_json(asdict(result))
    else:
        console.print(f"{result.applied} applied, {result.still_parked} still parked")
    if result.still_parked:
        raise typer.Exit(1)
