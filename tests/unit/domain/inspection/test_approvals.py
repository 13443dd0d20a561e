"""Changes that one person asks for and another approves, and deferrals."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.actor import RoleNotAllowed
from citybrain.domain.inspection import alarms, approvals
from citybrain.domain.inspection.approval_events import Change
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.inspection.refusals import (
    AlreadyRequested,
    NoSuchDeadline,
    NoSuchRequest,
    SamePerson,
    StandsStill,
    WrongCaseStatus,
)
from citybrain.domain.times import TimeOutOfOrder
from citybrain.errors import InvalidInput
from tests.given.case_changes import (
    BOTH,
    HOUR,
    SUPERVISOR,
    SYSTEM,
    accepted,
    approve,
    ask,
    codes,
    deadline,
)
from tests.given.cases import NOW, OPERATOR, WORKS, dispatch, file, given, handle
from tests.given.streams import topics


def test_an_extension_is_asked_for_by_one_and_approved_by_another() -> None:
    case = accepted()
    request_id = ask(case, Change.EXTENSION, deadline="handling", amount=12.0)
    later = (NOW + timedelta(hours=24)).isoformat()
    moved: Any = [{"code": "handling", "warn_at": later, "due_at": later}]
    with pytest.raises(RoleNotAllowed):
        approvals.approve(case, OPERATOR, NOW, request_id=request_id, note="", moved=moved)
    approve(case, request_id, moved=moved)
    assert (case.running("handling")["due_at"], case.times_extended) == (later, 1)
    assert case.requests == []


@pytest.mark.parametrize("settle", ["approve", "deny"])
def test_who_asks_does_not_settle_it(settle: str) -> None:
    case = accepted()
    request_id = ask(case, Change.HAND_BACK, BOTH)
    with pytest.raises(SamePerson):
        getattr(approvals, settle)(case, BOTH, NOW, request_id=request_id, note="")


def test_a_case_handed_back_is_dispatched_anew() -> None:
    case = accepted()
    request_id = ask(case, Change.HAND_BACK)
    with pytest.raises(AlreadyRequested):
        ask(case, Change.HAND_BACK)
    approve(case, request_id, begun=[deadline("dispatch", Stage.DISPATCH, 1)])
    assert (case.status, case.departments, case.lead) == ("filed", [], None)
    assert codes(case) == ["dispatch"]
    dispatch(case)
    assert codes(case) == []


def test_a_denied_request_changes_nothing() -> None:
    case = accepted()
    request_id = ask(case, Change.VOID)
    approvals.deny(case, SUPERVISOR, NOW, request_id=request_id, note="it is one")
    assert (case.status, case.requests) == ("accepted", [])
    with pytest.raises(NoSuchRequest):
        approve(case, request_id)


def test_a_voided_case_is_over() -> None:
    case = given()
    approve(case, ask(case, Change.VOID, OPERATOR))
    assert (case.status, case.deadlines, alarms.alarm_at(case)) == ("voided", [], None)
    with pytest.raises(WrongCaseStatus):
        file(case)


def test_what_was_asked_for_is_approved_only_where_it_still_fits() -> None:
    case = accepted()
    request_id = ask(case, Change.HAND_BACK)
    handle(case)
    with pytest.raises(WrongCaseStatus):
        approve(case, request_id)


def test_a_deferred_case_stands_still() -> None:
    case = accepted()
    until = NOW + timedelta(days=3)
    approve(case, ask(case, Change.DEFERRAL, until=until))
    assert alarms.alarm_at(case) == until
    with pytest.raises(StandsStill):
        handle(case)
    alarms.raise_alarms(case, SYSTEM, NOW + timedelta(days=2))
    assert topics(case)[-1] == "case.deferred"
    later = (until + HOUR).isoformat()
    approvals.resume(
        case, SYSTEM, until, moved=[{"code": "handling", "warn_at": later, "due_at": later}]
    )
    assert case.running("handling")["due_at"] == later
    handle(case)


@pytest.mark.parametrize("until", [NOW, NOW - HOUR, NOW + timedelta(days=400)])
def test_a_deferral_ends_within_a_year(until: datetime) -> None:
    with pytest.raises(TimeOutOfOrder):
        ask(accepted(), Change.DEFERRAL, until=until)


def test_an_extension_is_of_a_deadline_that_runs() -> None:
    with pytest.raises(NoSuchDeadline):
        ask(accepted(), Change.EXTENSION, deadline="filing", amount=1.0)


def test_no_request_outlives_a_hand_back_and_a_deferred_case_is_not_handed_back() -> None:
    case = accepted()
    handing, deferring = ask(case, Change.HAND_BACK), ask(case, Change.DEFERRAL, until=NOW + HOUR)
    approve(case, deferring)
    with pytest.raises(StandsStill):
        approve(case, handing)
    approvals.resume(case, WORKS, NOW, moved=[])
    ask(case, Change.VOID)
    approve(case, handing)
    assert case.requests == []


def test_an_extension_of_working_days_is_whole() -> None:
    case = accepted()
    case.deadlines[-1]["unit"] = "working-days"
    with pytest.raises(InvalidInput):
        ask(case, Change.EXTENSION, deadline="handling", amount=0.5)
