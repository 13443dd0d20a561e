"""`citybrain import`: bring real records in, through the same commands as everybody's."""

import asyncio
import csv
import io
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from citybrain.app import open_services
from citybrain.cli.shared.output import console, errors, print_json
from citybrain.cli.shared.progress import progress_bar
from citybrain.domain.actor import system_actor
from citybrain.settings import Settings
from commands.handling import CommandContext
from commands.inspection.imports.csv311 import Import, ImportResult
from commands.parking.imports.occupancy_csv import ArchiveResult, OccupancyImport
from commands.parking.imports.place_files import read_places
from commands.parking.register import Declared, PlacesInvalid, Plan, register_places

SHOWN_REJECTIONS = 10
INTERRUPTED = 130

app = typer.Typer(no_args_is_help=True)


@app.callback()
def imports() -> None:
    """Bring real records in, through the same commands as everybody's."""


@app.command(name="311-csv")
def csv_311(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV of 311 requests."),
    ],
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="Write rejected rows, with line and reason, to this file; "
            "in a folder to NAME.rejects.csv."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every row and write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import service requests of a 311 extract (NYC Open Data columns) as inspection cases.

    Repeat it at will: what is there stays as it is, and a killed import goes on.
    Exit status 1 where rows were rejected.
    """
    try:
        result = asyncio.run(_import(file, file.stat().st_size, dry_run=dry_run))
    except KeyboardInterrupt:
        errors.print("interrupted: run it again and it goes on where it stopped")
        raise typer.Exit(INTERRUPTED) from None
    written = None if rejects is None else _write_rejects(rejects, file, result)
    if as_json:
        print_json(result.summary() | {"dry_run": dry_run, "rejects": written}, indent=True)
    else:
        _print(result, dry_run=dry_run, written=written)
    if result.rejected:
        raise typer.Exit(1)


async def _import(file: Path, size: int, *, dry_run: bool) -> ImportResult:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    async with open_services(Settings()) as services:
        work = Import(services, dry_run=dry_run)
        with Progress(*columns, console=errors, transient=True) as bar:
            task = bar.add_task(f"importing {file.name}", total=size)
            await work.run(file, lambda done: bar.update(task, completed=done))
        return work.result


def _print(result: ImportResult, *, dry_run: bool, written: Path | None) -> None:
    would = "would be " if dry_run else ""
    console.print(
        f"{result.rows} rows: {result.imported} {would}imported, "
        f"{result.continued} {would}continued, {result.unchanged} unchanged, "
        f"{len(result.rejected)} rejected; {result.merged} {would}merged into others"
    )
    for remark, lines in result.remarks.items():
        errors.print(f"{len(lines)} rows, the first in line {min(lines)}: {remark}")
    rejected = sorted(result.rejected, key=lambda each: each.line)
    for each in rejected[:SHOWN_REJECTIONS]:
        errors.print(f"line {each.line}: {each.reason}", markup=False)
    if len(rejected) > SHOWN_REJECTIONS:
        rest = f"… and {len(rejected) - SHOWN_REJECTIONS} more rejected"
        errors.print(rest if written else f"{rest}; see --rejects or --json")
    if written:
        errors.print(f"the rejected rows are in {written}")


def _write_rejects(path: Path, source: Path, result: ImportResult) -> Path:
    """The rejected rows as they stood, behind two columns of ours: they can be imported again."""
    if path.is_dir():
        path = path / f"{source.stem}.rejects.csv"
    with path.open("wb") as file:
        file.write(b"Line,Reason," + result.header + b"\r\n")
        for rejected in sorted(result.rejected, key=lambda each: each.line):
            ours = io.StringIO()
            csv.writer(ours, lineterminator=",").writerow([rejected.line, rejected.reason])
            file.write(ours.getvalue().encode() + rejected.raw + b"\r\n")
    return path


@app.command(name="parking-places")
def parking_places(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV or GeoJSON."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import districts, zones, berths, facilities, devices and kiosks of parking.

    All that the files declare is taken, or nothing: every mistake is printed with its file and line
    (exit status 1). Repeat it at will: what is there stays as it is, a killed import goes on.
    """
    try:
        plan = asyncio.run(_register(read_places(files), dry_run=dry_run))
    except PlacesInvalid as invalid:
        for problem in invalid.problems:
            errors.print(str(problem), markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        errors.print("interrupted: run it again and it goes on where it stopped")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print_json(plan.summary() | {"dry_run": dry_run}, indent=True)
        return
    counts = ", ".join(f"{count} {name}" for name, count in plan.summary().items())
    console.print(f"{counts}; nothing was written" if dry_run else counts)


async def _register(declared: list[Declared], *, dry_run: bool) -> Plan:
    command_id = uuid4()
    context = CommandContext(system_actor("import"), "import", command_id, command_id)
    async with open_services(Settings()) as services:
        with progress_bar("places") as progress:
            return await register_places(
                declared, context, services, dry_run=dry_run, progress=progress
            )


@app.command(name="occupancy-csv")
def occupancy_csv(
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="CSV, a column a facility."
        ),
    ],
    places: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="CSV of the facilities."),
    ] = None,
    speed_up: Annotated[
        float | None,
        typer.Option(min=0.001, help="Rows come apart as they were, so many times faster."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import an archive of free places of facilities, as their counters would have said it.

    Repeat it at will: what is there stays as it is, and a killed import goes on. Facilities that
    --places lacks have no capacity. Exit status 1 where something was rejected.
    """
    try:
        result = asyncio.run(_counts(files, places, speed_up))
    except KeyboardInterrupt:
        errors.print("interrupted: run it again and it goes on where it stopped")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print_json(result.summary(), indent=True)
    else:
        console.print(
            f"{result.rows} rows, {result.readings} readings: {result.recorded} recorded, "
            f"{result.known} known before, {len(result.rejected)} rejected"
        )
        console.print(
            f"{result.facilities} facilities: {result.opened} new, {result.without_place} without "
            f"capacity and place, {result.known_otherwise} known otherwise and left as they are"
        )
        for each in result.rejected[:SHOWN_REJECTIONS]:
            errors.print(str(each), markup=False, soft_wrap=True)
    if result.rejected:
        raise typer.Exit(1)


async def _counts(files: list[Path], places: Path | None, speed_up: float | None) -> ArchiveResult:
    command_id = uuid4()
    context = CommandContext(system_actor("import"), "import", command_id, command_id)
    total = sum(file.stat().st_size for file in files)
    async with open_services(Settings()) as services:
        work = OccupancyImport(services, context, speed_up=speed_up)
        with progress_bar("readings") as progress:
            return await work.run(files, places, lambda done: progress(done, total))
