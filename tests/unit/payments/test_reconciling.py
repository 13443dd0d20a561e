"""Our payments and the bank's statement: what agrees is silent, what does not is said, once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.money import Fen
from citybrain.payments import Kind
from citybrain.payments.reconciling import Comparison, Difference, Finding, Ours, compare
from citybrain.payments.statements import Line
from tests.given.payments import line_of, ours

DAY = date(2026, 3, 1)
OTHER = UUID(int=10**9)

Lines = list[Line]


def compared(known: list[Ours], lines: Lines) -> Comparison:
    return compare(DAY, {each.payment_id: each for each in known}, lines)


payments = st.builds(
    lambda kind, amount_fen, paid, when: (kind, amount_fen, paid, when),
    st.sampled_from(Kind),
    st.integers(1, 10**9),
    st.booleans(),
    st.sampled_from([DAY, DAY, DAY, DAY - timedelta(days=1), DAY + timedelta(days=1), None]),
)


@st.composite
def days(draw: st.DrawFn) -> tuple[list[Ours], Lines]:
    """Payments of ours, of the day and of others, and the statement of the day."""
    drawn = draw(st.lists(payments, max_size=30))
    known = [
        ours(number, when, amount_fen, kind=kind, paid=paid)
        for number, (kind, amount_fen, paid, when) in enumerate(drawn)
    ]
    lines = [line_of(each, DAY) for each in known if each.booked_on == DAY]
    return known, draw(st.permutations(lines))


def fen(line: Line) -> int:
    return int(line.amount_fen) if line.status == "success" else 0


# What is done to one line: the lines in its place, the finding, and whose payment it is.
Tampering = Callable[[Line], tuple[Lines, Finding, UUID]]


def one_fen_more(line: Line) -> tuple[Lines, Finding, UUID]:
    more = replace(line, amount_fen=Fen(line.amount_fen + 1))
    return [more], Finding.AMOUNT_DIFFERS, line.payment_id


def twice(line: Line) -> tuple[Lines, Finding, UUID]:
    return [line, line], Finding.PAID_TWICE, line.payment_id


def again_under_another_id(line: Line) -> tuple[Lines, Finding, UUID]:
    again = line.kind is Kind.PAYOUT and line.status == "success"
    finding = Finding.PAID_TWICE if again else Finding.MISSING_HERE
    return [line, replace(line, payment_id=OTHER)], finding, OTHER


def missing(line: Line) -> tuple[Lines, Finding, UUID]:
    return [], Finding.MISSING_AT_BANK, line.payment_id


def other_status(line: Line) -> tuple[Lines, Finding, UUID]:
    turned = replace(line, status="failed" if line.status == "success" else "success")
    return [turned], Finding.STATUS_DIFFERS, line.payment_id


def of_another(line: Line) -> tuple[Lines, Finding, UUID]:
    moved = replace(line, reference="application-" + "f" * 32)
    return [moved], Finding.OTHER_PAYMENT, line.payment_id


def of_nobody(line: Line) -> tuple[Lines, Finding, UUID]:
    unknown = replace(line, payment_id=OTHER, reference=None)
    return [line, unknown], Finding.MISSING_HERE, OTHER


def of_another_day(line: Line) -> tuple[Lines, Finding, UUID]:
    moved = replace(line, booked_on=DAY + timedelta(days=1))
    return [moved], Finding.DAY_DIFFERS, line.payment_id


TAMPERINGS: list[Tampering] = [
    one_fen_more,
    twice,
    again_under_another_id,
    missing,
    other_status,
    of_another,
    of_nobody,
    of_another_day,
]


@given(days())
def test_two_sides_that_agree_differ_in_nothing(day: tuple[list[Ours], Lines]) -> None:
    found = compared(*day)
    assert found.differences == ()
    assert found.difference_fen == 0
    assert found.ours == found.bank
    assert found.bank.fen == sum(map(fen, day[1]))


@pytest.mark.parametrize("tampering", TAMPERINGS)
@given(day=days(), data=st.data())
def test_one_tampering_among_any_payments_is_found_and_nothing_else(
    tampering: Tampering, day: tuple[list[Ours], Lines], data: st.DataObject
) -> None:
    known, lines = day
    if not lines:
        return
    place = data.draw(st.integers(0, len(lines) - 1))
    instead, finding, payment_id = tampering(lines[place])
    found = compared(known, [*lines[:place], *instead, *lines[place + 1 :]])
    (difference,) = found.differences
    assert (difference.finding, difference.payment_id) == (finding, payment_id)
    assert found.difference_fen == sum(map(fen, instead)) - fen(lines[place])


def test_a_receipt_of_another_amount_than_was_told_is_found() -> None:
    known = replace(ours(1, DAY), receipted_fen=101)
    (difference,) = compared([known], [line_of(known, DAY)]).differences
    assert difference == Difference(
        known.payment_id, known.reference, Finding.AMOUNT_DIFFERS, 101, 100
    )


def test_what_the_bank_made_and_we_have_not_heard_of_is_found() -> None:
    known = ours(1, None)
    found = compared([known], [line_of(known, DAY)])
    assert [each.finding for each in found.differences] == [Finding.STATUS_DIFFERS]
    assert found.difference_fen == 100


def test_what_is_on_its_way_and_not_at_the_bank_is_no_difference() -> None:
    assert compared([ours(1, None)], []).differences == ()


def test_a_payment_of_another_day_on_this_days_statement_is_found() -> None:
    known = ours(1, DAY - timedelta(days=1))
    (difference,) = compared([known], [line_of(known, DAY)]).differences
    assert difference.finding is Finding.DAY_DIFFERS
