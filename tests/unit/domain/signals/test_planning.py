"""What a plan ahead costs: who is left at its end counts by how long he has to wait still."""

from dataclasses import replace
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
        stay, change = plan(case(np.array([0.0, 0.0, standing]), comes, clears), COSTS)
        assert bool(change < stay) is changes


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
