"""Who waits for a green and who comes, from what is seen on a lane and on the streets behind it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from citybrain.domain.signals.layout import Lane
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies.approaches import approaches
from citybrain.domain.signals.strategies.estimating import FIRST_RATE, begin
from citybrain.domain.signals.strategies.planning import Floats
from citybrain.domain.signals.strategies.predicting import predict
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import Coming, LaneSeen, Observations, view
from tests.given.signals.advised import with_streets
from tests.given.signals.x1 import Street, at, loaded

ROAD = Lane("road", 100.0, 13.9, (), 70.0)
SIDE = Lane("lane", 80.0, 8.0, (), 66.0)
NOW = milliseconds(at(30.0))
Seen = Mapping[str, tuple[tuple[float, float], ...]]


def main(
    folder: Path, seen: Seen, *behind: Lane, coming: Mapping[str, Coming] | None = None
) -> tuple[float, Floats]:
    """Queue and arrivals of lane `main` of X1, 60 m long, with these lanes behind it."""
    street = with_streets(Street.green(loaded(folder), "A"))
    own = Lane("main", 60.0, 13.9, tuple(each.code for each in behind))
    lanes = {**street.junction.layout.lanes, "main": own, **{each.code: each for each in behind}}
    layout = replace(street.junction.layout, lanes=lanes)
    street.junction = replace(street.junction, layout=layout)
    model, settings = approaches(street.junction, Settings().seen_m), Settings()
    here = Observations(
        NOW, {code: LaneSeen(each) for code, each in seen.items()}, coming=coming or {}
    )
    signal = view(street.signal, street.junction, street.plan, NOW)
    queue, arrivals = predict(model, begin(model, settings), settings, here, signal, frozenset())
    row = next(row for row, lane in enumerate(model.lanes) if lane.lane == "main")
    return float(queue[row]), arrivals[:, row]


def test_who_stands_where_a_side_street_joins_does_not_wait_for_this_green(tmp_path: Path) -> None:
    """Three before the stop line; two stand 66 m from it, and come in some seconds at best."""
    seen = {"main": ((2.0, 0.0), (9.5, 0.0), (17.0, 0.0)), "lane": ((66.0, 0.0), (73.5, 0.0))}
    queue, arrivals = main(tmp_path, seen, ROAD, SIDE)
    assert queue == 3.0
    assert arrivals[:6].sum() == 0.0
    assert arrivals[6:10].sum() == pytest.approx(2.0)


def test_a_queue_that_has_grown_back_into_streets_behind_is_one(tmp_path: Path) -> None:
    line = tuple((2.0 + 7.5 * place, 0.0) for place in range(8))
    queue, _ = main(tmp_path, {"main": line, "lane": ((66.0, 0.0), (73.5, 0.0))}, ROAD, SIDE)
    assert queue == 10.0


def test_on_its_own_lane_everybody_who_stands_waits_for_it(tmp_path: Path) -> None:
    assert main(tmp_path, {"main": ((55.0, 0.0),)})[0] == 1.0


@pytest.mark.parametrize(("behind", "expected"), [((ROAD,), 0.5), ((ROAD, SIDE), FIRST_RATE)])
def test_who_is_sent_is_expected_where_nobody_turns_off_on_the_way(
    tmp_path: Path, behind: tuple[Lane, ...], expected: float
) -> None:
    """170 m at 13.9 m/s, and three seconds until somebody drives."""
    coming = {"x2": Coming(("road",), (0.5,) * 5)}
    _, arrivals = main(tmp_path, {}, *behind, coming=coming)
    assert arrivals[15:20] == pytest.approx(expected)
