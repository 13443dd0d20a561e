"""Pictures that cannot be: a camera that does not show what must have happened is not believed.

That a detector has failed is known after minutes (`detector_health`). Until then what it says would
rule the junction: a camera that shows the same car for ever gets green for ever, one that shows a
full exit shuts all who go there. Here the lamps are held against the pictures, second by second;
what is doubted counts as failed, and gets the plan's share, for as long as it is so.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.layout import Movement
from citybrain.domain.signals.strategies.ahead import is_full
from citybrain.domain.signals.strategies.strategy import (
    ExitSeen,
    LaneSeen,
    Observations,
    SignalView,
)

STARTED_MS = 3_000
"""After so much green the first at the line has moved."""
FROZEN_MS, FROZEN_YIELDING_MS = 20_000, 60_000
"""Nobody stands at the line in so much green, unless the way is blocked; longer who gives way."""
LINE_M, STANDS_M_PER_S = 15.0, 0.5
FREE = 2.0
"""Vehicles for which an exit has room, so that it holds nobody up."""
STILL_MS = 5_000
"""For so long all lanes stand and no exit has room, and nothing changes at all: either nothing is
seen, or nothing goes any more, and the plan is as good as anything."""
CROSSED = 4
"""So many do not cross into an exit that has no room all the while."""
LANE_JUMP, EXIT_JUMP = 3, 4
"""Vehicles: no second brings or takes so many; of an exit now and then, as a queue moves off."""
LANE_JUMPS, EXIT_JUMPS, KEPT_A_SECOND = 4.0, 6.0, 0.95
LONGEST_STEP_MS = 2_000


@dataclass(slots=True)
class Picture:
    """What a camera shows and since when it is the same (`since`, ms since 1970).

    `green_ms`: of green in which it should have changed. `crossed`: vehicles that went into the
    exit meanwhile. `jumps`: changes that cannot be, of late.
    """

    shown: Hashable = None
    size: float = 0.0
    since: int = 0
    green_ms: int = 0
    crossed: int = 0
    jumps: float = 0.0


@dataclass(slots=True)
class Doubts:
    """What is remembered of all pictures of a junction, and which are doubted now."""

    pictures: dict[str, Picture] = field(default_factory=dict)
    at: int | None = None
    doubted: tuple[str, ...] = ()


def believed(
    doubts: Doubts, seen: Observations, junction: Junction, signal: SignalView
) -> Observations:
    """What is seen, without what is doubted: that is as if its detector had failed."""
    passed = 0 if doubts.at is None else min(LONGEST_STEP_MS, max(0, seen.at - doubts.at))
    doubts.at = seen.at
    lanes = {code: each for code, each in seen.lanes.items() if each.trusted}
    exits = {code: each.room for code, each in seen.exits.items() if each.room is not None}
    for gone in doubts.pictures.keys() - lanes.keys() - exits.keys():
        del doubts.pictures[gone]
    found = set[str]()
    shut = bool(lanes) and all(is_full(seen, junction, code) for code in exits)
    for code, lane in lanes.items():
        count = _count(lane)
        picture = _take(doubts, code, seen.at, (lane.vehicles, lane.counted), count, passed)
        movements = [each for each in junction.layout.of_lane(code) if each.group]
        shut = shut and count > 0
        if _should_go(lane, movements, signal):
            picture.green_ms += passed if _way_is_free(movements, seen, exits) else 0
        if picture.green_ms >= FROZEN_MS:
            yields = any(each.yields_to or each.on_red for each in movements)
            if not yields or picture.green_ms >= FROZEN_YIELDING_MS:
                found.add(code)
        picture.jumps += abs(picture.size - count) >= LANE_JUMP
        picture.size = count
        if picture.jumps >= LANE_JUMPS:
            found.add(code)
    for code, room in exits.items():
        picture = _take(doubts, code, seen.at, room, room, passed)
        into = junction.layout.into(code)
        picture.crossed += sum(seen.crossed.get(each.code, 0) for each in into)
        gone_in = picture.crossed >= CROSSED and not any(each.code in seen.in_box for each in into)
        picture.jumps += abs(picture.size - room) >= EXIT_JUMP
        picture.size = room
        if picture.jumps >= EXIT_JUMPS or (gone_in and is_full(seen, junction, code)):
            found.add(code)
    newest = max((each.since for each in doubts.pictures.values()), default=seen.at)
    if shut and seen.at >= newest + STILL_MS:
        found |= lanes.keys() | exits.keys()
    doubts.doubted = tuple(sorted(found))
    return _without(seen, found) if found else seen


def _take(doubts: Doubts, code: str, at: int, shown: Hashable, size: float, passed: int) -> Picture:
    """The picture of a camera; where it is another one than before, all begins anew but jumps."""
    picture = doubts.pictures.get(code)
    if picture is None:
        picture = doubts.pictures[code] = Picture(shown, size, at)
    if picture.jumps:
        picture.jumps *= KEPT_A_SECOND ** (passed / 1000)
    if picture.shown != shown:
        picture.shown, picture.since, picture.green_ms, picture.crossed = shown, at, 0, 0
    return picture


def _count(lane: LaneSeen) -> int:
    return len(lane.vehicles) if lane.counted is None else lane.counted


def _should_go(lane: LaneSeen, movements: list[Movement], signal: SignalView) -> bool:
    """Whether somebody stands at the line, all of whose lamps have been green for a moment."""
    if not movements or not lane.vehicles:
        return False
    metres, speed = lane.vehicles[0]
    if metres > LINE_M or speed > STANDS_M_PER_S:
        return False
    for each in movements:
        lamp = signal.lamps[each.group or ""]
        began = lamp.green_from
        if began is None or not lamp.is_green(signal.at) or signal.at < began + STARTED_MS:
            return False
    return True


def _way_is_free(movements: list[Movement], seen: Observations, exits: Mapping[str, float]) -> bool:
    """Whether it is seen that nothing holds them up: nobody in the box, and room behind it."""
    return all(
        each.code not in seen.in_box and exits.get(each.exit, 0.0) >= FREE for each in movements
    )


def _without(seen: Observations, found: set[str]) -> Observations:
    lanes = {code: LaneSeen(trusted=False) for code in seen.lanes if code in found}
    exits = {code: ExitSeen(None) for code in seen.exits if code in found}
    return replace(seen, lanes={**seen.lanes, **lanes}, exits={**seen.exits, **exits})
