"""What a report of a class is asked beside its place and text, and what the answers have to be."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from citybrain.definitions.yaml_file import Code
from citybrain.errors import InvalidInput


class InvalidAttribute(InvalidInput):
    """An attribute of the report is not what its class asks for."""

    code = "invalid-attribute"


class Definition(BaseModel):
    """A part of a definition file: nothing else than it says, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Datatype(StrEnum):
    """What an attribute takes; the words are those of Open311 GeoReport v2."""

    STRING = "string"
    NUMBER = "number"
    DATETIME = "datetime"
    TEXT = "text"
    SINGLE = "singlevaluelist"
    MULTI = "multivaluelist"


LISTS = (Datatype.SINGLE, Datatype.MULTI)


def _is_date(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


# What a value has to be, and how that is said.
CHECKS: dict[Datatype, tuple[Callable[[str], object], str]] = {
    Datatype.STRING: (re.compile(r"[^\x00-\x1f]{1,500}").fullmatch, "one line of 500 characters"),
    Datatype.NUMBER: (re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?").fullmatch, "a number"),
    Datatype.DATETIME: (_is_date, "a date and time"),
    Datatype.TEXT: (re.compile(r"[^\x00]{1,2000}").fullmatch, "a text of 2000 characters"),
}


class AttributeValue(Definition):
    """One of the values of a list."""

    key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    name: str = Field(min_length=1)


class Attribute(Definition):
    """What a report of a class is asked beside its place and text.

    One with `variable: false` only tells something, in its description.
    """

    code: Code
    variable: bool = True
    datatype: Datatype
    required: bool = False
    order: int = Field(ge=1)
    description: str = Field(min_length=1)
    datatype_description: str = ""
    values: tuple[AttributeValue, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> "Attribute":
        if (self.datatype in LISTS) != bool(self.values):
            raise ValueError("values belong to a list, and a list has values")
        if self.required and not self.variable:
            raise ValueError("what takes no value is not required")
        return self

    def check(self, given: Sequence[str]) -> None:
        """Whether the values fit; raises `InvalidAttribute`."""
        name = f"attribute[{self.code}]"
        if not self.variable:
            raise InvalidAttribute(f"{name} takes no value", attribute=self.code)
        if self.datatype is not Datatype.MULTI and len(given) > 1:
            raise InvalidAttribute(f"{name} takes one value", attribute=self.code)
        if self.datatype in LISTS:
            keys = {each.key for each in self.values}
            if not keys.issuperset(given) or len(set(given)) != len(given):
                raise InvalidAttribute(f"{name} is not one of its values", attribute=self.code)
            return
        check, words = CHECKS[self.datatype]
        if not all(check(value) for value in given):
            raise InvalidAttribute(f"{name} is not {words}", attribute=self.code)
