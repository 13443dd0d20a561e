"""More come than can go: it is recognised from what is seen, said, and another aim taken."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from citybrain.domain.signals.layout import Exit
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies.adaptive import Adaptive
from citybrain.domain.signals.strategies.ahead import (
    AMPLE,
    is_full,
    rooms,
    shut_rows,
    without_gap_seekers,
)
from citybrain.domain.signals.strategies.approaches import approaches
from citybrain.domain.signals.strategies.estimating import begin, learn
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import ExitSeen, Observations, view
from tests.given.signals.advised import Advised, queues, with_streets
from tests.given.signals.x1 import Street, at, loaded

See = Callable[[float], Observations]


def ran(folder: Path, seen: See, until: int = 400) -> Advised:
    """X1 from A at t = 0, with what is seen each second; everybody who stands calls."""
    advised = Advised(with_streets(Street.green(loaded(folder), "A")), Adaptive())
    for t in range(until):
        for lane, group in (("main", "V1"), ("left", "L1"), ("side", "V2")):
            if seen(float(t)).lanes[lane].vehicles:
                advised.street.call(float(t), group)
        advised.decide(float(t), seen(float(t)))
    return advised


def crowded(advised: Advised) -> set[str]:
    """All signs that were said."""
    return {sign for _, advice in advised.advice for sign in advice.reasons.get("crowded", [])}


def because(advised: Advised) -> set[str]:
    return {advice.reasons["because"] for _, advice in advised.advice}


def boxed(t: float, stood_ms: int) -> Observations:
    return replace(queues(t, main=4, side=4), in_box={"main": stood_ms})


def test_queues_that_do_not_clear_are_recognised_and_greens_grow_longer(tmp_path: Path) -> None:
    def alive(t: float) -> Observations:
        cars = 25 - int(t) % 2  # a picture that never changes is that of a camera that has failed
        return queues(t, main=cars, side=cars, left=cars)

    advised = ran(tmp_path, alive, until=600)
    assert crowded(advised) == {"queues"}
    assert "long-green" in because(advised)
    assert not advised.refused


def test_queues_that_clear_are_not_crowded(tmp_path: Path) -> None:
    advised = ran(tmp_path, lambda t: queues(t, main=int(t) % 7, side=int(t) % 5))
    assert crowded(advised) == set()
    assert "long-green" not in because(advised)


def test_an_exit_that_stays_without_room_is_recognised(tmp_path: Path) -> None:
    advised = ran(tmp_path, lambda t: queues(t, main=6, side=3, room=0.0), until=90)
    assert "exits" in crowded(advised)


def test_an_exit_that_is_full_for_some_seconds_is_not(tmp_path: Path) -> None:
    advised = ran(
        tmp_path, lambda t: queues(t, main=6, side=3, room=0.0 if 30 <= t < 38 else 10.0), until=90
    )
    assert "exits" not in crowded(advised)


def test_a_box_that_does_not_empty_is_recognised_and_the_plan_is_the_last_resort(
    tmp_path: Path,
) -> None:
    advised = ran(tmp_path, lambda t: boxed(t, int(t) * 1000), until=240)
    assert "box" in crowded(advised)
    first = next(t for t, each in advised.advice if each.reasons["because"] == "last-resort")
    assert first >= 180


def test_who_stands_in_the_box_shuts_the_lanes_whose_way_he_is_in(tmp_path: Path) -> None:
    junction = with_streets(Street.green(loaded(tmp_path), "A")).junction
    settings = Settings()
    model = approaches(junction, settings.seen_m)
    ample, none = np.full(model.rows, 50.0), np.zeros(model.rows)
    lanes = [lane.lane for lane in model.lanes]
    for stood, shut in ((0, set()), (3_000, set()), (9_000, {"left", "side"})):
        found = shut_rows(boxed(30, stood), junction, model, ample, none, settings)
        assert {lane for lane, each in zip(lanes, found, strict=False) if each} == shut
    full = replace(boxed(30, 3_000), exits={"ahead": ExitSeen(0.0)})
    found = shut_rows(full, junction, model, ample, none, settings)
    assert {lane for lane, each in zip(lanes, found, strict=False) if each} == {"left", "side"}


@pytest.mark.parametrize(("stage", "blocked"), [("A", {}), ("C", {"main": 9_000})])
def test_who_has_green_and_waits_for_a_gap_blocks_nobody(
    tmp_path: Path, stage: str, blocked: dict[str, int]
) -> None:
    street = with_streets(Street.green(loaded(tmp_path), stage))
    ways = street.junction.layout.movements
    onto = replace(ways["main"], code="on", lane="left")  # goes with the main street, first
    yields = replace(ways["main"], yields_to=("on",))
    layout = replace(street.junction.layout, movements={**ways, "main": yields, "on": onto})
    junction = replace(street.junction, layout=layout)
    signal = view(street.signal, junction, street.plan, milliseconds(at(30)))
    assert without_gap_seekers(boxed(30, 9_000), junction, signal).in_box == blocked


def drained(folder: Path, leaving: int, seconds: int) -> float:
    """What is learned of the exit of the main street: two enter each five seconds, so many leave.

    Vehicles each five seconds; the queue on the exit is so long that two still fit at first.
    """
    junction = with_streets(Street.green(loaded(folder), "A")).junction
    settings = Settings()
    model = approaches(junction, settings.seen_m)
    learned, room = begin(model, settings), 2.0
    for t in range(0, seconds, 5):
        seen = replace(queues(t, main=20, room=room), crossed={"main": 2})
        learn(learned, model, junction, settings, seen, None)
        room += leaving - 2
    return learned.drain["ahead"]


def test_how_fast_an_exit_drains_is_learned_from_who_enters_and_what_room_it_has(
    tmp_path: Path,
) -> None:
    assert drained(tmp_path, leaving=2, seconds=300) == pytest.approx(0.4, abs=0.02)


def test_an_exit_that_is_full_and_drains_does_not_shut_its_lane(tmp_path: Path) -> None:
    junction = with_streets(Street.green(loaded(tmp_path), "A")).junction
    settings = Settings()
    model = approaches(junction, settings.seen_m)
    learned, seen = begin(model, settings), queues(30, main=20, room=0.0)
    row = [lane.lane for lane in model.lanes].index("main")
    for drain, is_shut in ((0.0, True), (0.4, False)):
        learned.drain["ahead"] = drain
        room, refill = rooms(seen, junction, model, learned, settings)
        assert refill[row] == drain
        assert bool(shut_rows(seen, junction, model, room, refill, settings)[row]) is is_shut


@pytest.mark.parametrize(
    ("metres", "room", "full"),
    [
        (75.0, 0.9, True),
        (75.0, 1.0, False),
        (9.0, 0.5, True),
        (9.0, 1.2, False),
        (4.5, 0.6, False),
        (4.5, 0.0, True),
        (0.2, 0.0, False),
    ],
)
def test_an_exit_that_is_shorter_than_a_car_is_full_only_while_somebody_is_on_it(
    tmp_path: Path, metres: float, room: float, full: bool
) -> None:
    junction = with_streets(Street.green(loaded(tmp_path), "A")).junction
    exits = {**junction.layout.exits, "ahead": Exit("ahead", metres)}
    junction = replace(junction, layout=replace(junction.layout, exits=exits))
    settings = Settings()
    model = approaches(junction, settings.seen_m)
    row = [lane.lane for lane in model.lanes].index("main")
    seen = queues(30, main=4, room=room)
    assert is_full(seen, junction, "ahead") is full
    room_, refill = rooms(seen, junction, model, begin(model, settings), settings)
    assert bool(shut_rows(seen, junction, model, room_, refill, settings)[row]) is full


def test_a_short_exit_before_no_signal_takes_as_many_as_come_until_somebody_stands_on_it(
    tmp_path: Path,
) -> None:
    junction = with_streets(Street.green(loaded(tmp_path), "A")).junction
    settings = Settings()
    for leads_to, room, takes in ((None, 3.0, AMPLE), (None, 2.0, 2.0), (("b", "W1"), 3.0, 3.0)):
        exits = {**junction.layout.exits, "ahead": Exit("ahead", 22.0, leads_to)}
        short = replace(junction, layout=replace(junction.layout, exits=exits))
        model = approaches(short, settings.seen_m)
        row = [lane.lane for lane in model.lanes].index("main")
        seen = queues(30, main=20, room=room)
        assert rooms(seen, short, model, begin(model, settings), settings)[0][row] == takes
