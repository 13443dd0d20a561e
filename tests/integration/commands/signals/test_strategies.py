"""Strategies in the server: they propose, the aggregate decides, the event says why."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.audit.signals.exports import read_log
from citybrain.domain.signals import people
from citybrain.domain.signals.detector_health import Judged
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.officers import choose_strategy
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies import STRATEGIES
from citybrain.domain.signals.strategies.strategy import (
    Advice,
    Ahead,
    ExitSeen,
    LaneSeen,
    Observations,
    SignalView,
    Tells,
)
from citybrain.eventstore import EventStore
from commands.signals import deciding
from commands.signals.control import SignalControl
from commands.signals.observed import Observed
from commands.signals.warming import Warming
from tests.given.services import context
from tests.given.signals.controlled import OFFICER, Centre, in_service

NOON = datetime(2026, 9, 14, 4, 0, tzinfo=UTC)
CODE = "renmin_1"


class Cameras(Observed):
    """What cameras see is what the test says: so many vehicles stand before each group."""

    standing: Mapping[str, int] = {}

    def judged(self, junction: str) -> dict[str, Judged]:
        return {}

    def latest(self, junction: str) -> Observations:
        now = self._services.clock()
        layout = self.seen(junction, now).junction.layout
        waiting: dict[str, int] = {}
        for movement in layout.movements.values():
            if movement.group is not None:
                waiting[movement.lane] = self.standing.get(movement.group, 0)
        lanes = {
            code: LaneSeen(tuple((7.5 * place, 0.0) for place in range(waiting.get(code, 0))))
            for code in layout.lanes
        }
        exits = {code: ExitSeen(each.length_m / 7.5) for code, each in layout.exits.items()}
        return Observations(milliseconds(now), lanes, exits)


@pytest.fixture
async def centre(store: EventStore) -> Centre:
    """One junction that follows its plan since ten minutes, with cameras."""
    centre = await Centre.over(store, NOON - timedelta(minutes=10))
    centre.memory = Cameras(centre.services)
    await centre.take_over()
    await in_service(centre, CODE)
    await centre.run_until(NOON)
    return centre


async def choose(centre: Centre, strategy: str, junction: str = CODE) -> None:
    store = centre.services.store
    signal = await store.load(Signal, centre.control.signal(junction).id)
    now = centre.clock()
    said: dict[str, Any] = {"known": STRATEGIES, "begins": now, "by": "o-1", "reason": "trial"}
    choose_strategy(signal, now, strategy, **said)
    await store.save(signal, metadata=context(OFFICER).metadata())
    await centre.hear()


async def applied(centre: Centre) -> list[Mapping[str, Any]]:
    events = (await read_log(centre.services.store))[CODE]
    return [each.data for each in events if each.topic == "signal.stage_applied"]


async def test_the_strategy_in_force_decides_and_the_event_says_why(centre: Centre) -> None:
    Cameras.standing = {"V2": 9}
    before = len(await applied(centre))
    await choose(centre, "max-pressure")
    await centre.run(60)
    signal = centre.control.signal(CODE)
    assert (signal.mode, signal.mode_by, signal.epoch) == ("centre", "signal-control", 1)
    changes = (await applied(centre))[before:]
    assert changes
    change = next(each for each in changes if each["source"] == "centre")
    assert (change["stage"], change["cause"]) == ("C", "max-pressure")
    assert change["command"][:2] == [1, 1]
    assert change["why"]["strategy"] == "max-pressure"
    assert change["why"]["reasons"]["because"] == "pressure"
    queues = [each for each in change["why"]["seen"]["lanes"].values() if each]
    assert queues
    assert len(queues[0]) == 9
    assert signal.stage == "C", "as long as nobody else waits"
    Cameras.standing = {"V1": 9, "V2": 1}
    await centre.run(240)
    stages = [each["stage"] for each in (await applied(centre))[before:]]
    assert {"A", "C"} <= set(stages), "who waits alone is served before too long"
    await choose(centre, "plan")
    await centre.run(200)
    signal = centre.control.signal(CODE)
    assert (signal.mode, signal.mode_reason) == ("local", "plan")
    assert await centre.violations() == {CODE: []}


async def test_a_person_who_sets_the_mode_is_not_overruled(centre: Centre) -> None:
    Cameras.standing = {"V2": 9}
    await choose(centre, "max-pressure")
    await centre.run(30)
    store = centre.services.store
    signal = await store.load(Signal, centre.control.signal(CODE).id)
    people.change_mode(signal, centre.clock(), "local", by="o-1", reason="event")
    await store.save(signal, metadata=context(OFFICER).metadata())
    await centre.run(300)
    assert centre.control.signal(CODE).mode == "local"
    await choose(centre, "max-pressure")
    await centre.run(5)
    signal = centre.control.signal(CODE)
    assert (signal.mode, signal.epoch) == ("centre", 2)
    assert await centre.violations() == {CODE: []}


async def test_nobody_waits_for_strategies_that_are_not_ready(centre: Centre) -> None:
    """What they compile is compiled in a thread; until then the junction follows its plan."""
    Cameras.standing = {"V2": 9}
    released = threading.Event()

    def compiling() -> None:
        released.wait()

    warming = Warming(compiling)
    centre.control = SignalControl(centre.services, centre.memory, ready=warming.ready)
    await centre.control.load()
    before = len(await applied(centre))
    await choose(centre, "max-pressure")
    await centre.run(180)
    assert centre.control.signal(CODE).mode == "local"
    stages = [each["stage"] for each in (await applied(centre))[before:]]
    assert sorted(stages) == ["A", "A", "B", "B", "C", "C"], "two rounds of its plan"
    released.set()
    await warming.ended()
    await centre.run(2)
    assert centre.control.signal(CODE).mode == "centre"
    assert await centre.violations() == {CODE: []}


@dataclass(frozen=True)
class Broken:
    """A strategy with a mistake in it, for a while."""

    name: str = "max-pressure"
    version: str = "0"
    parameters: Mapping[str, float] = field(default_factory=dict)

    def begin(self, junction: Junction) -> None:
        return None

    def decide(
        self, seen: Observations, junction: Junction, signal: SignalView, memory: None
    ) -> Advice:
        raise ZeroDivisionError


async def test_a_strategy_that_fails_leaves_the_junction_to_its_plan(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cameras.standing = {"V2": 9}
    await choose(centre, "max-pressure")
    await centre.run(30)
    with monkeypatch.context() as patch:
        patch.setattr(deciding, "STRATEGIES", {"max-pressure": Broken()})
        await centre.run(30)
        signal = centre.control.signal(CODE)
        assert (signal.mode, signal.mode_reason) == ("local", "strategy-failed")
        assert signal.faults == {"strategy": "ZeroDivisionError"}
        await centre.run(200)
        stages = {each["stage"] for each in (await applied(centre))[-6:]}
        assert stages == {"A", "B", "C"}, "its plan"
    await centre.run(70)
    signal = centre.control.signal(CODE)
    assert (signal.mode, signal.faults) == ("centre", {})
    assert await centre.violations() == {CODE: []}


@dataclass(frozen=True)
class Talking:
    """Wishes for C, and says that three stand on each of its lanes and cannot go on."""

    name: str = "max-pressure"
    version: str = "0"
    parameters: Mapping[str, float] = field(default_factory=dict)

    def begin(self, junction: Junction) -> None:
        return None

    def decide(
        self, seen: Observations, junction: Junction, signal: SignalView, memory: None
    ) -> Advice:
        wanted = signal.stage != "C" and signal.allows(junction, "C")
        said = Tells(signal.at, {code: Ahead(3, blocked=True) for code in junction.layout.lanes})
        return Advice("C" if wanted else None, {"because": "test"}, tells=said)


async def test_what_a_junction_says_is_in_the_event_of_the_one_beside_it(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "STRATEGIES", {"max-pressure": Talking()})
    await in_service(centre, "renmin_2")
    await centre.run(2)
    await choose(centre, "max-pressure", "renmin_2")
    await centre.run(30)
    assert centre.control.signal("renmin_2").mode == "centre"
    before = len(await applied(centre))
    await choose(centre, "max-pressure")
    await centre.run(60)
    changes = [each for each in (await applied(centre))[before:] if each["source"] == "centre"]
    assert changes[-1]["why"]["seen"]["ahead"] == {"XE1": [3, True], "XE2": [3, True]}


@dataclass(frozen=True)
class Patient:
    """Wishes for C, and once that its greens begin two seconds later: somebody is in the way."""

    name: str = "max-pressure"
    version: str = "0"
    parameters: Mapping[str, float] = field(default_factory=dict)

    def begin(self, junction: Junction) -> list[int]:
        return []

    def decide(
        self, seen: Observations, junction: Junction, signal: SignalView, memory: list[int]
    ) -> Advice:
        coming = [
            each.green_from
            for each in signal.lamps.values()
            if each.green_from is not None and signal.at < each.green_from
        ]
        if signal.stage == "C" and coming and not memory:
            memory.append(max(coming) + 2000)
            return Advice("C", {"because": "box"}, memory[0])
        wanted = signal.stage != "C" and signal.allows(junction, "C")
        return Advice("C" if wanted else None, {"because": "test"})


async def test_greens_that_are_to_come_are_held_for_who_is_in_their_way(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(await applied(centre))
    monkeypatch.setattr(deciding, "STRATEGIES", {"max-pressure": Patient()})
    await choose(centre, "max-pressure")
    await centre.run(60)
    changes = [each for each in (await applied(centre))[before:] if each["source"] == "centre"]
    first, held = changes[:2]
    assert (first["stage"], held["stage"]) == ("C", "C")
    assert held["why"]["reasons"] == {"because": "box"}
    assert set(held["starts"].values()) == {max(first["starts"].values()) + 2000}
    assert await centre.violations() == {CODE: []}


async def test_s17_whoever_takes_over_late_finds_a_silent_centre(centre: Centre) -> None:
    """Decisions stopped for longer than the watchdog: local first, then the centre anew."""
    Cameras.standing = {"V2": 9}
    await choose(centre, "max-pressure")
    await centre.run(30)
    centre.clock.now += timedelta(seconds=20)
    await centre.take_over()
    await centre.run(2)
    modes = [
        (each.data["mode"], each.data["reason"])
        for each in (await read_log(centre.services.store))[CODE]
        if each.topic == "signal.mode_changed"
    ]
    assert modes == [
        ("centre", "max-pressure"),
        ("local", "centre-silent"),
        ("centre", "max-pressure"),
    ]
    await centre.run(120)
    assert await centre.violations() == {CODE: []}


async def test_a_leader_who_follows_at_once_goes_on(centre: Centre) -> None:
    Cameras.standing = {"V2": 9}
    await choose(centre, "max-pressure")
    await centre.run(30)
    await centre.told()
    centre.clock.now += timedelta(seconds=3)
    await centre.take_over()
    await centre.run(20)
    signal = centre.control.signal(CODE)
    assert (signal.mode, signal.epoch) == ("centre", 1)
