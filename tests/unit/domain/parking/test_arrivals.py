"""Who came in time: P50, P51 and P52, and what a camera's doubt or silence leads to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking import arrivals
from citybrain.domain.parking.arrivals import NOBODY, Look, Outcome, Sighting, Standing
from citybrain.domain.parking.reservation import TAKEN, NotApartInReservation, ParkingReservation
from citybrain.domain.parking.reservation_events import Conflict
from citybrain.domain.parking.reservation_refusals import ReservationOutOfStep
from tests.given.parking.reservations import (
    ANNA,
    CLAIM,
    NEXT_BERTH,
    OFFICER,
    OTHER,
    PARKING,
    came,
    clock,
    confirmed,
    paying,
    where,
)

OWN_CASE = replace(OFFICER, subject=ANNA.subject)


def woken(reservation: ParkingReservation, *times: str, look: Look = NOBODY) -> ParkingReservation:
    """Its alarms ring at these times."""
    for at in times:
        arrivals.wake(reservation, clock(at), look)
    return reservation


def settle(reservation: ParkingReservation, at: str, outcome: Outcome) -> None:
    arrivals.settle(
        reservation, OFFICER, clock(at), departments=PARKING, outcome=outcome, note_sealed="sealed"
    )


def outcome_of(reservation: ParkingReservation) -> tuple[str, int]:
    """The status, and what is kept of the deposit."""
    return reservation.status.value, reservation.kept_fen


def test_p50_the_hold_ran_out_while_paying_and_another_has_the_berth() -> None:
    reservation = paying("9:55", start="11:00", end="12:00")
    reservation.paid(clock("10:05:01"), claim_id=CLAIM)
    reservation.lose(clock("10:05:02"), reason=TAKEN, offered=[NEXT_BERTH])
    assert outcome_of(reservation) == ("lost", 0)
    assert reservation.offered == [NEXT_BERTH]


def test_p50_a_late_capture_of_a_hold_that_nobody_took_confirms() -> None:
    reservation = paying("9:55", start="11:00", end="12:00")
    reservation.paid(clock("10:05:01"), claim_id=CLAIM)
    reservation.confirm(clock("10:05:02"))
    assert where(reservation) == "confirmed"


def test_p51_somebody_stands_on_the_reserved_berth() -> None:
    reservation = woken(confirmed(), "13:45")
    arrivals.obstruct(reservation, clock("13:55:03"), came("13:55", OTHER))
    assert reservation.conflict is not None
    assert reservation.conflict["kind"] == Conflict.OBSTRUCTED
    arrivals.report_obstructed(reservation, ANNA, clock("14:02"))  # it is known already
    assert arrivals.alarm_at(reservation) == clock("14:15")
    woken(reservation, "14:15")
    assert outcome_of(reservation) == ("given-back", 0)


def test_p51_another_berth_or_the_deposit_back() -> None:
    moved = woken(confirmed(), "13:45")
    arrivals.obstruct(moved, clock("13:55:03"), came("13:55", OTHER))
    moved.move(ANNA, clock("14:03"), berth=NEXT_BERTH)
    moved.confirm(clock("14:03:01"))
    woken(moved, "14:03:02")
    arrivals.check_in(moved, clock("14:17:30"), came("14:17"))
    assert outcome_of(moved) == ("checked-in", 0)
    back = woken(confirmed(), "13:45")
    arrivals.obstruct(back, clock("13:55:03"), came("13:55", OTHER))
    back.cancel(ANNA, clock("14:03"), departments=PARKING, reason=None)
    assert outcome_of(back) == ("cancelled", 0)


@pytest.mark.parametrize("noted", [False, True])
def test_p52_checked_in_on_time_told_late(noted: bool) -> None:
    reservation = woken(confirmed(), "13:45", *(["14:15:30"] if noted else []))
    assert (where(reservation) == "no-show") is noted
    arrivals.check_in(reservation, clock("14:16:10"), came("14:15:00"))
    assert outcome_of(reservation) == ("checked-in", 0)


@pytest.mark.parametrize("noted", [False, True])
def test_p52_a_second_too_late_is_a_no_show(noted: bool) -> None:
    reservation = woken(confirmed(), "13:45", *(["14:15:30"] if noted else []))
    arrivals.check_in(reservation, clock("14:16:10"), came("14:15:01"))
    assert where(reservation) == "no-show"
    assert reservation.kept_fen == 500
    woken(reservation, "14:26:10")
    assert reservation.late_at == clock("14:15:01")
    assert outcome_of(reservation) == ("no-show", 500)


def test_after_the_window_a_reading_is_evidence_and_changes_nothing() -> None:
    reservation = woken(confirmed(), "13:45", "14:15", "14:25")
    arrivals.check_in(reservation, clock("14:25:01"), came("14:10"))
    assert reservation.late_at == clock("14:10")
    assert outcome_of(reservation) == ("no-show", 500)


def test_the_window_begins_when_the_no_show_is_noted_by_who_was_away() -> None:
    reservation = woken(confirmed(), "13:45", "16:00")
    assert arrivals.alarm_at(reservation) == clock("16:10")
    woken(reservation, "16:09:59")
    arrivals.check_in(reservation, clock("16:09:59"), came("14:05"))
    assert where(reservation) == "checked-in"


def test_what_stood_in_the_way_in_time_undoes_a_no_show() -> None:
    reservation = woken(confirmed(), "13:45", "14:15")
    arrivals.obstruct(reservation, clock("14:16"), came("14:05", OTHER))
    assert outcome_of(reservation) == ("given-back", 0)
    later = woken(confirmed(), "13:45", "14:15")
    arrivals.obstruct(later, clock("14:21"), came("14:20", OTHER))
    assert where(later) == "no-show"


def test_who_leaves_before_the_time_was_in_nobodys_way() -> None:
    reservation = woken(confirmed(), "13:45")
    arrivals.obstruct(reservation, clock("13:50"), came("13:50", OTHER))
    arrivals.left(reservation, clock("13:58"), clock("13:58"), OTHER["plate_id"])
    woken(reservation, "14:15")
    assert where(reservation) == "no-show"


def test_who_leaves_after_it_had_kept_the_citizen_out() -> None:
    reservation = woken(confirmed(), "13:45")
    arrivals.obstruct(reservation, clock("13:50"), came("13:50", OTHER))
    arrivals.left(reservation, clock("14:05"), clock("14:05"), OTHER["plate_id"])
    woken(reservation, "14:15")
    assert outcome_of(reservation) == ("given-back", 0)


def test_a_vehicle_that_may_be_the_reserved_one_is_for_an_officer() -> None:
    for at, found, expected in (
        ("14:08", Outcome.ARRIVED, ("checked-in", 0)),
        ("14:20", Outcome.OBSTRUCTED, ("given-back", 0)),
        ("14:20", Outcome.NOBODY_CAME, ("no-show", 500)),
    ):
        reservation = woken(confirmed(), "13:45")
        arrivals.doubt(reservation, clock("14:01"), came("14:01"))
        if at > "14:15":
            woken(reservation, "14:15")
        assert where(reservation) == "confirmed"
        with pytest.raises(NotApartInReservation):
            arrivals.settle(
                reservation, OWN_CASE, clock(at), departments=PARKING, outcome=found, note_sealed=""
            )
        settle(reservation, at, found)
        woken(reservation, "14:31")
        assert outcome_of(reservation) == expected
        with pytest.raises(ReservationOutOfStep):
            settle(reservation, "14:32", found)


def test_what_no_officer_has_settled_costs_nothing_in_the_end() -> None:
    reservation = woken(confirmed(), "13:45")
    arrivals.report_obstructed(reservation, ANNA, clock("14:02"))
    assert arrivals.alarm_at(reservation) == clock("15:00")
    woken(reservation, "15:00")
    assert outcome_of(reservation) == ("given-back", 0)


def test_where_the_camera_saw_nothing_nobody_is_charged() -> None:
    unseen = Look(standing=Standing.UNKNOWN, seen=False)
    reservation = woken(confirmed(), "13:45", "14:15", look=unseen)
    assert reservation.conflict is not None
    assert reservation.conflict["kind"] == Conflict.UNSEEN
    woken(reservation, "15:00", look=unseen)
    assert outcome_of(reservation) == ("given-back", 0)


def test_who_stands_there_when_it_is_looked_at() -> None:
    for standing, expected in (
        (Standing.OWN, "checked-in"),
        (Standing.OTHER, "confirmed"),
        (Standing.MAYBE, "confirmed"),
    ):
        look = Look(standing=standing, sighting=came("11:00", OTHER))
        reservation = woken(confirmed(), "13:45", look=look)
        assert where(reservation) == expected
        assert (reservation.conflict is None) == (standing is Standing.OWN)


def test_who_has_the_berth_before_is_in_the_way_only_after_their_time() -> None:
    before = Look(
        standing=Standing.OTHER, sighting=came("13:00", OTHER), entitled_until=clock("14:00")
    )
    reservation = woken(confirmed(), "13:45", look=before)
    assert reservation.conflict is None
    assert arrivals.alarm_at(reservation) == clock("14:00")
    woken(reservation, "14:00", look=before)
    assert reservation.conflict is not None
    gone = woken(woken(confirmed(), "13:45", look=before), "14:00")
    assert gone.conflict is None


def test_the_reserved_vehicle_may_come_early_and_wait() -> None:
    reservation = confirmed()
    arrivals.check_in(reservation, clock("13:20"), came("13:20"))
    assert where(reservation) == "confirmed"
    woken(reservation, "13:45")
    assert where(reservation) == "checked-in"
    gone = confirmed()
    arrivals.check_in(gone, clock("13:20"), came("13:20"))
    arrivals.left(gone, clock("13:30"), clock("13:30"), None)
    woken(gone, "13:45", "14:15")
    assert where(gone) == "no-show"


def test_who_stands_there_while_paying_is_checked_in_afterwards() -> None:
    reservation = paying("13:50")
    arrivals.check_in(reservation, clock("13:51"), came("13:51"))
    reservation.paid(clock("13:52"), claim_id=CLAIM)
    reservation.confirm(clock("13:52"))
    woken(reservation, "13:52:01")
    assert where(reservation) == "checked-in"


def test_leaving_early_frees_the_berth() -> None:
    reservation = woken(confirmed(), "13:45")
    arrivals.check_in(reservation, clock("14:01"), came("14:00"))
    arrivals.left(reservation, clock("14:20"), clock("13:59"), None)  # of whoever was there before
    assert where(reservation) == "checked-in"
    arrivals.left(reservation, clock("14:30"), clock("14:30"), reservation.plate["plate_id"])
    assert where(reservation) == "completed"
    assert reservation.is_over
    stays = woken(confirmed(), "13:45")
    arrivals.check_in(stays, clock("14:01"), came("14:00"))
    woken(stays, "15:00")
    assert where(stays) == "completed"


def test_an_obstruction_is_reported_around_its_time() -> None:
    for at in ("13:44:59", "15:00"):
        with pytest.raises(ReservationOutOfStep):
            arrivals.report_obstructed(confirmed(), ANNA, clock(at))


Told = Callable[[ParkingReservation, datetime, Sighting], None]

seen = st.tuples(
    st.sampled_from([arrivals.check_in, arrivals.obstruct, arrivals.doubt]),
    st.integers(-1800, 3600),  # seconds around the start at which it occurred
    st.integers(0, 600),  # seconds until it is told
)
alarms = st.tuples(st.just(None), st.integers(-900, 5400), st.just(0))


@given(st.lists(seen | alarms, max_size=12))
def test_whoever_was_there_in_time_never_pays_a_fee(
    drawn: list[tuple[Told | None, int, int]],
) -> None:
    """In whatever order readings and alarms come, and however late within the window."""
    reservation, start = confirmed("13:00"), clock("14:00")
    told = sorted(drawn, key=lambda each: each[1] + each[2])
    in_time = False
    for what, occurred, late in told:
        at = start + timedelta(seconds=occurred)
        now = at + timedelta(seconds=late)
        if what is None:
            arrivals.wake(reservation, now, NOBODY)
            continue
        fits = reservation.arrive_from <= at <= reservation.no_show_at
        in_time = in_time or (fits and not reservation.final)
        what(reservation, now, replace(came("14:00", OTHER), at=at))
    woken(reservation, "15:30", "15:41")
    status, kept = outcome_of(reservation)
    assert (status == "no-show") == (kept > 0)
    assert kept == 0 or not in_time
