"""What a plan ahead costs, and that it is the cheapest: all orders are tried beside it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from citybrain.domain.signals.strategies.adaptive import costs_of
from citybrain.domain.signals.strategies.approaches import approaches, weights
from citybrain.domain.signals.strategies.estimating import Learned, begin, clearing, learn
from citybrain.domain.signals.strategies.planning import Case, Costs, Floats, plan
from citybrain.domain.signals.strategies.settings import Settings
from tests.given.signals.advised import queues, with_streets
from tests.given.signals.x1 import Street, loaded

COSTS = Costs(
    stop=3.0, left=15.0, gap_power=2.0, start_loss=1.5, yellow_used=1.0, shut=10.0, shut_for=8.0
)


def case(queue: Floats, comes: Floats, clears: Floats) -> Case:
    """Two stages; the first is green: two lanes whose vehicles go as they come, against a queue."""
    rows = len(queue)
    green = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    return Case(
        stage=0,
        state=np.array([queue, np.full(rows, 1e9), np.zeros(rows)]),
        arrivals=np.tile(comes, (40, 1)),
        rate=np.full((2, rows), 0.5),
        green=green,
        yields=np.zeros((2, rows)),
        opposed=np.zeros((2, rows, rows), dtype=np.bool_),
        begins=np.where(green[np.newaxis] > green[:, np.newaxis], 4, 0).astype(np.int64),
        lost=np.array([[0, 4], [4, 0]]),
        least=np.array([[0, 5], [5, 0]]),
        weight=np.ones(rows),
        shut=np.zeros(rows),
        refill=np.zeros(rows),
        clearing=clears,
    )


def test_a_long_queue_costs_more_than_as_many_vehicles_in_short_ones() -> None:
    comes, clears = np.array([0.25, 0.25, 0.0]), clearing(np.full((2, 3), 0.5))
    assert clears == pytest.approx(1.0)
    for standing, changes in ((2.0, False), (20.0, True)):
        stay, change = plan(case(np.array([0.0, 0.0, standing]), comes, clears), COSTS)[0]
        assert bool(change < stay) is changes


HORIZON, LOST, LEAST = 40, 4, 5
GREEN = ((True, True, False), (False, False, True))


def orders(begin: int = 0) -> Iterator[tuple[int, ...]]:
    """All seconds at which the two stages of `case` can change, as often as is tried."""
    yield ()
    for t in range(begin, HORIZON):
        if t <= 8 or (t <= 20 and t % 2 == 0) or t % 4 == 0:
            for later in orders(t + LOST + LEAST):
                yield (t, *later)


def costs(queue: Floats, comes: Floats, clears: Floats, changes: tuple[int, ...]) -> float:
    """What one order of `case` costs, second by second."""
    stands, loss, cost = [*queue], [0.0] * 3, 0.0
    stage = before = 0
    began = -HORIZON
    for t in range(HORIZON):
        if t in changes:
            before, stage, began = stage, 1 - stage, t
            loss = [COSTS.start_loss if GREEN[stage][row] else 0.0 for row in range(3)]
        for row in range(3):
            waits = LOST if GREEN[stage][row] else 0
            ends = began + COSTS.yellow_used if GREEN[before][row] else 0
            goes = 0.0
            if (GREEN[stage][row] and t >= began + waits) or (not GREEN[stage][row] and t < ends):
                goes = 0.5 * max(0.0, 1.0 - loss[row])
                loss[row] = max(0.0, loss[row] - 1.0)
            stops = min(comes[row], max(0.0, stands[row] + comes[row] - goes))
            stands[row] = max(0.0, stands[row] + comes[row] - goes)
            cost += COSTS.stop * stops + stands[row]
    left = [COSTS.left + each * count for each, count in zip(clears, stands, strict=True)]
    return float(cost + sum(count * each for count, each in zip(stands, left, strict=True)))


def test_no_order_of_changes_is_much_cheaper_than_the_plan() -> None:
    """The side street's queue grows while few come along the main one, which is green."""
    clears, tried = clearing(np.full((2, 3), 0.5)), [*orders()]
    over = []
    for main, side, standing in product((0.1, 0.2, 0.3), (0.05, 0.15), (0.0, 2.0, 4.0, 6.0, 9.0)):
        queue, comes = np.array([0.0, 0.0, standing]), np.array([main, main, side])
        found = plan(case(queue, comes, clears), COSTS)[0]
        now, later = (
            min(
                costs(queue, comes, clears, each) for each in tried if (each[:1] == (0,)) is at_once
            )
            for at_once in (True, False)
        )
        over.append(float(found.min()) / min(now, later) - 1.0)
        assert found[0] >= later - 1e-6
        assert found[1] >= now - 1e-6
    assert min(over) > -1e-9
    assert max(over) < 0.15
    assert np.mean(over) < 0.02


def test_a_change_is_not_put_off_for_the_few_that_come_on_green() -> None:
    """To change at once costs 382 vehicle-seconds, and less than each order that begins later."""
    queue, comes = np.array([0.0, 0.0, 4.0]), np.array([0.2, 0.2, 0.15])
    stay, change = plan(case(queue, comes, clearing(np.full((2, 3), 0.5))), COSTS)[0]
    assert change == pytest.approx(382.2, abs=0.1)
    assert change < stay


def test_a_queue_that_fills_a_short_lane_weighs_more(tmp_path: Path) -> None:
    junction = with_streets(Street.green(loaded(tmp_path), "A")).junction
    lanes = {**junction.layout.lanes, "side": replace(junction.layout.lanes["side"], length_m=20.0)}
    model = approaches(replace(junction, layout=replace(junction.layout, lanes=lanes)), 150.0)
    rows = [lane.lane for lane in model.lanes]
    queue = np.full(model.rows, 2.0)
    found = dict(zip(rows, weights(model, queue), strict=False))
    assert found["side"] == pytest.approx(1 + 0.75**2)
    assert found["main"] == pytest.approx(1 + 0.1**2 * 3 / 20)
    assert weights(model, queue)[len(rows) :] == pytest.approx(1.0)
    assert weights(model, queue * 9)[rows.index("side")] == 2.0


def waited(folder: Path, standing: int, crossed: int) -> Learned:
    """So many stand, and so many cross each ten seconds, for half an hour."""
    junction = with_streets(Street.green(loaded(folder), "A")).junction
    settings = Settings()
    model = approaches(junction, settings.seen_m)
    learned = begin(model, settings)
    for t in range(0, 1800, 10):
        seen = queues(t, main=standing)
        learn(learned, model, junction, settings, replace(seen, crossed={"main": crossed}), None)
    return learned


def test_who_is_left_waits_half_as_long_as_those_who_cross_have_waited(tmp_path: Path) -> None:
    for standing, wait, left in (
        (12, 30.0, 30.0),
        (60, 150.0, 120.0),
        (4, 10.0, 10.0),
        (0, 0.0, 8.0),
    ):
        learned = waited(tmp_path, standing, crossed=2)
        assert learned.wait == pytest.approx(wait, rel=0.02)
        assert costs_of(Settings(), learned).left == pytest.approx(left, rel=0.02)
