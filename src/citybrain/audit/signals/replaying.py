"""Decisions taken again from the log alone: what would another strategy have done with the same?

Every change that a strategy made carries what it had seen. That, and the signal's state as the
events before it make it, is all that is read here. What a strategy remembers is built from the same
recorded inputs; between two changes nothing is recorded, so one that learns may remember less than
it did then. A replay by the strategy that decided shows how much that is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from citybrain.city_day import city_day
from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.signals.signal import Signal, stream_of
from citybrain.domain.signals.signal_events import StageApplied, moment
from citybrain.domain.signals.strategies.strategy import (
    Ahead,
    Coming,
    ExitSeen,
    LaneSeen,
    Observations,
    Strategy,
    view,
)
from citybrain.domain.stream import StreamEvent
from citybrain.eventstore import EventStore


@dataclass(frozen=True, slots=True)
class Retaken:
    """A decision: which strategy made which stage of it, and what the other one would do.

    `stage`: None where it would stay. `at`: milliseconds since 1970.
    """

    position: int
    at: int
    strategy: str
    version: str
    was: str | None
    stage: str | None
    reasons: Mapping[str, Any]

    @property
    def differs(self) -> bool:
        return self.was != self.stage


@dataclass(frozen=True, slots=True)
class Replay:
    """All decisions of strategies in a span, taken again. `others`: changes that none of them made.

    Those are of the plan, of vehicles, of people; or of a strategy whose inputs are not recorded.
    `exact`: the strategy remembers nothing, so that the same one decides the same again.
    """

    decisions: tuple[Retaken, ...]
    others: int
    exact: bool

    @property
    def differing(self) -> tuple[Retaken, ...]:
        return tuple(each for each in self.decisions if each.differs)


async def read_and_replay(
    store: EventStore,
    definitions: SignalDefinitions,
    junction: str,
    strategy: Strategy,
    since: int,
    until: int,
) -> Replay:
    """Take the decisions again that were made from `since` until before `until` (ms since 1970)."""
    day, last = city_day(moment(since)), city_day(moment(until))
    decisions: list[Retaken] = []
    others, exact = 0, True
    while day <= last:
        events = [
            (event.position, store.to_domain_event(event))
            for event in await store.read(stream_of(junction, day.isoformat()))
        ]
        found = replay(events, definitions, strategy, since, until)
        decisions += found.decisions
        others, exact = others + found.others, exact and found.exact
        day += timedelta(days=1)
    return Replay(tuple(decisions), others, exact)


def replay(
    events: Sequence[tuple[int, StreamEvent]],
    definitions: SignalDefinitions,
    strategy: Strategy,
    since: int,
    until: int,
) -> Replay:
    """The same, of the events of one day, each with its position in the log."""
    signal: Signal | None = None
    dated: DatedJunction | None = None
    memory: Any = None
    decisions: list[Retaken] = []
    others = 0
    for position, event in events:
        if isinstance(event, StageApplied) and signal is not None and since <= event.at < until:
            if dated is None or "seen" not in event.why:
                others += 1
            else:
                decisions.append(_retaken(position, event, signal, dated, strategy, memory))
        state = event.mutate(signal)
        assert isinstance(state, Signal)
        if signal is None:
            dated = definitions.of_version(state.junction, state.definition_version)
            memory = None if dated is None else strategy.begin(dated.junction)
        signal = state
    return Replay(tuple(decisions), others, exact=memory is None)


def _retaken(
    position: int,
    event: StageApplied,
    signal: Signal,
    dated: DatedJunction,
    strategy: Strategy,
    memory: Any,
) -> Retaken:
    junction, plan = dated.junction, dated.followed(signal.plan)
    seen = seen_from(event.why["seen"], event.at)
    advice = strategy.decide(seen, junction, view(signal, junction, plan, event.at), memory)
    return Retaken(
        position=position,
        at=event.at,
        strategy=str(event.why.get("strategy", "")),
        version=str(event.why.get("version", "")),
        was=event.stage,
        stage=advice.stage,
        reasons=advice.reasons,
    )


def seen_from(said: Mapping[str, Any], at: int) -> Observations:
    """What was seen, as the event of a change carries it.

    A lane is a list of vehicles (metres, m/s), a count, or null where it was not trusted.
    """
    exits: Iterable[tuple[str, float | None]] = said.get("exits", {}).items()
    return Observations(
        at=int(said.get("at", at)),
        lanes={code: _lane(each) for code, each in said.get("lanes", {}).items()},
        exits={code: ExitSeen(room) for code, room in exits},
        crossed=said.get("crossed", {}),
        in_box=said.get("in_box", {}),
        ahead={code: Ahead(*each) for code, each in said.get("ahead", {}).items()},
        coming={
            code: Coming(tuple(lanes), tuple(vehicles))
            for code, (lanes, vehicles) in said.get("coming", {}).items()
        },
        backed=frozenset(said.get("backed", ())),
    )


def _lane(said: Any) -> LaneSeen:
    if said is None:
        return LaneSeen(trusted=False)
    if isinstance(said, list):
        return LaneSeen(tuple((float(metres), float(speed)) for metres, speed in said))
    return LaneSeen(counted=int(said))
