"""Inspection cases: from a report to its closing, each step by its role only.

Stream `case-<id>`. The topics below are the storage format: never rename one.
Lifecycle after GB/T 30428: collection, filing, dispatch, handling, verification, closing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.actor import Actor, Role
from citybrain.domain.stream import (
    StreamAggregate,
    StreamCreated,
    StreamEvent,
    register_stream,
)
from citybrain.errors import Forbidden, Refused

CLOCK_TOLERANCE = timedelta(minutes=5)


class CaseStatus(StrEnum):
    """Where a case stands."""

    REPORTED = "reported"
    FILED = "filed"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    HANDLED = "handled"
    RETURNED = "returned"
    VERIFIED = "verified"
    CLOSED = "closed"


class CaseSource(StrEnum):
    """Who noticed the problem."""

    CAMERA = "camera"
    CITIZEN = "citizen"
    OFFICIAL = "official"


# --- events -------------------------------------------------------------------------------


class CaseReported(StreamCreated):
    """Somebody or a camera noticed a problem. Coordinates are WGS-84 degrees."""

    TOPIC: ClassVar[str] = "case.reported"
    source: str
    class_code: str
    description: str
    latitude: float
    longitude: float
    address: str | None
    confidence: int | None
    evidence_sha256: list[str]
    simulated: bool
    external_ref: str | None
    occurred_at: datetime


class CaseStep(StreamEvent):
    """A later event of a case; `occurred_at` is the time in the world, UTC."""

    status: ClassVar[CaseStatus]
    occurred_at: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.status = self.status.value
        aggregate.last_occurred_at = self.occurred_at


class CaseFiled(CaseStep):
    """The report became a case."""

    TOPIC: ClassVar[str] = "case.filed"
    status = CaseStatus.FILED
    definitions_version: str


class CaseDispatched(CaseStep):
    """The case went to its departments, one of which leads."""

    TOPIC: ClassVar[str] = "case.dispatched"
    status = CaseStatus.DISPATCHED
    departments: list[str]
    lead: str
    definitions_version: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.departments = list(self.departments)
        aggregate.lead = self.lead


class CaseAccepted(CaseStep):
    """A department took the case on; the case is accepted when the lead has."""

    TOPIC: ClassVar[str] = "case.accepted"
    department: str

    def apply(self, aggregate: Any) -> None:
        aggregate.accepted_by.append(self.department)
        aggregate.last_occurred_at = self.occurred_at
        if self.department == aggregate.lead:
            aggregate.status = CaseStatus.ACCEPTED.value


class CaseHandled(CaseStep):
    """The lead department solved the problem and shows the evidence."""

    TOPIC: ClassVar[str] = "case.handled"
    status = CaseStatus.HANDLED
    department: str
    note: str
    evidence_sha256: list[str]


class CaseReturned(CaseStep):
    """Verification found the problem unsolved: rework."""

    TOPIC: ClassVar[str] = "case.returned"
    status = CaseStatus.RETURNED
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.times_returned += 1


class CaseVerified(CaseStep):
    """Verification found the problem solved."""

    TOPIC: ClassVar[str] = "case.verified"
    status = CaseStatus.VERIFIED
    note: str


class CaseClosed(CaseStep):
    """The end of the case."""

    TOPIC: ClassVar[str] = "case.closed"
    status = CaseStatus.CLOSED
    resolution: str


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


class TimeOutOfOrder(Refused):
    """`occurred_at` lies before the step it follows, or in the future."""

    code = "time-out-of-order"


class RoleNotAllowed(Forbidden):
    """The actor's roles do not include one that may take this step."""

    code = "role-not-allowed"


# --- who may do what, and when ------------------------------------------------------------

CENTRE = (Role.OPERATOR, Role.SYSTEM)
HANDLERS = (Role.OFFICIAL, Role.SYSTEM)
REPORTERS = {
    CaseSource.CAMERA: (Role.DEVICE, Role.SYSTEM),
    CaseSource.CITIZEN: (Role.CITIZEN, Role.SYSTEM),
    CaseSource.OFFICIAL: (Role.OFFICIAL, Role.OPERATOR, Role.SYSTEM),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a case: what it does to it, who may take it, and at which status."""

    done: str
    roles: tuple[Role, ...]
    follows: tuple[CaseStatus, ...]


# `system` may take every step: an import brings in what others did.
FILE = Step("filed", CENTRE, (CaseStatus.REPORTED,))
DISPATCH = Step("dispatched", CENTRE, (CaseStatus.FILED,))
ACCEPT = Step("accepted", HANDLERS, (CaseStatus.DISPATCHED, CaseStatus.ACCEPTED))
HANDLE = Step("handled", HANDLERS, (CaseStatus.ACCEPTED, CaseStatus.RETURNED))
RETURN = Step("returned", CENTRE, (CaseStatus.HANDLED,))
VERIFY = Step("verified", CENTRE, (CaseStatus.HANDLED,))
CLOSE = Step("closed", CENTRE, (CaseStatus.VERIFIED,))

# --- state and decisions ------------------------------------------------------------------


class InspectionCase(StreamAggregate):
    """One street problem and what became of it.

    `now` is the clock of whoever decides. Where a step's `occurred_at` is absent it happened
    now, or with the step before it where that one's clock was ahead of ours.
    """

    TOPIC: ClassVar[str] = "case"
    category: ClassVar[str] = "case"

    def __init__(
        self, source: str, class_code: str, description: str, latitude: float, longitude: float,
        address: str | None, confidence: int | None, evidence_sha256: list[str],
        simulated: bool, external_ref: str | None, occurred_at: datetime,
    ) -> None:  # fmt: skip
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

    @classmethod
    def report(
        cls, actor: Actor, now: datetime, *, case_id: str | None = None, source: CaseSource,
        class_code: str, description: str, latitude: float, longitude: float,
        address: str | None, confidence: int | None, evidence_sha256: list[str],
        simulated: bool, external_ref: str | None, occurred_at: datetime | None = None,
    ) -> "InspectionCase":  # fmt: skip
        """Open a case; raises `RoleNotAllowed` or `TimeOutOfOrder`."""
        _require_role(actor, "reported", REPORTERS[source])
        return cls._create(
            CaseReported, id=case_id or cls.new_id(), timestamp=now, source=source.value,
            class_code=class_code, description=description, latitude=latitude,
            longitude=longitude, address=address, confidence=confidence,
            evidence_sha256=list(evidence_sha256), simulated=simulated, external_ref=external_ref,
            occurred_at=now if occurred_at is None else _not_future(occurred_at, now),
        )  # fmt: skip

    def file(
        self, actor: Actor, now: datetime, *, definitions_version: str,
        occurred_at: datetime | None = None,
    ) -> None:  # fmt: skip
        """Make the report a case."""
        self._check(FILE, actor)
        self._trigger(CaseFiled, now, occurred_at, definitions_version=definitions_version)

    def dispatch(
        self, actor: Actor, now: datetime, *, departments: list[str], lead: str,
        definitions_version: str, occurred_at: datetime | None = None,
    ) -> None:  # fmt: skip
        """Send the case to its departments; `lead` is one of them. Raises `InvalidDispatch`."""
        self._check(DISPATCH, actor)
        if len(set(departments)) != len(departments):
            raise InvalidDispatch("a department is named twice")
        if lead not in departments:
            raise InvalidDispatch("the lead is not one of the departments", lead=lead)
        self._trigger(
            CaseDispatched, now, occurred_at,
            departments=list(departments), lead=lead, definitions_version=definitions_version,
        )  # fmt: skip

    def accept(
        self, actor: Actor, now: datetime, *, department: str, occurred_at: datetime | None = None
    ) -> None:
        """A department takes the case on, the lead or another. Raises `AlreadyAccepted`."""
        self._check(ACCEPT, actor, department)
        if department in self.accepted_by:
            raise AlreadyAccepted(f"{department} has accepted this case", department=department)
        self._trigger(CaseAccepted, now, occurred_at, department=department)

    def handle(
        self, actor: Actor, now: datetime, *, department: str, note: str,
        evidence_sha256: list[str], occurred_at: datetime | None = None,
    ) -> None:  # fmt: skip
        """The lead reports the problem solved, with at least one digest of evidence."""
        self._check(HANDLE, actor, department)
        if department != self.lead:
            raise DepartmentNotAssigned(f"{self.lead} leads this case", lead=self.lead)
        self._trigger(
            CaseHandled, now, occurred_at,
            department=department, note=note, evidence_sha256=list(evidence_sha256),
        )  # fmt: skip

    def return_for_rework(
        self, actor: Actor, now: datetime, *, reason: str, occurred_at: datetime | None = None
    ) -> None:
        """Verification failed: the lead handles it again."""
        self._check(RETURN, actor)
        self._trigger(CaseReturned, now, occurred_at, reason=reason)

    def verify(
        self, actor: Actor, now: datetime, *, note: str, occurred_at: datetime | None = None
    ) -> None:
        """Verification found the problem solved."""
        self._check(VERIFY, actor)
        self._trigger(CaseVerified, now, occurred_at, note=note)

    def close(
        self, actor: Actor, now: datetime, *, resolution: str, occurred_at: datetime | None = None
    ) -> None:
        """End a verified case."""
        self._check(CLOSE, actor)
        self._trigger(CaseClosed, now, occurred_at, resolution=resolution)

    def _check(self, step: Step, actor: Actor, department: str | None = None) -> None:
        """Role, then status, then department; the first that does not fit is the refusal."""
        _require_role(actor, step.done, step.roles)
        if department not in (None, actor.department) and not actor.has(Role.SYSTEM):
            raise RoleNotAllowed("an official acts for their own department only")
        if self.status not in step.follows:
            raise WrongCaseStatus(
                f"a case that is {self.status} cannot be {step.done}",
                case_status=self.status,
                follows=[status.value for status in step.follows],
            )
        if department is not None and department not in self.departments:
            raise DepartmentNotAssigned(
                f"the case was not dispatched to {department}", departments=list(self.departments)
            )

    def _trigger(
        self, event: type[CaseStep], now: datetime, occurred_at: datetime | None, **fields: Any
    ) -> None:
        if occurred_at is None:
            occurred_at = max(now, self.last_occurred_at)
        elif _not_future(occurred_at, now) < self.last_occurred_at:
            raise TimeOutOfOrder(
                "this step lies before the one it follows",
                occurred_at=occurred_at.isoformat(),
                follows=self.last_occurred_at.isoformat(),
            )
        self.trigger_event(event, timestamp=now, occurred_at=occurred_at.astimezone(UTC), **fields)


def _require_role(actor: Actor, done: str, roles: tuple[Role, ...]) -> None:
    if not actor.has(*roles):
        named = " or ".join(role for role in roles if role is not Role.SYSTEM)
        raise RoleNotAllowed(f"for a case to be {done} takes the role {named}")


def _not_future(occurred_at: datetime, now: datetime) -> datetime:
    """`occurred_at` in UTC; raises `TimeOutOfOrder`, `ValueError` where it has no offset."""
    if occurred_at.tzinfo is None:
        raise ValueError("occurred_at has no offset from UTC")
    if occurred_at > now + CLOCK_TOLERANCE:
        raise TimeOutOfOrder("occurred_at lies in the future", occurred_at=occurred_at.isoformat())
    return occurred_at.astimezone(UTC)


register_stream(
    InspectionCase,
    CaseReported,
    CaseFiled,
    CaseDispatched,
    CaseAccepted,
    CaseHandled,
    CaseReturned,
    CaseVerified,
    CaseClosed,
)
