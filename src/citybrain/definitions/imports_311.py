"""The mapping of a 311 extract to our classes, departments and statuses."""

from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from citybrain.definitions.cases import CaseDefinitions, Code
from citybrain.definitions.yaml_file import DefinitionError, read_yaml


class Import311(BaseModel):
    """One mapping file; names of the extract on the left, ours on the right."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    zone: str
    classes: dict[str, Code] = Field(min_length=1)
    departments: dict[str, Code] = Field(min_length=1)
    statuses: dict[str, Literal["closed", "accepted", "dispatched"]] = Field(min_length=1)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("there is no such time zone") from error
        return zone


def load_import_311(path: Path, cases: CaseDefinitions) -> Import311:
    """The mapping, checked against the definitions of cases; `DefinitionError` with its line."""
    mapping, lines = read_yaml(path, Import311)
    for section, names, known in (
        ("classes", mapping.classes, cases.classes),
        ("departments", mapping.departments, cases.departments),
    ):
        for name, code in names.items():
            if code not in known:
                line = lines.of((section, name))
                raise DefinitionError(f"{path}:{line}: {code!r} is not defined in {section}")
    return mapping
