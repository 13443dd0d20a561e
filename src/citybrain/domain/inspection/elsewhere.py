"""What another system decided about a case that it told of: decided there, noted here.

Only an import says so. Nobody approves it here: it has happened.
"""

from datetime import datetime
from typing import cast

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.approval_events import CaseHandedBack
from citybrain.domain.inspection.case import InspectionCase, Step
from citybrain.domain.inspection.daily_events import CaseReclassified
from citybrain.domain.inspection.deadlines import Deadline
from citybrain.domain.inspection.statuses import OPEN, WITH_DEPARTMENTS, CaseStatus

RECLASSIFY = Step("reclassified", (Role.SYSTEM,), (*OPEN, CaseStatus.CLOSED))
TAKE_BACK = Step("handed back", (Role.SYSTEM,), WITH_DEPARTMENTS)


def reclassify(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    class_code: str,
    reason: str,
    occurred_at: datetime,
    definitions_version: str,
) -> None:
    """It is of another class; its deadlines are those of its source, and run on."""
    case.check(RECLASSIFY, actor, deferred=True)
    names = Deadline.__annotations__
    run_on = [
        cast("Deadline", {name: value for name, value in each.items() if name in names})
        for each in case.deadlines
    ]
    case.step(
        actor,
        CaseReclassified,
        now,
        occurred_at,
        run_on,
        class_code=class_code,
        before=case.class_code,
        reason=reason,
        definitions_version=definitions_version,
    )


def take_back(
    case: InspectionCase, actor: Actor, now: datetime, *, reason: str, occurred_at: datetime
) -> None:
    """Its department has it no more: it is dispatched anew."""
    case.check(TAKE_BACK, actor)
    case.step(
        actor,
        CaseHandedBack,
        now,
        occurred_at,
        request_id="",
        note="",
        department=case.lead or "",
        reason=reason,
    )
