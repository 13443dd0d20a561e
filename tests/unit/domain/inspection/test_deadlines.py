"""Deadlines: which step meets them, and whether it was in time."""

from datetime import timedelta
from typing import Any

from citybrain.domain.inspection import joint_decisions
from citybrain.domain.inspection.deadlines import Stage
from tests.given.case_changes import HANDLING, HOUR, accepted, codes, deadline, dispatched
from tests.given.cases import DIGEST, NOW, OPERATOR, POLICE, WORKS, accept, handle
from tests.given.streams import events_of


def test_steps_and_milestones_meet_their_deadlines() -> None:
    case = dispatched()
    assert codes(case) == ["acceptance", "handling", "made-safe"]
    accept(case, POLICE)
    assert codes(case) == ["acceptance", "handling", "made-safe"], "the lead has not accepted"
    accept(case)
    assert codes(case) == ["handling", "made-safe"]
    joint_decisions.reach_milestone(
        case,
        WORKS,
        NOW,
        department="municipal-works",
        milestone="made-safe",
        note="",
        evidence_sha256=[],
    )
    late = NOW + timedelta(hours=13)
    case.handle(
        WORKS,
        late,
        department="municipal-works",
        note="",
        evidence_sha256=[DIGEST],
        begun=[deadline("verification", Stage.VERIFICATION, 20)],
    )
    ended = [event.ended for event in events_of(case)[-2:]]
    assert [(each["code"], each["met"], each["in_time"]) for ends in ended for each in ends] == [
        ("made-safe", True, True),
        ("handling", True, False),
    ]
    assert codes(case) == ["verification"]


def test_nobody_is_in_time_by_saying_that_it_happened_before() -> None:
    case, told_at = accepted(), NOW + timedelta(hours=13)
    given: dict[str, Any] = {
        "department": "municipal-works",
        "note": "",
        "evidence_sha256": [DIGEST],
    }
    case.handle(WORKS, told_at, occurred_at=NOW + HOUR, **given)
    (event,) = events_of(case)
    assert [(each["code"], each["in_time"]) for each in event.ended] == [
        ("made-safe", False),
        ("handling", False),
    ]


def test_rework_begins_the_handling_again() -> None:
    case = accepted()
    handle(case)
    case.return_for_rework(OPERATOR, NOW, reason="no", begun=HANDLING[2:])
    assert (case.status, codes(case)) == ("returned", ["handling"])
