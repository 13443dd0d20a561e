"""One row of an extract on its way into the store, or into one in which nothing is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import ValidationError

from citybrain.domain.actor import system_actor
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import IMPORT_CHANNEL
from citybrain.errors import CitybrainError, Refused, Unavailable
from citybrain.eventstore import WrongExpectedVersion
from commands.csv_rows import Row
from commands.handling import CommandContext, TooContended
from commands.inspection.imports.following import HANDLERS, UNTIL_DISPATCH, Planned, ahead, purposes
from commands.inspection.imports.record_311 import BadRecord, Record, case_id_of
from commands.inspection.merging import MergeCase, finish_merge, merge_case
from commands.services import Services

ATTEMPTS = 8
RETRY_SECONDS = 0.25
ACTOR = system_actor("import")
APART = "its source lets it go on in a record that was closed before: it stays on its own"
NOT_HERE = "the record that it goes on in at its source is not here: it stays on its own"


@dataclass(slots=True)
class Member:
    """A row on its way in, among those that report one problem, and what became of it."""

    row: Row
    record: Record
    is_new: bool = False
    steps: int = 0
    is_part: bool = False
    merged_now: bool = False
    merge_events: int = 0
    rejected: str | None = None
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BringingIn:
    """Brings one row in, a part of its way at a time; a refusal is the row's own.

    Nothing is done any more for a row that was rejected.
    """

    services: Services
    source: str
    run: UUID
    as_of: datetime | None
    member: Member

    async def until_dispatch(self) -> None:
        """As far as the step where it may be merged."""
        await self._guarded(lambda: self._go(UNTIL_DISPATCH))

    async def whole(self) -> None:
        """To where its record says it is, unless it goes on in another case."""
        until = UNTIL_DISPATCH if self.member.is_part else len(HANDLERS)
        await self._guarded(lambda: self._go(until))

    async def merge(self, into_case_id: str, into: str) -> None:
        """Make it part of another case, unless a person has taken it out of one."""
        await self._guarded(lambda: self._merge(into_case_id, into))

    async def merge_as_at_its_source(self, key: str | None) -> None:
        """Make it part of the case of a record that was imported before; None: it stays apart."""
        into = key and case_id_of(self.source, key)
        if not into or not await self.services.store.read(into, limit=1):
            self.member.remarks.append(NOT_HERE if key else APART)
            return
        await self.until_dispatch()
        await self.merge(into, f"{self.source}:{key}")

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        if self.member.rejected is not None:
            return
        try:
            await work()
        except (Unavailable, TooContended):
            raise  # not the row's fault
        except (BadRecord, ValidationError) as error:
            self.member.rejected = reason_of(error)
        except CitybrainError as error:
            self.member.rejected = f"{error.message} ({error.code})"

    async def _go(self, until: int) -> None:
        """Take the case from where it stands to where the record says.

        A refusal is believed when nobody else has moved the case meanwhile.
        """
        record, store, attempt = self.member.record, self.services.store, 0
        while True:
            events = await store.read(record.case_id)
            case = await store.load(InspectionCase, record.case_id) if events else None
            found = ahead(record, case, events, self.as_of, until)
            self.member.remarks += found.remarks
            taken = self.member.steps
            try:
                for purpose, step in zip(purposes(events, found.steps), found.steps, strict=True):
                    await self._take(step, self._context(purpose))
                return
            except (Refused, WrongExpectedVersion):
                done = self.member.steps - taken
                if len(await store.read(record.case_id)) == len(events) + done:
                    raise
            except (Unavailable, TooContended):
                attempt += 1
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(RETRY_SECONDS * 2**attempt)

    async def _take(self, step: Planned, context: CommandContext) -> None:
        is_report = step.topic == "case.reported"
        about = () if is_report else (self.member.record.case_id,)
        await step.handler(*about, step.command, context, self.services, **step.more)
        self.member.steps += 1
        self.member.is_new |= is_report

    async def _merge(self, into_case_id: str, into: str) -> None:
        """Where one of the two has gone too far they stay two."""
        member, store = self.member, self.services.store
        record = member.record
        topics = {event.topic for event in await store.read(record.case_id)}
        if "case.unmerged" in topics:
            return
        if "case.merged" in topics:
            member.is_part = True
            return
        absorbed, merged = (
            self._context(topic, self.run) for topic in ("case.absorbed", "case.merged")
        )
        command = MergeCase(into_case_id=into_case_id, reason=_same(record, into))
        await _patiently(lambda: self._finish_merging(command, absorbed, merged))
        found = await store.read(record.case_id)
        member.is_part = any(event.topic == "case.merged" for event in found)
        member.merged_now = await self._wrote(into_case_id, absorbed)
        member.merge_events = member.merged_now + await self._wrote(record.case_id, merged)

    async def _finish_merging(
        self, command: MergeCase, absorbed: CommandContext, merged: CommandContext
    ) -> None:
        case_id, services = self.member.record.case_id, self.services
        try:
            await merge_case(case_id, command, absorbed, services)
            await finish_merge(case_id, command.into_case_id, command.reason, merged, services)
        except Refused:
            return  # one of them has gone too far, or an import beside this one was faster

    async def _wrote(self, stream_id: str, context: CommandContext) -> bool:
        """Whether a command of this run has left its event: nothing is written where it is so."""
        sent = {"command_id": str(context.command_id), "causation_id": str(self.run)}
        events = await self.services.store.read(stream_id)
        return any(sent.items() <= each.metadata.items() for each in events)

    def _context(self, purpose: str, cause: UUID | None = None) -> CommandContext:
        source = f"citybrain:import:{self.source}:{self.member.record.key}"
        correlation = uuid5(NAMESPACE_URL, source)
        return CommandContext(
            actor=ACTOR,
            channel=IMPORT_CHANNEL,
            command_id=uuid5(correlation, purpose),
            correlation_id=correlation,
            causation_id=cause,
        )


def reason_of(error: BadRecord | ValidationError) -> str:
    """Why a row is rejected, without what it says."""
    if isinstance(error, BadRecord):
        return str(error)
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"


def _same(record: Record, into: str) -> str:
    """Why they are merged, and how the record of the one that goes on in the other ended."""
    reason = f"the same problem was reported as {into}"
    if not record.is_closed or record.dates.closed is None:
        return reason
    return f"{reason}; its own record was closed at {record.dates.closed.isoformat()}"


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
