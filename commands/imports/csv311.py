"""Brings a 311 extract in, through the same commands as everybody's.

Each row's case id and command ids follow from the row, and a case is taken on from where its
stream stands: an import that is repeated changes nothing, one that was killed goes on.
"""

import asyncio
import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import NAMESPACE_URL, uuid5

from pydantic import ValidationError

from citybrain.domain.actor import system_actor
from citybrain.domain.case import CaseStatus, InspectionCase
from citybrain.errors import CitybrainError, InvalidInput
from citybrain.eventstore import StreamNotFound
from commands.case import (
    accept_case,
    close_case,
    dispatch_case,
    file_case,
    handle_case,
    report_case,
    verify_case,
)
from commands.handling import CommandContext, Services
from commands.imports.record_311 import COLUMNS, BadRecord, Record, read_record
from commands.processes.routing import IMPORT_CHANNEL

CONCURRENT_ROWS = 256
ACTOR = system_actor("import-311")

# Which handler takes a case one step further, by the status that the step leads to.
HANDLERS: tuple[Any, ...] = (
    file_case,
    dispatch_case,
    accept_case,
    handle_case,
    verify_case,
    close_case,
)
STEPS_DONE = {
    CaseStatus.REPORTED: 0,
    CaseStatus.FILED: 1,
    CaseStatus.DISPATCHED: 2,
    CaseStatus.ACCEPTED: 3,
    CaseStatus.HANDLED: 4,
    CaseStatus.VERIFIED: 5,
    CaseStatus.CLOSED: 6,
}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that did not become a case: its line in the file and why."""

    line: int
    reason: str
    row: dict[str, str] = field(repr=False)


@dataclass(slots=True)
class ImportResult:
    """Every row is in exactly one of the counts."""

    rows: int = 0
    imported: int = 0
    continued: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """The counts, and the rejected lines with their reasons."""
        counts = {name: value for name, value in asdict(self).items() if name != "rejected"}
        lines = [{"line": rejected.line, "reason": rejected.reason} for rejected in self.rejected]
        return counts | {"rejected": len(lines), "rejections": lines}


class Import:
    """One run over one file."""

    def __init__(self, services: Services, *, dry_run: bool = False) -> None:
        self._services = services
        self._dry_run = dry_run
        self._seen: dict[str, int] = {}
        self.result = ImportResult()

    async def run(self, path: Path, progress: Callable[[int], None] = lambda _: None) -> None:
        """Bring in every row; `progress` is called with the bytes read so far."""
        rows = _rows(path)
        limit = asyncio.Semaphore(CONCURRENT_ROWS)
        async with asyncio.TaskGroup() as group:
            for line, offset, row in rows:
                await limit.acquire()
                task = group.create_task(self._row(line, row))
                task.add_done_callback(lambda _: limit.release())
                progress(offset)

    async def _row(self, line: int, row: dict[str, str]) -> None:
        result = self.result
        result.rows += 1
        try:
            record = self._read(line, row)
            steps = await self._bring_in(record)
        except (BadRecord, ValidationError) as error:
            result.rejected.append(Rejected(line, _reason(error), row))
        except CitybrainError as error:
            result.rejected.append(Rejected(line, f"{error.message} ({error.code})", row))
        else:
            total = 1 + len(record.steps)
            result.imported += steps == total
            result.unchanged += steps == 0
            result.continued += 0 < steps < total

    def _read(self, line: int, row: dict[str, str]) -> Record:
        if any(not isinstance(value, str) for value in row.values()) or None in row:
            raise BadRecord("the row does not have as many columns as the header")
        if any("\ufffd" in value for value in row.values()):
            raise BadRecord("the row is not UTF-8")
        record = read_record(row, self._services.definitions.import_311)
        first = self._seen.setdefault(record.key, line)
        if first != line:
            raise BadRecord(f"Unique Key stands in line {first} already")
        return record

    async def _bring_in(self, record: Record) -> int:
        """Take the case from where it stands to where the record says; returns the steps taken."""
        done = await self._steps_done(record)
        if self._dry_run:
            return 1 + len(record.steps) - done
        if done == 0:
            await report_case(
                record.report, _context(record, "report"), self._services, case_id=record.case_id
            )
        first = max(done - 1, 0)
        for handler, command in zip(HANDLERS[first:], record.steps[first:], strict=False):
            await handler(
                record.case_id, command, _context(record, handler.__name__), self._services
            )
        return 1 + len(record.steps) - done if done <= 1 + len(record.steps) else 0

    async def _steps_done(self, record: Record) -> int:
        """0 where there is no case yet, else 1 for the report and one for each step after it."""
        try:
            case = await self._services.store.load(InspectionCase, record.case_id)
        except StreamNotFound:
            return 0
        status = CaseStatus(case.status)
        if status is CaseStatus.RETURNED:
            raise BadRecord("the case has been returned for rework since; it is not touched")
        return 1 + STEPS_DONE[status]


def _context(record: Record, purpose: str) -> CommandContext:
    correlation = uuid5(NAMESPACE_URL, f"citybrain:import-311:{record.key}")
    return CommandContext(
        actor=ACTOR,
        channel=IMPORT_CHANNEL,
        command_id=uuid5(correlation, purpose),
        correlation_id=correlation,
    )


def _rows(path: Path) -> Iterator[tuple[int, int, dict[str, str]]]:
    """Line number, bytes read and row; raises `InvalidInput` on a file of another kind."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        missing = COLUMNS - set(reader.fieldnames or ())
        if missing:
            raise InvalidInput(f"{path} has no column {', '.join(sorted(missing))}")
        for row in reader:
            yield reader.line_num, cast(BinaryIO, file.buffer).tell(), row


def _reason(error: BadRecord | ValidationError) -> str:
    if isinstance(error, BadRecord):
        return str(error)
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
