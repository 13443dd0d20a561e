"""One junction as the server would drive it, in this process: no HTTP, no database.

The real strategies propose, the real aggregate decides, and what it decided is what is shown. Its
events are kept for the independent checker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from citybrain.audit.signals.timeline import Logged
from citybrain.audit.signals.verify import Violation, verify
from citybrain.definitions.signals.sumo_import import PLAN
from citybrain.domain.signals import people
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.rules import Source
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies.neighbours import Feeds, feeds_of, with_neighbours
from citybrain.domain.signals.strategies.strategy import Strategy, Tells
from citybrain.domain.signals.waking import next_alarm, wake
from citybrain.domain.stream import StreamEvent, register_stream
from commands.signals.deciding import Deciding, ask
from ops.simulators.signals.cameras import Sight
from ops.simulators.signals.placing import Placed

MIDNIGHT = datetime(1970, 1, 1, tzinfo=UTC)
"""Second 0 of a simulation. Offsets of plans count from here as well."""
register_stream(Signal)
LETTERS = {Shown.ENDING: "y", Shown.RED: "r", Shown.FLASH: "o"}


@dataclass(slots=True)
class Beside:
    """What the junctions of a street say to each other."""

    feeds: Feeds
    deciding: dict[str, Deciding] = field(default_factory=dict)

    def said(self, junction: str) -> Tells | None:
        """What a junction said last."""
        found = self.deciding.get(junction)
        return None if found is None else found.tells


@dataclass(slots=True)
class Driven:
    """A junction, its signal, and the strategy that proposes; without one it follows its plan.

    `beside`: None where it hears of no other one.
    """

    placed: Placed
    strategy: Strategy | None
    begin: int
    beside: Beside | None = None
    signal: Signal = field(init=False)
    deciding: Deciding = field(init=False, default_factory=Deciding)
    events: list[Any] = field(init=False, default_factory=list)
    alarm: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        junction, dated = self.junction, self.placed.dated
        dark = junction.between(junction.groups, junction.stages[dated.first_stage])
        start = junction.start_up
        now = from_ms(self.begin * 1000 - max(start.flash_ms + start.all_red_ms, dark))
        self.signal = Signal.open(now, junction, day="1970-01-01")
        people.power_up(self.signal, junction, now, dated.first_stage)
        if self.beside is not None:
            self.beside.deciding[junction.code] = self.deciding
        if self.strategy is not None:
            people.change_mode(
                self.signal, moment(self.begin), "centre", by="centre", reason="measured"
            )

    @property
    def junction(self) -> Junction:
        return self.placed.dated.junction

    def decide(self, sight: Sight) -> None:
        """What it is time for, calls of those who wait, and the strategy's proposal.

        In the order, and by the code, of the server (`commands.signals`).
        """
        at, signal, junction = sight.observations.at, self.signal, self.junction
        now, plan = from_ms(at), self.placed.dated.plans[PLAN]
        heard = now if self.strategy is not None else None
        due = self.alarm is None or at >= self.alarm or bool(signal.pending_events)
        if due:
            wake(signal, junction, plan, now, heard_at=heard)
        for group in sorted(sight.waiting):
            if self.strategy is None or junction.groups[group].on_foot:
                people.call(signal, junction, now, group, by="camera")
        if self.strategy is not None and signal.writer(at) is Source.CENTRE:
            observed = sight.observations
            if self.beside is not None:
                observed = with_neighbours(observed, junction, self.beside.feeds, self.beside.said)
            ask(self.strategy, signal, self.placed.dated, plan, now, self.deciding, observed)
        if due or signal.pending_events:
            self.alarm = next_alarm(signal, junction, plan, at, heard_at=heard)
        self.events += signal.collect_events()

    def shown(self, at: int) -> dict[str, Shown]:
        """What each group shows at `at`, milliseconds since 1970."""
        return {code: self.signal.shown(code, at) for code in self.junction.groups}

    def violations(self, until: int) -> list[Violation]:
        """What the independent checker finds, up to this second of the simulation."""
        return verify(self.placed.dated.file, logged(self.events), until * 1000)


def side_by_side(
    junctions: Sequence[Placed], strategy: Strategy | None, begin: int
) -> list[Driven]:
    """The junctions of a street, each of which hears what those beside it say."""
    beside = Beside(feeds_of(each.dated.junction for each in junctions))
    return [Driven(each, strategy, begin, beside) for each in junctions]


def letters(placed: Placed, shown: Mapping[str, Shown]) -> str:
    """What groups show, as the simulator takes it: a letter for each link."""
    colours = [
        Shown.GREEN if each.free else shown[each.group] if each.group else Shown.RED
        for each in placed.links
    ]
    crosses = {Shown.GREEN, Shown.ENDING}  # who has yellow still comes
    found = []
    for link, colour in zip(placed.links, colours, strict=True):
        if colour is Shown.GREEN:
            yields = any(colours[other] in crosses for other in link.first)
            found.append("g" if yields else "G")
        elif colour is Shown.ENDING and link.group in placed.crossings:
            found.append("r")  # who has begun to cross goes on, nobody begins
        elif colour is Shown.RED and link.on_red:
            found.append("s")
        else:
            found.append(LETTERS[colour])
    return "".join(found)


def moment(second: int) -> datetime:
    """A second of the simulation, as our clocks say it."""
    return MIDNIGHT + timedelta(seconds=second)


def from_ms(at: int) -> datetime:
    return MIDNIGHT + timedelta(milliseconds=at)


def logged(events: Sequence[StreamEvent]) -> list[Logged]:
    """Events as the checker reads them: as they would be stored."""
    found = []
    for position, event in enumerate(events, 1):
        said = {name: value for name, value in vars(event).items() if name != "timestamp"}
        said["timestamp_ms"] = milliseconds(event.timestamp)
        found.append(Logged(position, type(event).__dict__["TOPIC"], said))
    return found
