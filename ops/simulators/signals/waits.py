"""How long somebody stood before red, measured on the street itself: alike for every controller.

This is a measure, and may know where somebody wants to go; cameras do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from citybrain.definitions.signals.sumo_net import Net
from ops.simulators.signals.street import Seen

AT_THE_LINE_M, STANDS = 15.0, 0.1
GREEN = frozenset("GgsOo")


class Street(Protocol):
    """What is read of a street here."""

    @property
    def now(self) -> int: ...

    def shown(self, light: str) -> str: ...

    def lane(self, lane: str) -> tuple[Seen, ...]: ...

    def next_link(self, vehicle: str) -> int: ...

    def waiting_at(self, crossings: frozenset[str]) -> dict[str, str]: ...


@dataclass(slots=True)
class Waits:
    """Waits before red, in seconds: the longest of vehicles, and those of people on foot."""

    longest_red: int = 0
    _lanes: dict[str, list[tuple[str, tuple[int, ...]]]] = field(default_factory=dict)
    _crossings: dict[str, tuple[str, int]] = field(default_factory=dict)
    _length: dict[str, float] = field(default_factory=dict)
    _first: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    _standing: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    _stood: list[int] = field(default_factory=list)

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
        for light, lanes in self._lanes.items():
            state = street.shown(light)
            for lane, links in lanes:
                self._before_red(street, lane, links, state)
        if self._crossings:
            self._on_foot(street, street.waiting_at(frozenset(self._crossings)))

    @property
    def on_foot(self) -> tuple[int, ...]:
        """Seconds that each person stood, who had to; also those who still do."""
        return (*self._stood, *(stood for _, stood in self._standing.values()))

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

    def _on_foot(self, street: Street, walkers: dict[str, str]) -> None:
        """Each person from the first second before red until they go, also where green passes."""
        before, self._standing = self._standing, {}
        for person, crossing in walkers.items():
            light, place = self._crossings[crossing]
            since, _ = before.pop((person, crossing), (street.now, 0))
            if since < street.now or street.shown(light)[place] not in GREEN:
                self._standing[person, crossing] = (since, street.now - since)
        self._stood += [street.now - since for since, _ in before.values()]
