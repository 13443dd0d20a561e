"""On what terms plates are bound for payment without stopping: dated files of a city."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from citybrain.definitions.dated_files import DatedFile, DatedVersions, by_day
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.yaml_file import Code
from citybrain.domain.money import MOST_FEN

CeilingFen = Annotated[int, Field(strict=True, gt=0, le=MOST_FEN)]
Days = Annotated[int, Field(strict=True, ge=1, le=3660)]


class Registry(BaseModel):
    """Which department says whose a vehicle is, and by which record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    department: Code
    record: Code


class PlateBindingFile(DatedFile):
    """The terms from a day on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    registry: Registry
    per_debit_ceiling_fen: CeilingFen
    per_day_ceiling_fen: CeilingFen
    most_plates: Annotated[int, Field(strict=True, ge=1, le=1000)]
    adults_from: Annotated[int, Field(strict=True, ge=0, le=100)]
    ask_again_minutes: Annotated[int, Field(strict=True, ge=1, le=1440)]
    waits_days: Days
    prove_again_days: Days
    proof_good_days: Days
    hired_out_uses: Annotated[tuple[Code, ...], Field(max_length=20)]
    source: Annotated[str, StringConstraints(min_length=1, max_length=400)]

    @model_validator(mode="after")
    def _asked_again_in_time(self) -> "PlateBindingFile":
        if self.prove_again_days > self.proof_good_days:
            raise ValueError("a proof is asked for again before it is too old")
        return self

    def ask_again_at(self, now: datetime) -> datetime:
        """When a registry that was silent is asked again."""
        return now + timedelta(minutes=self.ask_again_minutes)


@dataclass(frozen=True, slots=True)
class PlateBindingDefinitions(DatedVersions[PlateBindingFile]):
    """The terms, the oldest first."""

    KIND: ClassVar[str] = "plate-binding"
    MODEL: ClassVar[type[DatedFile]] = PlateBindingFile


def load_plate_bindings(files: Files, _: Definitions) -> PlateBindingDefinitions:
    """The folder `plate-binding`; raises `DefinitionError` with file and line."""
    found = by_day(files, PlateBindingDefinitions.KIND, PlateBindingFile)
    return PlateBindingDefinitions(tuple(each.said for each in found))
