"""Which greens each signal group had, and when its lamps were not in service; from events alone.

A green is known from the moment that it is decided, and goes when it is given up before it began.
Only what may still change is kept here: of each group its last two greens, and the last time that
all lamps flashed or were dark.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

KEPT = 2
"""A green that is to come, and the one before it whose yellow may still run."""

Green = tuple[int, int | None, int | None, int]
"""When it begins, ends, and is red (ms since 1970; None: not decided), and which event began it."""


@dataclass(slots=True)
class Lamps:
    """What may still change of a junction's lamps, and what the events read so far changed.

    `greens`: by group, the older first. `out`: since when, until when and why the lamps are not in
    service, the last time; None: never. `changed`: by group and beginning the green, or None where
    it does not come. `changed_out`: by beginning.
    """

    greens: dict[str, list[Green]] = field(default_factory=dict)
    out: tuple[int, int | None, str] | None = None
    changed: dict[tuple[str, int], Green | None] = field(default_factory=dict)
    changed_out: dict[int, tuple[int | None, str]] = field(default_factory=dict)

    def read(self, topic: str, data: dict[str, Any], at: int, position: int) -> None:
        """Take an event in; `at`: when it was decided."""
        match topic:
            case "signal.day_opened" if "lamp_times" not in data["carried"]:
                self._go_out(at, None, "dark")
            case "signal.stage_applied":
                self._apply(data, position)
            case "signal.flash_begun":
                self._go_out(data["at"], None, data["kind"])
            case "signal.powered_up":
                self._go_out(data["at"], data["flash_until"], "starting")
                self._begin(data["groups"], data["all_red_until"], position)
            case "signal.reset":
                self._cut(data["at"])
                self._come_back(data["at"])
                self._begin(data["groups"], data["all_red_until"], position)

    def _apply(self, data: dict[str, Any], position: int) -> None:
        at = data["at"]
        for code in data["given_up"]:
            self._forget_coming(code, at)
        for code in data["kept"]:
            began, _, _, by = self.greens[code][-1]
            self._put(code, (began, None, None, by))
        for code, (end, red_from) in data["ends"].items():
            began, _, _, by = self.greens[code][-1]
            self._put(code, (began, end, red_from, by))
        for code, start in data["starts"].items():
            self._forget_coming(code, at)
            self._put(code, (start, None, None, position))

    def _go_out(self, at: int, until: int | None, why: str) -> None:
        """All lamps flash, or are dark: every green ends there and then."""
        self._cut(at)
        self._come_back(at)
        if until is None or until > at:
            self.out = at, until, why
            self.changed_out[at] = until, why

    def _come_back(self, at: int) -> None:
        if self.out is not None and (self.out[1] is None or self.out[1] > at):
            began, _, why = self.out
            self.out = began, at, why
            self.changed_out[began] = at, why

    def _cut(self, at: int) -> None:
        for code in self.greens:
            self._forget_coming(code, at)
            for began, ends, red_from, by in list(self.greens[code]):
                if red_from is None or red_from > at:
                    self._put(code, (began, at if ends is None else min(ends, at), at, by))

    def _forget_coming(self, code: str, at: int) -> None:
        for green in self.greens.get(code, ()):
            if green[0] >= at:
                self.changed[code, green[0]] = None
        self.greens[code] = [each for each in self.greens.get(code, ()) if each[0] < at]

    def _begin(self, groups: Iterable[str], at: int, position: int) -> None:
        for code in groups:
            self._put(code, (at, None, None, position))

    def _put(self, code: str, green: Green) -> None:
        others = [each for each in self.greens.get(code, ()) if each[0] != green[0]]
        self.greens[code] = sorted([*others, green])[-KEPT:]
        self.changed[code, green[0]] = green
