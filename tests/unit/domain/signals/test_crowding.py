"""More come than can go: it is recognised from what is seen, said, and another aim taken."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from citybrain.domain.signals.strategies.adaptive import Adaptive
from citybrain.domain.signals.strategies.ahead import shut_rows
from citybrain.domain.signals.strategies.approaches import approaches
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import ExitSeen, Observations
from tests.given.signals.advised import Advised, queues, with_streets
from tests.given.signals.x1 import Street, loaded

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
    advised = ran(tmp_path, lambda t: queues(t, main=25, side=25, left=25))
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
    ample = np.full(model.rows, 50.0)
    lanes = [lane.lane for lane in model.lanes]
    for stood, shut in ((0, set()), (3_000, set()), (9_000, {"left", "side"})):
        found = shut_rows(boxed(30, stood), junction, model, ample, settings)
        assert {lane for lane, each in zip(lanes, found, strict=False) if each} == shut
    full = replace(boxed(30, 3_000), exits={"ahead": ExitSeen(0.0)})
    found = shut_rows(full, junction, model, ample, settings)
    assert {lane for lane, each in zip(lanes, found, strict=False) if each} == {"left", "side"}
