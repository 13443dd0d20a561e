"""Deadlines that come near or have passed: when somebody has to be told, and telling them once."""

from datetime import datetime

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.alarm_events import (
    CaseAlarm,
    CaseDeadlineMissed,
    CaseDeadlineWarned,
)
from citybrain.domain.inspection.case import InspectionCase, require_role
from citybrain.domain.inspection.deadlines import RunningDeadline, next_alarm, responsible
from citybrain.domain.inspection.statuses import is_over
from citybrain.domain.times import moment


def alarm_at(case: InspectionCase) -> datetime | None:
    """When somebody has to be told something, or a deferral or a recheck is due."""
    if is_over(case.status):
        return None
    if case.deferred_until is not None:
        return moment(case.deferred_until)
    alarms = [next_alarm(case.deadlines), case.recheck_at and moment(case.recheck_at)]
    return min((alarm for alarm in alarms if alarm), default=None)


def raise_alarms(case: InspectionCase, actor: Actor, now: datetime) -> None:
    """Warn of deadlines that come near, escalate those that have passed; once each."""
    require_role(actor, "escalated", (Role.SYSTEM,))
    if is_over(case.status) or case.deferred_at is not None:
        return
    for deadline in list(case.deadlines):
        if not deadline["missed"] and moment(deadline["due_at"]) <= now:
            _tell(case, CaseDeadlineMissed, now, deadline)
        elif not deadline["warned"] and moment(deadline["warn_at"]) <= now:
            _tell(case, CaseDeadlineWarned, now, deadline)


def _tell(
    case: InspectionCase, event: type[CaseAlarm], now: datetime, deadline: RunningDeadline
) -> None:
    case.note(
        event,
        now,
        code=deadline["code"],
        stage=deadline["stage"],
        due_at=deadline["due_at"],
        responsible=responsible(deadline["stage"], case.lead),
    )
