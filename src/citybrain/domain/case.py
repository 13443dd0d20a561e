"""Inspection cases: from a report to its closing, each step by its role only.

Stream `case-<id>`. The topics below are the storage format: never rename one.
Lifecycle after GB/T 30428: collection, filing, dispatch, handling, verification, closing.
"""

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
        aggregate.status = self.status
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
            aggregate.status = CaseStatus.ACCEPTED


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


class AlreadyAccepted(Refused):
    """This department has accepted the case before."""

    code = "already-accepted"


class TimeOutOfOrder(Refused):
    """`occurred_at` lies before the step it follows, or in the future."""

    code = "time-out-of-order"


class RoleNotAllowed(Forbidden):
    """The actor's roles do not include one that may take this step."""

    code = "role-not-allowed"


# --- state and decisions ------------------------------------------------------------------

REPORTERS = {
    CaseSource.CAMERA: (Role.DEVICE, Role.SYSTEM),
    CaseSource.CITIZEN: (Role.CITIZEN, Role.SYSTEM),
    CaseSource.OFFICIAL: (Role.OFFICIAL, Role.OPERATOR, Role.SYSTEM),
}
CENTRE = (Role.OPERATOR, Role.SYSTEM)
HANDLERS = (Role.OFFICIAL, Role.SYSTEM)


class InspectionCase(StreamAggregate):
    """One street problem and what became of it."""

    TOPIC: ClassVar[str] = "case"
    category: ClassVar[str] = "case"

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
    ) -> None:
        self.status: str = CaseStatus.REPORTED
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
        occurred_at: datetime,
    ) -> "InspectionCase":
        """Open a case; raises `RoleNotAllowed` or `TimeOutOfOrder`."""
        _require(actor, f"report as {source}", *REPORTERS[source])
        _refuse_future(occurred_at, now)
        return cls._create(
            CaseReported,
            id=case_id or cls.new_id(),
            timestamp=now,
            source=str(source),
            class_code=class_code,
            description=description,
            latitude=latitude,
            longitude=longitude,
            address=address,
            confidence=confidence,
            evidence_sha256=list(evidence_sha256),
            simulated=simulated,
            external_ref=external_ref,
            occurred_at=occurred_at,
        )

    def file(
        self, actor: Actor, now: datetime, *, definitions_version: str, occurred_at: datetime
    ) -> None:
        """Make the report a case."""
        _require(actor, "file", *CENTRE)
        self._require_status("file", CaseStatus.REPORTED)
        self._step(CaseFiled, now, occurred_at=occurred_at, definitions_version=definitions_version)

    def dispatch(
        self,
        actor: Actor,
        now: datetime,
        *,
        departments: list[str],
        lead: str,
        definitions_version: str,
        occurred_at: datetime,
    ) -> None:
        """Send the case to its departments; `lead` is one of them."""
        _require(actor, "dispatch", *CENTRE)
        self._require_status("dispatch", CaseStatus.FILED)
        if lead not in departments:
            raise DepartmentNotAssigned("the lead is one of the departments", lead=lead)
        self._step(
            CaseDispatched,
            now,
            occurred_at=occurred_at,
            departments=list(departments),
            lead=lead,
            definitions_version=definitions_version,
        )

    def accept(
        self, actor: Actor, now: datetime, *, department: str, occurred_at: datetime
    ) -> None:
        """A department takes the case on; the lead first or last."""
        self._require_member(actor, "accept", department)
        self._require_status("accept", CaseStatus.DISPATCHED, CaseStatus.ACCEPTED)
        self._require_assigned(department)
        if department in self.accepted_by:
            raise AlreadyAccepted(f"{department} has accepted this case", department=department)
        self._step(CaseAccepted, now, occurred_at=occurred_at, department=department)

    def handle(
        self,
        actor: Actor,
        now: datetime,
        *,
        department: str,
        note: str,
        evidence_sha256: list[str],
        occurred_at: datetime,
    ) -> None:
        """The lead reports the problem solved, with at least one digest of evidence."""
        self._require_member(actor, "handle", department)
        self._require_status("handle", CaseStatus.ACCEPTED, CaseStatus.RETURNED)
        self._require_assigned(department)
        if department != self.lead:
            raise DepartmentNotAssigned(f"{self.lead} leads this case", lead=self.lead)
        self._step(
            CaseHandled,
            now,
            occurred_at=occurred_at,
            department=department,
            note=note,
            evidence_sha256=list(evidence_sha256),
        )

    def return_for_rework(
        self, actor: Actor, now: datetime, *, reason: str, occurred_at: datetime
    ) -> None:
        """Verification failed: the lead handles it again."""
        _require(actor, "return", *CENTRE)
        self._require_status("return", CaseStatus.HANDLED)
        self._step(CaseReturned, now, occurred_at=occurred_at, reason=reason)

    def verify(self, actor: Actor, now: datetime, *, note: str, occurred_at: datetime) -> None:
        """Verification found the problem solved."""
        _require(actor, "verify", *CENTRE)
        self._require_status("verify", CaseStatus.HANDLED)
        self._step(CaseVerified, now, occurred_at=occurred_at, note=note)

    def close(self, actor: Actor, now: datetime, *, resolution: str, occurred_at: datetime) -> None:
        """End a verified case."""
        _require(actor, "close", *CENTRE)
        self._require_status("close", CaseStatus.VERIFIED)
        self._step(CaseClosed, now, occurred_at=occurred_at, resolution=resolution)

    def _step(
        self, event: type[CaseStep], now: datetime, *, occurred_at: datetime, **fields: Any
    ) -> None:
        _refuse_future(occurred_at, now)
        if occurred_at < self.last_occurred_at:
            raise TimeOutOfOrder(
                "this step lies before the one it follows",
                occurred_at=occurred_at.isoformat(),
                follows=self.last_occurred_at.isoformat(),
            )
        self.trigger_event(event, timestamp=now, occurred_at=occurred_at, **fields)

    def _require_status(self, step: str, *allowed: CaseStatus) -> None:
        if self.status not in allowed:
            raise WrongCaseStatus(
                f"a case that is {self.status} cannot be {_past(step)}",
                status=str(self.status),
                allowed=[str(status) for status in allowed],
            )

    def _require_assigned(self, department: str) -> None:
        if department not in self.departments:
            raise DepartmentNotAssigned(
                f"the case was not dispatched to {department}", departments=self.departments
            )

    def _require_member(self, actor: Actor, step: str, department: str) -> None:
        _require(actor, step, *HANDLERS)
        if not actor.has(Role.SYSTEM) and actor.department != department:
            raise RoleNotAllowed(f"only an official of {department} may {step} for it")


def _past(step: str) -> str:
    return step + ("d" if step.endswith("e") else "ed")


def _require(actor: Actor, step: str, *roles: Role) -> None:
    if not actor.has(*roles):
        raise RoleNotAllowed(
            f"to {step} takes the role {' or '.join(role for role in roles if role != 'system')}"
        )


def _refuse_future(occurred_at: datetime, now: datetime) -> None:
    if occurred_at.astimezone(UTC) > now + CLOCK_TOLERANCE:
        raise TimeOutOfOrder("occurred_at lies in the future", occurred_at=occurred_at.isoformat())


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
