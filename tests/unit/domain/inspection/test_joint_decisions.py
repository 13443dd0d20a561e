"""Joint decisions: who settles what the departments do, and who has no part in it."""

from typing import Any

import pytest

from citybrain.domain.inspection import joint_decisions
from citybrain.domain.inspection.refusals import (
    LeadCannotDecline,
    NoSuchDeadline,
    NoSuchTask,
    TasksOpen,
)
from tests.given.case_changes import accepted, dispatched
from tests.given.cases import NOW, POLICE, WORKS, handle
from tests.given.streams import topics


def test_the_lead_settles_what_each_does_and_reports_when_all_have() -> None:
    case = accepted()
    tasks: Any = [{"department": "traffic-police", "task": "close the lane"}]
    joint_decisions.decide(
        case, WORKS, NOW, department="municipal-works", plan="new cover", tasks=tasks
    )
    with pytest.raises(TasksOpen):
        handle(case)
    with pytest.raises(TasksOpen):
        joint_decisions.decline(case, POLICE, NOW, department="traffic-police", reason="not ours")
    joint_decisions.finish_task(
        case, POLICE, NOW, department="traffic-police", note="", evidence_sha256=[]
    )
    with pytest.raises(NoSuchTask):
        joint_decisions.finish_task(
            case, POLICE, NOW, department="traffic-police", note="", evidence_sha256=[]
        )
    handle(case)
    assert topics(case) == ["case.decided", "case.task_finished", "case.handled"]


def test_who_does_not_lead_may_decline_and_the_lead_may_not() -> None:
    case = dispatched()
    with pytest.raises(LeadCannotDecline):
        joint_decisions.decline(case, WORKS, NOW, department="municipal-works", reason="not ours")
    joint_decisions.decline(case, POLICE, NOW, department="traffic-police", reason="not ours")
    assert case.departments == ["municipal-works"]


def test_the_handling_itself_is_no_milestone() -> None:
    case = accepted()
    for milestone in ("handling", "accepted", "nothing"):
        with pytest.raises(NoSuchDeadline):
            joint_decisions.reach_milestone(
                case,
                WORKS,
                NOW,
                department="municipal-works",
                milestone=milestone,
                note="",
                evidence_sha256=[],
            )
