"""A reservation: held, paid for, confirmed, cancelled, moved, excused; by whom, and until when."""

import pytest

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking import arrivals
from citybrain.domain.parking.arrivals import NOBODY
from citybrain.domain.parking.reservation import NotApartInReservation, ParkingReservation
from citybrain.domain.parking.reservation_quota import ReservationQuota, TooManyReservations
from citybrain.domain.parking.reservation_refusals import (
    HoldRanOut,
    NotYourReservation,
    ReservationOutOfStep,
)
from tests.given.parking.reservations import (
    ANNA,
    BEN,
    BERTH,
    CLAIM,
    NEXT_BERTH,
    OFFICER,
    OTHER,
    PARKING,
    came,
    clock,
    confirmed,
    free,
    held,
    paying,
    where,
)
from tests.given.streams import replayed, topics


def cancel(
    reservation: ParkingReservation, at: str, actor: Actor = ANNA, reason: str | None = None
) -> None:
    reservation.cancel(actor, clock(at), departments=PARKING, reason=reason)


def missed() -> ParkingReservation:
    """Nobody came, and no reading can change that."""
    reservation = confirmed()
    for at in ("13:45", "14:15", "14:25"):
        arrivals.wake(reservation, clock(at), NOBODY)
    assert reservation.final
    return reservation


def test_the_event_names_the_definition_with_its_times_and_fees() -> None:
    reservation = held()
    (event,) = reservation.pending_events
    assert reservation.rules_version == event.__dict__["rules_version"]
    assert reservation.rules_version.startswith("2026-01-01+")
    assert reservation.hold_until == clock("13:10")
    assert reservation.cancel_free_until == clock("13:10")  # never before the hold runs out
    assert held("10:00").cancel_free_until == clock("13:00")
    assert reservation.arrive_from == clock("13:45")
    assert (reservation.no_show_at, reservation.final_at) == (clock("14:15"), clock("14:25"))
    assert (reservation.deposit_fen, reservation.no_show_fee_fen) == (500, 500)


def test_who_asks_in_time_pays_and_has_it() -> None:
    reservation = paying()
    assert where(reservation) == "paying"
    reservation.paid(clock("13:00:05"), claim_id=CLAIM)
    assert where(reservation) == "securing"
    for _ in range(2):
        reservation.confirm(clock("13:00:06"))
    assert topics(reservation)[-1] == "parking.reservation_confirmed"
    assert reservation.kept_fen == 500


def test_asking_twice_is_one_try_and_asking_after_a_failure_another() -> None:
    reservation = paying()
    reservation.ask_deposit(ANNA, clock("13:01"))
    assert reservation.attempts == 1
    reservation.not_paid(clock("13:02"), attempt=1)
    assert where(reservation) == "held"
    reservation.ask_deposit(ANNA, clock("13:03"))
    assert reservation.attempts == 2
    reservation.not_paid(clock("13:03"), attempt=1)  # an old message
    assert where(reservation) == "paying"


def test_money_that_comes_after_a_failure_is_taken() -> None:
    reservation = paying()
    reservation.not_paid(clock("13:02"), attempt=1)
    reservation.paid(clock("13:03"), claim_id=CLAIM)
    assert where(reservation) == "securing"


def test_without_a_deposit_it_is_confirmed_at_once() -> None:
    reservation = held(rules=free())
    reservation.confirm_unpaid(ANNA, clock("13:01"))
    reservation.confirm_unpaid(ANNA, clock("13:02"))
    assert where(reservation) == "confirmed"
    with pytest.raises(NotYourReservation):
        reservation.confirm_unpaid(BEN, clock("13:03"))


def test_who_asks_too_late_is_told() -> None:
    reservation = held()
    with pytest.raises(HoldRanOut):
        reservation.ask_deposit(ANNA, clock("13:10"))
    arrivals.wake(reservation, clock("13:10"), NOBODY)
    assert where(reservation) == "lapsed"
    with pytest.raises(ReservationOutOfStep):
        reservation.ask_deposit(ANNA, clock("13:10:01"))


def test_who_is_paying_does_not_lapse() -> None:
    reservation = paying()
    assert arrivals.alarm_at(reservation) is None
    arrivals.wake(reservation, clock("13:30"), NOBODY)
    assert where(reservation) == "paying"


@pytest.mark.parametrize(("at", "fee_fen"), [("13:00", 0), ("13:00:01", 200), ("14:10", 200)])
def test_late_cancelling_costs_a_fee(at: str, fee_fen: int) -> None:
    reservation = confirmed("10:00")
    cancel(reservation, at)
    assert where(reservation) == "cancelled"
    assert reservation.kept_fen == fee_fen


def test_what_is_not_confirmed_is_cancelled_for_nothing() -> None:
    reservation = paying("12:55")
    cancel(reservation, "13:04")
    with pytest.raises(ReservationOutOfStep):
        reservation.paid(clock("13:05"), claim_id=CLAIM)
    assert reservation.kept_fen == 0


def test_the_city_takes_it_back_for_nothing_and_says_why() -> None:
    reservation = confirmed("10:00")
    cancel(reservation, "13:59", OFFICER, "works")
    assert reservation.kept_fen == 0
    assert "works" in [event.__dict__.get("by_city") for event in reservation.pending_events]


def test_nobody_else_cancels() -> None:
    for actor, refusal in (
        (BEN, NotYourReservation),
        (Actor("o", frozenset({Role.OFFICIAL}), "sanitation"), RoleNotAllowed),
        (Actor(ANNA.subject, frozenset({Role.OFFICIAL}), "parking"), NotApartInReservation),
    ):
        with pytest.raises(refusal):
            cancel(confirmed(), "13:20", actor)
    with pytest.raises(ReservationOutOfStep):
        cancel(missed(), "15:00")


def test_it_is_moved_only_where_the_berth_cannot_be_had() -> None:
    reservation = confirmed()
    with pytest.raises(ReservationOutOfStep):
        reservation.move(ANNA, clock("13:50"), berth=NEXT_BERTH)
    arrivals.obstruct(reservation, clock("13:55:02"), came("13:55", OTHER))
    with pytest.raises(NotYourReservation):
        reservation.move(BEN, clock("14:03"), berth=NEXT_BERTH)
    reservation.move(ANNA, clock("14:03"), berth=NEXT_BERTH)
    reservation.confirm(clock("14:03:01"))
    assert reservation.conflict is None
    assert [berth for berth, _ in reservation.claims] == [BERTH, NEXT_BERTH]
    assert reservation.no_show_at == clock("14:18")  # as long to come as at first
    assert reservation.kept_fen == 500


def test_all_of_it_comes_back_from_the_stored_events() -> None:
    reservation = missed()
    events = list(reservation.pending_events)
    again = replayed(events)
    left_out = ("_pending_events", "_created_on", "_modified_on")
    for name, value in vars(reservation).items():
        assert name in left_out or getattr(again, name) == value, name


def test_a_quota_is_strict_and_ends_by_itself() -> None:
    quota = ReservationQuota.open(clock("9:00"), citizen_id=ANNA.subject)
    for name in ("a", "b", "b"):
        quota.take(clock("10:00"), reservation_id=name, until=clock("10:10"), most=2)
    with pytest.raises(TooManyReservations):
        quota.take(clock("10:09:59"), reservation_id="c", until=clock("10:20"), most=2)
    quota.take(clock("10:01"), reservation_id="a", until=clock("15:00"))
    quota.take(clock("10:10"), reservation_id="c", until=clock("10:20"), most=2)
    with pytest.raises(TooManyReservations):
        quota.take(clock("10:11"), reservation_id="d", until=clock("10:20"), most=2)
    quota.give_back(clock("10:12"), reservation_id="a")
    quota.give_back(clock("10:12"), reservation_id="a")
    quota.take(clock("10:12"), reservation_id="d", until=clock("10:20"), most=2)
    quota.take(clock("10:13"), reservation_id="paid", until=clock("15:00"))  # beyond it
    assert set(quota.taken) == {"c", "d", "paid"}
