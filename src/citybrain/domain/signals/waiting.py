"""Nobody waits without end: who waits, until when at most, and what must come next for it.

Whoever waits has a deadline. The order in which all of them can be served in time is worked out by
the earliest deadline; how long that order may still be put off is the slack. A change that would
make it impossible is refused, and where the slack is gone the first stage of the order is made.
That this always succeeds follows from the definition, which is checked when it is loaded: one round
through all stages takes less than the shortest deadline.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.lamps import (
    Lamps,
    applied,
    end_of_minimum,
    green_now,
    untrapped_at,
    work_out,
)

NEVER = 1 << 62

Calls = Mapping[str, int]
"""Since when somebody waits at a group, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Order:
    """The stage that is next for those who wait.

    `begin`: from when the change is lawful. `latest`: when it must have begun so that nobody waits
    too long; before `begin` where somebody does, whatever is done. Milliseconds since 1970.
    """

    stage: str
    begin: int
    latest: int


def waiting_at(lamps: Lamps, calls: Calls, at: int) -> dict[str, int]:
    """Those who wait at `at`: called, and not green since."""
    return {code: since for code, since in calls.items() if not lamps[code].is_green(at)}


def deadline(junction: Junction, code: str, since: int) -> int:
    """When a group must be green that somebody waits at."""
    return since + junction.groups[code].longest_wait_ms


def next_in_order(junction: Junction, lamps: Lamps, calls: Calls, at: int) -> Order | None:
    """What serves all who wait, from `at` on; None where nobody waits for more than is coming."""
    due = {
        code: deadline(junction, code, since)
        for code, since in waiting_at(lamps, calls, at).items()
        if not lamps[code].is_coming(at)
    }
    if not due:
        return None
    stage = serving(junction, due)
    begin, slack, now, left = free_at(junction, lamps, stage, at), NEVER, at, dict(due)
    while left:
        following = serving(junction, left)
        now = free_at(junction, lamps, following, now)
        lamps = applied(lamps, work_out(junction, lamps, junction.stages[following], now))
        for code in left.keys() & junction.stages[following]:
            green_from = lamps[code].green_from
            assert green_from is not None
            slack = min(slack, left.pop(code) - green_from)
    return Order(stage, begin, begin + slack)


def serving(junction: Junction, due: Mapping[str, int]) -> str:
    """The stage of the round for whoever must be served first; of several that serves most."""
    urgent = _most_urgent(due)
    return max(
        (code for code in junction.round or junction.stages if urgent in junction.stages[code]),
        key=lambda code: (len(junction.stages[code] & due.keys()), code),
    )


def free_at(junction: Junction, lamps: Lamps, stage: str, at: int) -> int:
    """When all that ends or is interrupted for a stage has had its minimum; `at` where it has."""
    groups = junction.stages[stage]
    ends = [
        end_of_minimum(junction, lamps, code)
        for code, lamp in lamps.items()
        if code not in groups and (lamp.is_green(at) or lamp.is_coming(at))
    ]
    return max((untrapped_at(junction, lamps, groups, at), *ends))


def leaves_time(junction: Junction, lamps: Lamps, calls: Calls, at: int) -> bool:
    """Whether all who wait at `at` are served in time, if what must come next then comes."""
    for code, since in waiting_at(lamps, calls, at).items():
        coming = lamps[code].green_from if lamps[code].is_coming(at) else None
        if coming is not None and coming > deadline(junction, code, since):
            return False
    order = next_in_order(junction, lamps, calls, at)
    return order is None or order.latest >= order.begin


def held_up(junction: Junction, lamps: Lamps, calls: Calls, code: str, at: int) -> dict[str, int]:
    """Those who wait at `at` and cannot be green while this group is."""
    waiting = waiting_at(lamps, calls, at)
    return {each: since for each, since in waiting.items() if junction.conflict(code, each)}


def over_maximum(junction: Junction, lamps: Lamps, calls: Calls, at: int) -> str | None:
    """A group whose green is at its maximum while it holds somebody up; None where none is."""
    for code in sorted(green_now(lamps, at)):
        began = lamps[code].green_from
        assert began is not None
        over = at >= began + junction.groups[code].maximum_ms
        if over and held_up(junction, lamps, calls, code, at):
            return code
    return None


def _most_urgent(due: Mapping[str, int]) -> str:
    return min(due, key=lambda code: (due[code], code))
