"""`citybrain replay`: what a stream was, at any version, log position or time."""

import asyncio
import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from citybrain.audit.states import state_as_of
from citybrain.cli.shared.output import console, print_json
from citybrain.cli.shared.reading import Purpose, note
from citybrain.errors import InvalidInput
from citybrain.eventstore import RecordedEvent, StreamNotFound, open_event_store
from citybrain.settings import Settings
from citybrain.systems import register_streams
from commands.accesses import people_in

HIDDEN = frozenset({"timestamp", "originator_topic"})
SEALED = "_sealed"

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
    details: Annotated[bool, typer.Option("--details", help="All that each event says.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document instead of text.")
    ] = False,
) -> None:
    """Show the history of a stream and the state it leads to, as of any moment.

    The state is computed from the events alone, with the code that decided them. Whom it is about
    will see that it was read.
    """
    asyncio.run(_replay(stream, parse_as_of(as_of), purpose, details, as_json))


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


async def _replay(
    stream: str, as_of: dict[str, Any], purpose: str, details: bool, as_json: bool
) -> None:
    register_streams()
    async with open_event_store(Settings()) as store:
        events = await store.read(stream, **{f"up_to_{name}": at for name, at in as_of.items()})
        if not events:
            raise StreamNotFound(f"there is no stream {stream}, or not yet at that moment")
        await note("events", purpose, "replay", people_in(events), store)
        _, state = await state_as_of(store, stream, **as_of)
        history = [_entry(event) for event in events]
        if as_json:
            print_json({"stream": stream, "state": state, "events": history}, indent=True)
        else:
            _print(stream, state, history, details)


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


def _print(
    stream: str, state: dict[str, Any], history: list[dict[str, Any]], details: bool
) -> None:
    """A line an event, fit for the terminal; then the state. With details all that events say."""
    console.print(f"[bold]{stream}[/]: {len(history)} events (times of recording in UTC)\n")
    for entry in history:
        if details:
            _print_details(entry)
        else:
            console.print(_line(entry), no_wrap=True, overflow="ellipsis")
    if not details:
        console.print("\n[dim]all that the events say: --details, or --json[/]")
    console.print(f"\n[bold]state[/] at version {history[-1]['version']}")
    _print_members(state)


def _line(entry: dict[str, Any]) -> Text:
    """Version, what and when; then by whom, and what it says: words first, times last."""
    said = {"by": entry["metadata"].get("actor"), **(entry["data"] or {})}
    said = dict(sorted(said.items(), key=lambda each: _rank(each[1])))
    members = ", ".join(f"{name} {_shown(value, name)}" for name, value in _members(said))
    return Text.assemble(
        (f"v{entry['version']}", "dim"),
        " ",
        (entry["topic"], "bold"),
        (f"  {entry['recorded_at']:%Y-%m-%d %H:%M:%S}  ", "dim"),
        " ".join(members.split()),
    )


def _rank(value: Any) -> int:
    return 2 if isinstance(value, datetime) else int(isinstance(value, list | dict))


def _print_details(entry: dict[str, Any]) -> None:
    console.print(
        f"[dim]v{entry['version']}[/] [bold]{entry['topic']}[/]  "
        f"[dim]{entry['recorded_at']:%Y-%m-%d %H:%M:%S.%f}  position {entry['position']}[/]"
    )
    _print_members({"by": _by(entry)} | (entry["data"] or {}))


def _by(entry: dict[str, Any]) -> str:
    metadata = entry["metadata"]
    return f"{metadata.get('role', '')} {metadata.get('actor', '')}".strip()


def _members(members: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Those that say something."""
    for name, value in members.items():
        if name not in HIDDEN and value not in (None, [], {}, ""):
            yield name, value


def _print_members(members: dict[str, Any]) -> None:
    grid = Table.grid(padding=(0, 2))
    for name, value in _members(members):
        grid.add_row(f"   [dim]{name}[/]", Text(_shown(value, name), overflow="fold"))
    console.print(grid)


def _shown(value: Any, name: str = "") -> str:
    """A value as people read it; what is sealed by its length."""
    if isinstance(value, str) and name.endswith(SEALED):
        return f"sealed ({_sealed_bytes(value)} bytes)"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        parts = (f"{key} {_shown(each, str(key))}" for key, each in _members(value))
        return f"({', '.join(parts)})"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_shown(each, name) for each in value)
    return str(value)


def _sealed_bytes(sealed: str) -> int:
    try:
        return len(base64.b64decode(sealed, validate=True))
    except ValueError:
        return len(sealed)
