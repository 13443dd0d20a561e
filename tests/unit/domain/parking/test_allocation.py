"""A payment that does not cover everything: Civil Code art. 560, to the last fen."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.money import AmountInvalid, Fen
from citybrain.domain.parking.allocation import Allocation, Debt, DebtUnknown, allocate
from tests.given.parking.claims import at

D1, D2, D3 = Debt("d1", 400, at(1)), Debt("d2", 600, at(5), disputed=True), Debt("d3", 800, at(10))
ASKED = at(20)


def parts(found: Allocation) -> list[tuple[str, int]]:
    return [(part.claim_id, int(part.amount_fen)) for part in found.parts]


def test_p44_a_payment_that_does_not_cover_everything() -> None:
    found = allocate(Fen(1000), [D3, D2, D1], at=ASKED)
    assert parts(found) == [("d1", 400), ("d3", 600)]
    assert found.left_fen == 0


def test_p44_the_debtors_choice_comes_first() -> None:
    found = allocate(Fen(1000), [D1, D2, D3], at=ASKED, chosen=["d3"])
    assert parts(found) == [("d3", 800), ("d1", 200)]


def test_a_disputed_debt_is_paid_by_choice_only() -> None:
    assert parts(allocate(Fen(1000), [D2], at=ASKED, chosen=["d2"])) == [("d2", 600)]
    assert allocate(Fen(1000), [D2], at=ASKED) == Allocation((), 1000)


def test_what_is_due_comes_before_what_is_not() -> None:
    found = allocate(Fen(500), [Debt("later", 500, at(25)), D1], at=ASKED)
    assert parts(found) == [("d1", 400), ("later", 100)]


def test_debts_that_were_due_at_one_moment_are_paid_in_proportion() -> None:
    same = [Debt("a", 100, at(1)), Debt("b", 100, at(1)), Debt("c", 100, at(1))]
    assert parts(allocate(Fen(100), same, at=ASKED)) == [("a", 34), ("b", 33), ("c", 33)]
    uneven = [Debt("a", 100, at(1)), Debt("b", 300, at(1))]
    assert parts(allocate(Fen(200), uneven, at=ASKED)) == [("a", 50), ("b", 150)]


def test_what_no_debt_takes_is_left() -> None:
    found = allocate(Fen(2000), [D1, D3], at=ASKED)
    assert parts(found) == [("d1", 400), ("d3", 800)]
    assert found.left_fen == 800


@pytest.mark.parametrize("chosen", [["d4"], ["d1", "d1"], ["paid"]])
def test_a_choice_that_is_none_is_refused(chosen: list[str]) -> None:
    with pytest.raises(DebtUnknown):
        allocate(Fen(100), [D1, Debt("paid", 0, at(1))], at=ASKED, chosen=chosen)


@pytest.mark.parametrize("amount", [0, -1, 1.5, "100", True, None])
def test_what_is_no_amount_pays_nothing(amount: object) -> None:
    with pytest.raises(AmountInvalid):
        allocate(Fen(amount), [D1], at=ASKED)


DEBTS = st.lists(
    st.builds(
        Debt,
        claim_id=st.uuids().map(str),
        open_fen=st.integers(0, 5000),
        due_at=st.sampled_from([at(1), at(5), at(10), at(25)]),
        disputed=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda debt: debt.claim_id,
)


@given(DEBTS, st.integers(1, 20_000))
def test_no_fen_is_lost_and_no_debt_overpaid(debts: list[Debt], amount_fen: int) -> None:
    found = allocate(Fen(amount_fen), debts, at=ASKED)
    owed = {debt.claim_id: debt for debt in debts}
    taken = {part.claim_id: int(part.amount_fen) for part in found.parts}
    assert sum(taken.values()) + found.left_fen == amount_fen
    assert all(0 < fen <= owed[claim_id].open_fen for claim_id, fen in taken.items())
    assert not any(owed[claim_id].disputed for claim_id in taken)
    if found.left_fen:
        assert all(taken.get(d.claim_id, 0) == d.open_fen for d in debts if not d.disputed)
    assert found == allocate(Fen(amount_fen), reversed(debts), at=ASKED)


@given(DEBTS, st.integers(1, 20_000))
def test_an_earlier_debt_is_never_left_for_a_later_one(debts: list[Debt], amount_fen: int) -> None:
    taken: dict[str, int] = {
        part.claim_id: int(part.amount_fen)
        for part in allocate(Fen(amount_fen), debts, at=ASKED).parts
    }

    def rank(debt: Debt) -> tuple[bool, datetime]:
        return debt.due_at > ASKED, debt.due_at

    whole = [debt for debt in debts if not debt.disputed]
    for earlier in whole:
        for later in whole:
            if rank(earlier) < rank(later) and taken.get(later.claim_id, 0):
                assert taken.get(earlier.claim_id, 0) == earlier.open_fen
