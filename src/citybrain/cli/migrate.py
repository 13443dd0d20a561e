"""`citybrain migrate`: bring the database to the schema of this version (serving does it too)."""

import asyncio

import typer

from citybrain.cli.shared.output import console
from citybrain.eventstore import open_event_store
from citybrain.settings import Settings

app = typer.Typer()

APPLIED = "SELECT number, name, applied_at FROM schema_migrations ORDER BY number"


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this version (serving does it too)."""
    asyncio.run(_migrate())


async def _migrate() -> None:
    async with open_event_store(Settings()) as store:
        for row in await store.pool.fetch(APPLIED):
            console.print(f"{row['number']:04} {row['name']}  applied {row['applied_at']:%F %T}")
