"""The thirteen rules of a signal-controlled junction: which of them a wish breaks.

A wish that breaks one is refused, and recorded with all that it breaks, first the one that comes
first below. Nothing else happens by it: no timer moves.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.lamps import (
    Lamps,
    applied,
    earliest_green,
    end_of_minimum,
    green_now,
    untrapped_at,
    work_out,
)
from citybrain.domain.signals.waiting import (
    Calls,
    leaves_time,
    next_in_order,
    over_maximum,
    waiting_at,
)


class Rule(IntEnum):
    """The rules by their numbers."""

    CONFLICT = 1
    INTERGREEN = 2
    YELLOW = 3
    MINIMUM_GREEN = 4
    MAXIMUM_GREEN = 5
    MAXIMUM_RED = 6
    COLOUR_ORDER = 7
    PEDESTRIANS = 8
    START_AND_FLASH = 9
    CENTRE_SILENT = 10
    COORDINATION = 11
    COMMAND = 12
    WRITER = 13


ORDER = (
    Rule.COMMAND,
    Rule.WRITER,
    Rule.START_AND_FLASH,
    Rule.CENTRE_SILENT,
    Rule.CONFLICT,
    Rule.COLOUR_ORDER,
    Rule.INTERGREEN,
    Rule.YELLOW,
    Rule.PEDESTRIANS,
    Rule.MINIMUM_GREEN,
    Rule.MAXIMUM_GREEN,
    Rule.MAXIMUM_RED,
    Rule.COORDINATION,
)
"""In which order a refusal names what was broken: who may speak, before what is said."""


class Source(IntEnum):
    """Who wishes; the higher goes before the lower, and one writes at a time."""

    LOCAL = 1
    CENTRE = 2
    PREEMPTION = 3
    HAND = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """Which groups are to be green, by whose will, and if need be at which moment.

    `green_at`: milliseconds since 1970 at which all that start are to be green; None as soon as it
    is safe.
    """

    groups: frozenset[str]
    source: Source
    green_at: int | None = None

    @property
    def not_before(self) -> dict[str, int]:
        """When each group is green at the earliest, where that was wished for."""
        return {} if self.green_at is None else dict.fromkeys(self.groups, self.green_at)


def broken_by(junction: Junction, lamps: Lamps, calls: Calls, wish: Wish, at: int) -> set[Rule]:
    """Of the rules of lamps and times, those that the wish breaks at `at`."""
    if junction.conflicting(wish.groups):
        return {Rule.CONFLICT}
    broken = set()
    if wish.source is not Source.PREEMPTION:
        broken |= _cut_short(junction, lamps, wish.groups, at)
    if wish.green_at is not None:
        broken |= _too_early(junction, lamps, wish, at)
    if wish.source < Source.PREEMPTION:
        broken |= _keeps_waiting(junction, lamps, calls, wish, at)
    return broken


def _cut_short(junction: Junction, lamps: Lamps, groups: Collection[str], at: int) -> set[Rule]:
    green = green_now(lamps, at)
    broken = {
        Rule.PEDESTRIANS if junction.groups[code].on_foot else Rule.MINIMUM_GREEN
        for code in green
        if code not in groups and at < end_of_minimum(junction, lamps, code)
    }
    if at < untrapped_at(junction, lamps, groups, at):
        broken.add(Rule.MINIMUM_GREEN)
    return broken


def _too_early(junction: Junction, lamps: Lamps, wish: Wish, at: int) -> set[Rule]:
    """A green at a moment at which it is not safe, or not red for long enough."""
    after = applied(lamps, work_out(junction, lamps, wish.groups, at))
    broken = set()
    for code in wish.groups:
        lamp = lamps[code]
        if wish.green_at is None or lamp.is_green(at):
            continue
        if lamp.red_from is not None and wish.green_at < lamp.red_from + junction.red_revert_ms:
            broken.add(Rule.COLOUR_ORDER)
        if wish.green_at < earliest_green(junction, after, code, at):
            broken.add(Rule.INTERGREEN)
    return broken


def _keeps_waiting(
    junction: Junction, lamps: Lamps, calls: Calls, wish: Wish, at: int
) -> set[Rule]:
    """A green that is too long, or a change after which somebody cannot be served in time."""
    broken = set()
    if over_maximum(junction, lamps, calls, at) in wish.groups:
        broken.add(Rule.MAXIMUM_GREEN)
    change = work_out(junction, lamps, wish.groups, at, not_before=wish.not_before)
    calls = waiting_at(lamps, calls, at)  # who is green now is served, also if that ends here
    order = next_in_order(junction, lamps, calls, at)
    is_next = order is not None and junction.stages[order.stage] == wish.groups
    if is_next and not calls.keys() & set(change.given_up):
        return broken  # the best that can be done for those who wait
    if not leaves_time(junction, applied(lamps, change), calls, at):
        broken.add(Rule.MAXIMUM_RED)
    return broken
