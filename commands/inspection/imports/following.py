"""From where a case stands to where its record says it is: the steps that are missing.

Its source may have gone on, gone back (open again), sent it to another agency or called it
something else: each becomes an event that says so. What an event cannot change any more, such as a
date, stays as it was told first, and is remarked on. A step lies where its record says, and not
before the one that it follows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import Field

from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.inspection import elsewhere
from citybrain.domain.inspection.case import EVENT_OF, InspectionCase
from citybrain.domain.inspection.case_events import IMPORT_CHANNEL
from citybrain.domain.inspection.statuses import WITH_DEPARTMENTS, CaseStatus
from commands.fields import Code, Moment, Text
from commands.handling import Command, CommandContext, CommandResult
from commands.inspection.case import (
    AcceptCase,
    DispatchCase,
    ReopenCase,
    StepCommand,
    accept_case,
    change_case,
    close_case,
    dispatch_case,
    file_case,
    handle_case,
    reopen_case,
    report_case,
    verify_case,
)
from commands.inspection.imports.record_311 import BadRecord, Record
from commands.services import Services

# Which handler takes a case one step further, and the event that it leaves.
HANDLERS: tuple[tuple[str, Any], ...] = (
    ("case.filed", file_case),
    ("case.dispatched", dispatch_case),
    ("case.accepted", accept_case),
    ("case.handled", handle_case),
    ("case.verified", verify_case),
    ("case.closed", close_case),
)
DONE = {
    CaseStatus.REPORTED: 0,
    CaseStatus.FILED: 1,
    CaseStatus.DISPATCHED: 2,
    CaseStatus.ACCEPTED: 3,
    CaseStatus.RETURNED: 3,
    CaseStatus.REOPENED: 3,
    CaseStatus.HANDLED: 4,
    CaseStatus.VERIFIED: 5,
    CaseStatus.CLOSED: 6,
}
"""How many of these a case has behind it."""

UNTIL_DISPATCH = 2
WAY = frozenset(topic for topic, event in EVENT_OF.items() if event.leads_to is not None) - {
    "case.merged",
    "case.unmerged",
}
"""The events that take a case further on its way, or back."""

COMPARED = ("occurred_at", "description", "latitude", "longitude", "address", "external_ref")
OLDER = "it is closed here and open in this file, which is older than the closing: left as it is"
AGENCY_LATER = "its Agency was changed after its handling: left as it is"
CLOSED_BEFORE = "its Closed Date was moved back at its source: left as it is"


class ReclassifyThere(Command):
    """Its source calls it a problem of another class."""

    class_code: Code
    reason: Text
    occurred_at: Moment


class TakeBackThere(Command):
    """Its source has taken it from its agency."""

    reason: Text = Field(min_length=1)
    occurred_at: Moment


async def reclassify_case(
    case_id: str, command: ReclassifyThere, context: CommandContext, services: Services
) -> CommandResult:
    """Note that it is of another class."""

    def decide(case: InspectionCase, now: datetime) -> None:
        version = cases_at(services.definitions, now).version
        elsewhere.reclassify(case, context.actor, now, **vars(command), definitions_version=version)

    return await change_case(case_id, command, context, services, decide)


async def take_back_case(
    case_id: str, command: TakeBackThere, context: CommandContext, services: Services
) -> CommandResult:
    """Note that its agency has it no more."""

    def decide(case: InspectionCase, now: datetime) -> None:
        elsewhere.take_back(case, context.actor, now, **vars(command))

    return await change_case(case_id, command, context, services, decide)


@dataclass(frozen=True, slots=True)
class Planned:
    """A step to take: the event that it leaves, its handler and its command."""

    topic: str
    handler: Any
    command: Command
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Ahead:
    """What is ahead of a case, and what is to be said of its record."""

    record: Record
    last: datetime
    steps: list[Planned] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, topic: str, handler: Any, command: Command, **more: Any) -> None:
        """One more step; the next ones do not lie before it."""
        self.steps.append(Planned(topic, handler, command, more))
        self.last = getattr(command, "occurred_at", None) or self.last

    def on_the_way(self, done: int, until: int, accepted_by: Sequence[str] = ()) -> None:
        """The steps of the record behind the first `done`."""
        found = zip(HANDLERS, self.record.steps, strict=False)
        for (topic, handler), command in list(found)[done:until]:
            if isinstance(command, AcceptCase) and command.department in accepted_by:
                continue
            more = {}
            if isinstance(command, DispatchCase):
                more["given"] = [self.record.deadline] if self.record.deadline else None
            self.add(topic, handler, self._not_before(topic, command), **more)

    def _not_before(self, topic: str, command: StepCommand) -> StepCommand:
        """The time of a verification or closing is its record's own; others are assumed."""
        if topic in ("case.verified", "case.closed") or command.occurred_at is None:
            return command
        return command.model_copy(update={"occurred_at": max(command.occurred_at, self.last)})

    def changed_at(self) -> datetime:
        """When its source changed it, as far as the record tells."""
        updated, closed = self.record.dates.updated, self.record.dates.closed
        at = max(self.last, updated or self.last)
        return min(at, max(closed, self.last)) if closed else at


def ahead(
    record: Record,
    case: InspectionCase | None,
    events: Sequence[Any],
    as_of: datetime | None,
    until: int,
) -> Ahead:
    """What is missing, `until` so many steps behind the report.

    Raises `BadRecord` where people here have taken the case another way.
    """
    if case is None:
        found = Ahead(record, record.dates.created)
        found.add("case.reported", report_case, record.report, case_id=record.case_id)
        found.on_the_way(0, until)
        if record.is_open_again and until > UNTIL_DISPATCH:
            _reopen(found, "open again at its source", as_of)
        return found
    found = Ahead(record, case.last_occurred_at)
    if case.status in (CaseStatus.MERGED, CaseStatus.VOIDED):
        return found
    _require_same_way(record, events)
    _remark_differences(found, case, events)
    here = [each for each in events if each.topic == "case.reclassified" and not is_imported(each)]
    if record.report.class_code != case.class_code and not here:
        reason = f"its source calls it {record.report.description}"
        at = found.changed_at()
        command = ReclassifyThere(
            class_code=record.report.class_code, reason=reason, occurred_at=at
        )
        found.add("case.reclassified", reclassify_case, command)
    done, is_open = DONE[CaseStatus(case.status)], case.status in WITH_DEPARTMENTS
    again = case.status == CaseStatus.CLOSED and _open_again(found, events, as_of)
    if again:
        closed = "closed again" if record.is_closed else "open again"
        _reopen(found, f"{closed} at its source", as_of)
        done, is_open = 3, True
    accepted_by: Sequence[str] = case.accepted_by
    if case.lead is not None and record.department != case.lead:
        if not is_open:
            found.remarks.append(AGENCY_LATER)
        else:
            _send_on(found)
            done, accepted_by = UNTIL_DISPATCH, ()
    if not record.is_open_again:
        found.on_the_way(done, until, accepted_by)
    elif done == UNTIL_DISPATCH:
        found.on_the_way(done, UNTIL_DISPATCH + 1, accepted_by)
    return found


def _send_on(found: Ahead) -> None:
    department, at = found.record.department, found.changed_at()
    reason = f"its source has given it to {department}"
    found.add("case.handed_back", take_back_case, TakeBackThere(reason=reason, occurred_at=at))
    dispatch = DispatchCase(occurred_at=at, departments=[department], lead=department)
    given = [found.record.deadline] if found.record.deadline else None
    found.add("case.dispatched", dispatch_case, dispatch, given=given)


def _reopen(found: Ahead, reason: str, as_of: datetime | None) -> None:
    """Open again since its last update, or some time before the file was made."""
    updated, record = found.record.dates.updated, found.record
    if updated is not None and updated > found.last:
        at = (
            min(updated, record.dates.closed)
            if record.is_closed and record.dates.closed
            else updated
        )
    else:
        at = found.last if record.is_closed else max(found.last, as_of or found.last)
    at = max(at, found.last)
    found.add("case.reopened", reopen_case, ReopenCase(reason=reason), occurred_at=at)
    found.last = at


def _open_again(found: Ahead, events: Sequence[Any], as_of: datetime | None) -> bool:
    """Whether a case that is closed here has been open since, by its record."""
    last = next((each for each in reversed(events) if each.topic == "case.closed"), None)
    closed = found.record.dates.closed
    if last is None or not is_imported(last):
        return False  # people here closed it, or an import beside this one just now
    closing: datetime = last.data["occurred_at"]
    if found.record.is_closed and closed is not None:
        if closed < closing:
            found.remarks.append(CLOSED_BEFORE)
        return closed > closing
    again = closed >= closing if closed else as_of is not None and as_of > closing
    if not again:
        found.remarks.append(OLDER)
    return again


def _require_same_way(record: Record, events: Sequence[Any]) -> None:
    """Raises `BadRecord` where steps of people here are not those of the record."""
    steps = [each for each in events if each.topic in WAY]
    if all(is_imported(each) for each in steps):
        return
    planned = ["case.reported", *(topic for topic, _ in HANDLERS[: len(record.steps)])]
    topics = [each.topic for each in steps]
    common = min(len(planned), len(topics))
    if planned[:common] != topics[:common]:
        raise BadRecord("the case was imported and has gone another way since: left as it is")


def _remark_differences(found: Ahead, case: InspectionCase, events: Sequence[Any]) -> None:
    """What the record says otherwise than it did, and no event changes any more.

    The bytes of its row may differ: the same record is exported in several forms.
    """
    record, told = found.record, events[0].data
    differing = [name for name in COMPARED if told.get(name) != getattr(record.report, name)]
    if record.report.class_code != case.class_code and "description" in differing:
        differing.remove("description")  # its words go with its class
    dispatched = [each for each in events if each.topic == "case.dispatched"][-1:]
    if any(is_imported(each) and not _due(record, each) for each in dispatched):
        differing.append("due date")
    if differing:
        found.remarks.append(
            f"changed at its source and left as it was imported: {', '.join(differing)}"
        )


def _due(record: Record, event: Any) -> bool:
    """Whether a dispatch has the record's due date, where both know of such dates."""
    begun = event.data.get("begun")
    if record.deadline is None or begun is None:
        return True
    return record.deadline["due_at"] in [each["due_at"] for each in begun]


def is_imported(event: Any) -> bool:
    """Whether an import told of it."""
    return bool(event.metadata.get("channel") == IMPORT_CHANNEL)


def purposes(events: Sequence[Any], steps: Sequence[Planned]) -> list[str]:
    """What each step is for: its topic, and the how manieth of a case, so that ids differ."""
    counts, found = Counter(each.topic for each in events), []
    for step in steps:
        nth = counts[step.topic]
        found.append(f"{step.topic}:{nth}" if nth else step.topic)
        counts[step.topic] += 1
    return found
