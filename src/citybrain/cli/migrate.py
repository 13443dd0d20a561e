"""`citybrain migrate`: bring the database to the schema of this version (serving does it too)."""

import asyncio
from typing import Annotated

import typer

from citybrain.cli.shared.output import console
from citybrain.eventstore import open_event_store
from citybrain.eventstore.grants import grant
from citybrain.settings import Settings

app = typer.Typer()

APPLIED = "SELECT number, name, applied_at FROM schema_migrations ORDER BY number"


Role = Annotated[
    str | None, typer.Option(help="A role that serves and works, and may no more than it needs to.")
]


@app.command()
def migrate(grant_to: Role = None) -> None:
    """Bring the database to the schema of this version (serving does it too)."""
    asyncio.run(_migrate(grant_to))


async def _migrate(role: str | None) -> None:
    async with open_event_store(Settings()) as store:
        if role is not None:
            connection = await store.connect("citybrain-grants")
            handed = await grant(connection, role)
            await connection.close()
            console.print(f"{role} can serve and work; {handed} tables and schemas are its now")
        for row in await store.pool.fetch(APPLIED):
            console.print(f"{row['number']:04} {row['name']}  applied {row['applied_at']:%F %T}")
