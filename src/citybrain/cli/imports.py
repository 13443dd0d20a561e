"""`citybrain import`: real records, through the same commands as everybody's."""

import asyncio
import csv
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from citybrain.app import open_services
from citybrain.cli.output import console, errors, print_json
from citybrain.settings import Settings
from commands.imports.csv311 import Import, ImportResult

SHOWN_REJECTIONS = 10

app = typer.Typer(help="Bring real records in.", no_args_is_help=True)


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
        Path | None, typer.Option(help="Write rejected rows here, with line and reason.")
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
    result = asyncio.run(_import(file, file.stat().st_size, dry_run=dry_run))
    if rejects is not None:
        _write_rejects(rejects, result)
    if as_json:
        print_json(result.summary() | {"dry_run": dry_run}, indent=True)
    else:
        _print(result, dry_run=dry_run)
    if result.rejected:
        raise typer.Exit(1)


async def _import(file: Path, size: int, *, dry_run: bool) -> ImportResult:
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    async with open_services(Settings()) as services:
        work = Import(services, dry_run=dry_run)
        with Progress(*columns, console=errors, transient=True) as bar:
            task = bar.add_task(f"importing {file.name}", total=size)
            await work.run(file, lambda done: bar.update(task, completed=done))
        return work.result


def _print(result: ImportResult, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    console.print(
        f"{result.rows} rows: {result.imported} {would}imported, "
        f"{result.continued} {would}continued, {result.unchanged} unchanged, "
        f"{len(result.rejected)} rejected"
    )
    for rejected in result.rejected[:SHOWN_REJECTIONS]:
        errors.print(f"line {rejected.line}: {rejected.reason}")
    if len(result.rejected) > SHOWN_REJECTIONS:
        errors.print(
            f"… and {len(result.rejected) - SHOWN_REJECTIONS} more; see --rejects or --json"
        )


def _write_rejects(path: Path, result: ImportResult) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        columns = list(result.rejected[0].row) if result.rejected else []
        writer.writerow(["line", "reason", *(column or "" for column in columns)])
        for rejected in sorted(result.rejected, key=lambda rejected: rejected.line):
            writer.writerow([rejected.line, rejected.reason, *rejected.row.values()])
