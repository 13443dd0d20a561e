"""Which permits to park there are: dated files of a city."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from citybrain.definitions.dated_files import DatedFile, by_day
from citybrain.definitions.loading import Definitions, Files, in_force
from citybrain.definitions.yaml_file import Code
from citybrain.errors import InvalidInput

Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Days = Annotated[int, Field(strict=True, ge=0, le=36_600)]


class PermitOf(StrEnum):
    """What a permit is of."""

    PERSON = "person"
    """For the car of the day: any, and one at a time."""

    PLATE = "plate"


class AskedBy(StrEnum):
    """Who asks for a permit."""

    CITIZEN = "citizen"
    OFFICE = "office"


class PermitKindUnknown(InvalidInput):
    """There is no such kind of permit, or somebody else asks for it."""

    code = "permit-kind-unknown"


class PermitKind(BaseModel):
    """One kind of permit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code
    name: Text
    name_en: Text
    of: PermitOf
    asked_by: AskedBy
    zoned: Annotated[bool, Field(strict=True)]
    longest_days: Annotated[int, Field(strict=True, ge=1, le=36_600)]
    reaches_back_days: Days
    source: Text


class ParkingPermitFile(DatedFile):
    """The kinds from a day on: all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: Annotated[tuple[PermitKind, ...], Field(min_length=1, max_length=100)]

    @field_validator("kinds")
    @classmethod
    def _once(cls, kinds: tuple[PermitKind, ...]) -> tuple[PermitKind, ...]:
        if len({kind.code for kind in kinds}) != len(kinds):
            raise ValueError("a kind is there twice")
        return kinds

    @property
    def version(self) -> str:
        """What events name: the day, and a digest of the kinds."""
        content = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return f"{self.valid_from}+{hashlib.sha256(content).hexdigest()[:8]}"

    def kind(self, code: str, asked_by: AskedBy | None = None) -> PermitKind:
        """The kind, that `asked_by` asks for; raises `PermitKindUnknown`."""
        for kind in self.kinds:
            if kind.code == code and asked_by in (None, kind.asked_by):
                return kind
        raise PermitKindUnknown("there is no such permit to ask for")


@dataclass(frozen=True, slots=True)
class ParkingPermitDefinitions:
    """The kinds, the oldest version first."""

    versions: tuple[ParkingPermitFile, ...]

    def at(self, moment: datetime) -> ParkingPermitFile:
        """The kinds in force on the city's day of `moment`."""
        return in_force(self.versions, moment)


def load_parking_permits(files: Files, _: Definitions) -> ParkingPermitDefinitions:
    """The folder `parking-permit`; raises `DefinitionError` with file and line."""
    found = by_day(files, "parking-permit", ParkingPermitFile)
    return ParkingPermitDefinitions(tuple(each.said for each in found))
