"""A monitor on the street: it sees colours only, second by second, and what must never be seen.

It knows the junction's file and nothing of who decided what. Real controllers have such a device;
here it watches who sets the simulator's lamps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from citybrain.definitions.signals.junction_file import JunctionFile, PedestrianGroup
from citybrain.domain.signals.lamps import Shown


@dataclass(slots=True)
class Monitor:
    """One junction. `found`: what was wrong, in words, with the second."""

    file: JunctionFile
    found: list[str] = field(default_factory=list)
    _shown: dict[str, tuple[Shown, float]] = field(default_factory=dict)
    _ended: dict[str, float] = field(default_factory=dict)

    def look(self, second: float, shown: Mapping[str, Shown]) -> None:
        """Take in what all groups show from this second on."""
        for one, other in self.file.conflicts:
            if shown[one] is Shown.GREEN and shown[other] is Shown.GREEN:
                self.found.append(f"{second}: {one} and {other} are green together")
        for each in self.file.permissive:
            if shown[each.turn] is Shown.ENDING and shown[each.against] is Shown.GREEN:
                self.found.append(f"{second}: {each.turn} is in a yellow trap of {each.against}")
        for code, colour in shown.items():
            before, since = self._shown.get(code, (colour, -(1 << 30)))
            if colour is before:
                self._shown[code] = (colour, since)
                continue
            self._shown[code] = (colour, second)
            self._changed(second, code, before, colour, second - since)

    def _changed(self, second: float, code: str, before: Shown, now: Shown, lasted: float) -> None:
        group = self.file.groups[code]
        on_foot = isinstance(group, PedestrianGroup)
        least = group.walk if isinstance(group, PedestrianGroup) else group.minimum
        if before is Shown.GREEN:
            self._ended[code] = second
            if lasted < least:
                self.found.append(f"{second}: {code} was green for {lasted} s")
            if now is Shown.RED and not on_foot:
                self.found.append(f"{second}: {code} went from green to red")
        if before is Shown.ENDING and now is Shown.GREEN:
            self.found.append(f"{second}: {code} went from yellow to green")
        yellow = 0.0 if isinstance(group, PedestrianGroup) else group.yellow
        if before is Shown.ENDING and lasted < yellow:
            self.found.append(f"{second}: {code} had {lasted} s of yellow")
        if now is Shown.GREEN:
            self._starts(second, code)

    def _starts(self, second: float, code: str) -> None:
        """Whoever ended before it had enough time."""
        for one, by_other in self.file.intergreens.items():
            ended = self._ended.get(one)
            if ended is not None and code in by_other and second - ended < by_other[code]:
                self.found.append(f"{second}: {code} is green {second - ended} s after {one} ended")
