"""Files of places, as a city would write them."""

import csv
import json
from pathlib import Path
from typing import Any

import shapely


def as_csv(path: Path, *said: dict[str, Any]) -> Path:
    """A column for each member; lists with blanks, geometries as WKT."""
    names = list(dict.fromkeys(name for each in said for name in each))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for each in said:
            row: dict[str, Any] = {
                name: " ".join(value) if isinstance(value, list) else value
                for name, value in each.items()
            }
            if isinstance(row.get("geometry"), dict):
                row["geometry"] = shapely.from_geojson(json.dumps(row["geometry"])).wkt
            writer.writerow(row)
    return path


def as_geojson(path: Path, *said: dict[str, Any]) -> Path:
    """A feature a line, the first in line 2."""
    features = []
    for each in said:
        rest = dict(each)
        shape = rest.pop("geometry", None)
        rest["valid_from"] = str(rest["valid_from"])
        if shape is None and "latitude" in rest:
            shape = {"type": "Point", "coordinates": [rest.pop("longitude"), rest.pop("latitude")]}
        features.append({"type": "Feature", "properties": rest, "geometry": shape})
    lines = ",\n".join(map(json.dumps, features))
    path.write_text(f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}')
    return path
