"""Passcodes: six to twelve digits that somebody chose, and that nobody guesses at once."""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise

from citybrain.errors import InvalidInput

PATTERN = r"^[0-9]{6,12}$"
REPEATED = 3  # digits that are at least different


class PasscodeGuessable(InvalidInput):
    """One of the first that anybody would try."""

    code = "passcode-guessable"


def check_passcode(passcode: str, *, born: date, numbers: Iterable[str]) -> None:
    """Raise `PasscodeGuessable` for few digits, a row, a birthday, a part of a number of theirs."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(passcode)}
    days = (born.strftime(form) for form in ("%Y%m%d", "%y%m%d", "%d%m%Y", "%d%m%y", "%m%d%y"))
    if (
        len(set(passcode)) < REPEATED
        or len(steps) == 1
        or any(day in passcode for day in days)
        or any(passcode in _digits(number) for number in numbers)
    ):
        raise PasscodeGuessable("this passcode is easily guessed")


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))
