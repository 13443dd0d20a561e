"""Detections as evidence, and cases that turn out to be one problem or two."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from citybrain.domain.inspection import alarms, merging
from citybrain.domain.inspection.approval_events import Change
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.deadlines import recalled
from citybrain.domain.inspection.merging_events import CaseMerged, CaseUnmerged
from citybrain.domain.inspection.refusals import CannotMerge, NotMerged, WrongCaseStatus
from citybrain.domain.inspection.standing import Standing
from citybrain.errors import CitybrainError
from tests.given.case_changes import (
    HANDLING,
    HOUR,
    SYSTEM,
    accepted,
    approve,
    ask,
    codes,
    detect,
    state_of,
)
from tests.given.cases import (
    DIGEST,
    NOW,
    OPERATOR,
    WORKS,
    accept,
    close,
    dispatch,
    file,
    given,
    handle,
    reported,
    verify,
)
from tests.given.streams import topics


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
    lambda case: alarms.raise_alarms(case, SYSTEM, NOW + 2 * HOUR),
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
    before = [state_of(one), state_of(other)]
    try:
        merging.absorb(other, OPERATOR, NOW, other=one, reason="the same")
    except CannotMerge:
        assert [state_of(one), state_of(other)] == before
        return
    merging.merge(one, SYSTEM, NOW, into_case_id=other.id, reason="the same")
    assert (one.status, alarms.alarm_at(one)) == ("merged", None)
    assert len(other.detections) == len(before[0]["detections"]) + len(before[1]["detections"])
    for step in (file, sent, accept, handle):
        with pytest.raises(WrongCaseStatus):
            step(one)
    merging.unmerge(one, OPERATOR, NOW, reason="not the same")
    merging.release(other, SYSTEM, NOW, case_id=one.id, reason="not the same")
    assert [state_of(one), state_of(other)] == before


def test_a_case_with_very_many_detections_is_merged_in_several_events_and_let_go_again() -> None:
    one, other = reported(), reported()
    detect(other, 5_000)
    for number in range(1_201):
        detect(one, number)
    before = state_of(other)
    other.collect_events()
    merging.absorb(other, OPERATOR, NOW, other=one, reason="the same")
    assert topics(other) == ["case.absorbed"] * 3
    assert (len(other.detections), other.absorbed) == (1_202, [one.id])
    merging.release(other, SYSTEM, NOW, case_id=one.id, reason="not so")
    assert state_of(other) == before


def test_what_cannot_be_one_is_not_merged() -> None:
    case, closed_one = accepted(), given(file, dispatch, accept, handle, verify, close)
    for other in (case, closed_one):
        with pytest.raises(CannotMerge):
            merging.absorb(case, OPERATOR, NOW, other=other, reason="x")
    with pytest.raises(NotMerged):
        merging.unmerge(case, OPERATOR, NOW, reason="x")


def test_what_runs_for_a_case_ends_as_it_is_merged_and_runs_on_where_that_was_wrong() -> None:
    case, other = accepted(), accepted()
    alarms.raise_alarms(case, SYSTEM, NOW + 2.5 * HOUR)
    before = state_of(case)
    told = {each["code"]: (each["warned"], each["missed"]) for each in before["deadlines"]}
    assert sorted(told.values()) == [(False, False), (True, True)]
    merging.absorb(other, OPERATOR, NOW, other=case, reason="one hole")
    merging.merge(case, OPERATOR, NOW, into_case_id=other.id, reason="one hole")
    (merged,) = [each for each in case.pending_events if isinstance(each, CaseMerged)]
    ended = merged.ended or []
    assert sorted(each["code"] for each in ended) == sorted(told)
    assert not any(each["met"] or each["in_time"] for each in ended)
    assert (case.deadlines, alarms.alarm_at(case)) == ([], None)
    merging.unmerge(case, OPERATOR, NOW, reason="two holes")
    after = {each["code"]: (each["warned"], each["missed"]) for each in case.deadlines}
    assert after == told, "nobody is told a second time"
    assert case.deadlines == before["deadlines"]
    assert case.deadlines_before_merge == []


def test_one_that_was_merged_before_that_has_what_ran_for_it() -> None:
    state: dict[str, Any] = {}
    InspectionCase.upcast_v5_v6(state)
    assert state == {"deadlines_before_merge": []}
    standing = Standing(deadlines=[recalled("handling", "handling", NOW.isoformat())])
    CaseMerged.fold(standing, {"into_case_id": "case-2", "reason": ""})
    CaseUnmerged.fold(standing, {"from_case_id": "case-2", "reason": ""})
    assert codes_of(standing) == ["handling"]


def codes_of(standing: Standing) -> list[str]:
    return [each["code"] for each in standing.deadlines]
