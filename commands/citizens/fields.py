"""What a person is registered with, as commands take it."""

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints


def _written_date(value: Any) -> Any:
    """A date is written YYYY-MM-DD: no number, no time."""
    if isinstance(value, str) and len(value) != 10:
        raise ValueError("a date is written YYYY-MM-DD")
    if not isinstance(value, str | date):
        raise ValueError("a date is written YYYY-MM-DD")
    return value


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 -]{4,30}$")]
Day = Annotated[date, Field(ge=date(1900, 1, 1)), BeforeValidator(_written_date)]
