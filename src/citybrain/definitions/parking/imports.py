"""How an archive of counts becomes ours: names of its columns, and what its counters mean."""

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.parking.said import AtLeastOne, Definition, Text, Whole
from citybrain.definitions.yaml_file import Code, read_yaml


class PlaceColumns(Definition):
    """The columns of the file of places."""

    id: Text
    name: Text
    capacity: Text
    latitude: Text
    longitude: Text


class CounterQuirks(Definition):
    """What is known of one facility's counter."""

    sentinels: Annotated[tuple[int, ...], Field(max_length=20)] = ()
    drift: Whole | None = None


class CounterImport(Definition):
    """One archive."""

    source: Code
    time_zone: str
    valid_from: date
    silence_minutes: AtLeastOne
    timestamp: Text
    places: PlaceColumns
    facilities: dict[str, CounterQuirks] = Field(default_factory=dict)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("there is no such time zone") from error
        return zone


def load_counter_import(files: Files, _: Definitions) -> CounterImport:
    """The file `imports/occupancy-csv.yaml`; raises `DefinitionError` with file and line."""
    path = next(path for path in files.of("imports") if path.name == "occupancy-csv.yaml")
    found, _lines = read_yaml(path, CounterImport)
    return found
