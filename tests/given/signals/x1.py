"""The junction of the scenarios, X1, and a day of it whose time the test tells."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from citybrain.audit.signals.timeline import Logged
from citybrain.audit.signals.verify import Violation, verify
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junction_file import JunctionFile
from citybrain.definitions.signals.junctions import DatedJunction, load_signals
from citybrain.domain.signals import people, priority
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.requesting import Numbered, request
from citybrain.domain.signals.rules import Rule, Source, Wish
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.waking import next_alarm, wake
from citybrain.domain.stream import StreamEvent

ZERO = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)
"""t = 0 of a scenario: ten in the morning."""

X1: dict[str, Any] = {
    "valid_from": "2026-01-01",
    "junction": "x1",
    "name": "scenarios",
    "source": "the scenarios of signals",
    "groups": {
        "V1": {"kind": "vehicle", "maximum": 60, "longest_wait": 120},
        "V2": {"kind": "vehicle", "maximum": 60, "longest_wait": 120},
        "L1": {"kind": "vehicle", "maximum": 60, "longest_wait": 120},
        "P1": {"kind": "pedestrian", "width": 21, "maximum": 60, "longest_wait": 90},
        "P2": {"kind": "pedestrian", "width": 14, "maximum": 60, "longest_wait": 90},
    },
    "conflicts": [
        ["V1", "V2"],
        ["V1", "L1"],
        ["V2", "L1"],
        ["P1", "V2"],
        ["P1", "L1"],
        ["P2", "V1"],
        ["P2", "L1"],
    ],
    "intergreens": {
        "V1": {"V2": 5, "L1": 5, "P2": 5},
        "L1": {"V1": 5, "V2": 5, "P1": 5, "P2": 5},
        "V2": {"V1": 6, "L1": 6, "P1": 6},
        "P1": {"V2": 20, "L1": 20},
        "P2": {"V1": 14, "L1": 14},
    },
    "stages": {"A": ["V1", "P1"], "B": ["L1"], "C": ["V2", "P2"]},
    "plans": {
        "day": {
            "cycle": 90,
            "splits": [
                {"stage": "A", "seconds": 42},
                {"stage": "B", "seconds": 18},
                {"stage": "C", "seconds": 30},
            ],
        }
    },
    "start": {"stage": "A"},
}


def written(folder: Path, said: Mapping[str, Any]) -> Path:
    """A city's folder with a junction's file in it."""
    path = folder / "signal-junction" / "x1.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(dict(said), sort_keys=False).replace("'2026-01-01'", "2026-01-01")
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, said: Mapping[str, Any] = X1) -> DatedJunction:
    """The junction as it is loaded from a file; raises `DefinitionError`."""
    written(folder, said)
    found = load_signals(Files(folder), Definitions()).at("x1", ZERO)
    assert found is not None
    return found


class Street:
    """A day of X1. Times are seconds from t = 0; the centre is heard until `heard`."""

    def __init__(self, dated: DatedJunction, *, began: float = -1000.0) -> None:
        self.dated, self.junction = dated, dated.junction
        self.plan = dated.plans["day"]
        self.signal = Signal.open(at(began), self.junction, day="2026-09-14")
        self.heard: float | None = None
        self.events: list[Any] = []

    @classmethod
    def green(cls, dated: DatedJunction, stage: str, since: float = 0.0) -> "Street":
        """In the hand of the centre, this stage green since then."""
        street = cls(dated)
        junction = street.junction
        clear = junction.between(junction.groups, junction.stages[stage])
        before = max(junction.start_up.flash_ms + junction.start_up.all_red_ms, clear) / 1000
        people.power_up(street.signal, street.junction, at(since - before), stage)
        people.change_mode(street.signal, at(since), "centre", by="centre", reason="test")
        street.heard = 1e9
        street.collect()
        return street

    def collect(self) -> list[Any]:
        """The events since the last time."""
        new: list[Any] = list(self.signal.collect_events())
        self.events += new
        return new

    def wish(
        self,
        t: float,
        stage: str | None,
        *,
        source: Source = Source.CENTRE,
        groups: frozenset[str] = frozenset(),
        green_at: float | None = None,
        command: Numbered | None = None,
    ) -> Rule | None:
        """Ask for a stage, or for groups; the rule that refuses it."""
        wanted = self.junction.stages[stage] if stage else groups
        moment = None if green_at is None else milliseconds(at(green_at))
        return request(
            self.signal,
            self.junction,
            at(t),
            Wish(wanted, source, moment),
            cause="test",
            command=command,
        )

    def command(
        self, t: float, stage: str, sequence: int, *, until: float | None = None, epoch: int = 0
    ) -> Rule | None:
        """A command of the centre."""
        numbered = Numbered(
            epoch or self.signal.epoch, sequence, at(t + 10 if until is None else until)
        )
        return self.wish(t, stage, command=numbered)

    def preempt(
        self, t: float, stage: str, name: str = "E1", *, level: int = 1, lasts: float = 120
    ) -> None:
        priority.ask(
            self.signal,
            self.junction,
            at(t),
            preemption=name,
            stage=stage,
            level=level,
            vehicle=name,
            until=at(t + lasts),
        )

    def pass_by(self, t: float, name: str = "E1") -> None:
        priority.end_preemption(self.signal, self.junction, at(t), name, reason="passed")

    def call(self, t: float, group: str) -> bool:
        return people.call(self.signal, self.junction, at(t), group, by="button")

    def wake(self, t: float) -> None:
        heard = None if self.heard is None else at(min(self.heard, t))
        wake(self.signal, self.junction, self.plan, at(t), heard_at=heard)

    def run(self, since: float, until: float) -> None:
        """Wake it whenever it wants to be woken."""
        now, end = milliseconds(at(since)), milliseconds(at(until))
        while now <= end:
            self.wake((now - milliseconds(ZERO)) / 1000)
            heard = None if self.heard is None else at(min(self.heard, until))
            due = next_alarm(self.signal, self.junction, self.plan, now, heard_at=heard)
            if due is None:
                return
            now = max(due, now + 100)

    def shown(self, group: str, t: float) -> Shown:
        return self.signal.shown(group, milliseconds(at(t)))

    def green_from(self, group: str) -> float:
        """When the present or coming green of a group begins."""
        began = self.signal.lamps[group].green_from
        assert began is not None
        return (began - milliseconds(ZERO)) / 1000


def at(t: float) -> datetime:
    """The moment of t."""
    return ZERO + timedelta(milliseconds=round(t * 1000))


def logged(events: list[StreamEvent]) -> list[Logged]:
    """Events as the checker reads them."""
    found = []
    for position, event in enumerate(events, 1):
        said = {name: value for name, value in vars(event).items() if name != "timestamp"}
        said["timestamp_ms"] = milliseconds(event.timestamp)
        found.append(Logged(position, type(event).__dict__["TOPIC"], said))
    return found


def violations(said: Mapping[str, Any], events: list[StreamEvent], until: float) -> list[Violation]:
    """What the checker finds in events."""
    file = JunctionFile.model_validate(said)
    return verify(file, logged(events), milliseconds(at(until)))
