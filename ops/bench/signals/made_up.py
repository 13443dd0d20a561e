"""A made-up city for `citybrain bench signals --intersections`: junctions with cameras.

Every junction is one of the simulated road's, with a camera on each lane that says once a second
who stands and who passed. Gateways look after `OF_GATEWAY` junctions each.
"""

from collections.abc import Iterator

from citybrain.definitions.loading import PACKAGE_FOLDER
from citybrain.definitions.signals.junction_file import DetectorPart, JunctionFile
from citybrain.definitions.signals.junctions import FOLDER, DatedJunction, SignalDefinitions, dated
from citybrain.definitions.yaml_file import read_yaml
from citybrain.domain.signals.layout import DetectorKind

LIKE = PACKAGE_FOLDER / FOLDER / "renmin-1.yaml"
OF_GATEWAY = 500
STEP_S, CYCLE_S = 37, 90
"""Junctions next to each other do not change at the same moment."""


def gateway_of(number: int) -> str:
    """The gateway of a junction, by the junction's number."""
    return f"g{number // OF_GATEWAY}"


def code_of(number: int) -> str:
    """The code of a junction; its gateway speaks for all that begin like it."""
    return f"{gateway_of(number)}_{number}"


def city(count: int) -> SignalDefinitions:
    """So many junctions."""
    return SignalDefinitions({each.junction.code: (each,) for each in _junctions(count)})


def lanes() -> dict[str, tuple[str, ...]]:
    """The lanes of a junction, and the groups that let vehicles go from each."""
    layout = next(_junctions(1)).junction.layout
    return {
        lane: tuple({each.group for each in layout.of_lane(lane) if each.group is not None})
        for lane in layout.lanes
    }


def _junctions(count: int) -> Iterator[DatedJunction]:
    file, _ = read_yaml(LIKE, JunctionFile)
    for number in range(count):
        cameras = {
            f"C{lane}": DetectorPart(
                kind=DetectorKind.CAMERA, device=gateway_of(number), lane=lane, zone=(0.0, 60.0)
            )
            for lane in file.lanes
        }
        said = {"junction": code_of(number), "number": None, "detectors": cameras, "schedule": ()}
        exits = {
            code: each.model_copy(update={"leads_to": None}) for code, each in file.exits.items()
        }
        offset = float(number * STEP_S % CYCLE_S)
        plans = {
            code: each.model_copy(update={"offset": offset}) for code, each in file.plans.items()
        }
        yield dated(file.model_copy(update={**said, "exits": exits, "plans": plans}))
