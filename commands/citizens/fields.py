"""What a person is registered with, as commands take it."""

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from commands.fields import seen


def _written_date(value: Any) -> Any:
    """A date is written YYYY-MM-DD: no number, no time."""
    written = isinstance(value, str) and len(value) == 10
    if not written and not isinstance(value, date):
        raise PydanticCustomError("date_type", "a date is written YYYY-MM-DD")
    return value


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"),
    AfterValidator(seen),
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 -]{4,30}$")]
Day = Annotated[date, Field(ge=date(1900, 1, 1)), BeforeValidator(_written_date)]
