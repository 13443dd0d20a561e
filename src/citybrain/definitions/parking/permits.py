"""Which permits to park there are: dated files of a city."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from citybrain.definitions.dated_files import DatedFile, DatedVersions, by_day
from citybrain.definitions.loading import Definitions, Files
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

    def kind(self, code: str, asked_by: AskedBy | None = None) -> PermitKind:
        """The kind, that `asked_by` asks for; raises `PermitKindUnknown`."""
        for kind in self.kinds:
            if kind.code == code and asked_by in (None, kind.asked_by):
                return kind
        raise PermitKindUnknown("there is no such permit to ask for")


@dataclass(frozen=True, slots=True)
class ParkingPermitDefinitions(DatedVersions[ParkingPermitFile]):
    """The kinds, the oldest version first."""

    KIND: ClassVar[str] = "parking-permit"
    MODEL: ClassVar[type[DatedFile]] = ParkingPermitFile


def load_parking_permits(files: Files, _: Definitions) -> ParkingPermitDefinitions:
    """The folder `parking-permit`; raises `DefinitionError` with file and line."""
    found = by_day(files, ParkingPermitDefinitions.KIND, ParkingPermitFile)
    return ParkingPermitDefinitions(tuple(each.said for each in found))
