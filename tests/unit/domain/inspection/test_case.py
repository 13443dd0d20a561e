"""Inspection cases: given events, when a decision, then events or a named refusal."""

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from citybrain.domain.actor import Actor, Role, RoleNotAllowed, system_actor
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.refusals import (
    AlreadyAccepted,
    DepartmentNotAssigned,
    WrongCaseStatus,
)
from citybrain.domain.inspection.statuses import CaseStatus
from citybrain.domain.times import TimeOutOfOrder
from citybrain.errors import CitybrainError
from tests.given.cases import (
    AUDITOR,
    CAMERA,
    CITIZEN,
    DEPARTMENTS,
    NOW,
    OPERATOR,
    POLICE,
    WORKS,
    Step,
    accept,
    close,
    dispatch,
    file,
    given,
    handle,
    reported,
    send_back,
    verify,
)
from tests.given.storm import examples
from tests.given.streams import events_of, replayed, topics


@pytest.mark.parametrize(
    ("before", "step", "topic", "status"),
    [
        ([], file, "case.filed", "filed"),
        ([file], dispatch, "case.dispatched", "dispatched"),
        ([file, dispatch], accept, "case.accepted", "accepted"),
        ([file, dispatch, accept], handle, "case.handled", "handled"),
        ([file, dispatch, accept, handle], send_back, "case.returned", "returned"),
        ([file, dispatch, accept, handle, send_back], handle, "case.handled", "handled"),
        ([file, dispatch, accept, handle], verify, "case.verified", "verified"),
        ([file, dispatch, accept, handle, verify], close, "case.closed", "closed"),
    ],
)
def test_each_step_follows_the_one_before(
    before: list[Step], step: Step, topic: str, status: str
) -> None:
    case = given(*before)
    step(case)
    assert (topics(case), case.status) == ([topic], status)


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ([], dispatch),
        ([], accept),
        ([], handle),
        ([], verify),
        ([], close),
        ([file], file),
        ([file, dispatch], handle),
        ([file, dispatch, accept], verify),
        ([file, dispatch, accept, handle], close),
        ([file, dispatch, accept, handle], accept),
        ([file, dispatch, accept, handle, verify], send_back),
        ([file, dispatch, accept, handle, verify, close], close),
    ],
)
def test_a_step_out_of_order_is_refused_and_leaves_no_event(before: list[Step], step: Step) -> None:
    case = given(*before)
    with pytest.raises(WrongCaseStatus):
        step(case)
    assert case.pending_events == []


def test_the_case_is_accepted_when_its_lead_has_accepted() -> None:
    case = given(file, dispatch)
    accept(case, POLICE)
    assert (case.status, case.accepted_by) == (CaseStatus.DISPATCHED, ["traffic-police"])
    with pytest.raises(AlreadyAccepted):
        accept(case, POLICE)
    accept(case, WORKS)
    assert case.status == CaseStatus.ACCEPTED


def test_only_the_lead_handles_and_only_assigned_departments_act() -> None:
    case = given(file, dispatch, accept)
    with pytest.raises(DepartmentNotAssigned):
        handle(case, POLICE)
    with pytest.raises(DepartmentNotAssigned):
        accept(case, Actor("o", frozenset({Role.OFFICIAL}), "landscape"))


def test_an_official_acts_for_their_own_department_only() -> None:
    case = given(file, dispatch)
    with pytest.raises(RoleNotAllowed):
        case.accept(POLICE, NOW, department="municipal-works", occurred_at=NOW)


@pytest.mark.parametrize(
    ("actor", "source"),
    [(CITIZEN, CaseSource.CAMERA), (CAMERA, CaseSource.CITIZEN), (AUDITOR, CaseSource.OFFICIAL)],
)
def test_a_report_comes_from_the_role_of_its_source(actor: Actor, source: CaseSource) -> None:
    with pytest.raises(RoleNotAllowed):
        reported(actor, source)


@pytest.mark.parametrize("actor", [CAMERA, CITIZEN, WORKS, AUDITOR])
def test_the_centre_alone_files_and_closes(actor: Actor) -> None:
    with pytest.raises(RoleNotAllowed):
        given().file(actor, NOW, definitions_version="1", occurred_at=NOW)
    with pytest.raises(RoleNotAllowed):
        given(file, dispatch, accept, handle, verify).close(
            actor, NOW, resolution="", occurred_at=NOW
        )


def test_time_runs_forward_and_not_into_the_future() -> None:
    case = given()
    for occurred_at in (NOW - timedelta(seconds=1), NOW + timedelta(hours=1)):
        with pytest.raises(TimeOutOfOrder):
            case.file(OPERATOR, NOW, definitions_version="1", occurred_at=occurred_at)


class AnySequenceOfCommands(RuleBasedStateMachine):
    """Whatever is tried, in whatever order and by whomever, what holds keeps holding."""

    def __init__(self) -> None:
        super().__init__()
        self.case = reported()
        self.now = NOW

    @rule(
        step=st.sampled_from([file, dispatch, handle, send_back, verify, close, accept]),
        minutes=st.integers(0, 90),
    )
    def try_step(self, step: Step, minutes: int) -> None:
        before = self.case.version
        try:
            step(self.case)
        except CitybrainError:
            assert self.case.version == before, "a refusal leaves no event"

    @rule(actor=st.sampled_from([WORKS, POLICE, CAMERA, OPERATOR, system_actor("x")]))
    def try_accept(self, actor: Actor) -> None:
        with_department = actor.department or "traffic-police"
        try:
            self.case.accept(actor, NOW, department=with_department, occurred_at=NOW)
        except CitybrainError:
            return
        assert with_department in DEPARTMENTS

    @invariant()
    def replay_gives_the_same_state(self) -> None:
        expected = {k: v for k, v in vars(self.case).items() if k != "_pending_events"}
        rebuilt = vars(replayed(events_of(self.case)))
        assert {k: v for k, v in rebuilt.items() if k != "_pending_events"} == expected

    @invariant()
    def closed_cases_were_handled_and_verified(self) -> None:
        seen = topics(self.case)
        if "case.closed" in seen:
            assert seen[-3:] == ["case.handled", "case.verified", "case.closed"]
        assert (
            seen.count("case.returned")
            == self.case.times_returned
            < max(seen.count("case.handled"), 1)
            + (self.case.times_returned == seen.count("case.handled"))
        )
        assert len(set(self.case.accepted_by)) == len(self.case.accepted_by)


TestAnySequenceOfCommands = AnySequenceOfCommands.TestCase
TestAnySequenceOfCommands.settings = examples(60)
