"""`citybrain restore`: restore a backup into an empty folder, to a moment or a position."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from citybrain.backups.restoring import Restored
from citybrain.backups.restoring import restore as restore_backup
from citybrain.backups.taking import Steps
from citybrain.cli.shared.output import console, errors, print_json
from citybrain.cli.shared.progress import step_bars
from citybrain.settings import Settings

app = typer.Typer()

Backup = Annotated[Path, typer.Argument(help="A backup: FOLDER/NAME.")]
Target = Annotated[Path, typer.Argument(help="A data folder that is not there yet, or empty.")]
Until = Annotated[
    datetime | None,
    typer.Option(
        formats=[f"%Y-%m-%dT%H:%M:%S{part}" for part in ("", "%z", ".%f", ".%f%z")],
        help="To this moment (UTC where it does not say); else to the end of the archive.",
    ),
]
Position = Annotated[
    int | None,
    typer.Option(min=1, help="To the commit that has this position of the log, in two passes."),
]
Wal = Annotated[
    list[Path] | None,
    typer.Option(
        help="Folder with the write-ahead log behind the backup; several are tried in order. "
        "Else the one in CITYBRAIN_WAL_ARCHIVE."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def restore(
    backup: Backup,
    target: Target,
    until: Until = None,
    position: Position = None,
    wal: Wal = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty folder: to the end, a moment, or a position of the log.

    What comes out is another log from there on (a new incarnation). Exit status 1 where the master
    key at hand is not that of the backup.
    """
    if until is not None and position is not None:
        raise typer.BadParameter("a moment or a position, not both")
    moment = until.replace(tzinfo=until.tzinfo or UTC) if until is not None else None

    async def run(steps: Steps) -> Restored:
        return await restore_backup(
            Settings(), backup, target, until=moment, position=position, wal=wal or (), steps=steps
        )

    with step_bars() as bars:
        restored = asyncio.run(run(bars))
    if as_json:
        print_json(asdict(restored))
    else:
        _say(restored)
    if restored.master_key == "wrong":
        errors.print("[red]the master key at hand is not the one that sealed what is in there[/]")
        raise typer.Exit(1)


def _say(restored: Restored) -> None:
    at = f", recorded {restored.recorded_at:%F %T} UTC" if restored.recorded_at else ""
    console.print(f"{restored.postgres}: the log ends at position {restored.head}{at}")
    console.print(f"it is another log from there on: incarnation {restored.incarnation}")
    console.print(
        "photos are in their bucket" if restored.photos is None else f"{restored.photos} photos"
    )
    console.print(f"master key: {restored.master_key}")
    console.print("next: take a backup of it; docs/runbook.md says who has to be told")
