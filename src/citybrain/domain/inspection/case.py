"""Inspection cases: from a report to its closing, each step by its role only.

Stream `case-<id>`; its events are in `citybrain.domain.inspection.case_events`.
Lifecycle after GB/T 30428: collection, filing, dispatch, handling, verification, closing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.inspection import case_events as events
from citybrain.domain.inspection.case_events import (
    CaseDetection,
    CaseEvent,
    CasePlace,
    CaseReported,
    CaseSource,
    CaseStatus,
    Change,
    KeptDetection,
    Task,
)
from citybrain.domain.inspection.deadlines import (
    Deadline,
    Ended,
    MovedDeadline,
    RunningDeadline,
    Stage,
    begin,
    ended_by,
    next_alarm,
)
from citybrain.domain.stream import StreamAggregate, StreamEvent
from citybrain.domain.times import CLOCK_TOLERANCE, TimeOutOfOrder, as_text, moment, not_future
from citybrain.errors import Forbidden, InvalidInput, Refused

C = TypeVar("C")

LONGEST_DEFERRAL = timedelta(days=366)
IN_ONE_EVENT = 500  # detections
CENTRE_ITSELF = "centre"  # responsible for what no department does


# --- refusals -----------------------------------------------------------------------------


class WrongCaseStatus(Refused):
    """The case is not at the step that this command continues."""

    code = "wrong-case-status"


class DepartmentNotAssigned(Refused):
    """The department is not among those the case was dispatched to, or does not lead it."""

    code = "department-not-assigned"


class InvalidDispatch(Refused):
    """A dispatch names departments once each, and one of them as the lead."""

    code = "invalid-dispatch"


class AlreadyAccepted(Refused):
    """This department has accepted the case before."""

    code = "already-accepted"


class LeadCannotDecline(Refused):
    """The lead does not decline: it asks for the case to be handed back."""

    code = "lead-cannot-decline"


class TasksOpen(Refused):
    """Departments have not finished their parts of the joint decision."""

    code = "tasks-open"


class NoSuchTask(Refused):
    """The department has no unfinished part in the joint decision."""

    code = "no-such-task"


class NoSuchDeadline(Refused):
    """No deadline of this code runs."""

    code = "no-such-deadline"


class NoSuchRequest(Refused):
    """There is no open request of this id."""

    code = "no-such-request"


class AlreadyRequested(Refused):
    """A change of this kind has been asked for and is not settled."""

    code = "already-requested"


class SamePerson(Forbidden):
    """Who asks for a change does not approve it."""

    code = "same-person"


class CaseDeferred(Refused):
    """The case is deferred: it is resumed before anything else is done."""

    code = "case-deferred"


class NotDeferred(Refused):
    """The case is not deferred."""

    code = "not-deferred"


class CannotMerge(Refused):
    """These two cases cannot be one."""

    code = "cannot-merge"


class NotMerged(Refused):
    """The case is not merged, or not with this one."""

    code = "not-merged"


class NoSuchDetection(Refused):
    """The detection does not belong to the case."""

    code = "no-such-detection"


# --- who may do what, and when ------------------------------------------------------------

CENTRE = (Role.OPERATOR, Role.SYSTEM)
HANDLERS = (Role.OFFICIAL, Role.SYSTEM)
ANYBODY_AT_WORK = (Role.OFFICIAL, Role.OPERATOR, Role.SYSTEM)
APPROVERS = (Role.SUPERVISOR,)
COMMENTERS = (Role.CITIZEN, Role.SYSTEM)
REPORTERS = {
    CaseSource.CAMERA: (Role.DEVICE, Role.SYSTEM),
    CaseSource.CITIZEN: (Role.CITIZEN, Role.SYSTEM),
    CaseSource.OFFICIAL: (Role.OFFICIAL, Role.OPERATOR, Role.SYSTEM),
}
UNFILED = (CaseStatus.REPORTED, CaseStatus.FILED)
WITH_DEPARTMENTS = (
    CaseStatus.DISPATCHED, CaseStatus.ACCEPTED, CaseStatus.RETURNED, CaseStatus.REOPENED,
)  # fmt: skip
AT_WORK = (CaseStatus.ACCEPTED, CaseStatus.RETURNED, CaseStatus.REOPENED)
BEING_CHECKED = (CaseStatus.HANDLED, CaseStatus.VERIFIED)
UNSOLVED = (*UNFILED, *WITH_DEPARTMENTS)
OPEN = (*UNSOLVED, *BEING_CHECKED)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a case: what it does to it, who may take it, and at which status."""

    done: str
    roles: tuple[Role, ...]
    follows: tuple[CaseStatus, ...]


# `system` may take every step but an approval: an import brings in what others did.
FILE = Step("filed", CENTRE, (CaseStatus.REPORTED,))
DISPATCH = Step("dispatched", CENTRE, (CaseStatus.FILED,))
ACCEPT = Step("accepted", HANDLERS, (CaseStatus.DISPATCHED, *AT_WORK))
DECLINE = Step("declined", HANDLERS, WITH_DEPARTMENTS)
DECIDE = Step("decided", HANDLERS, AT_WORK)
WORK = Step("worked on", HANDLERS, WITH_DEPARTMENTS)
HANDLE = Step("handled", HANDLERS, AT_WORK)
RETURN = Step("returned", CENTRE, (CaseStatus.HANDLED,))
VERIFY = Step("verified", CENTRE, (CaseStatus.HANDLED,))
CLOSE = Step("closed", CENTRE, (CaseStatus.VERIFIED,))
REOPEN = Step("reopened", CENTRE, (CaseStatus.CLOSED,))
DETECT = Step("detected", (Role.SYSTEM,), (*OPEN, CaseStatus.CLOSED))
SEPARATE = Step("separated", CENTRE, (*OPEN, CaseStatus.CLOSED))
ABSORB = Step("joined by another", CENTRE, OPEN)
MERGE = Step("merged", CENTRE, UNSOLVED)
UNMERGE = Step("unmerged", CENTRE, (CaseStatus.MERGED,))
RESUME = Step("resumed", ANYBODY_AT_WORK, OPEN)
REQUESTS = {
    Change.HAND_BACK: Step("handed back", (Role.OFFICIAL,), WITH_DEPARTMENTS),
    Change.VOID: Step("voided", (Role.OFFICIAL, Role.OPERATOR), UNSOLVED),
    Change.EXTENSION: Step("extended", (Role.OFFICIAL,), WITH_DEPARTMENTS),
    Change.DEFERRAL: Step("deferred", (Role.OFFICIAL,), WITH_DEPARTMENTS),
}

# --- state and decisions ------------------------------------------------------------------


class InspectionCase(StreamAggregate):
    """One street problem and what became of it.

    `now` is the clock of whoever decides. Where a step's `occurred_at` is absent it happened
    now, or with the step before it where that one's clock was ahead of ours. `begun` are the
    deadlines that a step lets run, from the definitions in force.
    """

    TOPIC: ClassVar[str] = "case"
    category: ClassVar[str] = "case"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = events.EVENTS
    class_version: ClassVar[int] = 2  # of its snapshots

    def __init__(
        self,
        source: str,
        class_code: str,
        description: str,
        latitude: float,
        longitude: float,
        address: str | None,
        confidence: int | None,
        evidence_sha256: list[str],
        simulated: bool,
        external_ref: str | None,
        occurred_at: datetime,
        place: CasePlace | None = None,
        attributes: dict[str, list[str]] | None = None,
        begun: list[Deadline] | None = None,
    ) -> None:
        self.status: str = CaseStatus.REPORTED.value
        self.source = source
        self.class_code = class_code
        self.description = description
        self.latitude = latitude
        self.longitude = longitude
        self.address = address
        self.confidence = confidence
        self.evidence_sha256 = list(evidence_sha256)
        self.simulated = simulated
        self.external_ref = external_ref
        self.reported_at = occurred_at
        self.last_occurred_at = occurred_at
        self.departments: list[str] = []
        self.lead: str | None = None
        self.accepted_by: list[str] = []
        self.times_returned = 0
        vars(self).update(_second_version())
        self.place = place
        self.attributes = attributes
        begin(self.deadlines, begun or ())

    place: CasePlace | None
    attributes: dict[str, list[str]] | None
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

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Snapshots from before deadlines, merges and approvals."""
        state.update(_second_version())

    @classmethod
    def report(
        cls,
        actor: Actor,
        now: datetime,
        *,
        case_id: str | None = None,
        source: CaseSource,
        class_code: str,
        description: str,
        latitude: float,
        longitude: float,
        address: str | None,
        confidence: int | None,
        evidence_sha256: list[str],
        simulated: bool,
        external_ref: str | None,
        occurred_at: datetime | None = None,
        place: CasePlace | None = None,
        attributes: dict[str, list[str]] | None = None,
        begun: Sequence[Deadline] = (),
    ) -> "InspectionCase":
        """Open a case; raises `RoleNotAllowed` or `TimeOutOfOrder`."""
        _require_role(actor, "reported", REPORTERS[source])
        return cls._create(
            CaseReported,
            id=case_id or cls.new_id(),
            timestamp=now,
            source=source.value,
            class_code=class_code,
            description=description,
            latitude=latitude,
            longitude=longitude,
            address=address,
            confidence=confidence,
            evidence_sha256=list(evidence_sha256),
            simulated=simulated,
            external_ref=external_ref,
            occurred_at=now if occurred_at is None else not_future(occurred_at, now),
            place=place,
            attributes=attributes,
            begun=list(begun),
        )

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
        """Make the report a case."""
        self._check(FILE, actor)
        self._step(
            actor,
            events.CaseFiled,
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
        self._check(DISPATCH, actor)
        if len(set(departments)) != len(departments):
            raise InvalidDispatch("a department is named twice")
        if lead not in departments:
            raise InvalidDispatch("the lead is not one of the departments", lead=lead)
        self._step(
            actor,
            events.CaseDispatched,
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
        self._check(ACCEPT, actor, department)
        if department in self.accepted_by:
            raise AlreadyAccepted(f"{department} has accepted this case", department=department)
        reaches = "accepted" if department == self.lead else None
        self._step(
            actor, events.CaseAccepted, now, occurred_at, department=department, reaches=reaches
        )

    def decline(
        self,
        actor: Actor,
        now: datetime,
        *,
        department: str,
        reason: str,
        occurred_at: datetime | None = None,
    ) -> None:
        """A department that does not lead has no part in it. Raises `LeadCannotDecline`."""
        self._check(DECLINE, actor, department)
        if department == self.lead:
            raise LeadCannotDecline("the lead asks for the case to be handed back")
        if any(task["department"] == department for task in self.tasks):
            raise TasksOpen(f"{department} has a part in the joint decision")
        self._step(
            actor, events.CaseDeclined, now, occurred_at, department=department, reason=reason
        )

    def decide(
        self,
        actor: Actor,
        now: datetime,
        *,
        department: str,
        plan: str,
        tasks: Sequence[Task],
        occurred_at: datetime | None = None,
    ) -> None:
        """The lead settles what each department does; a later decision replaces it."""
        self._check(DECIDE, actor, department)
        self._require_lead(department)
        named = [task["department"] for task in tasks]
        if len(set(named)) != len(named):
            raise InvalidDispatch("a department is named twice")
        if others := set(named) - set(self.departments):
            raise DepartmentNotAssigned(
                f"the case was not dispatched to {', '.join(sorted(others))}",
                departments=list(self.departments),
            )
        self._step(
            actor,
            events.CaseDecided,
            now,
            occurred_at,
            department=department,
            plan=plan,
            tasks=[dict(task) for task in tasks],
        )

    def finish_task(
        self,
        actor: Actor,
        now: datetime,
        *,
        department: str,
        note: str,
        evidence_sha256: list[str],
        occurred_at: datetime | None = None,
    ) -> None:
        """A department did its part. Raises `NoSuchTask`."""
        self._check(WORK, actor, department)
        if department not in self._open_tasks():
            raise NoSuchTask(f"{department} has no unfinished part in the joint decision")
        self._step(
            actor,
            events.CaseTaskFinished,
            now,
            occurred_at,
            department=department,
            note=note,
            evidence_sha256=list(evidence_sha256),
        )

    def reach_milestone(
        self,
        actor: Actor,
        now: datetime,
        *,
        department: str,
        milestone: str,
        note: str,
        evidence_sha256: list[str],
        occurred_at: datetime | None = None,
    ) -> None:
        """Meet a deadline within the handling. Raises `NoSuchDeadline`."""
        self._check(WORK, actor, department)
        known = [each["until"] for each in self.deadlines if each["stage"] == Stage.HANDLING]
        if milestone in ("accepted", Stage.HANDLING) or milestone not in known:
            raise NoSuchDeadline(f"no deadline runs until {milestone!r}", running=known)
        self._step(
            actor,
            events.CaseMilestoneReached,
            now,
            occurred_at,
            department=department,
            milestone=milestone,
            note=note,
            evidence_sha256=list(evidence_sha256),
            reaches=milestone,
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
        self._check(HANDLE, actor, department)
        self._require_lead(department)
        if open_tasks := self._open_tasks():
            raise TasksOpen("departments have not finished their parts", departments=open_tasks)
        self._step(
            actor,
            events.CaseHandled,
            now,
            occurred_at,
            begun,
            department=department,
            note=note,
            evidence_sha256=list(evidence_sha256),
            recheck_at=recheck_at and as_text(recheck_at),
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
        self._check(RETURN, actor)
        self._step(actor, events.CaseReturned, now, occurred_at, begun, reason=reason)

    def verify(
        self, actor: Actor, now: datetime, *, note: str, occurred_at: datetime | None = None
    ) -> None:
        """Verification found the problem solved."""
        self._check(VERIFY, actor)
        self._step(actor, events.CaseVerified, now, occurred_at, note=note)

    def fail_recheck(
        self, actor: Actor, now: datetime, *, camera_ids: Sequence[str], reason: str
    ) -> None:
        """The cameras cannot show that the problem is gone; a person verifies."""
        self._check(VERIFY, actor)
        self._note(events.CaseRecheckFailed, now, camera_ids=list(camera_ids), reason=reason)

    def close(
        self, actor: Actor, now: datetime, *, resolution: str, occurred_at: datetime | None = None
    ) -> None:
        """End a verified case."""
        self._check(CLOSE, actor)
        self._step(actor, events.CaseClosed, now, occurred_at, resolution=resolution)

    def reopen(
        self, actor: Actor, now: datetime, *, reason: str, begun: Sequence[Deadline] = ()
    ) -> None:
        """The problem is there again: the lead handles it again."""
        self._check(REOPEN, actor)
        self._step(actor, events.CaseReopened, now, None, begun, reason=reason, detection_id=None)

    def comment(
        self,
        actor: Actor,
        now: datetime,
        *,
        comment_id: str,
        stated: str | None = None,
        written_at: datetime | None = None,
    ) -> None:
        """Somebody outside says something of the case, wherever it stands."""
        _require_role(actor, "commented on", COMMENTERS)
        written_at = now if written_at is None else not_future(written_at, now)
        if written_at < self.reported_at - CLOCK_TOLERANCE:
            raise TimeOutOfOrder("a comment lies before the report of its case")
        self._note(
            events.CaseCommented,
            now,
            author=actor.subject,
            comment_id=comment_id,
            stated=stated,
            written_at=as_text(written_at),
        )

    # --- detections and merges

    def has_detection(self, detection_id: str) -> bool:
        """Whether a detection is evidence of this case."""
        return detection_id in self.detections

    def merge_detection(
        self,
        actor: Actor,
        now: datetime,
        *,
        detection: CaseDetection,
        rework: Sequence[Deadline],
        reopened: Sequence[Deadline],
    ) -> None:
        """Take a detection as evidence; nothing happens where it is already.

        Seen again after the handling the case is returned, after the closing reopened: that is
        what the deadlines `rework` and `reopened` are for. Which cases a detection may belong to
        is not decided here.
        """
        self._check(DETECT, actor, deferred=True)
        if self.has_detection(detection["detection_id"]):
            return
        solved_at = self.handled_at or self.last_occurred_at
        again = moment(detection["occurred_at"]) > solved_at
        self._note(events.CaseDetectionMerged, now, detection=dict(detection))
        if self.status == CaseStatus.CLOSED and again:
            self._step(
                actor,
                events.CaseReopened,
                now,
                None,
                reopened,
                reason="detected again",
                detection_id=detection["detection_id"],
            )
        elif self.status in BEING_CHECKED and again:
            self._step(actor, events.CaseReturned, now, None, rework, reason="detected again")

    def separate_detection(
        self,
        actor: Actor,
        now: datetime,
        *,
        detection: CaseDetection,
        new_case_id: str,
        reason: str,
    ) -> None:
        """A detection is another problem. Raises `NoSuchDetection`, `CannotMerge` for the last."""
        self._check(SEPARATE, actor, deferred=True)
        if not self.has_detection(detection["detection_id"]):
            raise NoSuchDetection("the detection does not belong to this case")
        if len(self.detections) == 1 and self.source == CaseSource.CAMERA:
            raise CannotMerge("it is the only detection of the case; void the case")
        self._note(
            events.CaseDetectionSeparated,
            now,
            detection=dict(detection),
            new_case_id=new_case_id,
            reason=reason,
        )

    def absorb(self, actor: Actor, now: datetime, *, other: "InspectionCase", reason: str) -> None:
        """Take in another case that is the same problem; it is told by `merge`."""
        self._check(ABSORB, actor, deferred=True)
        if other.id in self.absorbed:
            return
        if other.id == self.id or other.class_code != self.class_code:
            raise CannotMerge("two cases of one class are merged")
        if self.id in other.absorbed or self.detections.keys() & other.detections.keys():
            raise CannotMerge("the other case has taken in this one, or a part of it")
        if other.status not in MERGE.follows:
            raise CannotMerge(
                f"a case that is {other.status} is not merged into another",
                case_status=other.status,
            )
        detections = [
            {"detection_id": each, "camera_id": seen["camera_id"], "case_id": seen["case_id"]}
            for each, seen in other.detections.items()
        ]
        for some in _chunks(detections):
            self._note(events.CaseAbsorbed, now, case_id=other.id, reason=reason, detections=some)

    def merge(self, actor: Actor, now: datetime, *, into_case_id: str, reason: str) -> None:
        """Go on as part of another case, which has absorbed this one."""
        if self.merged_into == into_case_id:
            return
        self._check(MERGE, actor, deferred=True)
        if into_case_id in self.absorbed:
            raise CannotMerge("the other case has been merged into this one")
        self._note(events.CaseMerged, now, into_case_id=into_case_id, reason=reason)

    def unmerge(self, actor: Actor, now: datetime, *, reason: str) -> None:
        """Stand alone again; the other case is told by `release`. Raises `NotMerged`."""
        _require_role(actor, UNMERGE.done, UNMERGE.roles)
        if self.merged_into is None:
            raise NotMerged("the case is not merged")
        self._note(events.CaseUnmerged, now, from_case_id=self.merged_into, reason=reason)

    def release(self, actor: Actor, now: datetime, *, case_id: str, reason: str) -> None:
        """Let a case go that had been merged into this one, with what came with it."""
        _require_role(actor, "left", CENTRE)
        if case_id not in self.absorbed:
            return
        ids = [each for each, seen in self.detections.items() if seen["with_case_id"] == case_id]
        for some in _chunks(ids):
            self._note(events.CaseReleased, now, case_id=case_id, detection_ids=some, reason=reason)

    # --- changes that a supervisor approves

    def request_change(
        self,
        actor: Actor,
        now: datetime,
        *,
        request_id: str,
        change: Change,
        reason: str,
        department: str | None = None,
        deadline: str | None = None,
        amount: float | None = None,
        until: datetime | None = None,
    ) -> None:
        """Ask for a hand-back, a voiding, an extension or a deferral."""
        self._check(REQUESTS[change], actor, department)
        if actor.has(Role.OFFICIAL):
            if department is None:
                raise DepartmentNotAssigned("an official asks for their department")
            self._require_lead(department)
        if any(each["change"] == change for each in self.requests):
            raise AlreadyRequested(f"a {change} has been asked for", change=change.value)
        if change is Change.EXTENSION:
            unit = self.running(deadline)["unit"]
            if unit == "working-days" and amount != int(amount or 0):
                raise InvalidInput("working days are whole")
        if until is not None and not now < until <= now + LONGEST_DEFERRAL:
            raise TimeOutOfOrder("a deferral ends within a year from now")
        self._note(
            events.CaseChangeRequested,
            now,
            request_id=request_id,
            change=change.value,
            reason=reason,
            requested_by=actor.subject,
            department=department,
            deadline=deadline,
            amount=amount,
            until=until and as_text(until),
        )

    def deny(self, actor: Actor, now: datetime, *, request_id: str, note: str) -> None:
        """Do not approve a request."""
        request = self.request_to_settle(actor, request_id)
        self._note(
            events.CaseChangeDenied, now, request_id=request_id, note=note, change=request["change"]
        )

    def approve(
        self,
        actor: Actor,
        now: datetime,
        *,
        request_id: str,
        note: str,
        begun: Sequence[Deadline] = (),
        moved: Sequence[MovedDeadline] = (),
    ) -> None:
        """Do what was asked for, where the case still allows it.

        `begun`: the deadlines of a new dispatch; `moved`: an extension's new times.
        """
        request = self.request_to_settle(actor, request_id)
        change = Change(request["change"])
        self._require_status(REQUESTS[change])
        settled = {"request_id": request_id, "note": note, "reason": request["reason"]}
        if change is Change.HAND_BACK:
            if self.deferred_at is not None:
                raise CaseDeferred("the case is deferred", until=self.deferred_until)
            self._note(
                events.CaseHandedBack, now, begun, department=request["department"], **settled
            )
        elif change is Change.VOID:
            self._note(events.CaseVoided, now, **settled)
        elif change is Change.EXTENSION:
            self._note(events.CaseExtended, now, moved=list(moved), **settled)
        elif moment(request["until"]) <= now:
            raise TimeOutOfOrder("the time until which it was to be deferred has passed")
        else:
            self._note(events.CaseDeferred, now, until=request["until"], **settled)

    def resume(self, actor: Actor, now: datetime, *, moved: Sequence[MovedDeadline]) -> None:
        """End a deferral; `moved` are the deadlines with what was left of their time."""
        self._check(RESUME, actor, deferred=True)
        if self.deferred_at is None:
            raise NotDeferred("the case is not deferred")
        if not actor.has(*CENTRE) and actor.department not in self.departments:
            raise DepartmentNotAssigned(
                "the case was not dispatched to this department", departments=list(self.departments)
            )
        self._note(events.CaseResumed, now, moved=list(moved))

    def request_to_settle(self, actor: Actor, request_id: str) -> dict[str, Any]:
        """The open request; raises `NoSuchRequest`, `RoleNotAllowed` or `SamePerson`."""
        _require_role(actor, "changed", APPROVERS)
        for request in self.requests:
            if request["request_id"] == request_id:
                if request["requested_by"] == actor.subject:
                    raise SamePerson("who asks for a change does not settle it")
                return request
        raise NoSuchRequest("there is no such open request")

    # --- deadlines

    def running(self, code: str | None) -> RunningDeadline:
        """The deadline of this code; raises `NoSuchDeadline`."""
        for each in self.deadlines:
            if each["code"] == code:
                return each
        known = [each["code"] for each in self.deadlines]
        raise NoSuchDeadline(f"no deadline {code!r} runs", running=known)

    def alarm_at(self) -> datetime | None:
        """When somebody has to be told something, or a deferral or a recheck is due."""
        if self.status not in OPEN:
            return None
        if self.deferred_until is not None:
            return moment(self.deferred_until)
        alarms = [next_alarm(self.deadlines), self.recheck_at and moment(self.recheck_at)]
        return min((alarm for alarm in alarms if alarm), default=None)

    def raise_alarms(self, actor: Actor, now: datetime) -> None:
        """Warn of deadlines that come near, escalate those that have passed; once each."""
        _require_role(actor, "escalated", (Role.SYSTEM,))
        if self.status not in OPEN or self.deferred_at is not None:
            return
        for each in list(self.deadlines):
            if not each["missed"] and moment(each["due_at"]) <= now:
                self._alarm(events.CaseDeadlineMissed, now, each)
            elif not each["warned"] and moment(each["warn_at"]) <= now:
                self._alarm(events.CaseDeadlineWarned, now, each)

    def _alarm(self, event: type[CaseEvent], now: datetime, deadline: RunningDeadline) -> None:
        ours = deadline["stage"] != Stage.HANDLING
        self._note(
            event,
            now,
            code=deadline["code"],
            stage=deadline["stage"],
            due_at=deadline["due_at"],
            responsible=CENTRE_ITSELF if ours else self.lead or CENTRE_ITSELF,
        )

    # --- what every decision needs

    def _check(
        self, step: Step, actor: Actor, department: str | None = None, *, deferred: bool = False
    ) -> None:
        """Role, then status, then department; the first that does not fit is the refusal."""
        _require_role(actor, step.done, step.roles)
        if department not in (None, actor.department) and not actor.has(Role.SYSTEM):
            raise RoleNotAllowed("an official acts for their own department only")
        self._require_status(step)
        if self.deferred_at is not None and not deferred:
            raise CaseDeferred("the case is deferred", until=self.deferred_until)
        if department is not None and department not in self.departments:
            raise DepartmentNotAssigned(
                f"the case was not dispatched to {department}", departments=list(self.departments)
            )

    def _require_status(self, step: Step) -> None:
        if self.status not in step.follows:
            raise WrongCaseStatus(
                f"a case that is {self.status} cannot be {step.done}",
                case_status=self.status,
                follows=[status.value for status in step.follows],
            )

    def _require_lead(self, department: str | None) -> None:
        if department != self.lead:
            raise DepartmentNotAssigned(f"{self.lead} leads this case", lead=self.lead)

    def _open_tasks(self) -> list[str]:
        return [task["department"] for task in self.tasks if not task["finished"]]

    def _step(
        self,
        actor: Actor,
        event: type[CaseEvent],
        now: datetime,
        occurred_at: datetime | None,
        begun: Sequence[Deadline] = (),
        *,
        reaches: str | None = None,
        **fields: Any,
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
        self._record(event, now, at, begun, self._ended(event, told_at, reaches), fields)

    def _note(
        self, event: type[CaseEvent], now: datetime, begun: Sequence[Deadline] = (), **fields: Any
    ) -> None:
        """Something was found or settled about the case, just now."""
        at = now.astimezone(UTC)
        self._record(event, now, at, begun, self._ended(event, at, None), fields)

    def _ended(self, event: type[CaseEvent], at: datetime, reaches: str | None) -> list[Ended]:
        return ended_by(self.deadlines, at, ends=event.ends, reaches=reaches, drops=event.drops)

    def _record(
        self,
        event: type[CaseEvent],
        now: datetime,
        at: datetime,
        begun: Sequence[Deadline],
        ended: list[Ended],
        fields: dict[str, Any],
    ) -> None:
        self.trigger_event(
            event, timestamp=now, occurred_at=at, begun=list(begun), ended=ended, **fields
        )


def _second_version() -> dict[str, Any]:
    """What the state has held since deadlines, merges and approvals; at its beginning."""
    return {
        "place": None,
        "attributes": None,
        "tasks": [],
        "handled_at": None,
        "recheck_at": None,
        "times_reopened": 0,
        "times_extended": 0,
        "deadlines": [],
        "deferred_at": None,
        "deferred_until": None,
        "requests": [],
        "detections": {},
        "absorbed": [],
        "merged_into": None,
        "status_before_merge": None,
    }


def _chunks(many: list[C]) -> list[list[C]]:
    """What fits into one event each; of nothing, nothing once."""
    return [many[at : at + IN_ONE_EVENT] for at in range(0, len(many), IN_ONE_EVENT)] or [[]]


def _require_role(actor: Actor, done: str, roles: tuple[Role, ...]) -> None:
    if not actor.has(*roles):
        named = " or ".join(role for role in roles if role is not Role.SYSTEM) or Role.SYSTEM
        raise RoleNotAllowed(f"for a case to be {done} takes the role {named}")
