"""Changes that one person asks for and a supervisor settles, and the end of a deferral."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection import approval_events as events
from citybrain.domain.inspection.approval_events import Change
from citybrain.domain.inspection.case import CENTRE, InspectionCase, Step, require_role
from citybrain.domain.inspection.deadlines import Deadline, MovedDeadline
from citybrain.domain.inspection.refusals import (
    AlreadyRequested,
    DepartmentNotAssigned,
    NoSuchRequest,
    NotDeferred,
    SamePerson,
    StandsStill,
)
from citybrain.domain.inspection.statuses import OPEN, UNSOLVED, WITH_DEPARTMENTS
from citybrain.domain.separation import check_apart
from citybrain.domain.times import TimeOutOfOrder, as_text, moment
from citybrain.errors import InvalidInput

LONGEST_DEFERRAL = timedelta(days=366)
APPROVERS = (Role.SUPERVISOR,)
REQUESTS = {
    Change.HAND_BACK: Step("handed back", (Role.OFFICIAL, Role.OPERATOR), WITH_DEPARTMENTS),
    Change.VOID: Step("voided", (Role.OFFICIAL, Role.OPERATOR), UNSOLVED),
    Change.EXTENSION: Step("extended", (Role.OFFICIAL,), WITH_DEPARTMENTS),
    Change.DEFERRAL: Step("deferred", (Role.OFFICIAL,), WITH_DEPARTMENTS),
}
RESUME = Step("resumed", (Role.OFFICIAL, Role.OPERATOR, Role.SYSTEM), OPEN)


def request_change(
    case: InspectionCase,
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
    case.check(REQUESTS[change], actor, department)
    if actor.has(Role.OFFICIAL):
        if department is None:
            raise DepartmentNotAssigned("an official asks for their department")
        case.require_lead(department)
    if any(request["change"] == change for request in case.requests):
        raise AlreadyRequested(f"a {change} has been asked for", change=change.value)
    if change is Change.EXTENSION:
        unit = case.running(deadline)["unit"]
        if unit == "working-days" and amount != int(amount or 0):
            raise InvalidInput("working days are whole")
    if until is not None and not now < until <= now + LONGEST_DEFERRAL:
        raise TimeOutOfOrder("a deferral ends within a year from now")
    case.note(
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


def deny(case: InspectionCase, actor: Actor, now: datetime, *, request_id: str, note: str) -> None:
    """Do not approve a request."""
    request = request_to_settle(case, actor, request_id)
    case.note(
        events.CaseChangeDenied, now, request_id=request_id, note=note, change=request["change"]
    )


def approve(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    request_id: str,
    note: str,
    public_answer: str | None = None,
    begun: Sequence[Deadline] = (),
    moved: Sequence[MovedDeadline] = (),
) -> None:
    """Do what was asked for, where the case still allows it.

    `begun`: the deadlines of a new dispatch; `moved`: an extension's new times.
    """
    request = request_to_settle(case, actor, request_id)
    change = Change(request["change"])
    case.require_status(REQUESTS[change])
    settled = {"request_id": request_id, "note": note, "reason": request["reason"]}
    if change is Change.HAND_BACK:
        if case.deferred_at is not None:
            raise StandsStill("the case is deferred", until=case.deferred_until)
        department = request["department"] or case.lead
        case.note(events.CaseHandedBack, now, begun, department=department, **settled)
    elif change is Change.VOID:
        case.note(events.CaseVoided, now, public_answer=public_answer, **settled)
    elif change is Change.EXTENSION:
        case.note(events.CaseExtended, now, moved=list(moved), **settled)
    elif moment(request["until"]) <= now:
        raise TimeOutOfOrder("the time until which it was to be deferred has passed")
    else:
        case.note(events.CaseDeferred, now, until=request["until"], **settled)


def resume(
    case: InspectionCase, actor: Actor, now: datetime, *, moved: Sequence[MovedDeadline]
) -> None:
    """End a deferral; `moved` are the deadlines with what was left of their time."""
    require_role(actor, RESUME.done, RESUME.roles)
    if not actor.has(*CENTRE) and actor.department not in case.departments:
        raise DepartmentNotAssigned(
            "the case was not dispatched to this department", departments=list(case.departments)
        )
    case.check(RESUME, actor, deferred=True)
    if case.deferred_at is None:
        raise NotDeferred("the case is not deferred")
    case.note(events.CaseResumed, now, moved=list(moved))


def request_to_settle(case: InspectionCase, actor: Actor, request_id: str) -> dict[str, Any]:
    """The open request; raises `NoSuchRequest`, `RoleNotAllowed` or `SamePerson`."""
    require_role(actor, "changed", APPROVERS)
    for request in case.requests:
        if request["request_id"] == request_id:
            check_apart(actor, {"asked-for-it": [request["requested_by"]]}, SamePerson)
            return request
    raise NoSuchRequest("there is no such open request")
