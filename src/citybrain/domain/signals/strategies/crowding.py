"""When more come than can go: it is recognised from what is seen, and another aim taken.

Three signs, each by itself: queues that do not clear in their green, several times in a row; exits
that have no room most of the time; boxes that do not empty. While there is one, least delay is no
aim any more, for it is paid with the capacity that is left: greens are longer, since each change
loses time; places on exits are kept free, so that a junction does not fill the next one; and where
a box stays blocked for long, the plan itself is followed.
"""

from dataclasses import dataclass, field

import numpy as np

from citybrain.domain.signals.strategies.approaches import SECOND_MS, Approaches
from citybrain.domain.signals.strategies.planning import Floats
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import Observations

QUEUES, EXITS, BOX = "queues", "exits", "box"
CLEARED, WAITING = 1.0, 3.0
"""Vehicles: a queue of so few is cleared; from so many on one that is left counts."""


@dataclass(slots=True)
class Crowding:
    """By lane: `uncleared`, greens in a row that left a queue; `least`, the shortest queue of the
    present green, None while it is red. `full`: the share of the last minute in which no exit had
    room. `boxed`: the same of somebody who stood in the box."""

    uncleared: list[int]
    least: list[float | None]
    full: Floats
    boxed: float = 0.0
    at: int | None = None
    signs: tuple[str, ...] = field(default=())


def begin_crowding(model: Approaches) -> Crowding:
    """Nothing is crowded."""
    lanes = len(model.lanes)
    return Crowding([0] * lanes, [None] * lanes, np.zeros(lanes))


def notice(
    crowding: Crowding,
    model: Approaches,
    settings: Settings,
    seen: Observations,
    stage: int,
    queue: Floats,
    room: Floats,
) -> None:
    """Take in what is seen now, while `stage` is green."""
    passed = 0.0 if crowding.at is None else (seen.at - crowding.at) / SECOND_MS
    crowding.at = seen.at
    part = min(1.0, max(0.0, passed) / settings.crowd_memory)
    stood = max(seen.in_box.values(), default=0) >= settings.box_stuck * SECOND_MS
    crowding.boxed += part * (float(stood) - crowding.boxed)
    for row in range(len(model.lanes)):
        crowding.full[row] += part * (float(room[row] < 1.0) - crowding.full[row])
        least = crowding.least[row]
        if model.green[stage, row] > 0.0:
            crowding.least[row] = queue[row] if least is None else min(least, queue[row])
        elif least is not None:
            left = least > CLEARED and queue[row] >= WAITING
            crowding.uncleared[row] = crowding.uncleared[row] + 1 if left else 0
            crowding.least[row] = None
    crowding.signs = _signs(crowding, settings)


def _signs(crowding: Crowding, settings: Settings) -> tuple[str, ...]:
    found = []
    if max(crowding.uncleared, default=0) >= settings.crowd_greens:
        found.append(QUEUES)
    if float(crowding.full.max(initial=0.0)) > settings.crowd_share:
        found.append(EXITS)
    if crowding.boxed > settings.crowd_share:
        found.append(BOX)
    return tuple(found)


def kept_free(crowding: Crowding, model: Approaches, settings: Settings, room: Floats) -> Floats:
    """The room that is used: where a queue stands on an exit, a share of its places stays free."""
    if not crowding.signs:
        return room
    return np.where(
        room < model.places, np.maximum(0.0, room - settings.kept_free * model.places), room
    )


def stays(
    crowding: Crowding,
    model: Approaches,
    settings: Settings,
    stage: int,
    ran_ms: int,
    queue: Floats,
    shut: Floats,
) -> bool:
    """Whether a green is gone on with: it is short, still used, and each change loses capacity."""
    if QUEUES not in crowding.signs or ran_ms >= settings.long_green * SECOND_MS:
        return False
    used = (model.green[stage] > 0.0) & (queue >= WAITING) & (shut == 0.0)
    return bool(used.any())


def last_resort(seen: Observations, settings: Settings) -> bool:
    """Whether somebody has stood in the box for so long that the plan is as good as anything."""
    return max(seen.in_box.values(), default=0) >= settings.plan_after * SECOND_MS
