"""The centre's daily work on a case: corrections, who does it, checks in the field."""

from collections.abc import Sequence
from datetime import datetime

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection import daily_events as events
from citybrain.domain.inspection.case import CENTRE, InspectionCase, Step
from citybrain.domain.inspection.case_events import CasePlace
from citybrain.domain.inspection.daily_events import Priority
from citybrain.domain.inspection.deadlines import Deadline
from citybrain.domain.inspection.refusals import CheckMissing, NobodysCheck, NotSolved, SamePerson
from citybrain.domain.inspection.statuses import OPEN, WITH_DEPARTMENTS, CaseStatus

CORRECT = Step("corrected", CENTRE, OPEN)
PRIORITISE = Step("prioritised", (Role.OPERATOR, Role.SUPERVISOR, Role.SYSTEM), OPEN)
ASSIGN = Step("assigned", (Role.OFFICIAL, Role.SYSTEM), WITH_DEPARTMENTS)
ORDER_CHECK = Step("checked", CENTRE, (CaseStatus.HANDLED,))
CHECK = Step("checked", (Role.OFFICIAL, Role.OPERATOR), (CaseStatus.HANDLED,))


def reclassify(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    class_code: str,
    reason: str,
    definitions_version: str,
    begun: Sequence[Deadline] = (),
) -> None:
    """It is a problem of another class; `begun` are the deadlines that run on as that class's."""
    case.check(CORRECT, actor)
    if class_code == case.class_code:
        return
    case.note(
        events.CaseReclassified,
        now,
        begun,
        class_code=class_code,
        before=case.class_code,
        reason=reason,
        definitions_version=definitions_version,
    )


def relocate(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    latitude: float,
    longitude: float,
    address: str | None,
    place: CasePlace | None,
    reason: str,
) -> None:
    """It is at another place. One that waits for its place keeps its address where none is said."""
    case.check(CORRECT, actor)
    if case.latitude is None:
        address = address or case.address
    case.note(
        events.CaseRelocated,
        now,
        latitude=latitude,
        longitude=longitude,
        address=address,
        place=place,
        reason=reason,
    )


def prioritise(
    case: InspectionCase, actor: Actor, now: datetime, *, priority: Priority, reason: str
) -> None:
    """Say how soon the centre wants it done."""
    case.check(PRIORITISE, actor, deferred=True)
    if priority != case.priority:
        case.note(events.CasePrioritised, now, priority=priority.value, reason=reason)


def name_asset(
    case: InspectionCase, actor: Actor, now: datetime, *, asset_code: str | None, owner: str | None
) -> None:
    """Say which thing in the street it is about, and who looks after that."""
    case.check(CORRECT, actor)
    if (asset_code, owner) != (case.asset_code, case.asset_owner):
        case.note(events.CaseAssetNamed, now, asset_code=asset_code, owner=owner)


def assign(
    case: InspectionCase, actor: Actor, now: datetime, *, department: str, assignee: str | None
) -> None:
    """A department gives the case to one of its people, or takes it back from them."""
    case.check(ASSIGN, actor, department, deferred=True)
    if case.assignees.get(department) != assignee:
        case.note(events.CaseAssigned, now, department=department, assignee=assignee)


def order_check(
    case: InspectionCase, actor: Actor, now: datetime, *, inspector: str, note: str
) -> None:
    """Send somebody to look, who has not done it themselves; raises `SamePerson`."""
    case.check(ORDER_CHECK, actor)
    if inspector in (*case.handlers, *case.assignees.values()):
        raise SamePerson("who has handled it does not check it", rule="handled-it")
    case.note(events.CaseCheckOrdered, now, inspector=inspector, note=note)


def check(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    solved: bool,
    note: str,
    evidence_sha256: Sequence[str],
) -> None:
    """Whoever was sent says what they found; raises `NobodysCheck` for anybody else."""
    case.check(CHECK, actor)
    if case.field_check is None or case.field_check["inspector"] != actor.subject:
        raise NobodysCheck("nobody has sent them to look")
    case.check_handled_by_others(actor)
    case.note(
        events.CaseChecked,
        now,
        inspector=actor.subject,
        solved=solved,
        note=note,
        evidence_sha256=list(evidence_sha256),
    )


def require_check(case: InspectionCase, *, needed: bool) -> None:
    """Whether it may be verified: raises `CheckMissing` or `NotSolved`.

    A check that was ordered is waited for; `needed`: its class is never verified without one.
    """
    found = case.field_check
    if found is None and not needed:
        return
    if found is None or found["solved"] is None:
        raise CheckMissing("somebody has to look first", inspector=found and found["inspector"])
    if not found["solved"]:
        raise NotSolved("who looked found it unsolved: return it")
