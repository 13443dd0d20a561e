"""GeoJSON geometries (RFC 7946) as they stand in events: their points, their box, moved."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from citybrain.geo.areas import Box


def points_of(geometry: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """All positions, as latitude and longitude."""

    def within(coordinates: Any) -> Iterator[tuple[float, float]]:
        if isinstance(coordinates[0], list):
            for each in coordinates:
                yield from within(each)
        else:
            yield coordinates[1], coordinates[0]

    yield from within(geometry["coordinates"])


def box_of(geometry: Mapping[str, Any]) -> Box:
    """The box around it: south, west, north, east."""
    norths, easts = zip(*points_of(geometry), strict=True)
    return min(norths), min(easts), max(norths), max(easts)


def moved(
    geometry: Mapping[str, Any], move: Callable[[float, float], tuple[float, float]]
) -> dict[str, Any]:
    """The same with each position moved; `move` takes and gives latitude and longitude."""

    def within(coordinates: Any) -> Any:
        if isinstance(coordinates[0], list):
            return [within(each) for each in coordinates]
        north, east = move(coordinates[1], coordinates[0])
        return [east, north]

    return {**geometry, "coordinates": within(geometry["coordinates"])}
