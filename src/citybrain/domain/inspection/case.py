"""Inspection cases: from a report to its closing, each step by its role only.

Stream `case-<id>`. Here are its state, the table of the steps on its way and the decisions for
them; joint decisions, merges, approvals, alarms and comments are decided beside this file, as plain
functions of the state. Lifecycle after GB/T 30428: collection, filing, dispatch, handling,
verification, closing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

from citybrain.domain.actor import WATCHERS, Actor, Role, RoleNotAllowed
from citybrain.domain.inspection import (
    alarm_events,
    approval_events,
    case_events,
    daily_events,
    merging_events,
    publication_events,
    refusals,
)
from citybrain.domain.inspection.case_events import CaseEvent, CasePlace, CaseReported, CaseSource
from citybrain.domain.inspection.case_snapshots import second_version, third_version
from citybrain.domain.inspection.deadlines import Deadline, Ended, RunningDeadline, ended_by
from citybrain.domain.inspection.merging_events import KeptDetection
from citybrain.domain.inspection.statuses import AT_WORK, WITH_DEPARTMENTS, CaseStatus
from citybrain.domain.separation import check_apart
from citybrain.domain.stream import StreamAggregate, StreamEvent
from citybrain.domain.times import TimeOutOfOrder, as_text, not_future

EVENTS: tuple[type[CaseReported | CaseEvent], ...] = (
    *case_events.EVENTS,
    *merging_events.EVENTS,
    *approval_events.EVENTS,
    *alarm_events.EVENTS,
    *publication_events.EVENTS,
    *daily_events.EVENTS,
)
EVENT_OF = {event.TOPIC: event for event in EVENTS}
"""What an event of a case is, by its topic: its class says what follows from it."""

# --- who may do what, and when ------------------------------------------------------------

CENTRE = (Role.OPERATOR, Role.SYSTEM)
HANDLERS = (Role.OFFICIAL, Role.SYSTEM)
REPORTERS = {
    CaseSource.CAMERA: (*WATCHERS, Role.SYSTEM),
    CaseSource.CITIZEN: (Role.CITIZEN, Role.SYSTEM),
    CaseSource.OFFICIAL: (Role.OFFICIAL, Role.OPERATOR, Role.SYSTEM),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a case: what it does to it, who may take it, and at which status."""

    done: str
    roles: tuple[Role, ...]
    follows: tuple[CaseStatus, ...]


# `system` may take every step but an approval: an import brings in what others did.
FILE = Step("filed", CENTRE, (CaseStatus.REPORTED,))
DISPATCH = Step("dispatched", CENTRE, (CaseStatus.FILED,))
ACCEPT = Step("accepted", HANDLERS, WITH_DEPARTMENTS)
HANDLE = Step("handled", HANDLERS, AT_WORK)
RETURN = Step("returned", CENTRE, (CaseStatus.HANDLED,))
VERIFY = Step("verified", CENTRE, (CaseStatus.HANDLED,))
CLOSE = Step("closed", CENTRE, (CaseStatus.VERIFIED,))
REOPEN = Step("reopened", CENTRE, (CaseStatus.CLOSED,))

# --- state --------------------------------------------------------------------------------


class Reported(NamedTuple):
    """What a case begins with. `occurred_at`: now where absent; `begun`: the first deadlines."""

    source: CaseSource
    class_code: str
    description: str
    latitude: float | None
    longitude: float | None
    address: str | None
    confidence: int | None
    evidence_sha256: Sequence[str]
    simulated: bool
    external_ref: str | None
    occurred_at: datetime | None = None
    place: CasePlace | None = None
    attributes: dict[str, list[str]] | None = None
    begun: Sequence[Deadline] = ()
    visibility: str | None = None
    description_sealed: str | None = None


class InspectionCase(StreamAggregate):
    """One street problem and what became of it.

    `now` is the clock of whoever decides. Where a step's `occurred_at` is absent it happened
    now, or with the step before it where that one's clock was ahead of ours. `begun` are the
    deadlines that a step lets run, from the definitions in force.
    """

    TOPIC: ClassVar[str] = "case"
    category: ClassVar[str] = "case"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = EVENTS
    class_version: ClassVar[int] = 6  # of its snapshots

    # What was reported of it.
    source: str
    class_code: str
    description: str
    latitude: float | None
    longitude: float | None
    address: str | None
    confidence: int | None
    evidence_sha256: list[str]
    simulated: bool
    external_ref: str | None
    place: CasePlace | None
    attributes: dict[str, list[str]] | None
    reported_at: datetime
    last_occurred_at: datetime

    # What the second version of the state has brought.
    tasks: list[dict[str, Any]]
    handled_at: datetime | None
    recheck_at: str | None
    times_reopened: int
    times_extended: int
    deadlines: list[RunningDeadline]
    deferred_at: datetime | None
    deferred_until: str | None
    requests: list[dict[str, Any]]
    detections: dict[str, KeptDetection]
    absorbed: list[str]
    merged_into: str | None
    status_before_merge: str | None

    # What the third version of the state has brought.
    visibility: str
    description_sealed: str | None
    priority: str
    assignees: dict[str, str]
    field_check: dict[str, Any] | None
    rating: int | None
    rated_closing: int | None
    subscribers: list[str]
    asset_code: str | None
    asset_owner: str | None

    public_photos: list[str]  # since the fourth version
    handlers: list[str]  # since the fifth
    deadlines_before_merge: list[RunningDeadline]  # since the sixth

    def __init__(self) -> None:
        self.status: str = CaseStatus.REPORTED.value
        self.departments: list[str] = []
        self.lead: str | None = None
        self.accepted_by: list[str] = []
        self.times_returned = 0
        state = vars(self)
        state.update(second_version())
        state.update(third_version())
        self.public_photos = []
        self.handlers = []
        self.deadlines_before_merge = []

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Snapshots from before deadlines, merges and approvals."""
        state.update(second_version() | {"place": None, "attributes": None})

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Snapshots from before the centre's daily work, and what is public."""
        state.update(third_version())

    @staticmethod
    def upcast_v3_v4(state: dict[str, Any]) -> None:
        """Snapshots from before anybody could see a photo."""
        state["public_photos"] = []

    @staticmethod
    def upcast_v4_v5(state: dict[str, Any]) -> None:
        """Snapshots from before it was known who had handled a case."""
        state["handlers"] = []

    @staticmethod
    def upcast_v5_v6(state: dict[str, Any]) -> None:
        """Snapshots from before what ran for a case ended as it was merged."""
        state["deadlines_before_merge"] = []

    @classmethod
    def report(
        cls, actor: Actor, now: datetime, reported: Reported, *, case_id: str | None = None
    ) -> "InspectionCase":
        """Open a case; raises `RoleNotAllowed` or `TimeOutOfOrder`."""
        require_role(actor, "reported", REPORTERS[reported.source])
        at = reported.occurred_at
        said = reported._asdict() | {
            "source": reported.source.value,
            "evidence_sha256": list(reported.evidence_sha256),
            "occurred_at": now if at is None else not_future(at, now),
            "begun": list(reported.begun),
        }
        return cls._create(CaseReported, id=case_id or cls.new_id(), timestamp=now, **said)

    # --- the way of a case

    def file(
        self,
        actor: Actor,
        now: datetime,
        *,
        definitions_version: str,
        begun: Sequence[Deadline] = (),
        occurred_at: datetime | None = None,
    ) -> None:
        """Make the report a case; raises `PlaceMissing` where nobody has said where it is."""
        self.check(FILE, actor)
        if self.latitude is None:
            raise refusals.PlaceMissing("nobody has found where it is")
        self.step(
            actor,
            case_events.CaseFiled,
            now,
            occurred_at,
            begun,
            definitions_version=definitions_version,
        )

    def dispatch(
        self,
        actor: Actor,
        now: datetime,
        *,
        departments: list[str],
        lead: str,
        definitions_version: str,
        begun: Sequence[Deadline] = (),
        occurred_at: datetime | None = None,
    ) -> None:
        """Send the case to its departments; `lead` is one of them. Raises `InvalidDispatch`."""
        self.check(DISPATCH, actor)
        if len(set(departments)) != len(departments):
            raise refusals.InvalidDispatch("a department is named twice")
        if lead not in departments:
            raise refusals.InvalidDispatch("the lead is not one of the departments", lead=lead)
        self.step(
            actor,
            case_events.CaseDispatched,
            now,
            occurred_at,
            begun,
            departments=list(departments),
            lead=lead,
            definitions_version=definitions_version,
        )

    def accept(
        self, actor: Actor, now: datetime, *, department: str, occurred_at: datetime | None = None
    ) -> None:
        """A department takes the case on, the lead or another. Raises `AlreadyAccepted`."""
        self.check(ACCEPT, actor, department)
        if department in self.accepted_by:
            raise refusals.AlreadyAccepted(
                f"{department} has accepted this case", department=department
            )
        reaches = "accepted" if department == self.lead else None
        self.step(
            actor,
            case_events.CaseAccepted,
            now,
            occurred_at,
            department=department,
            reaches=reaches,
        )

    def handle(
        self,
        actor: Actor,
        now: datetime,
        *,
        department: str,
        note: str,
        evidence_sha256: list[str],
        begun: Sequence[Deadline] = (),
        recheck_at: datetime | None = None,
        occurred_at: datetime | None = None,
    ) -> None:
        """The lead reports the problem solved, with at least one digest of evidence."""
        self.check(HANDLE, actor, department)
        self.require_lead(department)
        if open_tasks := self.open_tasks():
            raise refusals.TasksOpen(
                "departments have not finished their parts", departments=open_tasks
            )
        self.step(
            actor,
            case_events.CaseHandled,
            now,
            occurred_at,
            begun,
            department=department,
            note=note,
            evidence_sha256=list(evidence_sha256),
            recheck_at=recheck_at and as_text(recheck_at),
            handled_by=actor.subject,
        )

    def return_for_rework(
        self,
        actor: Actor,
        now: datetime,
        *,
        reason: str,
        begun: Sequence[Deadline] = (),
        occurred_at: datetime | None = None,
    ) -> None:
        """Verification failed: the lead handles it again."""
        self.check(RETURN, actor)
        self.step(actor, case_events.CaseReturned, now, occurred_at, begun, reason=reason)

    def verify(
        self, actor: Actor, now: datetime, *, note: str, occurred_at: datetime | None = None
    ) -> None:
        """Verification found the problem solved; raises `SamePerson` for who has handled it."""
        self.check(VERIFY, actor)
        self.check_handled_by_others(actor)
        self.step(actor, case_events.CaseVerified, now, occurred_at, note=note)

    def check_handled_by_others(self, actor: Actor) -> None:
        """Who has solved it, in whatever role, does not say that it is solved.

        Raises `SamePerson`. Cameras and imports say what others did.
        """
        if not actor.has(Role.SYSTEM):
            people = [*self.handlers, *self.assignees.values()]
            check_apart(actor, {"handled-it": people}, refusals.SamePerson)

    def note_handler(self, subject: str | None) -> None:
        """Somebody has done it, or a part of it."""
        if subject is not None and subject not in self.handlers:
            self.handlers.append(subject)

    def fail_recheck(
        self, actor: Actor, now: datetime, *, camera_ids: Sequence[str], reason: str
    ) -> None:
        """The cameras cannot show that the problem is gone; a person verifies."""
        self.check(VERIFY, actor)
        self.note(case_events.CaseRecheckFailed, now, camera_ids=list(camera_ids), reason=reason)

    def close(
        self,
        actor: Actor,
        now: datetime,
        *,
        resolution: str,
        public_answer: str | None = None,
        occurred_at: datetime | None = None,
    ) -> None:
        """End a verified case; `resolution` stays within, `public_answer` is for all."""
        self.check(CLOSE, actor)
        self.step(
            actor,
            case_events.CaseClosed,
            now,
            occurred_at,
            resolution=resolution,
            public_answer=public_answer,
        )

    def reopen(
        self,
        actor: Actor,
        now: datetime,
        *,
        reason: str,
        begun: Sequence[Deadline] = (),
        occurred_at: datetime | None = None,
    ) -> None:
        """The problem is there again: the lead handles it again."""
        self.check(REOPEN, actor)
        said = {"reason": reason, "detection_id": None}
        self.step(actor, case_events.CaseReopened, now, occurred_at, begun, **said)

    # --- what is asked of the state

    def has_detection(self, detection_id: str) -> bool:
        """Whether a detection is evidence of this case."""
        return detection_id in self.detections

    def running(self, code: str | None) -> RunningDeadline:
        """The deadline of this code; raises `NoSuchDeadline`."""
        for deadline in self.deadlines:
            if deadline["code"] == code:
                return deadline
        known = [deadline["code"] for deadline in self.deadlines]
        raise refusals.NoSuchDeadline(f"no deadline {code!r} runs", running=known)

    def open_tasks(self) -> list[str]:
        """The departments that have not finished their part of the joint decision."""
        return [task["department"] for task in self.tasks if not task["finished"]]

    # --- what every decision needs

    def check(
        self, step: Step, actor: Actor, department: str | None = None, *, deferred: bool = False
    ) -> None:
        """Role, then status, then department; the first that does not fit is the refusal."""
        require_role(actor, step.done, step.roles)
        if department not in (None, actor.department) and not actor.has(Role.SYSTEM):
            raise RoleNotAllowed("an official acts for their own department only")
        self.require_status(step)
        if self.deferred_at is not None and not deferred:
            raise refusals.StandsStill("the case is deferred", until=self.deferred_until)
        if department is not None and department not in self.departments:
            raise refusals.DepartmentNotAssigned(
                f"the case was not dispatched to {department}", departments=list(self.departments)
            )

    def require_status(self, step: Step) -> None:
        """Raises `WrongCaseStatus` where the step does not follow."""
        if self.status not in step.follows:
            raise refusals.WrongCaseStatus(
                f"a case that is {self.status} cannot be {step.done}",
                case_status=self.status,
                follows=[status.value for status in step.follows],
            )

    def require_lead(self, department: str | None) -> None:
        """Raises `DepartmentNotAssigned` for whoever does not lead."""
        if department != self.lead:
            raise refusals.DepartmentNotAssigned(f"{self.lead} leads this case", lead=self.lead)

    def step(
        self,
        actor: Actor,
        event: type[CaseEvent],
        now: datetime,
        occurred_at: datetime | None,
        begun: Sequence[Deadline] = (),
        *,
        reaches: str | None = None,
        **values: Any,
    ) -> None:
        """Something happened in the world, not before the step that it follows.

        A deadline is met by when we are told; an import tells what another system knew then.
        """
        if occurred_at is None:
            occurred_at = max(now, self.last_occurred_at)
        elif not_future(occurred_at, now) < self.last_occurred_at:
            raise TimeOutOfOrder(
                "this step lies before the one it follows",
                occurred_at=occurred_at.isoformat(),
                follows=self.last_occurred_at.isoformat(),
            )
        at = occurred_at.astimezone(UTC)
        told_at = at if actor.has(Role.SYSTEM) else now
        self._record(event, now, at, begun, self._ended(event, told_at, reaches), values)

    def note(
        self, event: type[CaseEvent], now: datetime, begun: Sequence[Deadline] = (), **values: Any
    ) -> None:
        """Something was found or settled about the case, just now."""
        at = now.astimezone(UTC)
        self._record(event, now, at, begun, self._ended(event, at, None), values)

    def _ended(self, event: type[CaseEvent], at: datetime, reaches: str | None) -> list[Ended]:
        return ended_by(self.deadlines, at, ends=event.ends, reaches=reaches, drops=event.drops)

    def _record(
        self,
        event: type[CaseEvent],
        now: datetime,
        at: datetime,
        begun: Sequence[Deadline],
        ended: list[Ended],
        values: dict[str, Any],
    ) -> None:
        self.trigger_event(
            event, timestamp=now, occurred_at=at, begun=list(begun), ended=ended, **values
        )


def require_role(actor: Actor, done: str, roles: tuple[Role, ...]) -> None:
    """Raises `RoleNotAllowed`."""
    if not actor.has(*roles):
        named = " or ".join(role for role in roles if role is not Role.SYSTEM) or Role.SYSTEM
        raise RoleNotAllowed(f"for a case to be {done} takes the role {named}")
