"""Junctions beside one another: what each says, and what the other makes of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from citybrain.audit.signals.replaying import seen_from
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.layout import Lane
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies.adaptive import Adaptive
from citybrain.domain.signals.strategies.ahead import seen_by_the_next
from citybrain.domain.signals.strategies.estimating import FIRST_RATE
from citybrain.domain.signals.strategies.neighbours import feeds_of, with_neighbours
from citybrain.domain.signals.strategies.predicting import predict
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import (
    Ahead,
    Coming,
    LaneSeen,
    Observations,
    Tells,
    view,
)
from commands.signals.deciding import compact
from tests.given.signals.advised import Advised, queues, with_streets
from tests.given.signals.x1 import Street, at, loaded

SHORT_M = 12.0
"""The street to the next junction, which holds one vehicle and a half."""
Said = Callable[[str], Tells | None]


def short(folder: Path, stage: str = "A", metres: float = SHORT_M) -> Advised:
    """X1, whose main street leads to lane `main` of X2 in so many metres; its lane is from X2."""
    street = with_streets(Street.green(loaded(folder), stage))
    layout = street.junction.layout
    ahead = replace(layout.exits["ahead"], length_m=metres, leads_to=("x2", "main"))
    layout = replace(layout, exits={**layout.exits, "ahead": ahead})
    street.junction = replace(street.junction, layout=layout)
    return Advised(street, Adaptive())


def told(t: float, **said: Any) -> Tells:
    return Tells(milliseconds(at(t)), **said)


def beside(junction: Junction, seen: Observations, tells: Tells) -> Observations:
    """What X1 sees where X2 said this, and X2's exits lead to its side street."""
    feeds = {(junction.code, "side"): (("x2", "back"), ("x2", "turn"))}
    return with_neighbours(seen, junction, feeds, {"x2": tells}.get)


def test_what_a_junction_says_reaches_those_beside_it(tmp_path: Path) -> None:
    junction = short(tmp_path).street.junction
    assert feeds_of([junction, junction]) == {("x2", "main"): ((junction.code, "ahead"),)}
    tells = told(
        10.0,
        lanes={"main": Ahead(2, blocked=True), "side": Ahead(9)},
        sends={"back": (0.5, 0.25, 0.0), "turn": (0.0, 0.25, 1.0), "elsewhere": (9.0,)},
        waits=frozenset({"turn"}),
    )
    seen = beside(junction, queues(11.0, side=1), tells)
    assert seen.ahead == {"ahead": Ahead(2, blocked=True)}
    assert seen.coming == {"x2": Coming(("side",), (0.5, 1.0))}
    assert seen.backed == frozenset({"side"})
    logged = seen_from(orjson.loads(orjson.dumps(compact(seen))), 0)
    assert replace(logged, lanes=seen.lanes) == seen


def test_what_was_said_long_ago_or_by_nobody_is_not_used(tmp_path: Path) -> None:
    junction = short(tmp_path).street.junction
    seen = queues(20.0, side=1)
    tells = told(10.0, lanes={"main": Ahead(2)}, waits=frozenset({"back"}))
    assert beside(junction, seen, tells) is seen
    assert with_neighbours(seen, junction, {}, lambda _: None) is seen
    assert "ahead" not in compact(seen)


def test_a_short_street_whose_end_is_blocked_takes_nobody_more(tmp_path: Path) -> None:
    """The camera says that there is room, for whoever is on it still rolls."""
    found = []
    for blocked in (False, True):
        ran = short(tmp_path / str(blocked))
        seen = queues(30.0, main=12, side=3, room=1.6)
        tells = told(30.0, lanes={"main": Ahead(1, blocked=blocked)})
        found.append(ran.decide(30.0, beside(ran.street.junction, seen, tells)).stage)
    assert found == [None, "C"]


def test_whose_own_camera_failed_sees_a_street_by_that_of_the_next_junction(tmp_path: Path) -> None:
    junction = short(tmp_path).street.junction
    for lane, room in ((Ahead(1), SHORT_M / 7.5 - 1.0), (Ahead(3), 0.0), (Ahead(None), None)):
        seen = beside(junction, queues(30.0, room=None), told(30.0, lanes={"main": lane}))
        seen = seen_by_the_next(seen, junction, 150.0)
        assert seen.exits["ahead"].room == pytest.approx(room)
        assert seen.exits["away"].room == 10.0


def test_who_stands_in_the_box_behind_is_let_out_sooner(tmp_path: Path) -> None:
    """Their lane has two, the one that is green twelve: but the two hold up a whole junction."""
    changes = []
    for waits in (frozenset[str](), frozenset({"back"})):
        ran = short(tmp_path / str(len(waits)), "B")
        seen = queues(30.0, left=12, main=2)
        feeds = {(ran.street.junction.code, "main"): (("x2", "back"),)}
        said = {"x2": told(30.0, waits=waits)}
        ran.decide(30.0, with_neighbours(seen, ran.street.junction, feeds, said.get))
        changes.append(ran.memory.planned.changes)
    assert changes[1] < changes[0]


def test_it_says_who_goes_where_and_what_stands_in_the_way(tmp_path: Path) -> None:
    ran = short(tmp_path)
    tells = ran.decide(30.0, queues(30.0, main=8, side=2, room=1.6)).tells
    assert tells is not None
    assert set(tells.sends) == {"ahead"}
    assert tells.sends["ahead"][0] > 0.4
    assert tells.lanes["side"] == Ahead(2)
    full = replace(queues(31.0, main=8, side=2, room=0.0), in_box={"main": 3000})
    tells = ran.decide(31.0, full).tells
    assert tells is not None
    assert tells.waits == frozenset({"ahead"})
    assert tells.lanes["main"].blocked


def test_how_many_are_on_a_street_that_is_seen_in_part_is_not_said(tmp_path: Path) -> None:
    """Cameras see 150 m: nobody in the last 20 m of a street says nothing of where it begins."""
    street = with_streets(Street.green(loaded(tmp_path), "A"))
    lanes = {
        **street.junction.layout.lanes,
        "main": Lane("main", 60.0, 13.9, ("near", "far")),
        "near": Lane("near", 60.0, 13.9, (), 70.0),
        "far": Lane("far", 200.0, 13.9, (), 130.0),
    }
    street.junction = replace(street.junction, layout=replace(street.junction.layout, lanes=lanes))
    seen = queues(30.0, main=2)
    seen = replace(seen, lanes={**seen.lanes, "near": LaneSeen(), "far": LaneSeen()})
    tells = Advised(street, Adaptive()).decide(30.0, seen).tells
    assert tells is not None
    assert [tells.lanes[each].there for each in ("main", "near", "far")] == [2, 0, None]


@pytest.mark.parametrize(("metres", "waits"), [(SHORT_M, {"ahead"}), (80.0, set())])
def test_only_for_the_room_of_a_short_street_others_are_asked_to_hurry(
    tmp_path: Path, metres: float, waits: set[str]
) -> None:
    """A long street is full with those who stand in it: one lane of it in haste fills the next."""
    ran = short(tmp_path, metres=metres)
    full = replace(queues(30.0, main=8, side=2, room=0.0), in_box={"main": 3000})
    tells = ran.decide(30.0, full).tells
    assert tells is not None
    assert tells.waits == waits
    assert tells.lanes["main"].blocked


def test_who_comes_from_the_next_junction_is_expected_when_he_is_not_seen_yet(
    tmp_path: Path,
) -> None:
    """A lane of 150 m: fourteen seconds from the other stop line, of which eleven are seen."""
    ran = short(tmp_path)
    model, learned = ran.memory.model, ran.memory.learned
    row = next(row for row, lane in enumerate(model.lanes) if lane.lane == "side")
    platoon = replace(queues(30.0), coming={"x2": Coming(("side",), (0.0,) * 4 + (0.5,) * 6)})
    street = ran.street
    signal = view(street.signal, street.junction, street.plan, platoon.at)
    _, arrivals = predict(model, learned, Settings(), platoon, signal, frozenset())
    comes = arrivals[:, row]
    assert not comes[:11].any()
    assert comes[11:13] == pytest.approx(FIRST_RATE)
    assert not comes[13:17].any()
    assert comes[17:23] == pytest.approx(0.5)
    assert comes[23:] == pytest.approx(FIRST_RATE)
