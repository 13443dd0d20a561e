"""Decisions taken again from the log alone: the same strategy decides the same, another may not."""

from pathlib import Path
from typing import Any

import pytest

from citybrain.audit.signals.replaying import read_and_replay
from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.signals.requesting import request
from citybrain.domain.signals.rules import Source, Wish
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies import STRATEGIES
from citybrain.domain.signals.strategies.strategy import ExitSeen, LaneSeen, Observations, view, why
from citybrain.eventstore import EventStore
from tests.given.signals.recorded import record
from tests.given.signals.watched import WATCHED
from tests.given.signals.x1 import Street, at, loaded
from tests.given.terminal import Terminal

SPAN = milliseconds(at(0)), milliseconds(at(1000))


def seen_at(t: float) -> dict[str, Any]:
    """The main road is full, and then the side street; behind both there is room."""
    main, side = (12, 1) if t // 120 % 2 == 0 else (1, 12)
    return {
        "at": milliseconds(at(t)),
        "lanes": {"main": main, "side": side, "left": [[3.0, 0.0]]},
        "exits": {"ahead": 10.0, "across": 10.0},
        "crossed": {"MT": 1},
        "in_box": {},
    }


def observed(said: dict[str, Any]) -> Observations:
    """The same as a strategy sees it, written here anew."""
    lanes = {
        code: LaneSeen(((3.0, 0.0),)) if isinstance(each, list) else LaneSeen(counted=each)
        for code, each in said["lanes"].items()
    }
    exits = {code: ExitSeen(room) for code, room in said["exits"].items()}
    return Observations(said["at"], lanes, exits, said["crossed"], said["in_box"])


@pytest.fixture
async def street(store: EventStore, tmp_path: Path) -> Street:
    """X1 for ten minutes in the hand of max-pressure, asked each second; all in the log."""
    street = Street.green(loaded(tmp_path / "city", WATCHED), "A")
    strategy = STRATEGIES["max-pressure"]
    memory = strategy.begin(street.junction)
    for t in range(10, 600):
        said = seen_at(t)
        seen = view(street.signal, street.junction, street.plan, milliseconds(at(t)))
        advice = strategy.decide(observed(said), street.junction, seen, memory)
        if advice.stage is not None and advice.stage != street.signal.stage:
            wish = Wish(street.junction.stages[advice.stage], Source.CENTRE)
            rests = {**why(strategy, advice), "seen": said}
            request(street.signal, street.junction, at(t), wish, cause="max-pressure", why=rests)
        street.collect()
    street.preempt(700, "B")
    street.collect()
    await record(store, street.events)
    return street


async def test_the_same_strategy_decides_the_same_and_the_plan_does_not(
    store: EventStore, street: Street
) -> None:
    definitions = SignalDefinitions({"x1": (street.dated,)})
    same = await read_and_replay(store, definitions, "x1", STRATEGIES["max-pressure"], *SPAN)
    assert len(same.decisions) >= 4
    assert same.differing == ()
    assert same.others == 1  # the ambulance's
    plan = await read_and_replay(store, definitions, "x1", STRATEGIES["fixed"], *SPAN)
    assert len(plan.decisions) == len(same.decisions)
    assert plan.differing
    assert (plan.exact, same.exact) == (True, False)
    for each in plan.differing:
        assert each.strategy == "max-pressure"
        assert each.reasons["because"] == "plan"


async def test_what_would_differ_is_reported(
    store: EventStore, street: Street, terminal: Terminal, tmp_path: Path
) -> None:
    city = {"CITYBRAIN_DEFINITIONS_DIR": str(tmp_path / "city")}
    span = ("--from", "2026-09-14T02:00:00", "--to", "2026-09-14T03:00:00")
    told = await terminal.run("signals", "replay", "x1", "--strategy", "fixed", *span, **city)
    assert told.status == 0, told.err
    assert "would differ; 1 change(s) of nobody's strategy" in told.out.replace("\n", " ")
    as_json = await terminal.run(
        "signals", "replay", "x1", "--strategy", "max-pressure", *span, "--json", **city
    )
    assert (as_json.json["differing"], as_json.json["others"]) == ([], 1)
    assert "not exact" not in told.out
    assert not as_json.json["exact"], "it goes by when it decided last"
    unknown = await terminal.run("signals", "replay", "x1", "--strategy", "luck", *span, **city)
    assert unknown.status == 1
    assert "there is no such strategy" in unknown.err
