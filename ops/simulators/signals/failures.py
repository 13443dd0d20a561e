"""Cameras that fail: silent, stuck on, or chattering, and what is known of it when.

Until a failure is recognised, what the camera says is taken for what it sees. From then on it is
not trusted, and somebody is taken to wait where nobody can look.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from citybrain.domain.signals.strategies.strategy import ExitSeen, LaneSeen
from ops.simulators.signals.cameras import PLACE_M, Sight
from ops.simulators.signals.placing import Placed


class Failure(StrEnum):
    """How a camera fails."""

    SILENT = "silent"
    STUCK = "stuck"
    CHATTER = "chatter"


RECOGNISED_S = {Failure.SILENT: 60, Failure.STUCK: 300, Failure.CHATTER: 120}
"""After how long each is known; what a detector's definition says by default."""


@dataclass(frozen=True, slots=True)
class Failing:
    """This share of all cameras fails, from the beginning of a run on."""

    share: float = 0.0
    how: Failure = Failure.SILENT

    def __str__(self) -> str:
        return f"{self.share:.0%} {self.how}" if self.share else ""


class Failures:
    """Which cameras of a junction fail, and what is seen then."""

    def __init__(self, placed: Placed, failing: Failing, seed: int, begin: int) -> None:
        self._how, self._known_at = failing.how, (begin + RECOGNISED_S[failing.how]) * 1000
        self._chance = Random(f"{placed.light}/{seed}/{failing}")
        layout = placed.dated.junction.layout
        self._lanes = [each for each in layout.lanes if self._chance.random() < failing.share]
        self._exits = {
            code: each.length_m / PLACE_M
            for code, each in layout.exits.items()
            if self._chance.random() < failing.share
        }
        self._movements = {
            code for code, each in layout.movements.items() if each.lane in self._lanes
        }
        self._groups = frozenset(
            each.group for each in layout.movements.values() if each.lane in self._lanes
        ) - {None}

    def seen(self, sight: Sight) -> Sight:
        """What comes of a sight of cameras that work."""
        seen = sight.observations
        known = seen.at >= self._known_at
        lanes = dict(seen.lanes) | {code: self._lane(known) for code in self._lanes}
        exits = dict(seen.exits) | {
            code: ExitSeen(self._room(places, known)) for code, places in self._exits.items()
        }
        crossed = {k: v for k, v in seen.crossed.items() if k not in self._movements}
        told = known or self._how is not Failure.SILENT
        groups = frozenset(each for each in self._groups if each is not None)
        waiting = sight.waiting | groups if told else sight.waiting - groups
        return Sight(replace(seen, lanes=lanes, exits=exits, crossed=crossed), waiting)

    def _room(self, places: float, known: bool) -> float | None:
        """Of an exit with so many places; a camera of which nothing comes tells of no room."""
        if known or self._how is Failure.SILENT:
            return None
        return 0.0 if self._how is Failure.STUCK else round(self._chance.random() * places, 1)

    def _lane(self, known: bool) -> LaneSeen:
        if known:
            return LaneSeen(trusted=False)
        match self._how:
            case Failure.SILENT:
                return LaneSeen()
            case Failure.STUCK:
                return LaneSeen(((1.0, 0.0),))
            case Failure.CHATTER:
                count = self._chance.randrange(12)
                return LaneSeen(tuple((1.0 + 7.5 * place, 0.0) for place in range(count)))
