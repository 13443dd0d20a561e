"""Cases: what their stored bytes carry, how time runs in them, and what refusals say."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from eventsourcing.persistence import DatetimeAsISO, DecimalAsStr, JSONTranscoder, Mapper, UUIDAsHex
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.actor import Actor, Role, system_actor
from citybrain.domain.inspection.case import InspectionCase, Reported
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.refusals import InvalidDispatch, WrongCaseStatus
from citybrain.domain.stream import StreamSnapshot
from citybrain.domain.times import CLOCK_TOLERANCE, TimeOutOfOrder
from citybrain.errors import CitybrainError
from citybrain.eventstore.codec import stored
from tests.given.cases import state
from tests.given.streams import events_of

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
SYSTEM = system_actor("test")
OPERATOR = Actor("operator-1", frozenset({Role.OPERATOR}))
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "code"}
STEPS: dict[str, dict[str, Any]] = {
    "file": {"definitions_version": "1"},
    "dispatch": {"departments": ["a", "b"], "lead": "a", "definitions_version": "1"},
    "accept": {"department": "a"},
    "handle": {"department": "a", "note": "", "evidence_sha256": ["ab" * 32]},
    "return_for_rework": {"reason": "again"},
    "verify": {"note": "修好了"},
    "close": {"resolution": ""},
}
minutes = st.integers(-10, 10)


def reported(occurred_at: datetime | None = NOW) -> InspectionCase:
    said = Reported(
        source=CaseSource.CITIZEN,
        class_code="overflowing_bin",
        description="滿了",
        latitude=34.7466,
        longitude=113.6254,
        address="中原路 1",
        confidence=None,
        evidence_sha256=[],
        simulated=False,
        external_ref=None,
        occurred_at=occurred_at,
    )
    return InspectionCase.report(SYSTEM, NOW, said)


def take(case: InspectionCase, step: str, at: datetime | None = None, now: datetime = NOW) -> None:
    getattr(case, step)(SYSTEM, now, occurred_at=at, **STEPS[step])


def stock_mapper() -> Mapper[str]:
    """The stock library's own transcoder, nothing of ours."""
    transcoder = JSONTranscoder()
    for transcoding in (UUIDAsHex(), DecimalAsStr(), DatetimeAsISO()):
        transcoder.register(transcoding)
    return Mapper(transcoder)


walks = st.lists(st.tuples(st.sampled_from(list(STEPS)), st.none() | minutes, minutes), max_size=20)


@given(walks)
def test_any_walk_keeps_time_in_order_and_survives_the_stock_library(
    walk: list[tuple[str, int | None, int]],
) -> None:
    case, now = reported(), NOW
    refusals: list[CitybrainError] = []
    for step, offset, passed in walk:
        now += timedelta(minutes=passed)  # clocks of several machines: not always forward
        at = None if offset is None else now + timedelta(minutes=offset)
        before = state(case)
        try:
            take(case, step, at, now)
        except CitybrainError as refusal:
            refusals.append(refusal)
            assert state(case) == before, "a refusal changes nothing"
    assert all(PROBLEM_MEMBERS.isdisjoint(refusal.details) for refusal in refusals)
    times = [event.occurred_at for event in events_of(case)]
    assert times == sorted(times)
    mapper, replayed = stock_mapper(), None
    for event in case.pending_events:
        as_stored = mapper.to_stored_event(event)
        assert stored(event) == (as_stored.topic, as_stored.state)
        again: Any = mapper.to_domain_event(as_stored)
        replayed = again.mutate(replayed)
    assert state(replayed) == state(case)


@given(walks)
def test_a_snapshot_of_any_state_is_that_state(walk: list[tuple[str, int | None, int]]) -> None:
    case = reported()
    for step, _, _ in walk:
        try:
            take(case, step)
        except CitybrainError:
            continue
    mapper = stock_mapper()
    snapshot: Any = mapper.to_domain_event(mapper.to_stored_event(StreamSnapshot.take(case)))
    assert state(snapshot.mutate(None)) == state(case)


def test_the_state_holds_plain_values_only() -> None:
    case = reported()
    for step in ("file", "dispatch", "accept"):
        take(case, step)
    assert {type(value) for value in state(case).values()} <= {
        str,
        int,
        float,
        bool,
        type(None),
        list,
        dict,
        datetime,
    }


def test_times_are_stored_in_utc() -> None:
    east = timezone(timedelta(hours=8))
    case = reported(NOW.astimezone(east))
    take(case, "file", NOW.astimezone(east))
    for event in events_of(case):
        assert event.occurred_at.isoformat() == NOW.isoformat()


def test_a_time_without_an_offset_is_a_defect_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no offset"):
        reported(datetime(2026, 3, 1, 8))


def test_a_step_that_names_no_time_follows_a_clock_that_was_ahead() -> None:
    ahead = NOW + timedelta(minutes=4)
    case = reported(ahead)
    take(case, "file")
    assert case.last_occurred_at == ahead
    take(case, "dispatch", now=NOW + timedelta(minutes=9))
    assert case.last_occurred_at == NOW + timedelta(minutes=9)


def test_the_future_begins_behind_the_tolerance() -> None:
    reported(NOW + CLOCK_TOLERANCE)
    with pytest.raises(TimeOutOfOrder, match="future"):
        reported(NOW + CLOCK_TOLERANCE + timedelta(microseconds=1))


@pytest.mark.parametrize(("departments", "lead"), [(["a", "a"], "a"), (["a"], "b"), ([], "a")])
def test_a_dispatch_names_each_department_once_and_its_lead_among_them(
    departments: list[str], lead: str
) -> None:
    case = reported()
    take(case, "file")
    with pytest.raises(InvalidDispatch):
        case.dispatch(OPERATOR, NOW, departments=departments, lead=lead, definitions_version="1")


def test_a_refusal_says_where_the_case_stands() -> None:
    with pytest.raises(WrongCaseStatus, match="a case that is reported cannot be verified") as said:
        take(reported(), "verify")
    assert said.value.details == {"case_status": "reported", "follows": ["handled"]}
