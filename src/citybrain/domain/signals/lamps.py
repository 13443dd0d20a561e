"""What each signal group shows at any moment, and how it gets from one stage to another.

A change is worked out whole when it is decided: when each green ends, when each lamp is red, and
when each green begins. So what will be shown is known beforehand, a change that is given up in its
middle leaves no lamp in an undefined state, and nothing ever goes from yellow back to green.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from citybrain.domain.signals.junction import Junction


class Shown(StrEnum):
    """What a group shows. `ending` is yellow, of pedestrians the clearance after their walk."""

    GREEN = "green"
    ENDING = "ending"
    RED = "red"
    FLASH = "flash"


@dataclass(frozen=True, slots=True)
class Lamp:
    """One group's lamps: the last end of green, and the green that is or is to come.

    `green_from`: when the present or coming green began or begins. `ends`, `red_from`: when the
    present green ends or the last one ended, and from when it is red. Milliseconds since 1970.
    A green that comes later than the end before it has `green_from` > `ends`.
    """

    green_from: int | None = None
    ends: int | None = None
    red_from: int | None = None

    def shown(self, at: int) -> Shown:
        """What it shows at `at`."""
        if self.is_green(at):
            return Shown.GREEN
        if self.ends is not None and self.red_from is not None and self.ends <= at < self.red_from:
            return Shown.ENDING
        return Shown.RED

    def is_green(self, at: int) -> bool:
        if self.green_from is None or at < self.green_from:
            return False
        return self.ends is None or self.ends < self.green_from or at < self.ends

    def is_coming(self, at: int) -> bool:
        """Whether a green is to come that has not begun."""
        return self.green_from is not None and at < self.green_from

    @property
    def end_of_green(self) -> int | None:
        """When the present green ends, where that is decided."""
        began = self.green_from
        return (
            self.ends if began is not None and self.ends is not None and self.ends > began else None
        )

    @property
    def without_coming(self) -> "Lamp":
        """The same, where the coming green is given up."""
        return Lamp(None, self.ends, self.red_from)


@dataclass(frozen=True, slots=True)
class Change:
    """From what is shown to a set of groups, as worked out at `at`.

    `ends`: for each group that ends, when, and from when it is red. `starts`: when each is green.
    `kept`: groups whose end had been set and has not come, and that stay green now.
    `given_up`: groups whose coming green does not come.
    """

    at: int
    ends: Mapping[str, tuple[int, int]]
    starts: Mapping[str, int]
    kept: tuple[str, ...]
    given_up: tuple[str, ...]

    @property
    def is_none(self) -> bool:
        """Whether all is so already."""
        return not (self.ends or self.starts or self.kept or self.given_up)

    @property
    def done_at(self) -> int:
        """When everything is as it is to be; `at` where it is already."""
        red = [red_from for _, red_from in self.ends.values()]
        return max((self.at, *self.starts.values(), *red))


Lamps = Mapping[str, Lamp]
ANY_TIME: Mapping[str, int] = MappingProxyType({})


def green_now(lamps: Lamps, at: int) -> frozenset[str]:
    """The groups that are green at `at`."""
    return frozenset(code for code, lamp in lamps.items() if lamp.is_green(at))


def end_of_minimum(junction: Junction, lamps: Lamps, code: str) -> int:
    """When a green that is or is to come has had its least length."""
    began = lamps[code].green_from
    assert began is not None
    return began + junction.groups[code].minimum_ms


def work_out(
    junction: Junction,
    lamps: Lamps,
    groups: Collection[str],
    at: int,
    *,
    preempting: bool = False,
    not_before: Mapping[str, int] = ANY_TIME,
) -> Change:
    """The change to exactly these groups, begun at `at`; each green ends and begins on its own.

    A green whose minimum is not over ends when it is. `preempting` ends a walk at once where the
    definition allows it: its clearance runs in full. `not_before`: when the greens of some groups
    begin at the earliest. The groups must not conflict. Where a turn that yields ends, those to
    whom it yields end with it (no yellow trap), and are green again later if they are to be; before
    all of them have had their minimum there is no such change: all stays as it is.
    """
    ends: dict[str, tuple[int, int]] = {}
    kept, given_up = [], []
    interrupted = junction.interrupted(green_now(lamps, at), groups)
    if interrupted and at < untrapped_at(junction, lamps, groups, at):
        return Change(at, {}, {}, (), ())
    for code, lamp in lamps.items():
        if code in interrupted:
            ends[code] = (at, at + junction.groups[code].ending_ms)
        elif code in groups:
            if lamp.is_green(at) and lamp.end_of_green is not None:
                kept.append(code)
        elif lamp.is_green(at):
            end = _end_of(junction, lamps, code, at, preempting)
            if end == lamp.green_from:
                given_up.append(code)  # it was to begin at this moment
            elif end != lamp.end_of_green:
                ends[code] = (end, end + junction.groups[code].ending_ms)
        elif lamp.is_coming(at):
            given_up.append(code)
    _end_together(junction, lamps, ends, at)
    after = applied(lamps, Change(at, ends, {}, tuple(kept), tuple(given_up)))
    starts = {}
    for code in sorted(groups):
        if code in interrupted or not lamps[code].is_green(at):
            start = max(not_before.get(code, 0), earliest_green(junction, after, code, at))
            if start != lamps[code].green_from:
                starts[code] = start
    return Change(at, ends, starts, tuple(kept), tuple(given_up))


def _end_of(junction: Junction, lamps: Lamps, code: str, at: int, preempting: bool) -> int:
    """When a green ends that is to end: after its minimum, and not later than was decided."""
    walk = junction.groups[code].on_foot and junction.preemption_cuts_walk
    end = at if preempting and walk else max(at, end_of_minimum(junction, lamps, code))
    decided = lamps[code].end_of_green
    return end if decided is None else min(end, decided)


def untrapped_at(junction: Junction, lamps: Lamps, groups: Collection[str], at: int) -> int:
    """From when on no green that must be interrupted for these groups is below its minimum.

    `at` where none has to be: see `Junction.interrupted`.
    """
    green = green_now(lamps, at)
    against = junction.interrupted(green, groups)
    turns = {turn for turn, other in junction.yields if other in against and turn in green}
    waited_for = against | (turns - set(groups))
    return max((at, *(end_of_minimum(junction, lamps, code) for code in waited_for)))


def _end_together(
    junction: Junction, lamps: Lamps, ends: dict[str, tuple[int, int]], at: int
) -> None:
    """A turn that yields does not end before those to whom it yields, where both end."""
    for turn, against in sorted(junction.yields):
        if turn in ends and against in lamps and lamps[against].is_green(at):
            end = ends[against][0] if against in ends else lamps[against].end_of_green
            if end is not None and end > ends[turn][0]:
                ends[turn] = (end, end + junction.groups[turn].ending_ms)


def earliest_green(junction: Junction, lamps: Lamps, code: str, at: int) -> int:
    """When a group that is not green may be, after all that ended or will end."""
    own, earliest = lamps[code], at
    if own.red_from is not None:
        earliest = max(earliest, own.red_from + junction.red_revert_ms)
    for other, lamp in lamps.items():
        gap = 0 if lamp.ends is None else junction.intergreen(other, code)
        if lamp.ends is not None and gap:
            earliest = max(earliest, lamp.ends + gap)
    return earliest


def applied(lamps: Lamps, change: Change) -> dict[str, Lamp]:
    """The lamps after a change was decided."""
    after = dict(lamps)
    for code in change.given_up:
        after[code] = after[code].without_coming
    for code in change.kept:
        after[code] = Lamp(after[code].green_from)
    for code, (end, red_from) in change.ends.items():
        after[code] = Lamp(after[code].green_from, end, red_from)
    for code, start in change.starts.items():
        after[code] = Lamp(start, after[code].ends, after[code].red_from)
    return after
