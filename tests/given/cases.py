"""Cases for tests: steps to take, and a case that has taken some."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.case import InspectionCase, Reported
from citybrain.domain.inspection.case_events import CaseSource

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
DIGEST = "ab" * 32
CAMERA = Actor("gateway-1", frozenset({Role.GATEWAY}), acts_for=frozenset({"c-*", "bad-camera"}))
CITIZEN = Actor("citizen-1", frozenset({Role.CITIZEN}))
OPERATOR = Actor("operator-1", frozenset({Role.OPERATOR}))
WORKS = Actor("official-1", frozenset({Role.OFFICIAL}), "municipal-works")
POLICE = Actor("official-2", frozenset({Role.OFFICIAL}), "traffic-police")
AUDITOR = Actor("auditor-1", frozenset({Role.AUDITOR}))
DEPARTMENTS = ["municipal-works", "traffic-police"]
Step = Callable[[InspectionCase], None]


def reported(actor: Actor = CAMERA, source: CaseSource = CaseSource.CAMERA) -> InspectionCase:
    found = Reported(
        source=source,
        class_code="displaced_manhole_cover",
        description="",
        latitude=34.7,
        longitude=113.6,
        address=None,
        confidence=91,
        evidence_sha256=[DIGEST],
        simulated=False,
        external_ref=None,
        occurred_at=NOW,
    )
    return InspectionCase.report(actor, NOW, found)


def file(case: InspectionCase) -> None:
    case.file(OPERATOR, NOW, definitions_version="1", occurred_at=NOW)


def dispatch(case: InspectionCase) -> None:
    case.dispatch(
        OPERATOR,
        NOW,
        departments=DEPARTMENTS,
        lead=DEPARTMENTS[0],
        definitions_version="1",
        occurred_at=NOW,
    )


def accept(case: InspectionCase, actor: Actor = WORKS) -> None:
    case.accept(actor, NOW, department=str(actor.department), occurred_at=NOW)


def handle(case: InspectionCase, actor: Actor = WORKS) -> None:
    case.handle(
        actor,
        NOW,
        department=str(actor.department),
        note="",
        evidence_sha256=[DIGEST],
        occurred_at=NOW,
    )


def send_back(case: InspectionCase) -> None:
    case.return_for_rework(OPERATOR, NOW, reason="still open", occurred_at=NOW)


def verify(case: InspectionCase) -> None:
    case.verify(OPERATOR, NOW, note="", occurred_at=NOW)


def close(case: InspectionCase) -> None:
    case.close(OPERATOR, NOW, resolution="", occurred_at=NOW)


def given(*steps: Step) -> InspectionCase:
    case = reported()
    for step in steps:
        step(case)
    case.collect_events()
    return case


def state(case: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(case).items() if name != "_pending_events"}
