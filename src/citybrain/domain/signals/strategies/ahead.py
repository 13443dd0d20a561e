"""What lies ahead of each approach: room on its exits, and who stands in its way."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.layout import Movement
from citybrain.domain.signals.strategies.approaches import PLACE_M, SECOND_MS, Approach, Approaches
from citybrain.domain.signals.strategies.estimating import QUEUED, Learned
from citybrain.domain.signals.strategies.planning import Floats
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import ExitSeen, Observations, SignalView

AMPLE = 1e9
FEW = 0.1
"""A share of turns below which their exit does not hold the lane up."""
ROUNDED = 0.05
"""By so many vehicles room is said less exactly than it is."""
SHORT = 3.0
"""Vehicles that go in a short green: a street between two signals that holds fewer is protected,
and only of such a one it is said that somebody stands in the box for its room."""


def room_of(seen: Observations, exit_code: str) -> float | None:
    """Vehicles that still fit on an exit; None where it is not watched, or its detector failed."""
    here = seen.exits.get(exit_code)
    return None if here is None or here.room is None else max(0.0, here.room)


def is_full(seen: Observations, junction: Junction, exit_code: str) -> bool:
    """Whether no vehicle fits on an exit any more; False where that is not known.

    An exit that is shorter than a vehicle is full where somebody stands on it, and not always.
    """
    room, way = room_of(seen, exit_code), junction.layout.exits.get(exit_code)
    if room is None:
        return False
    return room < (1.0 if way is None else min(1.0, way.length_m / PLACE_M - ROUNDED))


def is_short(junction: Junction, exit_code: str) -> bool:
    """Whether the street behind an exit holds fewer than go in a short green."""
    way = junction.layout.exits.get(exit_code)
    return way is not None and way.length_m < SHORT * PLACE_M


def without_gap_seekers(seen: Observations, junction: Junction, signal: SignalView) -> Observations:
    """What is seen, less those in the box who only wait for a gap in what is green now.

    They have green, room and yield, and leave when that ends at the latest: they block nobody.
    """
    if not seen.in_box:
        return seen
    ways, green = junction.layout.movements, signal.green

    def seeks(code: str) -> bool:
        movement = ways.get(code)
        if movement is None or movement.group not in green:
            return False
        if is_full(seen, junction, movement.exit):
            return False
        return any(each in ways and ways[each].group in green for each in movement.yields_to)

    return replace(seen, in_box={k: v for k, v in seen.in_box.items() if not seeks(k)})


def stuck(seen: Observations, junction: Junction, settings: Settings) -> list[Movement]:
    """The movements of which somebody stands in the box and will not be out of it soon."""
    found = []
    for code in sorted(seen.in_box):
        movement, stood = junction.layout.movements.get(code), seen.in_box[code]
        if movement is None or stood <= 0:
            continue
        full = is_full(seen, junction, movement.exit)
        if (full and stood >= 2 * SECOND_MS) or stood >= settings.box_stuck * SECOND_MS:
            found.append(movement)
    return found


def in_box_way(
    seen: Observations, junction: Junction, signal: SignalView, coming: Collection[str]
) -> str | None:
    """A movement of which somebody stands in the box, in the way of what is to begin, and can go.

    None where there is none. Who has green still, or no room ahead, is not waited for.
    """
    for code in sorted(seen.in_box):
        movement = junction.layout.movements.get(code)
        if movement is None or movement.group is None or seen.in_box[code] <= 0:
            continue
        green = signal.lamps[movement.group].is_green(signal.at)
        if green or is_full(seen, junction, movement.exit):
            continue
        if any(junction.conflict(movement.group, each) for each in coming):
            return code
    return None


def in_the_way(junction: Junction, lane: Approach, of: Collection[Movement]) -> bool:
    """Whether somebody of these movements stands where a lane's vehicles go."""
    return any(
        junction.conflict(each.group, movement.group)
        for each in of
        for movement in lane.movements
        if each.group and movement.group
    )


def rooms(
    seen: Observations, junction: Junction, model: Approaches, learned: Learned, settings: Settings
) -> tuple[Floats, Floats]:
    """By row, how many vehicles its exits take, and for how many they get room in a second.

    The first vehicle that finds no place holds all up, so the tightest exit counts, by its share.
    """
    room, refill = np.full(model.rows, AMPLE), np.full(model.rows, settings.refill)
    for row, lane in enumerate(model.lanes):
        for part, movement in zip(learned.shares[row], lane.movements, strict=True):
            places = _places(seen, junction, movement.exit)
            if places is not None and part > FEW and places / part < room[row]:
                room[row] = places / part
                drain = max(0.0, learned.drain.get(movement.exit, settings.refill))
                refill[row] = drain / part if places >= 1.0 or drain >= settings.drains else 0.0
    return room, refill


def bound(
    seen: Observations,
    junction: Junction,
    model: Approaches,
    learned: Learned,
    unbound: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """What `rooms` says (`unbound`), where short streets to the next signal are protected.

    Where somebody stands there in the way, or its exits are full, all count who are on the street
    and on their way to it, and nobody is expected to leave it. Else a green fills it, the last ones
    stand in the box, and two such junctions hold each other up for ever.
    """
    room, refill = (each.copy() for each in unbound)
    for row, lane in enumerate(model.lanes):
        for part, movement in zip(learned.shares[row], lane.movements, strict=True):
            free = _protected(seen, junction, movement.exit)
            if free is not None and part > FEW and free / part < room[row]:
                room[row], refill[row] = free / part, 0.0
    return room, refill


def _protected(seen: Observations, junction: Junction, exit_code: str) -> float | None:
    """Places that nobody has yet on a short street whose end is blocked; None on any other."""
    way, there = junction.layout.exits.get(exit_code), seen.ahead.get(exit_code)
    if way is None or there is None or not there.blocked or not is_short(junction, exit_code):
        return None
    ways = junction.layout.movements
    coming = sum(code in ways and ways[code].exit == exit_code for code in seen.in_box)
    return max(0.0, way.length_m / PLACE_M - (there.there or 0) - coming)


def seen_by_the_next(seen: Observations, junction: Junction, reach_m: float) -> Observations:
    """The same, with room on exits whose own camera failed, where that of the next junction sees
    the same street.

    Who is there takes a place, whether he stands or not. Of a longer street the beginning is not
    seen: where the part that is seen is full, nothing is known.
    """
    found = {}
    for code, exit_ in seen.exits.items():
        way, there = junction.layout.exits.get(code), seen.ahead.get(code)
        if exit_.room is not None or way is None or there is None or there.there is None:
            continue
        if way.length_m <= reach_m or there.there < reach_m / PLACE_M - 1.0:
            found[code] = ExitSeen(max(0.0, way.length_m / PLACE_M - there.there))
    return replace(seen, exits={**seen.exits, **found}) if found else seen


def _places(seen: Observations, junction: Junction, exit_code: str) -> float | None:
    """How many vehicles an exit takes; None where it holds nobody up.

    So it is where that is not known, and where nobody stands on it and no signal is behind it: a
    short piece before two lanes become one takes as many as come.
    """
    room, way = room_of(seen, exit_code), junction.layout.exits.get(exit_code)
    if room is None or is_full(seen, junction, exit_code):
        return room
    if way is not None and way.leads_to is None and room >= QUEUED * way.length_m / PLACE_M:
        return None
    return max(1.0, room)


def shut_rows(
    seen: Observations,
    junction: Junction,
    model: Approaches,
    room: Floats,
    refill: Floats,
    settings: Settings,
) -> Floats:
    """By row, 1.0 where nobody can go now: the exits are full, or somebody stands in the way."""
    standing, found = stuck(seen, junction, settings), np.zeros(model.rows)
    for row, lane in enumerate(model.lanes):
        full = room[row] + refill[row] * settings.reach < 1.0
        if full or in_the_way(junction, lane, standing):
            found[row] = 1.0
    return found
