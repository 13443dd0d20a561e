"""What waits for a person, given what happened: by kind, from which moment on, and until when."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from citybrain.city_day import CITY_ZONE
from citybrain.domain.parking.place import stream_of
from projections.applications.board import LEGAL_DAY, PAYOUT_FAILED, PAYOUT_TO_REPEAT, Applied
from projections.board import Concern, State, Subjects
from projections.inspection.board import DEADLINE, Cases
from projections.parking.board import SILENT, TWICE, Places, Stays
from projections.signals.board import FLASHES, STANDS, Junctions

AT = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Happened:
    topic: str
    data: dict[str, Any] = field(default_factory=dict)
    stream_id: str = "stream-1"


def after(kind: Subjects, events: Sequence[Any], key: str = "") -> tuple[State, Counter[str]]:
    """The state of a thing, and what the day has counted."""
    state: State | None = None
    counts: Counter[str] = Counter()
    for event in events:
        for each in kind.keys(event):
            if key in ("", each):
                state = kind.take(state, event, each, counts)
    assert state is not None
    return state, counts


def concerns(kind: Subjects, *events: Happened, key: str = "") -> dict[str, Concern]:
    return {each.kind: each for each in kind.concerns(after(kind, events, key)[0])}


def reported(due: dict[str, tuple[str, str, datetime]]) -> Happened:
    begun = [
        {
            "code": code,
            "stage": stage,
            "until": "",
            "unit": unit,
            "amount": 1.0,
            "begun_at": AT.isoformat(),
            "warn_at": due_at.isoformat(),
            "due_at": due_at.isoformat(),
        }
        for code, (stage, unit, due_at) in due.items()
    ]
    place = {"latitude": 34.7, "longitude": 113.6, "address": None, "place": None}
    said = {"class_code": "manhole", "simulated": True, "occurred_at": AT, "begun": begun}
    return Happened("case.reported", said | place, "case-1")


def test_a_deadline_is_missed_by_the_clock_and_only_the_urgent_has_a_limit_before() -> None:
    due_at = AT + 60 * MINUTE
    calm = concerns(Cases(), reported({"filing": ("filing", "hours", due_at)}))[DEADLINE]
    assert (calm.limited_at, calm.now_at, calm.owner) == (None, due_at, "centre")
    urgent = concerns(Cases(), reported({"handling": ("handling", "hours", due_at)}))[DEADLINE]
    assert (urgent.limited_at, urgent.now_at) == (due_at - 30 * MINUTE, due_at)
    assert (urgent.latitude, urgent.about, urgent.simulated) == (34.7, "manhole", True)
    days = reported({"handling": ("handling", "working-days", due_at)})
    assert concerns(Cases(), days)[DEADLINE].limited_at is None
    first = Happened("case.prioritised", {"priority": "urgent", "occurred_at": AT}, "case-1")
    assert concerns(Cases(), days, first)[DEADLINE].limited_at == due_at - 30 * MINUTE


def test_what_is_deferred_or_over_waits_for_nobody() -> None:
    open_ = reported({"handling": ("handling", "hours", AT)})
    deferred = Happened(
        "case.deferred",
        {"occurred_at": AT, "until": AT.isoformat(), "moved": [], "request_id": "r-1"},
        "case-1",
    )
    assert concerns(Cases(), open_, deferred) == {}
    closed = Happened("case.closed", {"occurred_at": AT, "ended": []}, "case-1")
    state, counts = after(Cases(), [open_, closed])
    assert list(Cases().concerns(state)) == []
    assert (Cases().standing(state), counts["reported"], counts["closed"]) == ({}, 1, 1)


def applied(*events: Happened) -> dict[str, Concern]:
    submitted = Happened(
        "application.submitted",
        {
            "timestamp": AT,
            "service": "grant",
            "department": "social",
            "baseline": {},
            "pays": True,
            "channel": "app",
            "simulated": False,
            "legal_due_on": "2026-12-01",
        },
    )
    return concerns(Applied(), submitted, *events)


def test_the_laws_day_is_one_of_the_city() -> None:
    assert applied() == {}
    found = applied(Happened("application.referred", {"timestamp": AT, "reason": "rules"}))[
        LEGAL_DAY
    ]
    begins = datetime.combine(date(2026, 12, 1), datetime.min.time(), CITY_ZONE)
    assert (found.limited_at, found.now_at) == (begins, begins + timedelta(days=1))
    assert (found.owner, found.about) == ("social", "grant")


def test_a_payout_that_failed_is_red_until_its_claim_is_free_then_amber() -> None:
    failed = Happened("application.payout_failed", {"timestamp": AT})
    assert applied(failed)[PAYOUT_FAILED].now_at == AT + MINUTE
    free = Happened("application.compensated", {"timestamp": AT + MINUTE})
    found = applied(failed, free)
    assert PAYOUT_FAILED not in found
    assert (found[PAYOUT_TO_REPEAT].limited_at, found[PAYOUT_TO_REPEAT].now_at) == (AT, None)
    again = Happened("application.payout_instructed", {"timestamp": AT + 2 * MINUTE})
    assert PAYOUT_TO_REPEAT not in applied(failed, free, again)


def detector(watches: int, *events: Happened) -> dict[str, Concern]:
    stream, place = stream_of("c-1"), {"place_id": "c-1", "kind": "device", "simulated": False}
    described = {"retired": False, "watches": ["b"] * watches, "valid_from": AT}
    given = (
        Happened("parking.place_opened", place, stream),
        Happened("parking.place_described", described, stream),
    )
    return concerns(Places(), *given, *events, key=stream)


def heard(at: datetime, sign: str = "occupied") -> Happened:
    said = {"device_id": "c-1", "place_id": None, "sign": sign, "occurred_at": at, "by_hand": False}
    return Happened("parking.detected", said, "parking_detection-1")


def test_a_detector_of_many_berths_is_silent_ten_minutes_after_it_was_heard() -> None:
    assert detector(11)[SILENT].limited_at == AT + 10 * MINUTE
    assert detector(11, heard(AT + MINUTE))[SILENT].limited_at == AT + 11 * MINUTE
    lost = detector(11, heard(AT + 3 * MINUTE, "lost"), heard(AT + MINUTE))
    assert lost[SILENT].limited_at == AT + 13 * MINUTE
    few = detector(10, heard(AT))[SILENT]
    assert (few.begins_at, few.due_at) == (None, AT + 10 * MINUTE)


def test_one_plate_in_two_places_is_one_thing_from_whichever_side() -> None:
    def stands(mine: str, other: str) -> Concern:
        stay = {"place_id": "b-1", "simulated": False, "arrived_at": AT}
        twice = {"other_session_id": other, "timestamp": AT}
        opened = Happened("parking.opened", stay, mine)
        return concerns(Stays(), opened, Happened("parking.clone_suspected", twice, mine))[TWICE]

    assert stands("a", "b").shown_as == stands("b", "a").shown_as
    withdrawn = {"other_session_id": "b", "timestamp": AT}
    state, counts = after(
        Stays(),
        [
            Happened("parking.opened", {"place_id": "b-1", "simulated": False, "arrived_at": AT}),
            Happened("parking.clone_suspected", withdrawn),
            Happened("parking.left", {"left_at": AT + 5 * MINUTE}),
            Happened("parking.clone_decided", withdrawn),
        ],
    )
    assert list(Stays().concerns(state)) == []
    assert (Stays().standing(state), counts["seconds_stayed"]) == ({}, 300)


def test_a_junction_flashes_by_itself_until_a_person_resets_it() -> None:
    stream = "signal-x1-2026-11-30"
    opened = {"junction": "x1", "carried": {}, "simulated": True}
    flash = {"kind": "conflict", "at": 1_000}
    given = [
        Happened("signal.day_opened", opened, stream),
        Happened("signal.powered_up", {"at": 0}, stream),
        Happened("signal.flash_begun", flash, stream),
    ]
    found = concerns(Junctions(), *given)[FLASHES]
    assert (found.about, found.now_at) == ("conflict", datetime.fromtimestamp(1, UTC))
    reset = Happened("signal.reset", {"at": 2_000}, stream)
    assert concerns(Junctions(), *given, reset).keys() == {STANDS}
    by_hand = [*given[:2], Happened("signal.flash_begun", flash | {"kind": "hand"}, stream)]
    assert concerns(Junctions(), *by_hand).keys() == {STANDS}
