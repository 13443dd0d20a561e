"""The streets of a signal in a SUMO network: its lanes and what lies behind them, and its exits.

Converted networks have stubs of a metre before a stop line, and pieces of a few metres behind it:
what is behind a short lane is seen through it, and a short exit goes on until the next signal.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from math import atan2, degrees, hypot

from citybrain.definitions.signals.sumo_net import Net, NetConnection, NetLane, Point

REACH_M = 150.0
"""How far before a stop line lanes are looked for, and how far behind it an exit goes on."""
LOOK_M = 20.0
SECTORS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True, slots=True)
class Reached:
    """Lanes of the network by how far their end is before a stop line, in metres, nearest first.

    `lanes`: streets; the lane itself is the first, at 0. `inside`: lanes inside junctions between.
    """

    lanes: Mapping[str, float]
    inside: Mapping[str, float]


def reached_from(net: Net, lane: str, never: Iterable[str], exits: Collection[str]) -> Reached:
    """What lies up to `REACH_M` behind a lane's stop line, without passing a signal.

    `never`: lanes that are no feeds, such as those with a stop line of their own. `exits`: those
    that lead away from the signal: one is a feed only where the way on goes back to it, and not
    where somebody might turn round there.
    """
    lanes: dict[str, float] = {}
    inside: dict[str, float] = {}
    barred = set(never) - {lane}
    queue = [(0.0, lane)]
    while queue:
        end_m, here = heappop(queue)
        if here in lanes:
            continue
        lanes[here] = end_m
        begin_m = end_m + net.lanes[here].length
        if begin_m >= REACH_M:
            continue
        for feed in net.into[here]:
            if feed.tl is not None or feed.turn == "t" or feed.begin in barred:
                continue
            if feed.begin in exits and _way_on(net, feed.begin) is not feed:
                continue
            at_m = begin_m
            for piece in reversed(net.inside(feed)):
                inside[piece] = min(at_m, inside.get(piece, at_m))
                at_m += net.lanes[piece].length
            heappush(queue, (at_m, feed.begin))
    return Reached(lanes, inside)


def exit_chain(net: Net, lane: str) -> dict[str, float]:
    """Lanes behind a junction, in order: each with how far its beginning is, in metres.

    It goes on where there is one way on without a signal, straight where there are several.
    """
    chain: dict[str, float] = {}
    here: str | None = lane
    at_m = 0.0
    while here is not None and here not in chain and at_m < REACH_M:
        chain[here] = at_m
        at_m += net.lanes[here].length
        following = _way_on(net, here)
        here = None
        if following is not None:
            for piece in net.inside(following):
                chain[piece] = at_m
                at_m += net.lanes[piece].length
            here = following.end
    return chain


def _way_on(net: Net, lane: str) -> NetConnection | None:
    ways = [each for each in net.out_of[lane] if each.turn != "t"]
    if any(each.tl is not None for each in ways):
        return None
    straight = [each for each in ways if each.turn == "s"]
    ways = straight if len(ways) > 1 else ways
    return ways[0] if len(ways) == 1 else None


def bearing_before(lane: NetLane) -> int:
    """Where an approach lane comes from, seen from its stop line: degrees from north."""
    return _bearing(lane.shape[::-1])


def bearing_behind(lane: NetLane) -> int:
    """Where an exit lane goes to, seen from its beginning: degrees from north."""
    return _bearing(lane.shape)


def _bearing(points: tuple[Point, ...]) -> int:
    """From the first point to that one which is `LOOK_M` off, or the last."""
    if len(points) < 2:
        return 0
    x, y = points[0]
    there = next((each for each in points if hypot(each[0] - x, each[1] - y) >= LOOK_M), points[-1])
    return round(degrees(atan2(there[0] - x, there[1] - y))) % 360


def arm_names(bearings: Mapping[str, int]) -> dict[str, str]:
    """A short name for each edge by the point of the compass; a second one there gets a letter."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for edge, bearing in sorted(bearings.items(), key=lambda each: (each[1], each[0])):
        sector = SECTORS[round(bearing / 45) % 8]
        name = next(
            name
            for name in (sector, *(f"{sector}{chr(c)}" for c in range(ord("b"), ord("z") + 1)))
            if name not in taken
        )
        taken.add(name)
        names[edge] = name
    return names
