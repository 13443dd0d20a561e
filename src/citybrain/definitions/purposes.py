"""For what people are identified: the services that a city offers, beside what is fixed in code."""

from collections.abc import Mapping
from datetime import date


class Purposes:
    """The codes that count as a purpose, each from the first day that it is in force."""

    def __init__(self, first_days: Mapping[str, date]) -> None:
        self._first_days = first_days

    def has(self, code: str, day: date) -> bool:
        """Whether it has been in force by this day: what began under it goes on."""
        first = self._first_days.get(code)
        return first is not None and first <= day
