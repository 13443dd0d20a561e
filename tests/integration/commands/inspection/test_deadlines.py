"""Deadlines over real time kept by a clock of ours: warned of, escalated, paused, put off; once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions.calendars import BusinessCalendar, TimeKind
from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.approval_events import Change
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.deadlines import RunningDeadline
from citybrain.domain.times import moment
from citybrain.eventstore import EventStore
from commands.inspection.approvals import (
    RequestChange,
    SettleChange,
    approve_change,
    postponed,
    request_change,
)
from commands.inspection.case import AcceptCase, accept_case, report_case
from commands.inspection.processes.deadlines import CaseDeadlines
from commands.services import Services
from tests.given.cases import WORKS
from tests.given.processes import settled, working
from tests.given.services import CAMERA, DEFINITIONS, context, report, services_over
from tests.given.waiting import PATIENCE_SECONDS

SUPERVISOR = Actor("supervisor-1", frozenset({Role.SUPERVISOR}))
MANHOLE = "displaced_manhole_cover"
CALENDAR = DEFINITIONS.of(BusinessCalendar)


class Clock:
    """A clock that is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def dispatched(services: Services, class_code: str = MANHOLE) -> str:
    command = report(class_code).model_copy(update={"occurred_at": None})
    result = await report_case(command, context(CAMERA), services)
    await until(services, result.stream_id, lambda case: case.status == "dispatched")
    return result.stream_id


async def until(
    services: Services, case_id: str, holds: Callable[[InspectionCase], bool]
) -> InspectionCase:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            case = await services.store.load(InspectionCase, case_id)
            if holds(case):
                return case
            await asyncio.sleep(0.05)


async def said(store: EventStore, case_id: str, topic: str) -> list[str]:
    return [event.data["code"] for event in await store.read(case_id) if event.topic == topic]


async def test_a_deadline_is_warned_of_before_and_escalated_after_once(store: EventStore) -> None:
    services = services_over(store)
    clock = Clock(datetime.now(UTC))
    services.clock = clock
    async with working(services):
        case_id = await dispatched(services)
        begun = clock.now
        clock.now = begun + timedelta(minutes=25)
        await until(services, case_id, lambda case: case.running("acceptance")["warned"])
        assert not (await store.load(InspectionCase, case_id)).running("acceptance")["missed"]
        clock.now = begun + timedelta(minutes=31)
        await until(services, case_id, lambda case: case.running("acceptance")["missed"])
        await accept_case(
            case_id, AcceptCase(department="municipal-works"), context(WORKS), services
        )
        clock.now = begun + timedelta(minutes=121)
        await until(services, case_id, lambda case: case.running("made-safe")["missed"])
    async with working(services):  # started again: nothing is said twice
        clock.now = begun + timedelta(hours=13)
        await until(services, case_id, lambda case: case.running("handling")["missed"])
    assert await said(store, case_id, "case.deadline_missed") == [
        "acceptance",
        "made-safe",
        "handling",
    ]
    assert (await said(store, case_id, "case.deadline_warned"))[0] == "acceptance"


async def ask(services: Services, case_id: str, change: Change, **fields: Any) -> None:
    command = RequestChange(change=change, reason="because", department="municipal-works", **fields)
    asked = await request_change(case_id, command, context(WORKS), services)
    settled = SettleChange(request_id=asked.answer["request_id"])
    await approve_change(case_id, settled, context(SUPERVISOR), services)


async def test_a_deferral_pauses_the_deadlines_and_ends_by_itself(store: EventStore) -> None:
    services = services_over(store)
    clock = Clock(datetime.now(UTC))
    services.clock = clock
    async with working(services):
        case_id = await dispatched(services)
        due_at = moment((await store.load(InspectionCase, case_id)).running("handling")["due_at"])
        clock.now += timedelta(minutes=10)
        paused_at = clock.now
        await ask(services, case_id, Change.DEFERRAL, until=paused_at + timedelta(days=2))
        clock.now += timedelta(days=1)
        await settled(store)
        await CaseDeadlines().ring_due(services)
        assert await said(store, case_id, "case.deadline_missed") == []
        clock.now += timedelta(days=1)
        case = await until(services, case_id, lambda case: case.deferred_until is None)
    assert moment(case.running("handling")["due_at"]) == due_at + (clock.now - paused_at)


async def test_an_extension_puts_a_deadline_off(store: EventStore) -> None:
    services = services_over(store)
    clock = Clock(datetime.now(UTC))
    services.clock = clock
    async with working(services):
        case_id = await dispatched(services)
        due_at = moment((await store.load(InspectionCase, case_id)).running("handling")["due_at"])
        await ask(services, case_id, Change.EXTENSION, deadline="handling", amount=6.0)
        clock.now = due_at + timedelta(hours=2)
        await until(services, case_id, lambda case: case.running("handling")["warned"])
        assert "handling" not in await said(store, case_id, "case.deadline_missed")
        clock.now = due_at + timedelta(hours=7)
        case = await until(services, case_id, lambda case: case.running("handling")["missed"])
    assert moment(case.running("handling")["due_at"]) == due_at + timedelta(hours=6)


moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))


@given(
    begun=moments,
    kind=st.sampled_from(list(TimeKind)),
    amount=st.integers(1, 30),
    used=st.floats(0, 1),
    paused=st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_what_is_left_of_a_deadline_is_left_after_a_pause(
    begun: datetime, kind: TimeKind, amount: int, used: float, paused: timedelta
) -> None:
    due_at = CALENDAR.due(begun, kind, amount)
    warn_at = begun + (due_at - begun) / 2
    deadline: RunningDeadline = {
        "code": "x",
        "stage": "handling",
        "until": "handling",
        "unit": kind.value,
        "amount": amount,
        "begun_at": begun.isoformat(),
        "warn_at": warn_at.isoformat(),
        "due_at": due_at.isoformat(),
        "warned": False,
        "missed": False,
    }
    paused_at = begun + (due_at - begun) * used
    resumed_at = paused_at + paused
    moved = postponed(deadline, paused_at, resumed_at, CALENDAR)
    again = moment(moved["due_at"])
    if paused_at >= due_at:
        assert again == due_at
    elif kind is TimeKind.HOURS:
        assert again - resumed_at == due_at - paused_at
    elif kind is TimeKind.WORKING_HOURS:
        left = CALENDAR.working_time(paused_at, due_at)
        assert abs(CALENDAR.working_time(resumed_at, again) - left) < timedelta(seconds=1)
    else:
        days = CALENDAR.working_days(paused_at, due_at)
        if days:
            assert CALENDAR.working_days(resumed_at, again) == days
        else:
            left = CALENDAR.working_time(paused_at, due_at)
            assert abs(CALENDAR.working_time(resumed_at, again) - left) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "fields",
    [
        {"change": "extension"},
        {"change": "extension", "deadline": "handling"},
        {"change": "void", "deadline": "handling", "amount": 1.0},
        {"change": "deferral"},
        {"change": "hand-back", "until": "2026-03-03T00:00:00Z"},
    ],
)
def test_a_request_says_what_its_change_needs(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="belong"):
        RequestChange(reason="x", **fields)
