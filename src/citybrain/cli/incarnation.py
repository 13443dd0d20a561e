"""`citybrain incarnation`: which log this is; begin another one after a restore."""

import asyncio
from typing import Annotated

import typer

from citybrain.cli.shared.output import console, print_json
from citybrain.eventstore import open_event_store
from citybrain.eventstore.incarnations import Incarnation, begin_incarnation, read_lineage
from citybrain.settings import Settings

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def incarnation() -> None:
    """Which log this is; begin another one after a restore."""


@app.command()
def show(as_json: Json = False) -> None:
    """All incarnations of this log, the oldest first."""

    async def read() -> list[Incarnation]:
        async with open_event_store(Settings()) as store:
            return list((await read_lineage(store.pool)).incarnations)

    _print(asyncio.run(read()), as_json)


@app.command()
def begin(as_json: Json = False) -> None:
    """Begin a new incarnation: after a restore to a moment, before anything is appended."""

    async def write() -> Incarnation:
        async with open_event_store(Settings()) as store:
            return await begin_incarnation(store.pool)

    _print([asyncio.run(write())], as_json)


def _print(incarnations: list[Incarnation], as_json: bool) -> None:
    if as_json:
        rows = [
            {"incarnation": str(i.incarnation), "began_after": i.began_after} for i in incarnations
        ]
        print_json({"incarnations": rows}, indent=True)
        return
    for each in incarnations:
        console.print(f"{each.incarnation}  after position {each.began_after}")
