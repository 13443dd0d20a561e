"""What a stay earns by line and day: owed on the day it began, money on the bank's day."""

from datetime import date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.allocation import in_proportion
from citybrain.domain.parking.earning import (
    RESERVATION,
    STRAY,
    Earning,
    EarningClaim,
    Measure,
    Sums,
    TariffLine,
)
from citybrain.domain.parking.session_events import (
    SessionDisputeDecided,
    SessionPriced,
    SessionVoided,
)
from tests.given.parking.claims import claim

DAY, NEXT = date(2026, 9, 14), date(2026, 9, 15)
FIRST = TariffLine("street+1", "1", "1/day", "parking")
SECOND = TariffLine("street+1", "1", "idle", "idle")
PRICED = SessionPriced.TOPIC
CLAIM = "parking_claim-1"


def priced(first: int, second: int = 0, already: int = 0, start: str = "23:50") -> dict[str, Any]:
    """What `parking.priced` says of a stay that began on the evening of the day."""
    return {
        "stay": {"start": f"2026-09-14T{start}:00+08:00", "zone": "1"},
        "already_fen": already,
        "lines": [
            {"version": line.version, "rule": line.rule, "kind": line.kind, "fen": fen}
            for line, fen in ((FIRST, first), (SECOND, second))
            if fen or line == FIRST
        ],
    }


def earning(first: int, second: int = 0, owed: int | None = None) -> Earning:
    """A priced stay, and its claim."""
    found = Earning("parking-1")
    found.note(PRICED, priced(first, second))
    found.claims[CLAIM] = EarningClaim(claim(), NEXT)
    found.claims[CLAIM].claim.amount_fen = first + second if owed is None else owed
    return found


def moved(of: Earning, what: str, fen: int, at: str = "2026-09-20T01:00:00+08:00") -> Sums:
    return of.money(
        CLAIM, f"parking.{what}", {"amount_fen": fen, "settled_at": datetime.fromisoformat(at)}
    )


def of_measure(sums: Sums, measure: Measure) -> dict[tuple[date, TariffLine], int]:
    return {(day, line): fen for (day, line, each), fen in sums.items() if each is measure and fen}


def test_what_is_owed_is_of_the_day_on_which_the_stay_began() -> None:
    standing = earning(400, 100).standing()
    right = {(DAY, FIRST): 400, (DAY, SECOND): 100}
    for measure in (Measure.PRICED, Measure.CHARGED, Measure.OPEN):
        assert of_measure(standing, measure) == right
    assert of_measure(standing, Measure.STAYS) == {(DAY, FIRST): 1, (DAY, SECOND): 1}


def test_money_is_of_the_banks_day_and_no_correction_moves_it() -> None:
    of = earning(400, 100)
    bank_day = date(2026, 9, 20)
    in_ = moved(of, "payment_captured", 500)
    assert of_measure(in_, Measure.CAPTURED) == {(bank_day, FIRST): 400, (bank_day, SECOND): 100}
    of.note(PRICED, priced(400))
    of.claims[CLAIM].claim.amount_fen = 400
    assert of_measure(of.standing(), Measure.CHARGED) == {(DAY, FIRST): 400}
    back = moved(of, "refunded", 100, "2026-09-22T23:59:59+08:00")
    assert of_measure(back, Measure.REFUNDED) == {(date(2026, 9, 22), SECOND): 100}


def test_what_was_asked_for_before_is_taken_off_in_the_order_of_the_lines() -> None:
    of = Earning("parking-1")
    of.note(PRICED, priced(400, 300, already=500))
    assert of.lines == {FIRST: 0, SECOND: 200}


def test_a_free_stay_is_counted_and_a_void_one_is_not() -> None:
    of = Earning("parking-1")
    of.note(PRICED, priced(0))
    assert of.standing() == {(DAY, FIRST, Measure.STAYS): 1, (DAY, FIRST, Measure.PRICED): 0}
    of.note(SessionVoided.TOPIC, {})
    assert of.standing() == {}


def test_a_dispute_that_is_upheld_lowers_every_line_in_proportion() -> None:
    of = earning(400, 100)
    of.note(SessionDisputeDecided.TOPIC, {"upheld": False, "amount_fen": None})
    assert of.lines == {FIRST: 400, SECOND: 100}
    of.note(SessionDisputeDecided.TOPIC, {"upheld": True, "amount_fen": 250})
    assert of.lines == {FIRST: 200, SECOND: 50}
    of.note(SessionDisputeDecided.TOPIC, {"upheld": True, "amount_fen": 0})
    assert of.lines == {FIRST: 0, SECOND: 0}


def test_a_reservation_has_a_line_of_its_own_on_the_day_it_was_asked_for() -> None:
    of = Earning("parking_reservation-1")
    of.claims[CLAIM] = EarningClaim(claim(300), NEXT)
    line = TariffLine("", "", "", RESERVATION)
    assert of_measure(of.standing(), Measure.CHARGED) == {(NEXT, line): 300}
    of = Earning("parking_stray-1", claims=of.claims)
    line = TariffLine("", "", "", STRAY)
    assert of_measure(of.standing(), Measure.CHARGED) == {(NEXT, line): 300}


amounts = st.integers(0, 10**9)


@given(st.integers(0, 10**12), st.lists(amounts, min_size=1).filter(any))
def test_an_amount_in_parts_loses_no_fen(amount: int, weights: list[int]) -> None:
    parts = in_proportion(amount, weights)
    assert sum(parts) == amount
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - amount * weight) < whole


@given(
    first=amounts,
    second=amounts,
    owed=amounts,
    taken=st.lists(
        st.tuples(
            st.sampled_from(["payment_captured", "refunded", "charged_back"]), st.integers(1, 10**9)
        )
    ),
)
def test_lines_come_to_what_the_claim_says_whatever_moves(
    first: int, second: int, owed: int, taken: list[tuple[str, int]]
) -> None:
    of = earning(first, second, owed)
    assert sum(of_measure(of.standing(), Measure.CHARGED).values()) == owed
    kept = 0
    for what, fen in taken:
        assert sum(moved(of, what, fen).values()) == fen
        kept += fen if what == "payment_captured" else -fen
    assert sum(of.claims[CLAIM].kept.values()) == kept
