"""How long greens, reds and waits were, and which splits were used: figures of rows, not kept.

A red lies between two greens of a group. One that a time out of service interrupts is none: nobody
was held by it. A wait lies between a call and the next green. What goes on still counts for the
longest, and for no mean. Times are milliseconds since 1970, lengths milliseconds.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from projections.reading import Row


@dataclass(slots=True)
class Lengths:
    """How many there were, and how long they lasted."""

    number: int = 0
    total: int = 0
    shortest: int | None = None
    longest: int | None = None

    def add(self, length: int) -> None:
        """One that is over."""
        self.number += 1
        self.total += length
        self.shortest = length if self.shortest is None else min(self.shortest, length)
        self.see(length)

    def see(self, length: int) -> None:
        """One that goes on."""
        self.longest = length if self.longest is None else max(self.longest, length)

    @property
    def mean(self) -> float | None:
        return self.total / self.number if self.number else None


@dataclass(slots=True)
class GroupFigures:
    """A group's greens, reds and waits; `waiting`: who still waits."""

    greens: Lengths = field(default_factory=Lengths)
    reds: Lengths = field(default_factory=Lengths)
    waits: Lengths = field(default_factory=Lengths)
    waiting: int = 0


Figures = dict[int, dict[str, GroupFigures]]
"""By the beginning of a bucket, and by group."""


def figures(
    greens: Sequence[Row],
    outs: Sequence[Row],
    calls: Sequence[Row],
    since: int,
    until: int,
    *,
    bucket: int,
) -> Figures:
    """Figures of what ended from `since` until before `until`, by when it did.

    `greens`, `outs`, `calls`: as `lamps` reads them. `bucket`: its length, in milliseconds. A wait
    counts where somebody called, whenever they were served.
    """
    found: Figures = defaultdict(lambda: defaultdict(GroupFigures))
    if since >= until:
        return found

    def at(group: str, moment: int) -> GroupFigures:
        return found[since + (moment - since) // bucket * bucket][group]

    by_group: dict[str, list[Row]] = defaultdict(list)
    for green in greens:
        by_group[green["group"]].append(green)
    for group, rows in by_group.items():
        for green in rows:
            if green["ends"] is not None and since <= green["ends"] < until:
                at(group, green["ends"]).greens.add(green["ends"] - green["began"])
        for begin, end in _reds(rows, outs, until):
            if end is None:
                at(group, until - 1).reds.see(until - begin)
            elif since <= end:
                at(group, end).reds.add(end - begin)
    for call in calls:
        here, served_at = at(call["group"], call["since"]), call["served_at"]
        if served_at is None or served_at >= until:
            here.waiting += 1
            here.waits.see(until - call["since"])
        else:
            here.waits.add(served_at - call["since"])
    return found


def _reds(
    greens: Sequence[Row], outs: Sequence[Row], until: int
) -> Iterator[tuple[int, int | None]]:
    """The reds of a group before `until`; the last one may go on."""
    ends: list[int | None] = [*(each["began"] for each in greens[1:]), None]
    for green, following in zip(greens, ends, strict=True):
        begin = green["red_from"]
        end = None if following is not None and following >= until else following
        if begin is None or begin >= until:
            continue
        if not any(_overlap(each, begin, until if end is None else end) for each in outs):
            yield begin, end


def _overlap(out: Row, begin: int, end: int) -> bool:
    return bool(out["began"] <= end and (out["until"] is None or out["until"] >= begin))


def splits(stages: Iterable[Row]) -> dict[str, Lengths]:
    """By stage, how long it was from its greens to those of the next one.

    `stages`: as `changes` reads them, in the order of time. What is no stage of the definition has
    no split.
    """
    found: dict[str, Lengths] = defaultdict(Lengths)
    begun: list[tuple[str | None, int]] = []
    for row in stages:
        if not begun or begun[-1][0] != row["stage"]:
            begun.append((row["stage"], row["begins"]))
    for (stage, begin), (_, end) in pairwise(begun):
        if stage is not None and end > begin:
            found[stage].add(end - begin)
    return found
