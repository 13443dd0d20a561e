"""Events of junctions for the checker: from the log, or from an export of it.

An export has an event of `GET /v1/log` on each line, as auditors get it. Whoever has one can check
it without our database.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from citybrain.audit.signals.timeline import Logged
from citybrain.errors import InvalidInput
from citybrain.eventstore import EventStore

CATEGORY = "signal"

Journals = dict[str, list[Logged]]
"""The events of each junction, day after day, in the order of the log."""


class ExportWrong(InvalidInput):
    """A line of the export is no event of a junction."""

    code = "signal-export-wrong"


def read_export(path: Path) -> Journals:
    """The events of a file; raises `ExportWrong` with the line."""
    found: Journals = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            _take(found, orjson.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ExportWrong(f"{path}:{number}: this is no event of a junction") from error
    return _sorted(found)


async def read_log(store: EventStore) -> Journals:
    """The events of all junctions in the log."""
    found: Journals = {}
    async for page in store.read_category(CATEGORY):
        for event in page:
            entry = {"position": event.position, "stream_id": event.stream_id, "topic": event.topic}
            _take(found, entry | {"data": orjson.loads(event.state)})
    return _sorted(found)


def by_version(events: Sequence[Logged]) -> dict[str, list[Logged]]:
    """A junction's events by the version of its definition; one changes with a day's opening."""
    found: dict[str, list[Logged]] = {}
    version = ""
    for event in events:
        if event.topic == "signal.day_opened":
            version = str(event.data["definition_version"])
        found.setdefault(version, []).append(event)
    return found


def _take(found: Journals, entry: Mapping[str, Any]) -> None:
    category, _, rest = entry["stream_id"].partition("-")
    if category != CATEGORY:
        raise ValueError(category)
    decided_at = datetime.fromisoformat(entry["data"]["timestamp"]["_data_"])
    data = {**entry["data"], "timestamp_ms": round(decided_at.timestamp() * 1000)}
    event = Logged(int(entry["position"]), str(entry["topic"]), data)
    found.setdefault(rest.rsplit("-", 3)[0], []).append(event)


def _sorted(found: Journals) -> Journals:
    return {code: sorted(events, key=lambda each: each.position) for code, events in found.items()}
