"""`citybrain projections`: see, rebuild, compare and repair the read models."""

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import asyncpg
import typer
from rich.markup import escape
from rich.table import Table

from citybrain.cli.shared.output import console, errors, print_json
from citybrain.cli.shared.progress import progress_bar
from citybrain.errors import InvalidInput
from citybrain.eventstore import EventStore, open_event_store
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS, projection_named, register_streams
from projections.parked import Retried, retry_parked
from projections.projection import Projection
from projections.reading import Row
from projections.rebuild import Comparison, NothingToCompare, compare, rebuild
from projections.rebuild import Progress as ReportProgress
from projections.status import parked_events, projection_status, with_pace

app = typer.Typer(no_args_is_help=True)

FAR_BEHIND = 10_000  # events
PACE_SECONDS = 2.0

Name = Annotated[str, typer.Argument(help="Name of a projection, as in `projections status`.")]
OneOf = Annotated[
    str | None, typer.Argument(help="Name of a projection, as in `projections status`.")
]
All = Annotated[bool, typer.Option("--all", help="All of them, one after the other.")]
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
def rebuild_command(
    name: OneOf = None,
    every: All = False,
    tell: Annotated[
        bool,
        typer.Option("--tell/--no-tell", help="Say which rows it changes: takes twice as long."),
    ] = True,
    as_json: Json = False,
) -> None:
    """Build a read model anew beside the live one and swap it in; readers notice nothing.

    Says which rows it has changed: a forged event looks right in what is made of it. Exit status 1
    where some events are parked.
    """

    async def run(each: Projection, progress: ReportProgress) -> Rebuilt:
        async with open_event_store(Settings()) as store:
            changes = await _changes(store, each, progress) if tell else None
            position = await rebuild(store, each, progress)
            (row,) = await projection_status(store, [each])
            return Rebuilt(each.name, position, row["parked"], changes)

    done = []
    for each in _named(name, every):
        with progress_bar(f"rebuilding {each.name}") as progress:
            done.append(asyncio.run(run(each, progress)))
        if not as_json:
            _print_rebuilt(done[-1])
    if as_json:
        said = [rebuilt.as_json() for rebuilt in done]
        print_json(said if every else said[0])
    if any(rebuilt.parked for rebuilt in done):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A model that was made anew; `changes` are None where it was not looked at."""

    name: str
    position: int
    parked: int
    changes: Comparison | None

    def as_json(self) -> dict[str, Any]:
        """As `--json` has it."""
        changed = None if self.changes is None else [asdict(each) for each in self.changes.tables]
        return {
            "projection": self.name,
            "position": self.position,
            "parked": self.parked,
            "changed": changed,
        }


async def _changes(
    store: EventStore, projection: Projection, progress: ReportProgress
) -> Comparison | None:
    """What a rebuild will change; None where the model is of another version, or is not there."""
    try:
        return await compare(store, projection, progress)
    except (NothingToCompare, asyncpg.SyntaxOrAccessError):  # other tables, other columns
        return None


def _print_rebuilt(rebuilt: Rebuilt) -> None:
    console.print(f"{rebuilt.name} is rebuilt, up to position {rebuilt.position}")
    if rebuilt.changes is not None and not rebuilt.changes.equal:
        console.print("it has changed:")
        _print_differences(rebuilt.changes, "taken out", "put in")
    if rebuilt.parked:
        errors.print(f"{rebuilt.parked} events are parked: see `citybrain projections status`")


@app.command(name="compare")
def compare_command(name: OneOf = None, every: All = False, as_json: Json = False) -> None:
    """Compare a read model with one rebuilt from the log; exit status 1 where they differ."""

    async def run(each: Projection, progress: ReportProgress) -> Comparison:
        async with open_event_store(Settings()) as store:
            return await compare(store, each, progress)

    done = []
    for each in _named(name, every):
        with progress_bar(f"comparing {each.name}") as progress:
            done.append(asyncio.run(run(each, progress)))
        if not as_json:
            _print_differences(done[-1], "only live", "only rebuilt")
            verdict = "equal" if done[-1].equal else "different"
            console.print(f"{each.name} at position {done[-1].position}: {verdict}")
    if as_json:
        said = [asdict(comparison) | {"equal": comparison.equal} for comparison in done]
        print_json(said if every else said[0], indent=True)
    if not all(comparison.equal for comparison in done):
        raise typer.Exit(1)


def _print_differences(comparison: Comparison, live: str, rebuilt: str) -> None:
    for table in comparison.tables:
        console.print(
            f"{comparison.projection}.{table.table}: {table.rows} rows, {table.only_live} {live}, "
            f"{table.only_rebuilt} {rebuilt}"
        )
        for sample in table.samples:
            console.print(f"  {escape(sample)}")


def _named(name: str | None, every: bool) -> list[Projection]:
    """The one of this name, or all; raises `InvalidInput` where neither or both are asked for."""
    if every == (name is not None):
        raise InvalidInput("name one read model, or say --all")
    return list(PROJECTIONS) if name is None else [projection_named(name)]


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
