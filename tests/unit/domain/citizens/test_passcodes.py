"""Passcodes that anybody would try first are refused."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.citizens.passcodes import PasscodeGuessable, check_passcode

BORN = date(1990, 5, 1)
NUMBERS = ("41010219900501123X", "+86 371 5555 0123")


@pytest.mark.parametrize(
    "passcode",
    ["000000", "121212", "123456", "987654", "890123", "900501", "19900501", "010590", "050190",
     "99005011", "715555", "86371555", "0119900501"],
)  # fmt: skip
def test_the_first_guesses_are_refused(passcode: str) -> None:
    with pytest.raises(PasscodeGuessable):
        check_passcode(passcode, born=BORN, numbers=NUMBERS)


@pytest.mark.parametrize("passcode", ["271828", "8241937", "246813579024"])
def test_others_are_taken(passcode: str) -> None:
    check_passcode(passcode, born=BORN, numbers=NUMBERS)


@given(st.dates(min_value=date(1900, 1, 1)), st.from_regex(r"\A[0-9]{0,4}\Z"))
def test_a_birthday_is_refused_whatever_stands_beside_it(born: date, beside: str) -> None:
    with pytest.raises(PasscodeGuessable):
        check_passcode(f"{born:%Y%m%d}{beside}", born=born, numbers=())
    other = born + timedelta(days=1) if born < date.max else born - timedelta(days=1)
    assert other != born
