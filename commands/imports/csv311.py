"""Brings a 311 extract in, through the same commands as everybody's.

Each row's case id and command ids follow from the row, and a case is taken on from where its
stream stands: an import that is repeated changes nothing, one that was killed goes on, and
two at once do not disturb each other.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import ValidationError

from citybrain.domain.actor import system_actor
from citybrain.errors import CitybrainError, Refused, Unavailable
from citybrain.eventstore import RecordedEvent, WrongExpectedVersion
from commands.case import (
    accept_case,
    close_case,
    dispatch_case,
    file_case,
    handle_case,
    report_case,
    verify_case,
)
from commands.handling import CommandContext, Services, TooContended
from commands.imports.csv_rows import CsvRows, Row, open_rows
from commands.imports.record_311 import COLUMNS, BadRecord, Record, read_record
from commands.processes.routing import IMPORT_CHANNEL

CONCURRENT_ROWS = 256
ATTEMPTS = 8
RETRY_SECONDS = 0.25
ACTOR = system_actor("import")

# Which handler takes a case one step further, and the event that it leaves.
HANDLERS: tuple[tuple[str, Any], ...] = (
    ("case.filed", file_case),
    ("case.dispatched", dispatch_case),
    ("case.accepted", accept_case),
    ("case.handled", handle_case),
    ("case.verified", verify_case),
    ("case.closed", close_case),
)
COMPARED = (
    "occurred_at", "class_code", "description", "latitude", "longitude", "address", "external_ref",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that did not become a case: its line in the file and why."""

    line: int
    reason: str
    raw: bytes = field(repr=False)


@dataclass(slots=True)
class ImportResult:
    """Every row is in exactly one of imported, continued, unchanged and rejected."""

    header: bytes = b""
    rows: int = 0
    imported: int = 0
    continued: int = 0
    unchanged: int = 0
    events: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    remarks: dict[str, list[int]] = field(default_factory=dict)

    def summary(self) -> dict[str, object]:
        """The counts, the rejected lines with their reasons, and the lines of each remark."""
        counts = ("rows", "imported", "continued", "unchanged", "events")
        rejections = sorted(self.rejected, key=lambda rejected: rejected.line)
        return {
            **{name: getattr(self, name) for name in counts},
            "rejected": len(rejections),
            "rejections": [{"line": each.line, "reason": each.reason} for each in rejections],
            "remarks": {remark: sorted(lines) for remark, lines in self.remarks.items()},
        }


class Import:
    """One run over one file."""

    def __init__(self, services: Services, *, dry_run: bool = False) -> None:
        self._services = services
        self._mapping = services.definitions.import_311
        self._dry_run = dry_run
        self._lines_of: dict[str, int] = {}
        self.result = ImportResult()

    async def run(self, path: Path, progress: Callable[[int], None] = lambda _: None) -> None:
        """Bring in every row; `progress` is called with the bytes read so far.

        Raises `InvalidInput` on a file of another kind, and `Unavailable` when the store stays
        away; what was brought in by then stays, and a later run goes on from there.
        """
        limit = asyncio.Semaphore(CONCURRENT_ROWS)
        with open_rows(path) as file:
            rows = CsvRows(file, str(path), COLUMNS)
            self.result.header = rows.header
            try:
                async with asyncio.TaskGroup() as group:
                    for row in rows:
                        await limit.acquire()
                        task = group.create_task(self._row(row))
                        task.add_done_callback(lambda _: limit.release())
                        progress(row.end)
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from failed

    async def _row(self, row: Row) -> None:
        result = self.result
        try:
            record = self._read(row)
            total = 1 + len(record.steps)
            steps = await self._bring_in(record)
        except (Unavailable, TooContended):
            raise  # not the row's fault
        except (BadRecord, ValidationError) as error:
            self._reject(row, _reason(error))
        except CitybrainError as error:
            self._reject(row, f"{error.message} ({error.code})")
        else:
            result.rows += 1
            result.imported += steps == total
            result.unchanged += steps == 0
            result.continued += 0 < steps < total
            result.events += 0 if self._dry_run else steps
            for remark in record.remarks:
                result.remarks.setdefault(remark, []).append(row.line)

    def _reject(self, row: Row, reason: str) -> None:
        self.result.rows += 1
        self.result.rejected.append(Rejected(row.line, reason, row.raw))

    def _read(self, row: Row) -> Record:
        record = read_record(row, self._mapping)
        first = self._lines_of.setdefault(record.key, row.line)
        if first != row.line:
            raise BadRecord(f"Unique Key stands in line {first} already")
        return record

    async def _bring_in(self, record: Record) -> int:
        """Take the case from where it stands to where the record says; returns the steps taken.

        A refusal is believed when nobody else has moved the case meanwhile.
        """
        taken, attempt = 0, 0
        while True:
            done = await self._steps_done(record)
            if self._dry_run:
                return 1 + len(record.steps) - done
            before = taken
            try:
                async for _ in self._remaining(record, done):
                    taken += 1
                return taken
            except (Refused, WrongExpectedVersion):
                if await self._steps_done(record) == done + taken - before:
                    raise
            except (Unavailable, TooContended):
                attempt += 1
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(RETRY_SECONDS * 2**attempt)

    async def _remaining(self, record: Record, done: int) -> AsyncIterator[None]:
        """Send the commands behind the first `done`, yielding after each."""
        services = self._services
        if done == 0:
            context = self._context(record, "case.reported")
            await report_case(record.report, context, services, case_id=record.case_id)
            yield
        first = max(done - 1, 0)
        for (topic, handler), command in zip(HANDLERS[first:], record.steps[first:], strict=False):
            await handler(record.case_id, command, self._context(record, topic), services)
            yield

    async def _steps_done(self, record: Record) -> int:
        """How many events of the record its stream holds; `BadRecord` where it tells otherwise."""
        events = await self._services.store.read(record.case_id)
        if not events:
            return 0
        _compare(record, events)
        planned = ["case.reported", *(topic for topic, _ in HANDLERS[: len(record.steps)])]
        found = [event.topic for event in events]
        common = min(len(planned), len(found))
        if planned[:common] != found[:common]:
            raise BadRecord("the case was imported and has gone another way since: left as it is")
        return common

    def _context(self, record: Record, purpose: str) -> CommandContext:
        source = f"citybrain:import:{self._mapping.source}:{record.key}"
        correlation = uuid5(NAMESPACE_URL, source)
        return CommandContext(
            actor=ACTOR,
            channel=IMPORT_CHANNEL,
            command_id=uuid5(correlation, purpose),
            correlation_id=correlation,
        )


def _compare(record: Record, events: list[RecordedEvent]) -> None:
    """Refuse a record that says otherwise than what was imported of it.

    The bytes of its row may differ: the same record is exported in several forms.
    """
    recorded = events[0].data
    differing = [name for name in COMPARED if recorded.get(name) != getattr(record.report, name)]
    planned = {topic: step for (topic, _), step in zip(HANDLERS, record.steps, strict=False)}
    for event in events:
        step = planned.get(event.topic)
        if event.topic in ("case.handled", "case.closed") and step is not None:
            for name in ("occurred_at", "note"):
                if _imported(event) and event.data.get(name) != getattr(step, name, None):
                    differing.append(f"{name} of {event.topic}")
    if differing:
        raise BadRecord(f"the record has changed since it was imported: {', '.join(differing)}")


def _imported(event: RecordedEvent) -> bool:
    return event.metadata.get("channel") == IMPORT_CHANNEL


def _reason(error: BadRecord | ValidationError) -> str:
    if isinstance(error, BadRecord):
        return str(error)
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
