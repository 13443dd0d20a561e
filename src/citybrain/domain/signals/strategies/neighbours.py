"""What junctions beside one another tell each other: who comes, and who can go on.

A strategy asks nobody. It says what those beside it are to know (`Advice.tells`); whoever controls
them puts it into what they see next (`with_neighbours`), so that it is in their log as well.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.strategies.strategy import Coming, Observations, Tells

FRESH_MS = 6_000
"""What was said longer ago is not used."""
SECOND_MS = 1000

Feeds = Mapping[tuple[str, str], tuple[tuple[str, str], ...]]
"""By junction and lane, the junctions and exits that lead to it."""


def feeds_of(junctions: Iterable[Junction]) -> Feeds:
    """Which exits lead to which lanes, by any version of any definition."""
    found: dict[tuple[str, str], dict[tuple[str, str], None]] = {}
    for junction in junctions:
        for code, way in junction.layout.exits.items():
            if way.leads_to is not None:
                found.setdefault(way.leads_to, {})[junction.code, code] = None
    return {lane: tuple(exits) for lane, exits in found.items()}


def with_neighbours(
    seen: Observations, junction: Junction, feeds: Feeds, said: Callable[[str], Tells | None]
) -> Observations:
    """What is seen of a junction, and what those beside it say; `said`: by junction, the last."""

    def of(code: str) -> Tells | None:
        tells = said(code)
        return None if tells is None or seen.at - tells.at > FRESH_MS else tells

    ahead, coming, backed = {}, dict[str, Coming](), set[str]()
    for code, way in junction.layout.exits.items():
        tells = None if way.leads_to is None else of(way.leads_to[0])
        if tells is not None and way.leads_to is not None and way.leads_to[1] in tells.lanes:
            ahead[code] = tells.lanes[way.leads_to[1]]
    for lane in junction.layout.lanes:
        for other, exit_code in feeds.get((junction.code, lane), ()):
            tells = of(other)
            if tells is None:
                continue
            if exit_code in tells.waits:
                backed.add(lane)
            if exit_code in tells.sends:
                passed = max(0, seen.at - tells.at) // SECOND_MS
                before = coming.get(other, Coming((), ()))
                vehicles = _sum(before.vehicles, tells.sends[exit_code][passed:])
                lanes = before.lanes if lane in before.lanes else (*before.lanes, lane)
                coming[other] = Coming(lanes, vehicles)
    if not (ahead or coming or backed):
        return seen
    return replace(seen, ahead=ahead, coming=coming, backed=frozenset(backed))


def _sum(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    if not one:
        return other
    return tuple(round(a + b, 2) for a, b in zip(one, other, strict=False))
