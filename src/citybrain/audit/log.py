"""Whether the log is whole: an independent look at every event, in a database or in an export.

Nothing here is asked of the code that appends. What it cannot see is a change that leaves all of
this right, such as another actor in the metadata of an event: that takes a ledger.
"""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TextIO

import asyncpg
import orjson

from citybrain.errors import CitybrainError
from citybrain.eventstore import RecordedEvent
from citybrain.eventstore.types import Stored

FORMAT: Final = "citybrain-log-1"
AHEAD = """
SELECT 'an idempotency record' AS what, max(position) AS position FROM idempotency_records
UNION ALL
SELECT 'the checkpoint of ' || projection, position FROM projection_checkpoints
ORDER BY 1
"""
"""What else in the database says how long the log is."""


class NotALog(CitybrainError):
    """A file is no export of the log."""

    code = "not-a-log"
    exit_status: ClassVar[int] = 65  # EX_DATAERR of sysexits.h


@dataclass(frozen=True, slots=True)
class Exported:
    """An event of an export."""

    position: int
    stream_id: str
    version: int
    topic: str
    state: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not as it must be, at an event or behind the last one."""

    check: str
    position: int
    stream_id: str
    version: int
    detail: str


class Check(Protocol):
    """Looks at one event after the other, in the order of their positions."""

    def look(self, event: Stored) -> Iterable[tuple[str, str]]:
        """What is wrong with it: the name of the check, and a sentence."""


class Whole:
    """Positions without a gap, versions without one in each stream, times that never go back.

    `after`: the position before the first one. Of a part of a log (None) the first position and
    the first version of each stream are taken as they are.
    """

    def __init__(self, after: int | None = 0) -> None:
        self.last = after
        self._whole = after == 0
        self._at: datetime | None = None
        self._versions: dict[str, int] = {}

    def look(self, event: Stored) -> Iterator[tuple[str, str]]:
        """Compare it with the one before, and with the one before of its stream."""
        if self.last is not None and event.position != self.last + 1:
            yield "positions", f"position {self.last} comes before {event.position}"
        version = self._versions.get(event.stream_id, 0 if self._whole else event.version - 1)
        if event.version != version + 1:
            yield "versions", f"version {version} of the stream comes before {event.version}"
        if self._at is not None and event.recorded_at < self._at:
            back = self._at - event.recorded_at
            yield "times", f"recorded {_seconds(back)} before the event before it"
        try:
            if not isinstance(orjson.loads(event.state), dict):
                yield "states", "its bytes are JSON and no object"
        except orjson.JSONDecodeError:
            yield "states", "its bytes are no JSON"
        self.last, self._at = event.position, event.recorded_at
        self._versions[event.stream_id] = event.version


def verified(events: Iterable[Stored], checks: Iterable[Check]) -> Iterator[Finding]:
    """What these checks find in these events."""
    every = list(checks)
    for event in events:
        for check in every:
            for name, detail in check.look(event):
                yield Finding(name, event.position, event.stream_id, event.version, detail)


async def behind_the_end(
    pool: "asyncpg.Pool[Any] | asyncpg.Connection[Any]", last: int
) -> list[Finding]:
    """What knows of a position behind the last one: the end of the log is missing then."""
    return [
        Finding("end", row["position"], "", 0, f"{row['what']} knows of this position")
        for row in await pool.fetch(AHEAD)
        if row["position"] is not None and row["position"] > last
    ]


# --- exports --------------------------------------------------------------------------------


def write_head(file: TextIO, incarnation: str) -> None:
    """The first line of an export: which log it is of, from its first event on."""
    _line(file, {"format": FORMAT, "incarnation": incarnation, "after": 0})


def write_events(file: TextIO, events: Iterable[RecordedEvent]) -> None:
    """A line an event, with the exact bytes: as `GET /v1/events` gives them."""
    for event in events:
        _line(
            file,
            {
                "position": event.position,
                "stream_id": event.stream_id,
                "version": event.version,
                "topic": event.topic,
                "recorded_at": event.recorded_at,
                "metadata": event.metadata,
                "state_base64": base64.b64encode(event.state).decode(),
            },
        )


def write_end(file: TextIO, last: int) -> None:
    """The last line: whoever reads the file knows by it that it is whole."""
    _line(file, {"end": last})


class Export:
    """The events of an export, one by one, and whether it has its end.

    A file of lines as `GET /v1/events` gives events is a part of a log. Raises `NotALog`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end: int | None = None
        self.bytes = path.stat().st_size
        self.read = 0
        with path.open("rb") as file:
            self.whole = f'"format":"{FORMAT}"'.encode() in file.readline()

    def __iter__(self) -> Iterator[Exported]:
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                self.read += len(line)
                try:
                    said = orjson.loads(line)
                    if "end" in said:
                        self._end = int(said["end"])
                    elif number > 1 or not self.whole:
                        yield _exported(said)
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    raise NotALog(f"line {number} of {self._path} is no event of a log") from error

    def cut_off(self, last: int) -> list[Finding]:
        """What is wrong with its end."""
        if not self.whole or self._end == last:
            return []
        why = (
            "has no end: it is cut off"
            if self._end is None
            else f"says that it ends at {self._end}"
        )
        return [Finding("end", last, "", 0, f"the export {why}")]


def _exported(said: dict[str, Any]) -> Exported:
    return Exported(
        int(said["position"]),
        str(said["stream_id"]),
        int(said["version"]),
        str(said["topic"]),
        base64.b64decode(said["state_base64"], validate=True),
        datetime.fromisoformat(said["recorded_at"]),
    )


def _line(file: TextIO, members: dict[str, Any]) -> None:
    file.write(orjson.dumps(members).decode() + "\n")


def _seconds(back: timedelta) -> str:
    return f"{back.total_seconds():.6f} s"
