"""Files of places: CSV with a header, or a GeoJSON FeatureCollection; each row a version.

Members are those of `PlaceDeclared`; in CSV lists are separated by blanks, a point is `longitude`
and `latitude`, another geometry is WKT. Each mistake has its file and line; all are found at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import shapely
from pydantic import ValidationError

from citybrain.errors import InvalidInput
from commands.csv_rows import CsvRows, Row, open_rows
from commands.parking.imports.features import read_features
from commands.parking.place_fields import PlaceDeclared
from commands.parking.register import Declared, PlacesInvalid, Problem

REQUIRED = ("place_id", "kind", "valid_from", "name")
LISTS = ("sentinels", "watches", "previous")


def read_places(paths: Sequence[Path]) -> list[Declared]:
    """All that these files declare; raises `PlacesInvalid` with every mistake, `InvalidInput`."""
    declared: list[Declared] = []
    problems: list[Problem] = []
    for path in paths:
        for line, said in lines_of(path):
            where = f"{path}:{line}"
            if isinstance(said, str):
                problems.append(Problem(where, "", said))
                continue
            try:
                declared.append(Declared(where, PlaceDeclared.model_validate(said)))
            except ValidationError as error:
                problems += [
                    Problem(where, ".".join(map(str, found["loc"])), found["msg"])
                    for found in error.errors(include_url=False, include_input=False)
                ]
    if problems:
        raise PlacesInvalid(problems)
    return declared


def lines_of(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The rows of a file, each with its line: what it says, or why it cannot be read."""
    with open_rows(path) as file:
        head = file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n")
    yield from _features(path) if head.startswith((b"{", b"[")) else _rows(path)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    with open_rows(path) as file:
        rows = CsvRows(file, str(path), REQUIRED)
        if unknown := set(rows.columns) - PlaceDeclared.model_fields.keys():
            raise InvalidInput(f"{path}:1: there is no member {', '.join(sorted(unknown))}")
        yield from ((row.line, _of_row(row)) for row in rows)


def _of_row(row: Row) -> dict[str, Any] | str:
    if row.problem is not None:
        return row.problem
    said: dict[str, Any] = {name: cell for name, cell in row.fields.items() if cell.strip()}
    said |= {name: said[name].split() for name in LISTS if name in said}
    if "geometry" in said:
        try:
            shape = shapely.from_wkt(said["geometry"])
        except shapely.GEOSException:
            return "geometry is not WKT"
        said["geometry"] = orjson.loads(shapely.to_geojson(shape))
    return said


def _features(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for line, feature in read_features(path):
        yield line, _of_feature(feature)


def _of_feature(feature: Any) -> dict[str, Any] | str:
    if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
        return "this is not a Feature"
    properties = feature.get("properties") or {}
    if not isinstance(properties, Mapping):
        return "properties are not an object"
    said = {name: value for name, value in properties.items() if value is not None}
    if feature.get("geometry") is not None:
        said["geometry"] = feature["geometry"]
    return said
