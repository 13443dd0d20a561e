"""From what devices say of one place to who stood there when: a fold over all signs of it.

The result depends on what was said and not on the order in which it came. Nobody stays longer than
was seen: where a departure was missed, or a device saw nothing for a time, a stay ends at its last
proof, and says why. Silence is neither "free" nor "still there".
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from citybrain.domain.parking.plates import Plate, completes, distance


class Sign(StrEnum):
    """What a device says of a place. In brackets the event types of CDS."""

    ARRIVED = "arrived"  # park_start, enter_area
    LEFT = "left"  # park_end, exit_area
    OCCUPIED = "occupied"  # vehicle_detected, scheduled_report with an occupant
    EMPTY = "empty"  # scheduled_report without one
    OPENED = "opened"  # a barrier was opened by hand: who left then was not seen
    BLOCKED = "blocked"  # nobody gets out: a fault of the barrier, or a queue
    CLEARED = "cleared"  # they do again
    COUNTED = "counted"  # a loop counted who went out during an opening of the barrier
    LOST = "lost"  # comms_lost: nothing is seen from here on
    RESTORED = "restored"  # comms_restored
    CHARGING_BEGAN = "charging-began"  # CDS has no such type, nor the next one
    CHARGING_ENDED = "charging-ended"


OF_A_CHARGER: Final = frozenset({Sign.CHARGING_BEGAN, Sign.CHARGING_ENDED})
"""What a charger says of a car. It sees no berth: whether that is taken does not follow."""


class Beginning(StrEnum):
    """How it is known since when a vehicle stood there."""

    SEEN = "arrival-seen"
    FOUND = "found-standing"


class Ending(StrEnum):
    """How it is known until when it stood there."""

    SEEN = "departure-seen"
    BY_HAND = "ended-by-hand"
    NOT_SEEN = "departure-not-seen"
    TAKEN = "place-taken-by-another"
    SILENT = "nothing-seen-meanwhile"


AT_ONCE: Final = {
    Sign.CHARGING_ENDED: -1,
    Sign.LEFT: 0,
    Sign.EMPTY: 0,
    Sign.RESTORED: 1,
    Sign.ARRIVED: 2,
    Sign.OCCUPIED: 3,
    Sign.CHARGING_BEGAN: 3,
    Sign.OPENED: 4,
    Sign.LOST: 4,
    Sign.BLOCKED: 4,
    Sign.CLEARED: 4,
    Sign.COUNTED: 4,
}
"""The order of signs of one moment: who leaves makes room for who arrives."""

NEAR = 2
"""Readings that differ in no more characters may be of one plate, misread."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One sign. `plate` is None where none was read; `by_hand`: a person says so."""

    id: str
    at: datetime
    sign: Sign
    device_id: str
    plate: Plate | None = None
    by_hand: bool = False


@dataclass(slots=True)
class Presence:
    """A vehicle on a place; still there where `left_at` is None. `proof`: when it was last seen."""

    arrived_at: datetime
    beginning: Beginning
    proof: datetime
    signs: list[str] = field(default_factory=list)
    readings: list[Observation] = field(default_factory=list)
    left_at: datetime | None = None
    ending: Ending | None = None
    silent: bool = False
    charging: list[Observation] = field(default_factory=list)

    def add(self, sign: Observation) -> None:
        """Another sign of the same vehicle, with what was read of its plate."""
        self.signs.append(sign.id)
        if sign.plate is not None:
            self.readings.append(sign)

    def end(self, at: datetime, ending: Ending) -> None:
        """It has gone."""
        self.left_at, self.ending = at, ending


@dataclass(frozen=True, slots=True)
class Found:
    """What the signs of a place come to. `strays`: departures of nobody."""

    presences: tuple[Presence, ...]
    strays: tuple[str, ...]


def presences_of(
    signs: Iterable[Observation], *, same_arrival: timedelta, gates: bool = False
) -> Found:
    """The presences on one place, in their order; nothing is known of before the first sign.

    A second arrival within `same_arrival` of the first is the same vehicle, seen by another device.
    Where there are `gates`, whoever comes in later has gone out before, seen or not.
    """
    presences: list[Presence] = []
    strays: list[str] = []
    there: Presence | None = None
    for sign in sorted(signs, key=lambda each: (each.at, AT_ONCE[each.sign], each.id)):
        if sign.sign in (Sign.ARRIVED, Sign.OCCUPIED):
            entered = gates and sign.sign is Sign.ARRIVED
            if there is not None and not _is_of(there, sign, same_arrival, entered):
                there.end(there.proof, _missed(there, entered))
                there = None
            if there is None:
                seen = sign.sign is Sign.ARRIVED
                there = Presence(sign.at, Beginning.SEEN if seen else Beginning.FOUND, sign.at)
                presences.append(there)
            there.add(sign)
            there.proof, there.silent = sign.at, False
        elif there is None:
            strays += [sign.id] if sign.sign is Sign.LEFT else []
        elif sign.sign in OF_A_CHARGER:
            there.add(sign)
            there.charging.append(sign)
        elif sign.sign in (Sign.LOST, Sign.OPENED):
            if not there.silent:
                there.proof, there.silent = sign.at, True
        elif sign.sign in (Sign.LEFT, Sign.EMPTY):
            there.add(sign)
            there.end(*_end(there, sign))
            there = None
    return Found(tuple(presences), tuple(strays))


def _end(there: Presence, sign: Observation) -> tuple[datetime, Ending]:
    if sign.by_hand:
        return sign.at, Ending.BY_HAND
    if there.silent and not _same(there, sign):
        return there.proof, Ending.SILENT
    if sign.sign is Sign.EMPTY:
        return there.proof, Ending.NOT_SEEN
    return sign.at, Ending.SEEN


def _missed(there: Presence, entered: bool) -> Ending:
    """Why a departure was not seen."""
    if entered:
        return Ending.NOT_SEEN
    return Ending.SILENT if there.silent else Ending.TAKEN


def _is_of(there: Presence, sign: Observation, same_arrival: timedelta, entered: bool) -> bool:
    """Whether a vehicle that is seen is the one that stands there; not one that has `entered`."""
    if entered:
        return sign.at - there.arrived_at <= same_arrival
    if _same(there, sign):
        return True
    if there.silent:
        return False  # a vehicle that is seen afterwards is the old one only if its plate says so
    if sign.at - there.arrived_at <= same_arrival:
        return True
    return sign.sign is Sign.OCCUPIED and _may_be(there, sign)


def _same(there: Presence, sign: Observation) -> bool:
    """Whether the plate says that it is the same vehicle."""
    return sign.plate is not None and any(
        same_plate(sign.plate, reading.plate)
        for reading in there.readings
        if reading.plate is not None
    )


def _may_be(there: Presence, sign: Observation) -> bool:
    """Whether no plate says that it is another one."""
    if sign.plate is None or not there.readings:
        return True
    return any(
        distance(sign.plate, reading.plate) <= NEAR
        for reading in there.readings
        if reading.plate is not None
    )


def same_plate(one: Plate, other: Plate) -> bool:
    """Whether two readings are of one plate: the same text, or the part of it without province."""
    return one == other or completes(one, other) or completes(other, one)
