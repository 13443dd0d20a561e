"""`citybrain replay`: what a stream was, at any version, log position or time."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from citybrain.cli.shared.output import console, print_json
from citybrain.cli.shared.reading import Purpose, note
from citybrain.domain.stream import StreamAggregate
from citybrain.errors import InvalidInput
from citybrain.eventstore import EventStore, RecordedEvent, StreamNotFound, open_event_store
from citybrain.settings import Settings
from citybrain.systems import register_streams
from commands.accesses import people_in

HIDDEN = frozenset({"timestamp", "originator_topic"})

app = typer.Typer()


@app.command()
def replay(
    stream: Annotated[str, typer.Argument(help="Stream id, for example case-0192….")],
    as_of: Annotated[
        str | None,
        typer.Option(
            help="A version (3 or v3), a log position (p1200) or a time of recording "
            "(2026-03-01T08:15:30+08:00; UTC where no offset is given)."
        ),
    ] = None,
    purpose: Purpose = "audit",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document instead of text.")
    ] = False,
) -> None:
    """Show the history of a stream and the state it leads to, as of any moment.

    The state is computed from the events alone, with the code that decided them. Whom it is about
    will see that it was read.
    """
    asyncio.run(_replay(stream, parse_as_of(as_of), purpose, as_json))


def parse_as_of(text: str | None) -> dict[str, Any]:
    """`{"version": n}`, `{"position": n}` or `{"time": datetime}`; empty for the present."""
    if text is None:
        return {}
    digits = text[1:] if text[:1] in ("v", "p") else text
    if digits.isascii() and digits.isdigit():
        return {"position" if text.startswith("p") else "version": int(digits)}
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is neither a version (v3), a position (p1200) nor an ISO 8601 time"
        ) from error
    return {"time": time if time.tzinfo else time.replace(tzinfo=UTC)}


async def _replay(stream: str, as_of: dict[str, Any], purpose: str, as_json: bool) -> None:
    register_streams()
    async with open_event_store(Settings()) as store:
        events = await store.read(stream, **{f"up_to_{name}": at for name, at in as_of.items()})
        if not events:
            raise StreamNotFound(f"there is no stream {stream}, or not yet at that moment")
        await note("events", purpose, "replay", people_in(events), store)
        state = await _state(store, stream, as_of)
        history = [_entry(event) for event in events]
        if as_json:
            print_json({"stream": stream, "state": state, "events": history}, indent=True)
        else:
            _print(stream, state, history)


async def _state(store: EventStore, stream: str, as_of: dict[str, Any]) -> dict[str, Any]:
    aggregate = await store.load_as_of(StreamAggregate, stream, **as_of)
    hidden = ("_pending_events", "_id")
    return {
        name.lstrip("_"): value for name, value in vars(aggregate).items() if name not in hidden
    }


def _entry(event: RecordedEvent) -> dict[str, Any]:
    try:
        data: Any = event.data
    except (ValueError, TypeError):
        data = None
    return {
        "position": event.position,
        "version": event.version,
        "topic": event.topic,
        "recorded_at": event.recorded_at,
        "data": data,
        "metadata": event.metadata,
    }


def _print(stream: str, state: dict[str, Any], history: list[dict[str, Any]]) -> None:
    """An entry of two or three lines an event, fit for 80 columns; then the state."""
    console.print(f"[bold]{stream}[/]: {len(history)} events (times of recording in UTC)\n")
    for entry in history:
        metadata = entry["metadata"]
        by = f"{metadata.get('role', '')} {metadata.get('actor', '')}".strip()
        console.print(
            f"[dim]v{entry['version']}[/] [bold]{entry['topic']}[/]  "
            f"[dim]{entry['recorded_at']:%Y-%m-%d %H:%M:%S.%f}  position {entry['position']}[/]"
        )
        _print_members({"by": by} | (entry["data"] or {}))
    console.print(f"\n[bold]state[/] at version {history[-1]['version']}")
    _print_members(state)


def _print_members(members: dict[str, Any]) -> None:
    grid = Table.grid(padding=(0, 2))
    for name, value in members.items():
        if name not in HIDDEN and value not in (None, [], ""):
            grid.add_row(f"   [dim]{name}[/]", Text(_shown(value), overflow="fold"))
    console.print(grid)


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(_shown, value))
    return str(value)
