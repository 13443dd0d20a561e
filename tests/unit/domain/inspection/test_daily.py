"""The centre's daily work on a case: corrections, people, checks, and what its reporter does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.inspection import daily, reporters
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.daily_events import Priority
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.inspection.refusals import (
    AlreadyRated,
    CheckMissing,
    NobodysCheck,
    NotSolved,
    SamePerson,
    TooLate,
    WrongCaseStatus,
)
from tests.given.case_changes import deadline
from tests.given.case_lives import hand_back
from tests.given.cases import (
    CITIZEN,
    DEPARTMENTS,
    NOW,
    OPERATOR,
    POLICE,
    WORKS,
    accept,
    close,
    dispatch,
    file,
    given,
    handle,
    send_back,
    verify,
)

INSPECTOR = Actor("official-9", frozenset({Role.OFFICIAL}), "urban-management")
LEAD = DEPARTMENTS[0]
HANDLED = (file, dispatch, accept, handle)


def found(case: InspectionCase, actor: Actor = INSPECTOR, *, solved: bool = True) -> None:
    daily.check(case, actor, NOW, solved=solved, note="", evidence_sha256=[])


def ordered(case: InspectionCase) -> None:
    daily.order_check(case, OPERATOR, NOW, inspector=INSPECTOR.subject, note="go and look")


def test_another_class_has_its_own_deadlines_and_the_old_ones_are_dropped() -> None:
    case = given(file, dispatch)
    begun = [deadline("handling", Stage.HANDLING, 20)]
    corrected: Any = {"class_code": "road_damage", "reason": "no", "definitions_version": "1"}
    daily.reclassify(case, OPERATOR, NOW, begun=begun, **corrected)
    assert case.class_code == "road_damage"
    assert [each["code"] for each in case.deadlines] == ["handling"]
    version = case.version
    daily.reclassify(case, OPERATOR, NOW, **corrected)
    assert case.version == version
    with pytest.raises(RoleNotAllowed):
        daily.reclassify(case, WORKS, NOW, **corrected)
    with pytest.raises(WrongCaseStatus):
        daily.reclassify(given(*HANDLED, verify, close), OPERATOR, NOW, **corrected)


def test_a_case_is_where_it_was_put() -> None:
    case = given()
    place: Any = {"latitude": 34.8, "longitude": 113.7, "address": "中原路 2", "place": None}
    daily.relocate(case, OPERATOR, NOW, reason="the other side", **place)
    assert (case.latitude, case.longitude, case.address) == (34.8, 113.7, "中原路 2")


def test_priorities_and_people_change_only_where_they_change() -> None:
    case = given(file, dispatch)
    for _ in range(2):
        daily.prioritise(case, OPERATOR, NOW, priority=Priority.URGENT, reason="a school")
        daily.assign(case, WORKS, NOW, department=LEAD, assignee="worker-1")
    assert (case.priority, case.assignees, case.version) == ("urgent", {LEAD: "worker-1"}, 5)
    daily.assign(case, WORKS, NOW, department=LEAD, assignee=None)
    assert case.assignees == {}
    with pytest.raises(RoleNotAllowed):
        daily.assign(case, POLICE, NOW, department=LEAD, assignee="police-1")
    daily.assign(case, WORKS, NOW, department=LEAD, assignee="worker-1")
    hand_back(case)
    assert case.assignees == {}


def test_a_check_that_was_ordered_is_waited_for_and_decides() -> None:
    case = given(*HANDLED)
    daily.require_check(case, needed=False)
    with pytest.raises(CheckMissing):
        daily.require_check(case, needed=True)
    with pytest.raises(NobodysCheck):
        found(case)
    ordered(case)
    with pytest.raises(CheckMissing):
        daily.require_check(case, needed=False)
    with pytest.raises(NobodysCheck):
        found(case, POLICE)
    found(case, solved=False)
    with pytest.raises(NotSolved):
        daily.require_check(case, needed=False)
    send_back(case)
    handle(case)
    assert case.field_check is None
    ordered(case)
    found(case)
    daily.require_check(case, needed=True)


def test_who_has_handled_it_does_not_check_it() -> None:
    case = given(file, dispatch, accept)
    daily.assign(case, WORKS, NOW, department=LEAD, assignee=INSPECTOR.subject)
    handle(case)
    with pytest.raises(SamePerson):
        ordered(case)


BOTH = Actor(WORKS.subject, frozenset({Role.OFFICIAL, Role.OPERATOR}), WORKS.department)


def test_one_person_of_two_roles_neither_checks_nor_verifies_what_they_have_handled() -> None:
    case = given(file, dispatch, accept, handle)  # by who holds the other role as well
    with pytest.raises(SamePerson):
        case.verify(BOTH, NOW, note="", occurred_at=NOW)
    with pytest.raises(SamePerson):
        daily.order_check(case, OPERATOR, NOW, inspector=BOTH.subject, note="")
    send_back(case)
    handle(case, replace(BOTH, subject="official-3"))
    for part in (BOTH.subject, "official-3"):
        with pytest.raises(SamePerson):
            case.verify(replace(BOTH, subject=part), NOW, note="", occurred_at=NOW)
    case.verify(replace(BOTH, subject="official-4"), NOW, note="", occurred_at=NOW)


def test_an_import_says_what_others_did() -> None:
    imported = Actor("import", frozenset({Role.SYSTEM}), WORKS.department)
    case = given(file, dispatch, accept)
    handle(case, imported)
    case.verify(imported, NOW, note="", occurred_at=NOW)


def test_what_was_handled_before_it_was_known_by_whom_goes_on() -> None:
    state: dict[str, Any] = {}
    InspectionCase.upcast_v4_v5(state)
    assert state == {"handlers": []}


def test_a_reporter_reopens_within_days_and_rates_each_closing_once() -> None:
    case = given(*HANDLED, verify, close)
    reporters.rate(case, CITIZEN, NOW, stars=2)
    with pytest.raises(AlreadyRated):
        reporters.rate(case, CITIZEN, NOW, stars=5)
    late = NOW + reporters.REOPENED_WITHIN + timedelta(seconds=1)
    with pytest.raises(TooLate):
        reporters.reopen(case, CITIZEN, late)
    reporters.reopen(case, CITIZEN, NOW)
    assert (case.status, case.times_reopened, case.rating) == ("reopened", 1, 2)
    with pytest.raises(WrongCaseStatus):
        reporters.rate(case, CITIZEN, NOW, stars=5)
    for step in (handle, verify, close):
        step(case)
    reporters.rate(case, CITIZEN, NOW, stars=5)
    assert case.rating == 5


def test_who_follows_a_case_follows_it_once() -> None:
    case = given()
    for wanted in (True, True, False, False):
        reporters.subscribe(case, CITIZEN, NOW, wanted=wanted)
    assert (case.subscribers, case.version) == ([], 3)
