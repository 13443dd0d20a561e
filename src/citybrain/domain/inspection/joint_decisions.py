"""What the departments of a case settle and do between its dispatch and its handling."""

from collections.abc import Sequence
from datetime import datetime

from citybrain.domain.actor import Actor
from citybrain.domain.inspection import case_events as events
from citybrain.domain.inspection.case import HANDLERS, InspectionCase, Step
from citybrain.domain.inspection.case_events import Task
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.inspection.refusals import (
    DepartmentNotAssigned,
    InvalidDispatch,
    LeadCannotDecline,
    NoSuchDeadline,
    NoSuchTask,
    TasksOpen,
)
from citybrain.domain.inspection.statuses import AT_WORK, WITH_DEPARTMENTS

DECLINE = Step("declined", HANDLERS, WITH_DEPARTMENTS)
DECIDE = Step("decided", HANDLERS, AT_WORK)
WORK = Step("worked on", HANDLERS, WITH_DEPARTMENTS)


def decline(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    department: str,
    reason: str,
    occurred_at: datetime | None = None,
) -> None:
    """A department that does not lead has no part in it. Raises `LeadCannotDecline`."""
    case.check(DECLINE, actor, department)
    if department == case.lead:
        raise LeadCannotDecline("the lead asks for the case to be handed back")
    if any(task["department"] == department for task in case.tasks):
        raise TasksOpen(f"{department} has a part in the joint decision")
    case.step(actor, events.CaseDeclined, now, occurred_at, department=department, reason=reason)


def decide(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    department: str,
    plan: str,
    tasks: Sequence[Task],
    occurred_at: datetime | None = None,
) -> None:
    """The lead settles what each department does; a later decision replaces it."""
    case.check(DECIDE, actor, department)
    case.require_lead(department)
    named = [task["department"] for task in tasks]
    if len(set(named)) != len(named):
        raise InvalidDispatch("a department is named twice")
    if others := set(named) - set(case.departments):
        raise DepartmentNotAssigned(
            f"the case was not dispatched to {', '.join(sorted(others))}",
            departments=list(case.departments),
        )
    case.step(
        actor,
        events.CaseDecided,
        now,
        occurred_at,
        department=department,
        plan=plan,
        tasks=[dict(task) for task in tasks],
    )


def finish_task(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    department: str,
    note: str,
    evidence_sha256: list[str],
    occurred_at: datetime | None = None,
) -> None:
    """A department did its part. Raises `NoSuchTask`."""
    case.check(WORK, actor, department)
    if department not in case.open_tasks():
        raise NoSuchTask(f"{department} has no unfinished part in the joint decision")
    case.step(
        actor,
        events.CaseTaskFinished,
        now,
        occurred_at,
        department=department,
        note=note,
        evidence_sha256=list(evidence_sha256),
        finished_by=actor.subject,
    )


def reach_milestone(
    case: InspectionCase,
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
    case.check(WORK, actor, department)
    known = [
        deadline["until"] for deadline in case.deadlines if deadline["stage"] == Stage.HANDLING
    ]
    if milestone in ("accepted", Stage.HANDLING) or milestone not in known:
        raise NoSuchDeadline(f"no deadline runs until {milestone!r}", running=known)
    case.step(
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
