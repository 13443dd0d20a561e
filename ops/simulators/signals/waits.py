"""How long somebody stood before red, measured on the street itself: alike for every controller.

This is a measure, and may know where somebody wants to go; cameras do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from citybrain.definitions.signals.sumo_net import Net
from ops.simulators.signals.street import Street

AT_THE_LINE_M, STANDS = 15.0, 0.1
GREEN = frozenset("GgsOo")


@dataclass(slots=True)
class Waits:
    """The longest waits, in seconds: of vehicles first at a stop line, and of people on foot."""

    longest_red: int = 0
    longest_on_foot: int = 0
    _lanes: dict[str, list[tuple[str, tuple[int, ...]]]] = field(default_factory=dict)
    _crossings: dict[str, tuple[str, int]] = field(default_factory=dict)
    _length: dict[str, float] = field(default_factory=dict)
    _first: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    _pressed: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, net: Net, lights: Sequence[str]) -> "Waits":
        """For all lights of a network."""
        waits = cls(_length={code: lane.length for code, lane in net.lanes.items()})
        by_lane: dict[tuple[str, str], set[int]] = {}
        for each in net.connections:
            if each.tl not in lights or each.tl is None:
                continue
            end = net.lanes[each.end]
            if end.function == "crossing":
                waits._crossings[end.edge] = (each.tl, each.link)
            else:
                by_lane.setdefault((each.tl, each.begin), set()).add(each.link)
        for (light, lane), links in by_lane.items():
            waits._lanes.setdefault(light, []).append((lane, tuple(sorted(links))))
        return waits

    def look(self, street: Street) -> None:
        """Take a second of the street in."""
        walkers = street.waiting_at(frozenset(self._crossings)) if self._crossings else {}
        for light, lanes in self._lanes.items():
            state = street.shown(light)
            for lane, links in lanes:
                self._before_red(street, lane, links, state)
        self._on_foot(street, walkers)

    def _before_red(self, street: Street, lane: str, links: tuple[int, ...], state: str) -> None:
        """The first vehicle of a lane: since when it stands at the line without green."""
        seen = street.lane(lane)
        first = seen[-1] if seen else None
        before = self._first.pop(lane, None)
        if first is None or self._length[lane] - first.position > AT_THE_LINE_M:
            return
        if before is not None and before[0] == first.vehicle:
            link, since = before[1:]
        elif first.speed < STANDS:
            link = links[0] if len(links) == 1 else street.next_link(first.vehicle)
            since = street.now
        else:
            return
        if not 0 <= link < len(state) or state[link] not in GREEN:
            self._first[lane] = (first.vehicle, link, since)
            self.longest_red = max(self.longest_red, street.now - since)

    def _on_foot(self, street: Street, walkers: dict[str, int]) -> None:
        for crossing, (light, place) in self._crossings.items():
            if crossing in walkers and street.shown(light)[place] not in GREEN:
                since = self._pressed.setdefault(crossing, street.now)
                self.longest_on_foot = max(self.longest_on_foot, street.now - since)
            else:
                self._pressed.pop(crossing, None)
