"""Brings a 311 extract in, through the same commands as everybody's.

Each row's case id and command ids follow from the row, and a case is taken on from where its
stream stands: an import that is repeated changes nothing, one that was killed goes on, and
two at once do not disturb each other. A row is rehearsed to its end before its first event is
written: it is brought in whole or rejected. Rows that report one problem are merged into the
earliest once they are dispatched; what a person has taken apart stays apart. What has changed at
the source since is followed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from citybrain.definitions.inspection.cases import cases_at
from citybrain.definitions.inspection.imports_311 import Import311
from commands.csv_rows import CsvRows, Row, open_rows
from commands.inspection.imports.bringing import BringingIn, Member, reason_of
from commands.inspection.imports.duplicates import Outline, outline, rows_of
from commands.inspection.imports.record_311 import BadRecord, Record, read_record
from commands.inspection.imports.rehearsal import rehearsing
from commands.services import Services

CONCURRENT_ROWS = 64
SEEN_AGAIN = "reported again after one nearby was closed: a case of its own"


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


class Import:
    """One run over one file. A dry run is the same run over a store in which nothing is kept."""

    def __init__(self, services: Services, *, dry_run: bool = False) -> None:
        self._services = services
        self._mapping = services.definitions.of(Import311)
        self._dry_run = dry_run
        self._run = uuid4()
        self._lines_of: dict[str, int] = {}
        self._outline = Outline({}, frozenset(), frozenset(), None)
        self._sizes: Counter[str] = Counter()
        self._waiting: dict[str, list[Member]] = {}
        self.result = ImportResult()

    async def run(self, path: Path, progress: Callable[[int], None] = lambda _: None) -> None:
        """Bring in every row; `progress` is called with the bytes read so far.

        Raises `InvalidInput` on a file of another kind, and `Unavailable` when the store stays
        away; what was brought in by then stays, and a later run goes on from there.
        """
        now = self._services.clock()
        definitions = cases_at(self._services.definitions, now)
        self._outline = outline(path, self._mapping, definitions, now)
        self._sizes = Counter(self._outline.first_of.values())
        limit = asyncio.Semaphore(CONCURRENT_ROWS)
        with open_rows(path) as file:
            rows = rows_of(file, path, self._mapping)
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
            self._reject(row, reason_of(error))
            return []
        first = self._outline.first_of.get(member.record.key)
        if first is None:
            return [member]
        members = self._waiting.setdefault(first, [])
        members.append(member)
        if len(members) < self._sizes[first]:
            return []
        del self._waiting[first]
        return sorted(members, key=lambda each: each.record.key != first)

    def _read(self, row: Row) -> Record:
        record = read_record(row, self._mapping)
        first = self._lines_of.setdefault(record.key, row.line)
        if first != row.line:
            raise BadRecord(f"Unique Key stands in line {first} already")
        return record

    async def _problem(self, members: list[Member]) -> None:
        """Bring rows of one problem in, once each has been rehearsed to its end."""
        for each in members:
            rehearsed = self._bringing(rehearsing(self._services), Member(each.row, each.record))
            await rehearsed.whole()
            if (reason := rehearsed.member.rejected) is not None:
                self._reject(each.row, reason)
                each.rejected = reason
            elif self._dry_run and len(members) == 1 and each.record.merged_into is None:
                self._count(rehearsed.member)  # the run would be the same once more
                return
        services = rehearsing(self._services) if self._dry_run else self._services
        rows = [self._bringing(services, each) for each in members if each.rejected is None]
        await self._bring_in(rows, members[0])
        for member in (each.member for each in rows):
            if member.rejected is not None:
                self._reject(member.row, member.rejected)
            else:
                self._count(member)

    async def _bring_in(self, rows: list[BringingIn], first: Member) -> None:
        """Up to their dispatch, merged, and then to their ends."""
        into = first.record if first.rejected is None else None
        if len(rows) > 1 and into is not None:
            for each in rows:
                await each.until_dispatch()
        for each in rows:
            if into is not None and each.member.record.key != into.key:
                await each.merge(into.case_id, f"{self._mapping.source}:{into.key}")
            elif (parent := each.member.record.merged_into) is not None:
                apart = each.member.record.key in self._outline.apart
                await each.merge_as_at_its_source(None if apart else parent)
        for each in rows:
            await each.whole()

    def _bringing(self, services: Services, member: Member) -> "BringingIn":
        return BringingIn(services, self._mapping.source, self._run, self._outline.as_of, member)

    def _count(self, member: Member) -> None:
        result, steps = self.result, member.steps
        result.rows += 1
        result.imported += member.is_new
        result.unchanged += not steps and not member.merged_now
        result.continued += not member.is_new and bool(steps or member.merged_now)
        result.merged += member.merged_now
        result.events += 0 if self._dry_run else steps + member.merge_events
        again = [SEEN_AGAIN] if member.record.key in self._outline.seen_again else []
        for remark in dict.fromkeys((*member.record.remarks, *member.remarks, *again)):
            result.remarks.setdefault(remark, []).append(member.row.line)

    def _reject(self, row: Row, reason: str) -> None:
        self.result.rows += 1
        self.result.rejected.append(Rejected(row.line, reason, row.raw))
