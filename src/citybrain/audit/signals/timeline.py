"""What each lamp of a junction showed, from its events alone: colour after colour.

Nothing of the domain is used here: who reads this must find what the domain does wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

GREEN, ENDING, RED, FLASH = "green", "ending", "red", "flash"


@dataclass(frozen=True, slots=True)
class Logged:
    """An event as it is stored: its place in the log, its topic, and its members."""

    position: int
    topic: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Phase:
    """One colour of one group from `begin` to `end` (milliseconds since 1970; None goes on)."""

    colour: str
    begin: int
    end: int | None
    by: Logged

    def lasts(self, until: int) -> int:
        return (until if self.end is None else self.end) - self.begin


@dataclass(slots=True)
class Line:
    """The changes of one group's lamps, in the order of time."""

    changes: list[tuple[int, str, Logged]] = field(default_factory=list)

    def forget_after(self, at: int, *colours: str) -> None:
        """Changes that were to come and do not."""
        self.changes = [
            each for each in self.changes if each[0] <= at or (colours and each[1] not in colours)
        ]

    def forget_green_from(self, at: int) -> None:
        """A green that was to begin at `at` or later does not."""
        self.changes = [each for each in self.changes if each[0] < at or each[1] != GREEN]

    def add(self, at: int, colour: str, by: Logged) -> None:
        self.changes.append((at, colour, by))
        self.changes.sort(key=lambda each: each[0])

    def phases(self) -> list[Phase]:
        """Its phases: what is shown already begins no new one, nor does what lasts for nothing."""
        found: list[Phase] = []
        for at, colour, by in self.changes:
            if found and found[-1].begin == at:
                found.pop()
            before = found[-1] if found else None
            if before is not None and before.colour == colour and colour != GREEN:
                found[-1] = Phase(colour, before.begin, None, before.by)
                continue
            if before is not None:
                found[-1] = Phase(before.colour, before.begin, at, before.by)
            found.append(Phase(colour, at, None, by))
        return found


class Timeline:
    """All groups of a junction."""

    def __init__(self, groups: Sequence[str]) -> None:
        self.lines = {code: Line() for code in groups}

    def read(self, event: Logged) -> None:
        """Take an event in."""
        data = event.data
        match event.topic:
            case "signal.day_opened":
                self._opened(event)
            case "signal.stage_applied":
                self._applied(event)
            case "signal.flash_begun":
                self._all(event, data["at"], (data["at"], FLASH))
            case "signal.powered_up":
                self._all(event, data["at"], (data["at"], FLASH), (data["flash_until"], RED))
                self._green(event, data["groups"], data["all_red_until"])
            case "signal.reset":
                self._all(event, data["at"], (data["at"], RED))
                self._green(event, data["groups"], data["all_red_until"])

    def _opened(self, event: Logged) -> None:
        """The first day that is read begins with what the day before left."""
        for code, (green_from, ends, red_from) in (
            event.data["carried"].get("lamp_times", {}).items()
        ):
            line = self.lines.setdefault(code, Line())
            if line.changes:
                continue
            if ends is not None:
                line.add(ends, ENDING, event)
            if red_from is not None:
                line.add(red_from, RED, event)
            if green_from is not None:
                line.add(green_from, GREEN, event)

    def _applied(self, event: Logged) -> None:
        data, at = event.data, event.data["at"]
        for code in data["given_up"]:
            self.lines[code].forget_green_from(at)
        for code in data["kept"]:
            self.lines[code].forget_after(at)
        for code, (end, red_from) in data["ends"].items():
            self.lines[code].forget_after(at)
            self.lines[code].add(end, ENDING, event)
            self.lines[code].add(red_from, RED, event)
        for code, start in data["starts"].items():
            self.lines[code].forget_after(at, GREEN)
            self.lines[code].add(start, GREEN, event)

    def _all(self, event: Logged, at: int, *changes: tuple[int, str]) -> None:
        for line in self.lines.values():
            line.forget_after(at)
            for moment, colour in changes:
                line.add(moment, colour, event)

    def _green(self, event: Logged, groups: Sequence[str], at: int) -> None:
        for code in groups:
            self.lines[code].add(at, GREEN, event)
