"""The types of members that commands share: what is taken, how long it may be."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from citybrain.definitions.yaml_file import Code as Code
from citybrain.domain.texts import says_something


def seen(text: str) -> str:
    """The text, where there is anything to see."""
    if not says_something(text):
        raise PydanticCustomError("nothing_to_see", "there is nothing to see")
    return text


def _written_date(value: Any) -> Any:
    """A date is written YYYY-MM-DD: no number, no time."""
    written = isinstance(value, str) and len(value) == 10
    if not written and not isinstance(value, date):
        raise PydanticCustomError("date_type", "a date is written YYYY-MM-DD")
    return value


def _written_moment(value: Any) -> Any:
    """A time is written as in RFC 3339: a number would leave open what it counts."""
    written = isinstance(value, str) and value[4:5] == "-"
    if not written and not isinstance(value, datetime):
        raise PydanticCustomError("datetime_type", "a time is written as 2026-09-14T09:00:00+08:00")
    return value


def _no_flag(value: Any) -> Any:
    """Python takes true for 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "true and false are no numbers")
    return value


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]
LongText = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
Prose = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$"),
    AfterValidator(seen),
]
"""What somebody writes to somebody."""
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$"),
    AfterValidator(seen),
]
"""What something is called."""
Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST), BeforeValidator(_written_moment)]
Flag = Annotated[bool, Field(strict=True)]
"""True or false, and no word or number for it."""
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=LATEST.date()), BeforeValidator(_written_date)]
NoFlag = BeforeValidator(_no_flag)
"""For numbers, of which true and false are none; behind limits, which then are pydantic's own."""
Latitude = Annotated[
    float, Field(ge=-90, le=90, allow_inf_nan=False, description="WGS-84 degrees"), NoFlag
]
Longitude = Annotated[
    float, Field(ge=-180, le=180, allow_inf_nan=False, description="WGS-84 degrees"), NoFlag
]
Percent = Annotated[int, Field(ge=1, le=100), NoFlag]
