"""`citybrain processes`: see what the process managers do, and what they could not do."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from citybrain.app import open_services
from citybrain.cli.shared.output import console, errors, print_json
from citybrain.eventstore import open_event_store
from citybrain.settings import Settings
from citybrain.systems import process_named
from commands.processes.parked import Retried, parked_commands, process_status, retry_parked

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of a process, as in `processes status`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def status(as_json: Json = False) -> None:
    """Position and parked commands of each process manager."""

    async def read() -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
        async with open_event_store(Settings()) as store:
            return await process_status(store), await parked_commands(store), await store.head()

    rows, parked, head = asyncio.run(read())
    if as_json:
        print_json({"head": head, "processes": rows, "parked": parked}, indent=True)
        return
    table = Table("process", "position", "parked", "running")
    for row in rows:
        table.add_row(
            row["process"],
            f"{row['position']} of {head}",
            str(row["parked"]),
            "yes" if row["running"] else "no",
        )
    console.print(table)
    for command in parked:
        errors.print(
            f"parked: {command['process']} position {command['position']} {command['topic']} "
            f"{command['stream_id']}: {command['error']} after {command['attempts']} attempts"
        )


@app.command()
def retry(name: Name, as_json: Json = False) -> None:
    """Send parked commands again; exit status 1 where some stay parked."""

    async def run() -> Retried:
        async with open_services(Settings()) as services:
            return await retry_parked(services, process_named(name).manager)

    result = asyncio.run(run())
    if as_json:
        print_json(asdict(result))
    else:
        console.print(f"{result.sent} sent, {result.still_parked} still parked")
    if result.still_parked:
        raise typer.Exit(1)
