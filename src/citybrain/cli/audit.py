"""`citybrain audit`: whether the log is whole, looked at from outside, and an export to look at."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from citybrain.audit.applications.payouts import Payouts
from citybrain.audit.log import (
    Check,
    Export,
    Exported,
    Finding,
    Whole,
    behind_the_end,
    verified,
    write_end,
    write_events,
    write_head,
)
from citybrain.audit.treasury.payments import Confirmations
from citybrain.cli.shared.output import console, errors, print_json
from citybrain.cli.shared.progress import progress_bar
from citybrain.cli.shared.reading import Purpose, note
from citybrain.eventstore import EventStore, RecordedEvent, open_event_store
from citybrain.eventstore.incarnations import read_lineage
from citybrain.settings import Settings
from citybrain.systems import register_streams
from commands.accesses import people_in

app = typer.Typer(no_args_is_help=True)

PAGE = 1000
SHOWN = 100
EXPORT = "audit export"

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Told = Callable[[int, int], None]


@app.callback()
def audit() -> None:
    """Verify the log, in the database or in an export."""


@app.command()
def verify(
    export: Annotated[
        Path | None,
        typer.Option(help="A file of `audit export`, in place of the database.", exists=True),
    ] = None,
    as_json: Json = False,
) -> None:
    """Whether anything was changed; exit status 1 where something is not as it must be.

    Looked at is each event: positions and versions without a gap, times of recording that never go
    back, bytes that can be read, payouts that are what was decided, and money that is what the bank
    was told. What the database says is compared with where else it says how long the log is.
    """
    with progress_bar("looking at the log") as told:
        if export is not None:
            seen, found = _of_export(Export(export), told)
        else:
            seen, found = asyncio.run(_of_database(told))
    if as_json:
        findings = [asdict(each) for each in found]
        print_json({"events": seen, "whole": not found, "findings": findings}, indent=True)
    else:
        for each in found[:SHOWN]:
            what = f"{each.stream_id} v{each.version}: " if each.stream_id else ""
            errors.print(
                f"[red]{each.check}[/] position {each.position}: {escape(what + each.detail)}"
            )
        if len(found) > SHOWN:
            errors.print(f"and {len(found) - SHOWN} more: see --json")
        console.print(
            f"{seen} events: {'nothing is wrong' if not found else f'{len(found)} findings'}"
        )
    if found:
        raise typer.Exit(1)


@app.command(name="export")
def export_command(
    file: Annotated[Path, typer.Argument(help="Where to; a line of JSON an event.")],
    purpose: Purpose = "audit",
) -> None:
    """Write the whole log to a file that `audit verify --export` reads, with its exact bytes.

    All people whom it is about will see that it was read.
    """

    async def run(told: Told) -> int:
        async with open_event_store(Settings()) as store:
            last, seen = 0, set[str]()
            lineage = await read_lineage(store.pool)
            with file.open("x", encoding="utf-8") as out:
                write_head(out, str(lineage.current))
                async for page in _pages(store, told):
                    people = [each for each in people_in(page) if each not in seen]
                    await note("events", purpose, EXPORT, people, store)
                    seen.update(people)
                    write_events(out, page)
                    last = page[-1].position
                write_end(out, last)
            return last

    register_streams()
    try:
        with progress_bar("writing the log") as told:
            last = asyncio.run(run(told))
    except FileExistsError:
        errors.print(f"{escape(str(file))} is there already")
        raise typer.Exit(2) from None
    console.print(f"{last} events are in {escape(str(file))}", soft_wrap=True)


def _checks(whole: Whole) -> list[Check]:
    return [whole, Payouts(), Confirmations()]


def _of_export(export: Export, told: Told) -> tuple[int, list[Finding]]:
    whole, seen = Whole(0 if export.whole else None), 0
    checks = _checks(whole)

    def counted() -> Iterator[Exported]:
        nonlocal seen
        for event in export:
            seen += 1
            if seen % PAGE == 0:
                told(export.read, export.bytes)
            yield event

    found = list(verified(counted(), checks))
    return seen, found + export.cut_off(whole.last or 0)


async def _of_database(told: Told) -> tuple[int, list[Finding]]:
    whole, seen, found = Whole(), 0, list[Finding]()
    checks = _checks(whole)
    async with open_event_store(Settings()) as store:
        async for page in _pages(store, told):
            seen += len(page)
            found += verified(page, checks)
        return seen, found + await behind_the_end(store.pool, await store.head())


async def _pages(store: EventStore, told: Told) -> AsyncIterator[Sequence[RecordedEvent]]:
    """The log up to where it ends now."""
    head, after = await store.head(), 0
    while page := await store.read_all(after, limit=PAGE, up_to=head):
        yield page
        after = page[-1].position
        told(after, head)
