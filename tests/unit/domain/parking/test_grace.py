"""Paid, then slow at the exit."""

import pytest

from citybrain.domain.parking.grace import Paid, owed_on_leaving
from citybrain.domain.parking.stay import Span
from tests.given.parking.tariffs import at, stay, street

STREET = street()
AT_THE_KIOSK = Paid(at("10:58"), 400)


@pytest.mark.parametrize(
    ("ends", "owed", "in_grace"), [("11:03", 0, True), ("11:03:01", 200, False)]
)
def test_p46_paid_then_slow_at_the_exit(ends: str, owed: int, in_grace: bool) -> None:
    found = owed_on_leaving(stay("10:00", ends), STREET, (AT_THE_KIOSK,))
    assert (found.fen, found.in_grace, found.paid_fen) == (owed, in_grace, 400)
    assert found.grace_until == at("11:03")
    assert found.price.total_fen == 600


@pytest.mark.parametrize(
    ("ends", "owed"), [("11:10", 0), ("11:14", 0), ("11:14:01", 200), ("12:30", 400)]
)
def test_p46_the_grace_does_not_run_while_the_barrier_is_broken(ends: str, owed: int) -> None:
    fault = Span(at("10:59"), at("11:10"))
    found = owed_on_leaving(stay("10:00", ends), STREET, (AT_THE_KIOSK,), (fault,))
    assert found.fen == owed


def test_a_barrier_that_is_still_broken_keeps_nobody_from_the_grace() -> None:
    found = owed_on_leaving(stay("10:00", "12:30"), STREET, (AT_THE_KIOSK,), (Span(at("10:59")),))
    assert (found.fen, found.in_grace) == (0, True)


def test_a_fault_that_came_when_the_grace_was_over_changes_nothing() -> None:
    fault = Span(at("11:03"), at("11:10"))
    found = owed_on_leaving(stay("10:00", "11:04"), STREET, (AT_THE_KIOSK,), (fault,))
    assert found.fen == 200


def test_who_paid_less_than_was_due_has_no_grace() -> None:
    found = owed_on_leaving(stay("10:00", "10:59"), STREET, (Paid(at("10:58"), 300),))
    assert (found.fen, found.in_grace) == (100, False)
    twice = (Paid(at("10:30"), 300), Paid(at("10:58"), 100))
    assert owed_on_leaving(stay("10:00", "11:02"), STREET, twice).in_grace


def test_nothing_is_owed_that_was_paid_and_nobody_owes_less_than_nothing() -> None:
    assert owed_on_leaving(stay("10:00", "11:00"), STREET, ()).fen == 400
    assert owed_on_leaving(stay("10:00", "12:00"), STREET, (Paid(at("10:58"), 900),)).fen == 0
    after = owed_on_leaving(stay("10:00", "11:00"), STREET, (Paid(at("11:01"), 400),))
    assert (after.fen, after.grace_until) == (0, None)
