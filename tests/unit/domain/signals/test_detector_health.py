"""Detectors that fail and recover: what is believed, and from when."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.signals.detector_faults import detector_faults, follow_detectors
from citybrain.domain.signals.detector_health import (
    BEHAVES_MS,
    DetectorHealth,
    Fault,
    Judged,
    Standing,
)
from citybrain.domain.signals.layout import Detector, DetectorKind
from citybrain.domain.signals.signal_events import milliseconds
from tests.given.signals.x1 import ZERO, Street, loaded

EIGHT = milliseconds(datetime(2026, 9, 14, 8, tzinfo=UTC))
LOOP = Detector("D3", DetectorKind.LOOP, "cabinet-1", lane="side_1", to_m=2.0)
SECOND, MINUTE = 1000, 60_000


def watched(detector: Detector = LOOP, since: int = EIGHT) -> DetectorHealth:
    return DetectorHealth(detector, since)


def counting(health: DetectorHealth, since: int, until: int, a_minute: int = 20) -> None:
    """A reading each second, with vehicles spread evenly over it; the zone is free."""
    for at in range(since, until, SECOND):
        second = (at - since) // SECOND
        count = (second + 1) * a_minute // 60 - second * a_minute // 60
        health.heard(at, actuations=count, covered_ms=SECOND)
        health.cleared(at)


def test_a_detector_is_not_believed_before_it_was_heard() -> None:
    health = watched()
    assert health.judged(EIGHT + MINUTE).standing is Standing.UNHEARD
    assert not health.judged(EIGHT + MINUTE).trusted
    silent = health.judged(EIGHT + MINUTE + 1)
    assert silent == Judged(Standing.FAILED, Fault.SILENT, EIGHT + MINUTE)
    health.heard(EIGHT + 2 * MINUTE)
    assert health.judged(EIGHT + 2 * MINUTE) == Judged(Standing.GOOD, None, EIGHT + 2 * MINUTE)


def test_s20_occupied_for_as_long_as_nobody_stands_it_has_failed() -> None:
    health = watched()
    counting(health, EIGHT - MINUTE, EIGHT)
    five_past = EIGHT + LOOP.longest_presence_ms
    for at in range(EIGHT, five_past, SECOND):
        health.heard(at)
        health.occupied(at, EIGHT)
    assert health.judged(five_past - 1).trusted
    failed = health.judged(five_past)
    assert failed == Judged(Standing.FAILED, Fault.STUCK_ON, five_past)
    for at in range(five_past, five_past + MINUTE, SECOND):
        health.heard(at)
        health.occupied(at, EIGHT)
    assert health.judged(five_past + MINUTE) == failed


def test_s20_it_is_believed_again_when_it_has_behaved_for_the_set_time() -> None:
    health = watched()
    health.heard(EIGHT)
    health.occupied(EIGHT, EIGHT)
    freed = EIGHT + LOOP.longest_presence_ms + 30 * SECOND
    for at in range(EIGHT, freed, SECOND):
        health.heard(at)
        health.occupied(at, EIGHT)
    counting(health, freed, freed + BEHAVES_MS)
    assert health.judged(freed + BEHAVES_MS - SECOND).fault is Fault.STUCK_ON
    counting(health, freed + BEHAVES_MS, freed + BEHAVES_MS + SECOND)
    assert health.judged(freed + BEHAVES_MS) == Judged(Standing.GOOD, None, freed + BEHAVES_MS)


def test_s20_a_presence_that_nobody_asked_about_counts_when_it_ends() -> None:
    patient = Detector("D3", DetectorKind.LOOP, "cabinet-1", silent_after_ms=3_600_000)
    health = watched(patient)
    health.heard(EIGHT)
    health.occupied(EIGHT, EIGHT)
    ended = EIGHT + 20 * MINUTE
    health.heard(ended)
    health.cleared(ended)
    since = EIGHT + patient.longest_presence_ms
    assert health.judged(ended) == Judged(Standing.FAILED, Fault.STUCK_ON, since)


def test_s22_chatter_is_not_used_at_once_and_fails_in_its_second_minute() -> None:
    health = watched()
    counting(health, EIGHT, EIGHT + MINUTE)
    begun = EIGHT + MINUTE
    for second in range(10):
        health.heard(begun + second * SECOND, actuations=4, covered_ms=SECOND)
    suspect = health.judged(begun + 9 * SECOND)
    assert (suspect.standing, suspect.fault) == (Standing.SUSPECT, Fault.ERRATIC)
    assert not suspect.trusted
    counting(health, begun + 10 * SECOND, begun + MINUTE)
    assert not health.judged(begun + MINUTE - SECOND).trusted, "within a minute of it"
    for second in range(3):
        health.heard(begun + MINUTE + second * SECOND, actuations=4, covered_ms=SECOND)
    failed = health.judged(begun + MINUTE + 2 * SECOND)
    assert failed == Judged(Standing.FAILED, Fault.ERRATIC, begun + MINUTE + 2 * SECOND)


def test_one_bad_minute_passes_and_is_forgotten() -> None:
    health = watched()
    health.heard(EIGHT, actuations=15, covered_ms=SECOND)
    assert health.judged(EIGHT).standing is Standing.SUSPECT
    counting(health, EIGHT + SECOND, EIGHT + 2 * MINUTE)
    assert health.judged(EIGHT + 2 * MINUTE).trusted
    later = EIGHT + BEHAVES_MS + MINUTE
    counting(health, EIGHT + 2 * MINUTE, later)
    health.heard(later, actuations=15, covered_ms=SECOND)
    assert health.judged(later).standing is Standing.SUSPECT, "the first was forgotten"


@pytest.mark.parametrize("covered_ms", [SECOND, 10 * SECOND, MINUTE])
def test_a_full_lane_is_no_chatter_however_long_a_reading_covers(covered_ms: int) -> None:
    health = watched()
    for at in range(EIGHT, EIGHT + 10 * MINUTE, covered_ms):
        passed = (at // covered_ms + 1) * covered_ms // 2000 - at // covered_ms * covered_ms // 2000
        health.heard(at, actuations=passed, covered_ms=covered_ms)
        assert health.judged(at).trusted


def test_what_no_lane_can_hold_fails_it_in_two_minutes() -> None:
    health = watched()
    counting(health, EIGHT, EIGHT + MINUTE)
    health.impossible(EIGHT + MINUTE)
    assert health.judged(EIGHT + MINUTE).standing is Standing.SUSPECT
    health.impossible(EIGHT + 2 * MINUTE)
    assert health.judged(EIGHT + 2 * MINUTE).fault is Fault.TOO_HIGH


def test_silence_is_a_failure_that_ends_with_as_long_a_time_of_speaking() -> None:
    health = watched()
    counting(health, EIGHT, EIGHT + MINUTE)
    last = EIGHT + MINUTE - SECOND
    assert health.judged(last + MINUTE).trusted
    silent = health.judged(last + MINUTE + 1)
    assert silent == Judged(Standing.FAILED, Fault.SILENT, last + MINUTE)
    back = last + 10 * MINUTE
    counting(health, back, back + MINUTE)
    assert health.judged(back + MINUTE - SECOND).fault is Fault.SILENT
    counting(health, back + MINUTE, back + MINUTE + SECOND)
    assert health.judged(back + MINUTE).trusted


def test_s23_a_state_holds_until_the_silence_limit_and_is_then_unknown() -> None:
    d9 = Detector(
        "D9",
        DetectorKind.LOOP,
        "cabinet-1",
        longest_presence_ms=3 * 3_600_000,
        silent_after_ms=2 * 3_600_000,
    )
    health = watched(d9)
    health.heard(EIGHT)
    health.occupied(EIGHT, EIGHT)
    limit = EIGHT + d9.silent_after_ms
    assert health.judged(limit).trusted
    assert health.judged(limit + 1).fault is Fault.SILENT
    health.heard(limit + MINUTE)
    assert health.occupied_since is None, "who stood there meanwhile is not known"


def test_a_button_that_nobody_presses_is_well() -> None:
    button = Detector("B1", DetectorKind.BUTTON, "cabinet-1", group="P2")
    health = watched(button)
    assert health.judged(EIGHT + 86_400_000).standing is Standing.UNHEARD
    health.heard(EIGHT + 86_400_000)
    assert health.judged(EIGHT + 3 * 86_400_000).trusted


@given(st.lists(st.tuples(st.integers(1, 90_000), st.integers(0, 3), st.sampled_from("oci"))))
def test_looking_changes_nothing(said: list[tuple[int, int, str]]) -> None:
    """However often it is asked in between, the verdict is the same; a failure has a fault."""
    asked, quiet, at = watched(), watched(), EIGHT
    for after, count, what in said:
        at += after
        for health in (asked, quiet):
            if what == "i":
                health.impossible(at)
            else:
                health.heard(at, actuations=count, covered_ms=SECOND)
                health.occupied(at, at - SECOND) if what == "o" else health.cleared(at)
        for later in (0, SECOND, MINUTE):
            judged = asked.judged(at + later)
            assert (judged.fault is not None) is (
                judged.standing in (Standing.FAILED, Standing.SUSPECT)
            )
            assert judged.since <= at + later
    assert asked.judged(at) == quiet.judged(at)


def judged_as(standing: Standing, fault: Fault | None = None) -> Judged:
    return Judged(standing, fault, EIGHT)


def test_failing_and_recovering_is_on_the_record_once(tmp_path: Path) -> None:
    street = Street.green(loaded(tmp_path), "A")
    signal = street.signal
    stuck, silent = (judged_as(Standing.FAILED, each) for each in (Fault.STUCK_ON, Fault.SILENT))
    chatter = judged_as(Standing.FAILED, Fault.ERRATIC)
    assert follow_detectors(signal, ZERO, {"D3": stuck, "D7": chatter, "D8": stuck})
    assert not follow_detectors(signal, ZERO, {"D3": stuck, "D7": chatter, "D8": stuck})
    suspect = judged_as(Standing.SUSPECT, Fault.ERRATIC)
    assert not follow_detectors(
        signal, ZERO, {"D3": stuck, "D7": suspect, "D8": judged_as(Standing.UNHEARD)}
    ), "nobody knows yet"
    assert follow_detectors(signal, ZERO, {"D3": silent, "D7": judged_as(Standing.GOOD)})
    assert detector_faults(signal) == {"D3": "silent"}, "D8 is gone from the definition"
    said = [(type(each).TOPIC, each.fault) for each in street.collect()]
    assert said == [
        ("signal.fault_raised", "detector:D3"),
        ("signal.fault_raised", "detector:D7"),
        ("signal.fault_raised", "detector:D8"),
        ("signal.fault_raised", "detector:D3"),
        ("signal.fault_cleared", "detector:D7"),
        ("signal.fault_cleared", "detector:D8"),
    ]
    assert signal.carried["faults"] == {"detector:D3": "silent"}, "over midnight, too"


def test_who_had_failed_before_it_was_watched_must_behave_first() -> None:
    health = watched()
    health.had_failed(Fault.STUCK_ON, EIGHT - MINUTE, EIGHT)
    assert health.judged(EIGHT) == Judged(Standing.FAILED, Fault.STUCK_ON, EIGHT - MINUTE)
    counting(health, EIGHT, EIGHT + BEHAVES_MS)
    assert not health.judged(EIGHT + BEHAVES_MS - SECOND).trusted
    counting(health, EIGHT + BEHAVES_MS, EIGHT + BEHAVES_MS + SECOND)
    assert health.judged(EIGHT + BEHAVES_MS).trusted
