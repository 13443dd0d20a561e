"""Separation of duties, for whatever has parts: who had one does not decide, and two pay more."""

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.separation import NotApart, Two, check_apart, why_two

BOTH = Actor("citizen-1", frozenset({Role.CITIZEN, Role.OFFICIAL}), "housing-fund")


def test_who_had_a_part_is_refused_by_its_name_whatever_other_role_they_hold() -> None:
    check_apart(BOTH, {"asked-for-it": ["citizen-2"], "paid-it": []})
    with pytest.raises(NotApart) as refused:
        check_apart(BOTH, {"paid-it": ["citizen-2"], "asked-for-it": {"citizen-1"}})
    assert refused.value.details == {"rule": "asked-for-it"}


@pytest.mark.parametrize(
    ("amount_fen", "computed_fen", "overturns", "why"),
    [
        (100, 100, False, []),
        (101, 100, False, [Two.ABOVE_COMPUTED]),
        (100, None, False, [Two.NOTHING_COMPUTED]),
        (501, 501, False, [Two.ABOVE_ONE_REVIEWER]),
        (501, 100, True, [Two.AGAINST_THE_RULES, Two.ABOVE_COMPUTED, Two.ABOVE_ONE_REVIEWER]),
        (None, None, False, []),
        (None, None, True, [Two.AGAINST_THE_RULES]),
    ],
)
def test_what_takes_two(
    amount_fen: int | None, computed_fen: int | None, overturns: bool, why: list[Two]
) -> None:
    found = why_two(amount_fen, computed_fen=computed_fen, limit_fen=500, overturns=overturns)
    assert found == why
