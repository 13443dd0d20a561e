"""Types of what rules look at: records' members, answers, parameters, and what is computed.

Nothing is read as something else: a text of digits is no number, 1 is not true, and what is
null, blank or out of its range is no value at all.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from citybrain.definitions.applications.keys import canonical
from citybrain.domain.texts import says_something

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
WholeType = Literal["integer", "money_fen", "months", "years"]
MemberType = Literal[WholeType, "text", "choice", "identity_number", "date", "boolean"]
Fits = Callable[[Any, str], bool]
"""Whether a value is of a type, on a day (YYYY-MM-DD)."""

LONGEST_TEXT = 500
MOST = 10**12
RANGES: dict[str, tuple[int, int]] = {
    "integer": (-MOST, MOST),
    "money_fen": (0, MOST),
    "months": (0, 1_200),
    "years": (0, 150),
}
FIRST_DAY = "1900-01-01"
IDENTITY_NUMBER = re.compile(r"(?=.*[1-9])[0-9A-Za-z-]{4,32}")
WANTED = {
    "integer": "a whole number",
    "money_fen": "a whole number of fen",
    "months": "a whole number of months",
    "years": "a whole number of years",
    "text": f"a text that says something, in {LONGEST_TEXT} printable characters at most",
    "identity_number": "an identity number: 4 to 32 digits, letters and hyphens, not zeros alone",
    "date": "a date, YYYY-MM-DD",
    "boolean": "true or false",
}


class Member(BaseModel):
    """What a member of a record may be. The name of a type alone is short for its usual range."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: MemberType
    choices: tuple[Text, ...] = Field((), description="of a choice")
    min: int | None = Field(None, strict=True, description="of a number; else that of its type")
    max: int | None = Field(None, strict=True)
    future: bool = Field(False, description="of a date: it may be one that has not come yet")
    blank: Text | None = Field(None, description='what "" means; else it is no value')

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _belongs(self) -> "Member":
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("a choice, and nothing else, has choices")
        if self.type not in RANGES and (self.min, self.max) != (None, None):
            raise ValueError("only a number has min and max")
        if self.type in RANGES and self.range[0] > self.range[1]:
            raise ValueError("min is above max: nothing fits")
        if len(set(self.choices)) < len(self.choices):
            raise ValueError("a choice is there twice")
        if self.future and self.type != "date":
            raise ValueError("only a date may be in the future")
        return self

    @property
    def wanted(self) -> str:
        """What it has to be, for whoever delivered something else."""
        if self.type == "choice":
            return f"one of: {', '.join(self.choices)}"
        if self.type in RANGES:
            low, high = self.range
            return f"{WANTED[self.type]} from {low} to {high}"
        if self.type == "date":
            until = "on" if self.future else "to the day of the decision"
            return f"{WANTED['date']}, from {FIRST_DAY} {until}"
        return WANTED[self.type]

    @property
    def range(self) -> tuple[int, int]:
        """The least and the most of a number."""
        low, high = RANGES[self.type]
        return low if self.min is None else self.min, high if self.max is None else self.max

    def fits(self) -> Fits:
        """The check, put together once."""
        fits = self._fits()
        if self.blank is None:
            return fits
        return lambda value, today: value == "" or fits(value, today)

    def _fits(self) -> Fits:
        if self.type == "choice":
            return lambda value, _: isinstance(value, str) and value in self.choices
        if self.type in RANGES:
            low, high = self.range
            return lambda value, _: type(value) is int and low <= value <= high
        if self.type == "date":
            return lambda value, today: (
                is_date(value) and value >= FIRST_DAY and (self.future or value <= today)
            )
        if self.type == "text":
            return lambda value, _: is_text(value) and canonical(value) is not None
        check = CHECKS[self.type]
        return lambda value, _: check(value)


def is_text(value: Any) -> bool:
    """A text that says something."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_TEXT
        and value.isprintable()
        and says_something(value)
    )


def is_date(value: Any) -> bool:
    """A day, YYYY-MM-DD."""
    try:
        return isinstance(value, str) and value == str(date.fromisoformat(value))
    except ValueError:
        return False


def is_integer(value: Any) -> bool:
    """A whole number, and not too large to count with."""
    return type(value) is int and abs(value) <= MOST


def is_something(value: Any) -> bool:
    """Of no declared type, but neither null nor blank."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def _is_identity_number(value: Any) -> bool:
    return isinstance(value, str) and IDENTITY_NUMBER.fullmatch(value) is not None


CHECKS: dict[str, Callable[[Any], bool]] = {
    "text": is_text,
    "identity_number": _is_identity_number,
    "date": is_date,
    "boolean": lambda value: isinstance(value, bool),
    **dict.fromkeys(RANGES, lambda value: type(value) is int),
}
"""What is computed: its kind alone counts, for a difference may be below zero."""
