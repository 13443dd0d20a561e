"""What the detectors of a junction say each second: items of a batch of observations.

A camera tells of its zone: who is in it, who has crossed the stop line, who stands in the box, and
how many still fit into an exit. A button tells that it is pressed. Nobody tells where a vehicle
wants to go.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from citybrain.domain.signals.layout import Detector, DetectorKind
from citybrain.domain.signals.signal_events import moment
from ops.simulators.signals.cameras import Sight
from ops.simulators.signals.placing import Placed

PRESSED_AGAIN_MS = 5_000
"""Who waits presses now and then."""


def zones(placed: Placed) -> dict[str, float]:
    """How far cameras see, by lane and exit, in metres; of lanes before the stop line."""
    layout = placed.dated.junction.layout
    behind = {code: lane.to_stop_line_m for code, lane in layout.lanes.items()}
    return {
        each.lane: behind.get(each.lane, 0.0) + each.to_m
        for each in layout.detectors.values()
        if each.lane is not None
    }


@dataclass
class Detectors:
    """The detectors of one junction. They remember what was pressed."""

    placed: Placed
    _pressed: dict[str, int] = field(default_factory=dict)
    _down: set[str] = field(default_factory=set)

    def items(self, sight: Sight, at: int) -> list[dict[str, Any]]:
        """What each says at `at`, milliseconds since 1970."""
        layout = self.placed.dated.junction.layout
        said = {"junction": self.placed.dated.junction.code, "at": moment(at).isoformat()}
        found = []
        for code, detector in layout.detectors.items():
            if detector.kind is DetectorKind.BUTTON:
                found += [
                    said | {"detector": code} | each for each in self._button(detector, sight)
                ]
            elif detector.lane in layout.lanes:
                found.append(said | {"detector": code} | self._lane(detector, sight))
            elif detector.lane is not None:
                room = sight.observations.exits[detector.lane].room
                found.append(said | {"detector": code, "room": room})
        return found

    def _lane(self, detector: Detector, sight: Sight) -> dict[str, Any]:
        assert detector.lane is not None
        seen = sight.observations
        behind = self.placed.dated.junction.layout.lanes[detector.lane].to_stop_line_m
        vehicles = [
            (metres, speed)
            for far, speed in seen.lanes[detector.lane].vehicles
            if detector.from_m <= (metres := max(0.0, round(far - behind, 1))) <= detector.to_m
        ]
        own = {each.code for each in self.placed.dated.junction.layout.of_lane(detector.lane)}
        crossed = {code: number for code, number in seen.crossed.items() if code in own}
        in_box = {code: ms for code, ms in seen.in_box.items() if code in own}
        counted = {"count": sum(crossed.values()), "seconds": 1}
        return {"vehicles": vehicles, "crossed": crossed, "in_box": in_box} | counted

    def _button(self, detector: Detector, sight: Sight) -> Iterator[dict[str, Any]]:
        """Pressed while somebody waits, now and then, and let go of a second later."""
        at, group = sight.observations.at, detector.group
        if detector.code in self._down:
            self._down.discard(detector.code)
            yield {"occupied": False}
        elif group in sight.waiting and at >= self._pressed.get(detector.code, 0):
            self._pressed[detector.code] = at + PRESSED_AGAIN_MS
            self._down.add(detector.code)
            yield {"occupied": True}
