"""A value with where it comes from: no number of parking stands without its source."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

T = TypeVar("T")

Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class Definition(BaseModel):
    """A part of a file: what it does not know is refused, and nothing is read as another type."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Said(Definition, Generic[T]):
    """A value, and where it comes from or that we assume it."""

    value: T
    source: Text


Whole = Annotated[int, Field(strict=True, ge=0)]
AtLeastOne = Annotated[int, Field(strict=True, ge=1)]
