"""The mapping of a 311 extract to our classes, departments and statuses."""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from citybrain.definitions.inspection.cases import CaseDefinitions, InspectionDefinitions
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.yaml_file import Code, DefinitionError, Lines, Place, read_yaml

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
SourceStatus = Literal["closed", "accepted", "dispatched"]


class Bounds(BaseModel):
    """A box of WGS-84 degrees."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    south: Latitude
    west: Longitude
    north: Latitude
    east: Longitude

    def hold(self, latitude: float, longitude: float) -> bool:
        """Whether the place lies inside; false for what is not a number."""
        return self.south <= latitude <= self.north and self.west <= longitude <= self.east


class Import311(BaseModel):
    """One mapping file; names of the extract on the left, ours on the right."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,31}$")]
    zone: str
    date_formats: tuple[str, ...] = Field(min_length=1)
    columns: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="other names of columns, by ours"
    )
    bounds: Bounds
    classes: dict[str, Code] = Field(min_length=1)
    descriptors: dict[str, dict[str, Code]] = Field(default_factory=dict)
    departments: dict[str, Code] = Field(min_length=1)
    statuses: dict[str, SourceStatus] = Field(min_length=1)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("there is no such time zone") from error
        return zone

    def class_of(self, complaint_type: str, descriptor: str) -> str:
        """Our class of a complaint; raises `KeyError`."""
        return self.descriptors.get(complaint_type, {}).get(
            descriptor, self.classes[complaint_type]
        )


def load_imports(files: Files, known: Definitions) -> Import311:
    """The folder `imports`, checked against the newest definitions of cases."""
    path = next(path for path in files.of("imports") if path.name == "311-csv.yaml")
    return load_import_311(path, known.of(InspectionDefinitions).versions[-1])


def load_import_311(path: Path, cases: CaseDefinitions) -> Import311:
    """The mapping, checked against the definitions of cases; `DefinitionError` with its line."""
    mapping, lines = read_yaml(path, Import311)
    for name, code in mapping.classes.items():
        _check(path, lines, ("classes", name), code in cases.classes, f"class {code!r}")
    for name, code in mapping.departments.items():
        _check(
            path, lines, ("departments", name), code in cases.departments, f"department {code!r}"
        )
    for complaint, descriptors in mapping.descriptors.items():
        place: Place = ("descriptors", complaint)
        _check(path, lines, place, complaint in mapping.classes, f"complaint {complaint!r}")
        for name, code in descriptors.items():
            _check(path, lines, (*place, name), code in cases.classes, f"class {code!r}")
    return mapping


def _check(path: Path, lines: Lines, place: Place, known: bool, what: str) -> None:
    if not known:
        raise DefinitionError(f"{path}:{lines.of(place)}: there is no {what}")
