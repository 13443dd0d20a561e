"""`citybrain backup`: take backups of PostgreSQL and photos, list, check and remove them."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from citybrain.backups.backup import backups_in
from citybrain.backups.backup import verify as verify_backup
from citybrain.backups.pruning import prune as prune_backups
from citybrain.backups.taking import take_backup
from citybrain.cli.shared.output import console, print_json
from citybrain.cli.shared.progress import step_bars
from citybrain.settings import Settings

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Folder = Annotated[Path, typer.Argument(help="Folder of backups; each is a folder in it.")]
Backup = Annotated[Path, typer.Argument(help="A backup: FOLDER/NAME.")]


@app.callback()
def backup() -> None:
    """Take backups of PostgreSQL and photos, list, check and remove them."""


@app.command()
def take(folder: Folder, as_json: Json = False) -> None:
    """Take a backup while the system runs, and check it. Master keys are not in it.

    The role of the database URL needs REPLICATION.
    """

    with step_bars() as bars:
        note = asyncio.run(take_backup(Settings(), folder, bars))
    if as_json:
        print_json(note.model_dump(mode="json"))
        return
    photos = "photos are in their bucket" if note.photos is None else f"{note.photos} photos"
    console.print(
        f"{folder / note.name}: the log up to position {note.head} at least, {photos}, "
        f"{note.bytes / 1e6:.1f} MB"
    )
    if note.wal_line is None:
        console.print("no write-ahead log is archived by us: see docs/operating.md, Backups")


@app.command(name="list")
def list_command(folder: Folder, as_json: Json = False) -> None:
    """All backups of a folder that were finished, the oldest first."""
    found = backups_in(folder)
    if as_json:
        print_json({"backups": [note.model_dump(mode="json") for note in found]}, indent=True)
        return
    table = Table("backup", "taken (UTC)", "position", "photos", "MB", "PostgreSQL")
    for note in found:
        table.add_row(
            note.name,
            f"{note.taken_at:%F %T}",
            str(note.head),
            "bucket" if note.photos is None else str(note.photos),
            f"{note.bytes / 1e6:.1f}",
            str(note.postgres_major),
        )
    console.print(table)


@app.command()
def prune(
    folder: Folder,
    keep: Annotated[int, typer.Option(min=1, help="So many of the newest stay.")],
    as_json: Json = False,
) -> None:
    """Remove older backups, and the archived write-ahead log that only they need."""
    pruned = prune_backups(folder, keep, Settings().wal_archive)
    if as_json:
        print_json(asdict(pruned))
        return
    for name in pruned.backups:
        console.print(f"{folder / name} is removed")
    console.print(f"{pruned.segments} segments of the archive are removed")


@app.command()
def verify(backup: Backup) -> None:
    """Check every file of a backup; exit status 1 where one is not as it was."""
    with step_bars() as bars:
        asyncio.run(verify_backup(backup, bars.begins("checking the backup")))
    console.print(f"{backup} is as it was taken")
