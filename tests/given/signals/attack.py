"""Whatever comes to a junction, in any order: wishes, commands, vehicles, people, faults."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import Any

from hypothesis import strategies as st

from citybrain.audit.signals.verify import Violation, verify
from citybrain.domain.signals import people
from citybrain.domain.signals.rules import Source
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.errors import CitybrainError
from tests.given.signals.x1 import X1, Street, at, logged

CITY: dict[str, Any] = deepcopy(X1)
"""X1 with three plans, one of which differs too much from the others."""
CITY["plans"]["evening"] = deepcopy(X1["plans"]["day"]) | {"offset": 40}
CITY["plans"]["night"] = {
    "cycle": 180,
    "splits": [
        {"stage": "A", "seconds": 80},
        {"stage": "B", "seconds": 50},
        {"stage": "C", "seconds": 50},
    ],
}

NAMES, PEOPLE = ["E1", "E2", "E3"], ["o-1", "o-2"]
KINDS = (
    "wish",
    "wish",
    "groups",
    "command",
    "command",
    "call",
    "call",
    "call",
    "preempt",
    "pass",
    "hand",
    "back",
    "mode",
    "mode",
    "plan",
    "power",
    "conflict",
    "reset",
    "reset",
    "clock",
    "silence",
    "midnight",
    "nothing",
)

Step = tuple[str, float, int, int, float]
"""What, after how many seconds, and three numbers that say which and how."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.floats(0, 60).map(lambda seconds: round(seconds, 1)),
        st.integers(0, 63),
        st.integers(0, 63),
        st.floats(-30, 60).map(lambda seconds: round(seconds, 1)),
    ),
    max_size=60,
)


def at_random(chance: Random, count: int) -> list[Step]:
    """So many steps of a seed; most of them close to one another."""
    return [
        (
            chance.choice(KINDS),
            round(
                chance.choice([chance.random(), chance.uniform(0, 12), chance.uniform(0, 60)]), 1
            ),
            chance.randrange(64),
            chance.randrange(64),
            round(chance.uniform(-30, 60), 1),
        )
        for _ in range(count)
    ]


class Attack:
    """A street to which steps are done; between them it is woken whenever it wants to be."""

    def __init__(self, street: Street) -> None:
        self.street, self.now, self.days = street, 0.0, 14
        self.first = street.dated.first_stage
        self.groups, self.stages = sorted(street.junction.groups), sorted(street.junction.stages)
        people.power_up(street.signal, street.junction, at(0), self.first)

    def go(self, steps: Sequence[Step]) -> None:
        """Do them one after the other, and wake the street for a while after the last."""
        for step in steps:
            self.do(step)
        self.end()

    def do(self, step: Step) -> None:
        """One step; what is refused without a trace is no error here."""
        kind, pause, one, other, seconds = step
        self._pass(pause)
        with suppress(CitybrainError):
            self._doing[kind](self, one, other, seconds)

    def end(self) -> None:
        """Wake the street for a while after the last step."""
        self._pass(400)
        self.street.collect()

    def found(self) -> list[Violation]:
        """What the checker finds in all that was decided."""
        street = self.street
        return verify(street.dated.file, logged(street.events), milliseconds(at(self.now)))

    def stage(self, number: int) -> str:
        """One of the stages."""
        return self.stages[number % len(self.stages)]

    def group(self, number: int) -> str:
        """One of the groups."""
        return self.groups[number % len(self.groups)]

    def _pass(self, seconds: float) -> None:
        until = round(self.now + seconds, 1)
        self.street.run(self.now, until)
        self.now = until
        if self.street.heard is not None and self.street.signal.mode == "centre":
            self.street.heard = max(self.street.heard, self.now)

    def _wish(self, one: int, other: int, seconds: float) -> None:
        green_at = self.now + seconds if other % 4 == 0 else None
        source = list(Source)[one % 4]
        self.street.wish(self.now, self.stage(other), source=source, green_at=green_at)

    def _groups(self, one: int, other: int, seconds: float) -> None:
        groups = frozenset(each for place, each in enumerate(self.groups) if one >> place & 1)
        green_at = self.now + seconds if other % 3 == 0 else None
        source = list(Source)[other % 4]
        self.street.wish(self.now, None, groups=groups, source=source, green_at=green_at)

    def _command(self, one: int, other: int, seconds: float) -> None:
        signal = self.street.signal
        sequence = signal.last_sequence + 1 - (one % 4 == 0) * (one % 3)
        epoch = signal.epoch - (other % 8 == 0)
        until = self.now + seconds
        self.street.command(self.now, self.stage(one), sequence, until=until, epoch=epoch)

    def _call(self, one: int, other: int, seconds: float) -> None:
        self.street.call(self.now, self.group(one))

    def _preempt(self, one: int, other: int, seconds: float) -> None:
        lasts = max(1.0, seconds)
        self.street.preempt(self.now, self.stage(one), NAMES[other % 3], level=one % 2, lasts=lasts)

    def _passed(self, one: int, other: int, seconds: float) -> None:
        self.street.pass_by(self.now, NAMES[one % 3])

    def _hand(self, one: int, other: int, seconds: float) -> None:
        until = at(self.now + max(1.0, seconds))
        by = PEOPLE[one % 2]
        people.take_in_hand(self.street.signal, at(self.now), by=by, reason="look", until=until)

    def _back(self, one: int, other: int, seconds: float) -> None:
        people.give_back(self.street.signal, at(self.now), by=PEOPLE[one % 2])

    def _mode(self, one: int, other: int, seconds: float) -> None:
        mode = "local" if one % 4 == 0 else "centre"
        people.change_mode(self.street.signal, at(self.now), mode, by="centre", reason="asked")
        self.street.heard = self.now

    def _plan(self, one: int, other: int, seconds: float) -> None:
        street, plans = self.street, self.street.dated.plans
        plan = plans[sorted(plans)[one % len(plans)]]
        current = plans[street.signal.plan] if street.signal.plan else None
        rule = people.activate_plan(
            street.signal, street.junction, at(self.now), plan, current, by="o-1", reason="day"
        )
        if rule is None:
            street.plan = plan

    def _power(self, one: int, other: int, seconds: float) -> None:
        if one % 4 == 0:
            people.power_up(self.street.signal, self.street.junction, at(self.now), self.first)

    def _conflict(self, one: int, other: int, seconds: float) -> None:
        if one % 8 == 0:
            people.report_conflict(self.street.signal, at(self.now), shown="V1 and V2")

    def _reset(self, one: int, other: int, seconds: float) -> None:
        street, by = self.street, PEOPLE[one % 2]
        now = at(self.now)
        people.reset(street.signal, street.junction, now, self.first, by=by, reason="seen to")

    def _clock(self, one: int, other: int, seconds: float) -> None:
        said = at(self.now + seconds / 10)
        people.hear_clock(self.street.signal, self.street.junction, at(self.now), said)

    def _silence(self, one: int, other: int, seconds: float) -> None:
        if one % 4 == 0:
            self.street.heard = None if other % 2 else self.now - seconds

    def _midnight(self, one: int, other: int, seconds: float) -> None:
        if one % 8:
            return
        self.days += 1
        day, before = f"2026-09-{self.days}", self.street.signal
        before.close(at(self.now), next_day=day)
        self.street.collect()
        self.street.signal = Signal.open(
            at(self.now), self.street.junction, day=day, carried=before.carried
        )

    def _nothing(self, one: int, other: int, seconds: float) -> None:
        """Only time passes."""

    _doing: dict[str, Callable[["Attack", int, int, float], None]] = {  # noqa: RUF012
        "wish": _wish,
        "groups": _groups,
        "command": _command,
        "call": _call,
        "preempt": _preempt,
        "pass": _passed,
        "hand": _hand,
        "back": _back,
        "mode": _mode,
        "plan": _plan,
        "power": _power,
        "conflict": _conflict,
        "reset": _reset,
        "clock": _clock,
        "silence": _silence,
        "midnight": _midnight,
        "nothing": _nothing,
    }
