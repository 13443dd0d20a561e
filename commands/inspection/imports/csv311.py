"""Brings a 311 extract in, through the same commands as everybody's.

Each row's case id and command ids follow from the row, and a case is taken on from where its
stream stands: an import that is repeated changes nothing, one that was killed goes on, and
two at once do not disturb each other. Rows that report one problem are merged into the earliest
once they are dispatched; what a person has taken apart stays apart.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from pydantic import ValidationError

from citybrain.definitions.inspection.cases import cases_at
from citybrain.definitions.inspection.imports_311 import Import311
from citybrain.domain.actor import system_actor
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import IMPORT_CHANNEL
from citybrain.domain.inspection.statuses import OPEN, UNSOLVED
from citybrain.errors import CitybrainError, Refused, Unavailable
from citybrain.eventstore import RecordedEvent, WrongExpectedVersion
from commands.csv_rows import CsvRows, Row, open_rows
from commands.handling import CommandContext, TooContended
from commands.inspection.case import (
    accept_case,
    close_case,
    dispatch_case,
    file_case,
    handle_case,
    report_case,
    verify_case,
)
from commands.inspection.imports.duplicates import first_reports
from commands.inspection.imports.record_311 import COLUMNS, BadRecord, Record, read_record
from commands.inspection.merging import MergeCase, finish_merge, merge_case
from commands.services import Services

CONCURRENT_ROWS = 64
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
UNTIL_DISPATCH = 2  # steps behind the report
BESIDE = frozenset(
    {"case.absorbed", "case.released", "case.merged", "case.unmerged", "case.commented"}
)
COMPARED = (
    "occurred_at",
    "class_code",
    "description",
    "latitude",
    "longitude",
    "address",
    "external_ref",
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that did not become a case: its line in the file and why."""

    line: int
    reason: str
    raw: bytes = field(repr=False)


@dataclass(slots=True)
class ImportResult:
    """Every row is in exactly one of imported, continued, unchanged and rejected.

    `merged` are those of them that were merged into another now.
    """

    header: bytes = b""
    rows: int = 0
    imported: int = 0
    continued: int = 0
    unchanged: int = 0
    merged: int = 0
    events: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    remarks: dict[str, list[int]] = field(default_factory=dict)

    def summary(self) -> dict[str, object]:
        """The counts, the rejected lines with their reasons, and the lines of each remark."""
        counts = ("rows", "imported", "continued", "unchanged", "merged", "events")
        rejections = sorted(self.rejected, key=lambda rejected: rejected.line)
        return {
            **{name: getattr(self, name) for name in counts},
            "rejected": len(rejections),
            "rejections": [{"line": each.line, "reason": each.reason} for each in rejections],
            "remarks": {remark: sorted(lines) for remark, lines in self.remarks.items()},
        }


@dataclass(slots=True)
class Member:
    """A row on its way in, among those that report one problem."""

    row: Row
    record: Record
    steps: int = 0
    is_part: bool = False
    merged_now: bool = False
    merge_events: int = 0
    rejected: bool = False

    def until_dispatch(self) -> Record:
        """Its record as far as the step where it may be merged."""
        return replace(self.record, steps=self.record.steps[:UNTIL_DISPATCH])


class Import:
    """One run over one file."""

    def __init__(self, services: Services, *, dry_run: bool = False) -> None:
        self._services = services
        self._mapping = services.definitions.of(Import311)
        self._dry_run = dry_run
        self._run = uuid4()
        self._lines_of: dict[str, int] = {}
        self._first_of: dict[str, str] = {}
        self._sizes: Counter[str] = Counter()
        self._waiting: dict[str, list[Member]] = {}
        self.result = ImportResult()

    async def run(self, path: Path, progress: Callable[[int], None] = lambda _: None) -> None:
        """Bring in every row; `progress` is called with the bytes read so far.

        Raises `InvalidInput` on a file of another kind, and `Unavailable` when the store stays
        away; what was brought in by then stays, and a later run goes on from there.
        """
        definitions = cases_at(self._services.definitions, self._services.clock())
        self._first_of = first_reports(path, self._mapping, definitions)
        self._sizes = Counter(self._first_of.values())
        limit = asyncio.Semaphore(CONCURRENT_ROWS)
        with open_rows(path) as file:
            rows = CsvRows(file, str(path), COLUMNS)
            self.result.header = rows.header
            try:
                async with asyncio.TaskGroup() as group:
                    for members, end in self._problems(rows):
                        await limit.acquire()
                        task = group.create_task(self._problem(members))
                        task.add_done_callback(lambda _: limit.release())
                        progress(end)
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from failed

    def _problems(self, rows: CsvRows) -> Iterator[tuple[list[Member], int]]:
        """The rows, those of one problem together, and how far the file has been read."""
        end = 0
        for row in rows:
            end = row.end
            if members := self._together(row):
                yield members, end
        yield from ((members, end) for members in self._waiting.values())

    def _together(self, row: Row) -> list[Member]:
        """The row with those of the same problem, earliest first; none while it waits for them."""
        try:
            member = Member(row, self._read(row))
        except (BadRecord, ValidationError) as error:
            self._reject(row, _reason(error))
            return []
        first = self._first_of.get(member.record.key)
        if first is None:
            return [member]
        members = self._waiting.setdefault(first, [])
        members.append(member)
        if len(members) < self._sizes[first]:
            return []
        del self._waiting[first]
        return sorted(members, key=lambda each: each.record.key != first)

    async def _problem(self, members: list[Member]) -> None:
        """Bring rows of one problem in: up to their dispatch, merged, and then to their ends."""
        first, *others = members
        if others and not self._dry_run:
            for each in members:
                await self._guarded(each, self._step_on(each, each.until_dispatch()))
        for each in others:
            if not (first.rejected or each.rejected):
                await self._guarded(each, self._merge(each, first.record))
        for each in members:
            if not each.rejected:
                whole = each.until_dispatch() if each.is_part else each.record
                await self._guarded(each, self._step_on(each, whole))
        for each in members:
            self._count(each)

    async def _guarded(self, member: Member, work: Awaitable[None]) -> None:
        """Do something for a row; a refusal is the row's own."""
        try:
            await work
        except (Unavailable, TooContended):
            raise  # not the row's fault
        except (BadRecord, ValidationError) as error:
            self._reject_member(member, _reason(error))
        except CitybrainError as error:
            self._reject_member(member, f"{error.message} ({error.code})")

    async def _step_on(self, member: Member, record: Record) -> None:
        member.steps += await self._bring_in(record)

    def _count(self, member: Member) -> None:
        if member.rejected:
            return
        result, steps = self.result, member.steps
        planned = UNTIL_DISPATCH if member.is_part else len(member.record.steps)
        result.rows += 1
        result.imported += steps == 1 + planned
        result.unchanged += not steps and not member.merged_now
        result.continued += steps < 1 + planned and bool(steps or member.merged_now)
        result.merged += member.merged_now
        result.events += 0 if self._dry_run else steps + member.merge_events
        for remark in member.record.remarks:
            result.remarks.setdefault(remark, []).append(member.row.line)

    def _reject_member(self, member: Member, reason: str) -> None:
        member.rejected = True
        self._reject(member.row, reason)

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

    async def _merge(self, member: Member, first: Record) -> None:
        """Make a case part of the first report's, unless a person has taken it out of one.

        Where one of the two has gone too far they stay two.
        """
        record, store = member.record, self._services.store
        events = await store.read(record.case_id)
        topics = {event.topic for event in events}
        if "case.unmerged" in topics:
            return
        if "case.merged" in topics:
            member.is_part = True
        elif self._dry_run:
            other = await store.read(first.case_id, limit=1)
            states = [
                (await store.load(InspectionCase, case_id)).status if there else None
                for case_id, there in ((record.case_id, events), (first.case_id, other))
            ]
            member.is_part = states[0] in (None, *UNSOLVED) and states[1] in (None, *OPEN)
            member.merged_now = member.is_part
        else:
            absorbed, merged = (
                self._context(record, topic, self._run)
                for topic in ("case.absorbed", "case.merged")
            )
            await _patiently(lambda: self._finish_merging(record, first, absorbed, merged))
            found = await store.read(record.case_id)
            member.is_part = any(event.topic == "case.merged" for event in found)
            member.merged_now = await self._wrote(first.case_id, absorbed)
            member.merge_events = member.merged_now + await self._wrote(record.case_id, merged)

    async def _finish_merging(
        self, record: Record, first: Record, absorbed: CommandContext, merged: CommandContext
    ) -> None:
        reason, into, services = _same(record, first), first.case_id, self._services
        command = MergeCase(into_case_id=into, reason=reason)
        try:
            await merge_case(record.case_id, command, absorbed, services)
            await finish_merge(record.case_id, into, reason, merged, services)
        except Refused:
            return  # one of them has gone too far, or an import beside this one was faster

    async def _wrote(self, stream_id: str, context: CommandContext) -> bool:
        """Whether a command of this run has left its event: nothing is written where it is so."""
        sent = {"command_id": str(context.command_id), "causation_id": str(self._run)}
        events = await self._services.store.read(stream_id)
        return any(sent.items() <= each.metadata.items() for each in events)

    async def _remaining(self, record: Record, done: int) -> AsyncIterator[None]:
        """Send the commands behind the first `done`, yielding after each."""
        services = self._services
        if done == 0:
            context = self._context(record, "case.reported")
            await report_case(record.report, context, services, case_id=record.case_id)
            yield
        first = max(done - 1, 0)
        for (topic, handler), command in zip(HANDLERS[first:], record.steps[first:], strict=False):
            context = self._context(record, topic)
            deadlines = [record.deadline] if record.deadline else None
            more = {"given": deadlines} if handler is dispatch_case else {}
            await handler(record.case_id, command, context, services, **more)
            yield

    async def _steps_done(self, record: Record) -> int:
        """How many events of the record its stream holds; `BadRecord` where it tells otherwise."""
        events = await self._services.store.read(record.case_id)
        if not events:
            return 0
        _compare(record, events)
        merges = [
            event.topic for event in events if event.topic in ("case.merged", "case.unmerged")
        ]
        if merges[-1:] == ["case.merged"]:
            return 1 + len(record.steps)  # it goes on as part of another case
        planned = ["case.reported", *(topic for topic, _ in HANDLERS[: len(record.steps)])]
        found = [event.topic for event in events if event.topic not in BESIDE]
        common = min(len(planned), len(found))
        if planned[:common] != found[:common]:
            raise BadRecord("the case was imported and has gone another way since: left as it is")
        return common

    def _context(self, record: Record, purpose: str, cause: UUID | None = None) -> CommandContext:
        source = f"citybrain:import:{self._mapping.source}:{record.key}"
        correlation = uuid5(NAMESPACE_URL, source)
        return CommandContext(
            actor=ACTOR,
            channel=IMPORT_CHANNEL,
            command_id=uuid5(correlation, purpose),
            correlation_id=correlation,
            causation_id=cause,
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
        if event.topic == "case.dispatched" and _imported(event) and not _due(record, event):
            differing.append("due date of case.dispatched")
        if event.topic in ("case.handled", "case.closed") and step is not None:
            for name in ("occurred_at", "note"):
                if _imported(event) and event.data.get(name) != getattr(step, name, None):
                    differing.append(f"{name} of {event.topic}")
    if differing:
        raise BadRecord(f"the record has changed since it was imported: {', '.join(differing)}")


def _due(record: Record, event: RecordedEvent) -> bool:
    """Whether a dispatch has the record's due date, where both know of such dates."""
    begun = event.data.get("begun")
    if record.deadline is None or begun is None:
        return True
    return record.deadline["due_at"] in [each["due_at"] for each in begun]


def _same(record: Record, first: Record) -> str:
    """Why they are merged, and how the record of the one that goes on in the other ended."""
    reason = f"the same problem was reported as {first.report.external_ref}"
    ended = record.steps[-1]
    if len(record.steps) < len(HANDLERS) or ended.occurred_at is None:
        return reason
    return f"{reason}; its own record was closed at {ended.occurred_at.isoformat()}"


async def _patiently(work: Callable[[], Awaitable[None]]) -> None:
    """Do it again where the store was away or busy; it is safe to repeat."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await work()
            return
        except (Unavailable, TooContended):
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(RETRY_SECONDS * 2**attempt)


def _imported(event: RecordedEvent) -> bool:
    return event.metadata.get("channel") == IMPORT_CHANNEL


def _reason(error: BadRecord | ValidationError) -> str:
    if isinstance(error, BadRecord):
        return str(error)
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
