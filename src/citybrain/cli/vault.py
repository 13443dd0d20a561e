"""`citybrain vault`: which master keys are in use, and their rotation while the city works."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from citybrain.cli.shared.output import console, print_json
from citybrain.cli.shared.progress import progress_bar
from citybrain.eventstore import open_event_store
from citybrain.observability import configure_logging
from citybrain.settings import Settings
from citybrain.vault import open_key_wrapper
from citybrain.vault.ring import Progress, Wrapped

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def vault() -> None:
    """See which master keys are in use, and rotate them."""


@app.command()
def status(as_json: Json = False) -> None:
    """How many keys of people each master key has wrapped; exit status 1 where one is missing."""

    async def read() -> list[Wrapped]:
        settings = Settings()
        async with open_event_store(settings) as store:
            return await open_key_wrapper(settings).wrapped(store.pool)

    found = asyncio.run(read())
    if as_json:
        print_json([each._asdict() for each in found], indent=True)
    else:
        table = Table("master key", "of people and things", "named", "what it is here")
        for each in found:
            here = "wraps" if each.current else "opens" if each.known else "missing"
            table.add_row(each.key_id, str(each.people), str(each.named), here)
        console.print(table)
    if not all(each.known for each in found):
        raise typer.Exit(1)


@app.command()
def rotate(as_json: Json = False) -> None:
    """Wrap all keys of people by the master key of the settings, while the city works.

    The one before is named in CITYBRAIN_VAULT_OTHER_KEY_FILES, by every process, until this is
    done. Sealed values stay as they are. What was interrupted is simply begun again.
    """

    async def run(progress: Progress) -> tuple[int, str]:
        settings = Settings()
        configure_logging(settings.log_level, settings.log_format)
        keys = open_key_wrapper(settings)
        async with open_event_store(settings) as store:
            await keys.fit(store.pool)
            return await keys.rotate(store.pool, progress), keys.key_id.hex()

    with progress_bar("wrapping keys") as progress:
        done, key_id = asyncio.run(run(progress))
    if as_json:
        print_json({"key_id": key_id, "wrapped": done})
    else:
        console.print(f"{done} keys were wrapped by another master key; all are by {key_id} now")
