"""An amount is a whole number of fen, more than none and not above a ceiling."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.money import MOST_FEN, AmountAboveCeiling, AmountInvalid, Fen


@given(st.integers(1, MOST_FEN))
def test_a_whole_number_of_fen_is_one(amount: int) -> None:
    assert Fen(amount) == amount
    assert Fen(Fen(amount), MOST_FEN) == amount
    assert orjson.dumps(Fen(amount)) == str(amount).encode()


@pytest.mark.parametrize(
    "value",
    [0, -1, -500, 0.5, 1.0, 2_000_000.5, float("nan"), float("inf"), Decimal(5), True, False,
     None, "0", "500", "many", "", b"5", [500], {"fen": 500}],
)  # fmt: skip
def test_nothing_else_becomes_one(value: Any) -> None:
    with pytest.raises(AmountInvalid):
        Fen(value)


@pytest.mark.parametrize(
    ("value", "ceiling_fen"),
    [(2**62, None), (MOST_FEN + 1, None), (MOST_FEN + 1, 2 * MOST_FEN), (101, 100)],
)
def test_nothing_is_above_the_ceiling(value: int, ceiling_fen: int | None) -> None:
    with pytest.raises(AmountAboveCeiling):
        Fen(value, ceiling_fen)


def test_the_ceiling_itself_may_be_paid() -> None:
    assert Fen(100, 100) == 100
