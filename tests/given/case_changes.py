"""What changes a case beside its plain way: requests, approvals, detections, deadlines."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

from citybrain.domain.actor import Actor, Role, system_actor
from citybrain.domain.inspection import approvals, merging
from citybrain.domain.inspection.approval_events import Change
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.deadlines import Deadline, Stage
from citybrain.domain.inspection.merging_events import CaseDetection
from tests.given.cases import DIGEST, NOW, OPERATOR, WORKS, accept, file, given

SYSTEM = system_actor("test")
SUPERVISOR = Actor("supervisor-1", frozenset({Role.SUPERVISOR}))
BOTH = Actor("official-1", frozenset({Role.OFFICIAL, Role.SUPERVISOR}), "municipal-works")
HOUR = timedelta(hours=1)


def deadline(code: str, stage: Stage, hours: float, until: str | None = None) -> Deadline:
    due_at = NOW + timedelta(hours=hours)
    return {
        "code": code,
        "stage": stage.value,
        "until": until or stage.value,
        "unit": "hours",
        "amount": hours,
        "begun_at": NOW.isoformat(),
        "due_at": due_at.isoformat(),
        "warn_at": (NOW + timedelta(hours=hours * 0.75)).isoformat(),
    }


HANDLING = [
    deadline("acceptance", Stage.HANDLING, 1, "accepted"),
    deadline("made-safe", Stage.HANDLING, 2, "made-safe"),
    deadline("handling", Stage.HANDLING, 12),
]


def dispatched() -> InspectionCase:
    case = given(file)
    case.dispatch(
        OPERATOR,
        NOW,
        departments=["municipal-works", "traffic-police"],
        lead="municipal-works",
        definitions_version="1",
        begun=HANDLING,
    )
    return case


def accepted() -> InspectionCase:
    case = dispatched()
    accept(case)
    case.collect_events()
    return case


def ask(case: InspectionCase, change: Change, actor: Actor = WORKS, **fields: Any) -> str:
    request_id = f"{len(case.pending_events) + case.version:032x}"
    if actor.department is not None:
        fields["department"] = actor.department
    approvals.request_change(
        case, actor, NOW, request_id=request_id, change=change, reason="because", **fields
    )
    return request_id


def approve(case: InspectionCase, request_id: str, **fields: Any) -> None:
    approvals.approve(case, SUPERVISOR, NOW, request_id=request_id, note="", **fields)


def seen(number: int = 1, minutes: float = 0, case_id: str = "case-x") -> CaseDetection:
    return {
        "detection_id": f"detection-{number:032x}",
        "camera_id": "c-1",
        "case_id": case_id,
        "confidence": 90,
        "latitude": 34.7,
        "longitude": 113.6,
        "occurred_at": (NOW + timedelta(minutes=minutes)).isoformat(),
        "evidence_sha256": [DIGEST],
    }


def detect(case: InspectionCase, number: int = 1, minutes: float = 0) -> None:
    now = NOW + timedelta(minutes=max(minutes, 0))
    merging.merge_detection(
        case,
        SYSTEM,
        now,
        detection=seen(number, minutes),
        rework=HANDLING[2:],
        reopened=HANDLING[2:],
    )


def codes(case: InspectionCase) -> list[str]:
    """Of the deadlines that run."""
    return sorted(deadline["code"] for deadline in case.deadlines)


def state_of(case: InspectionCase) -> dict[str, Any]:
    """A copy of what the events have made of the case."""
    return {name: deepcopy(value) for name, value in vars(case).items() if not name.startswith("_")}
