"""Joint decisions, changes that a supervisor approves, deadlines, merges: given, when, then."""

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from citybrain.domain.actor import Actor, RoleNotAllowed
from citybrain.domain.inspection.case import (
    AlreadyRequested,
    CannotMerge,
    CaseDeferred,
    InspectionCase,
    LeadCannotDecline,
    NoSuchDeadline,
    NoSuchRequest,
    NoSuchTask,
    NotMerged,
    SamePerson,
    TasksOpen,
    WrongCaseStatus,
)
from citybrain.domain.inspection.case_events import Change
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.times import TimeOutOfOrder
from citybrain.errors import CitybrainError, InvalidInput
from tests.given.case_changes import (
    BOTH,
    HANDLING,
    HOUR,
    SUPERVISOR,
    SYSTEM,
    accepted,
    approve,
    ask,
    deadline,
    detect,
    dispatched,
)
from tests.given.cases import (
    DIGEST,
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
    replay,
    reported,
    topics,
    verify,
)


def codes(case: InspectionCase) -> list[str]:
    return sorted(each["code"] for each in case.deadlines)


# --- joint decisions


def test_the_lead_settles_what_each_does_and_reports_when_all_have() -> None:
    case = accepted()
    tasks: Any = [{"department": "traffic-police", "task": "close the lane"}]
    case.decide(WORKS, NOW, department="municipal-works", plan="new cover", tasks=tasks)
    with pytest.raises(TasksOpen):
        handle(case)
    with pytest.raises(TasksOpen):
        case.decline(POLICE, NOW, department="traffic-police", reason="not ours")
    case.finish_task(POLICE, NOW, department="traffic-police", note="", evidence_sha256=[])
    with pytest.raises(NoSuchTask):
        case.finish_task(POLICE, NOW, department="traffic-police", note="", evidence_sha256=[])
    handle(case)
    assert topics(case) == ["case.decided", "case.task_finished", "case.handled"]


def test_who_does_not_lead_may_decline_and_the_lead_may_not() -> None:
    case = dispatched()
    with pytest.raises(LeadCannotDecline):
        case.decline(WORKS, NOW, department="municipal-works", reason="not ours")
    case.decline(POLICE, NOW, department="traffic-police", reason="not ours")
    assert case.departments == ["municipal-works"]


# --- two roles, never the same person


def test_an_extension_is_asked_for_by_one_and_approved_by_another() -> None:
    case = accepted()
    request_id = ask(case, Change.EXTENSION, deadline="handling", amount=12.0)
    later = (NOW + timedelta(hours=24)).isoformat()
    moved: Any = [{"code": "handling", "warn_at": later, "due_at": later}]
    with pytest.raises(RoleNotAllowed):
        case.approve(OPERATOR, NOW, request_id=request_id, note="", moved=moved)
    approve(case, request_id, moved=moved)
    assert (case.running("handling")["due_at"], case.times_extended) == (later, 1)
    assert case.requests == []


@pytest.mark.parametrize("settle", ["approve", "deny"])
def test_who_asks_does_not_settle_it(settle: str) -> None:
    case = accepted()
    request_id = ask(case, Change.HAND_BACK, BOTH)
    with pytest.raises(SamePerson):
        getattr(case, settle)(BOTH, NOW, request_id=request_id, note="")


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
    case.deny(SUPERVISOR, NOW, request_id=request_id, note="it is one")
    assert (case.status, case.requests) == ("accepted", [])
    with pytest.raises(NoSuchRequest):
        approve(case, request_id)


def test_a_voided_case_is_over() -> None:
    case = given()
    approve(case, ask(case, Change.VOID, OPERATOR))
    assert (case.status, case.deadlines, case.alarm_at()) == ("voided", [], None)
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
    assert case.alarm_at() == until
    with pytest.raises(CaseDeferred):
        handle(case)
    case.raise_alarms(SYSTEM, NOW + timedelta(days=2))
    assert topics(case)[-1] == "case.deferred"
    later = (until + HOUR).isoformat()
    case.resume(SYSTEM, until, moved=[{"code": "handling", "warn_at": later, "due_at": later}])
    assert case.running("handling")["due_at"] == later
    handle(case)


@pytest.mark.parametrize("until", [NOW, NOW - HOUR, NOW + timedelta(days=400)])
def test_a_deferral_ends_within_a_year(until: datetime) -> None:
    with pytest.raises(TimeOutOfOrder):
        ask(accepted(), Change.DEFERRAL, until=until)


def test_an_extension_is_of_a_deadline_that_runs() -> None:
    with pytest.raises(NoSuchDeadline):
        ask(accepted(), Change.EXTENSION, deadline="filing", amount=1.0)


# --- deadlines


def test_steps_and_milestones_meet_their_deadlines() -> None:
    case = dispatched()
    assert codes(case) == ["acceptance", "handling", "made-safe"]
    accept(case, POLICE)
    assert codes(case) == ["acceptance", "handling", "made-safe"], "the lead has not accepted"
    accept(case)
    assert codes(case) == ["handling", "made-safe"]
    case.reach_milestone(
        WORKS, NOW, department="municipal-works", milestone="made-safe", note="", evidence_sha256=[]
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
    ended = [event.ended for event in case.pending_events[-2:]]  # type: ignore[attr-defined]
    assert [(each["code"], each["met"], each["in_time"]) for ends in ended for each in ends] == [
        ("made-safe", True, True),
        ("handling", True, False),
    ]
    assert codes(case) == ["verification"]


def test_each_deadline_is_warned_of_and_missed_once() -> None:
    case = accepted()
    times: list[float] = []
    while (alarm := case.alarm_at()) is not None and len(times) < 9:
        times.append((alarm - NOW) / HOUR)
        case.raise_alarms(SYSTEM, alarm)
        case.raise_alarms(SYSTEM, alarm)
    assert times == [1.5, 2, 9, 12]
    assert topics(case) == ["case.deadline_warned", "case.deadline_missed"] * 2
    assert {event.responsible for event in case.pending_events} == {"municipal-works"}  # type: ignore[attr-defined]


def test_after_a_long_silence_only_what_was_missed_is_said() -> None:
    case = accepted()
    case.raise_alarms(SYSTEM, NOW + timedelta(days=9))
    assert topics(case) == ["case.deadline_missed"] * 2
    assert case.alarm_at() is None


def test_nobody_is_in_time_by_saying_that_it_happened_before() -> None:
    case, told_at = accepted(), NOW + timedelta(hours=13)
    given = {"department": "municipal-works", "note": "", "evidence_sha256": [DIGEST]}
    case.handle(WORKS, told_at, occurred_at=NOW + HOUR, **given)  # type: ignore[arg-type]
    (event,) = case.pending_events
    assert [(each["code"], each["in_time"]) for each in event.ended] == [  # type: ignore[attr-defined]
        ("made-safe", False),
        ("handling", False),
    ]


def test_the_handling_itself_is_no_milestone() -> None:
    case = accepted()
    for milestone in ("handling", "accepted", "nothing"):
        with pytest.raises(NoSuchDeadline):
            case.reach_milestone(
                WORKS,
                NOW,
                department="municipal-works",
                milestone=milestone,
                note="",
                evidence_sha256=[],
            )


def test_no_request_outlives_a_hand_back_and_a_deferred_case_is_not_handed_back() -> None:
    case = accepted()
    handing, deferring = ask(case, Change.HAND_BACK), ask(case, Change.DEFERRAL, until=NOW + HOUR)
    approve(case, deferring)
    with pytest.raises(CaseDeferred):
        approve(case, handing)
    case.resume(WORKS, NOW, moved=[])
    ask(case, Change.VOID)
    approve(case, handing)
    assert case.requests == []


def test_an_extension_of_working_days_is_whole() -> None:
    case = accepted()
    case.deadlines[-1]["unit"] = "working-days"
    with pytest.raises(InvalidInput):
        ask(case, Change.EXTENSION, deadline="handling", amount=0.5)


def test_rework_begins_the_handling_again() -> None:
    case = accepted()
    handle(case)
    case.return_for_rework(OPERATOR, NOW, reason="no", begun=HANDLING[2:])
    assert (case.status, codes(case)) == ("returned", ["handling"])


# --- detections and merges


def test_detections_are_taken_once() -> None:
    case = given()
    detect(case)
    detect(case)
    assert topics(case) == ["case.detection_merged"]


def test_seen_after_the_handling_it_is_returned_and_before_it_is_evidence() -> None:
    case = accepted()
    handle(case)
    detect(case, 1, -5)
    assert case.status == "handled"
    detect(case, 2, 5)
    assert topics(case)[-2:] == ["case.detection_merged", "case.returned"]
    assert (case.status, case.times_returned, codes(case)) == ("returned", 1, ["handling"])


def walked_to_the_end(handled_minutes_ago: float) -> InspectionCase:
    case = reported()
    case.reported_at = case.last_occurred_at = NOW - timedelta(hours=2)
    handled_at = NOW - timedelta(minutes=handled_minutes_ago)
    for step in (file, dispatch, accept, handle, verify, close):
        step(case)
    case.handled_at = handled_at
    return case


def test_seen_after_the_closing_it_is_reopened() -> None:
    case = given(file, dispatch, accept, handle, verify, close)
    detect(case, 1, -5)
    assert case.status == "closed"
    late = walked_to_the_end(handled_minutes_ago=30)
    detect(late, 1, -10)  # seen after the handling, told after the closing
    assert late.status == "reopened"
    detect(case, 2, 5)
    assert (case.status, case.times_reopened) == ("reopened", 1)
    case.handle(WORKS, NOW + HOUR, department="municipal-works", note="", evidence_sha256=[DIGEST])
    assert case.status == "handled"


def walked(steps: list[Callable[[InspectionCase], None]]) -> InspectionCase:
    """A case after as many of these steps as it allows."""
    case = reported()
    for step in steps:
        with suppress(CitybrainError):
            step(case)
    return case


def sent(case: InspectionCase) -> None:
    case.dispatch(
        OPERATOR,
        NOW,
        departments=["municipal-works", "traffic-police"],
        lead="municipal-works",
        definitions_version="1",
        begun=HANDLING,
    )


def deferred(case: InspectionCase) -> None:
    approve(case, ask(case, Change.DEFERRAL, until=NOW + HOUR))


def seen_once(case: InspectionCase) -> None:
    detect(case, int(case.id[-8:], 16))  # a detection belongs to one case only


STEPS: list[Callable[[InspectionCase], None]] = [
    file,
    sent,
    accept,
    seen_once,
    deferred,
    lambda case: case.raise_alarms(SYSTEM, NOW + 2 * HOUR),
    handle,
    verify,
]
walks = st.lists(st.sampled_from(STEPS), max_size=10)


@example([file], [file, sent, accept])
@hypothesis_given(walks, walks)
def test_a_merge_undone_leaves_both_as_they_were(one_walk: Any, other_walk: Any) -> None:
    one, other = walked(one_walk), walked(other_walk)
    detect(one, 8)
    detect(other, 9)
    before = [state(one), state(other)]
    try:
        other.absorb(OPERATOR, NOW, other=one, reason="the same")
    except CannotMerge:
        assert [state(one), state(other)] == before
        return
    one.merge(SYSTEM, NOW, into_case_id=other.id, reason="the same")
    assert (one.status, one.alarm_at()) == ("merged", None)
    assert len(other.detections) == len(before[0]["detections"]) + len(before[1]["detections"])
    for step in (file, sent, accept, handle):
        with pytest.raises(WrongCaseStatus):
            step(one)
    one.unmerge(OPERATOR, NOW, reason="not the same")
    other.release(SYSTEM, NOW, case_id=one.id, reason="not the same")
    assert [state(one), state(other)] == before


def test_a_case_with_very_many_detections_is_merged_in_several_events_and_let_go_again() -> None:
    one, other = reported(), reported()
    detect(other, 5_000)
    for number in range(1_201):
        detect(one, number)
    before = state(other)
    other.collect_events()
    other.absorb(OPERATOR, NOW, other=one, reason="the same")
    assert topics(other) == ["case.absorbed"] * 3
    assert (len(other.detections), other.absorbed) == (1_202, [one.id])
    other.release(SYSTEM, NOW, case_id=one.id, reason="not so")
    assert state(other) == before


def test_what_cannot_be_one_is_not_merged() -> None:
    case, closed_one = accepted(), given(file, dispatch, accept, handle, verify, close)
    for other in (case, closed_one):
        with pytest.raises(CannotMerge):
            case.absorb(OPERATOR, NOW, other=other, reason="x")
    with pytest.raises(NotMerged):
        case.unmerge(OPERATOR, NOW, reason="x")


def state(case: InspectionCase) -> dict[str, Any]:
    return {name: deepcopy(value) for name, value in vars(case).items() if not name.startswith("_")}


class AnythingGoes(RuleBasedStateMachine):
    """Whatever is tried in whatever order: replay gives the same state, refusals leave nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.case = reported()
        self.other = reported()

    def attempt(self, act: Any) -> None:
        before, version = state(self.case), self.case.version
        try:
            act()
        except CitybrainError:
            assert (state(self.case), self.case.version) == (before, version)

    @rule(step=st.sampled_from([file, accept, handle, verify, close, detect]))
    def step(self, step: Any) -> None:
        self.attempt(lambda: step(self.case))

    @rule()
    def send(self) -> None:
        self.attempt(
            lambda: self.case.dispatch(
                OPERATOR,
                NOW,
                departments=["municipal-works", "traffic-police"],
                lead="municipal-works",
                definitions_version="1",
                begun=HANDLING,
            )
        )

    @rule(number=st.integers(1, 3), minutes=st.integers(-5, 5))
    def see(self, number: int, minutes: int) -> None:
        self.attempt(lambda: detect(self.case, number, minutes))

    @rule(
        change=st.sampled_from(list(Change)), actor=st.sampled_from([WORKS, OPERATOR, POLICE, BOTH])
    )
    def ask(self, change: Change, actor: Actor) -> None:
        fields: dict[str, Any] = {}
        if change is Change.EXTENSION:
            fields = {"deadline": "handling", "amount": 1.0}
        elif change is Change.DEFERRAL:
            fields = {"until": NOW + HOUR}
        self.attempt(lambda: ask(self.case, change, actor, **fields))

    @rule(settle=st.sampled_from(["approve", "deny"]), actor=st.sampled_from([SUPERVISOR, BOTH]))
    def settle(self, settle: str, actor: Actor) -> None:
        if not self.case.requests:
            return
        request = self.case.requests[0]
        given = {"request_id": request["request_id"], "note": ""}
        if request["requested_by"] == actor.subject:
            with pytest.raises(SamePerson):
                getattr(self.case, settle)(actor, NOW, **given)
        else:
            self.attempt(lambda: getattr(self.case, settle)(actor, NOW, **given))

    @rule()
    def resume(self) -> None:
        self.attempt(lambda: self.case.resume(WORKS, NOW, moved=[]))

    @rule(hours=st.integers(0, 20))
    def ring(self, hours: int) -> None:
        self.attempt(lambda: self.case.raise_alarms(SYSTEM, NOW + timedelta(hours=hours)))

    @rule()
    def merge(self) -> None:
        self.attempt(lambda: self.case.merge(SYSTEM, NOW, into_case_id="case-y", reason="x"))

    @rule()
    def unmerge(self) -> None:
        self.attempt(lambda: self.case.unmerge(OPERATOR, NOW, reason="x"))

    @rule()
    def absorb(self) -> None:
        self.attempt(lambda: self.case.absorb(OPERATOR, NOW, other=self.other, reason="x"))

    @rule()
    def release(self) -> None:
        self.attempt(lambda: self.case.release(SYSTEM, NOW, case_id=self.other.id, reason="x"))

    @invariant()
    def replay_gives_the_same_state(self) -> None:
        assert state(replay(self.case.pending_events)) == state(self.case)

    @invariant()
    def what_is_over_runs_no_deadline(self) -> None:
        if self.case.status in ("voided", "closed"):
            assert self.case.deadlines == []
        if self.case.status in ("voided", "closed", "merged"):
            assert self.case.alarm_at() is None


TestAnythingGoes = AnythingGoes.TestCase
TestAnythingGoes.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
