"""Max-pressure, plain: the longest queues with room behind them."""

from pathlib import Path

from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies.max_pressure import MaxPressure
from citybrain.domain.signals.strategies.strategy import (
    Advice,
    ExitSeen,
    LaneSeen,
    Observations,
    view,
)
from tests.given.signals.advised import with_streets
from tests.given.signals.x1 import Street, at, loaded


def advice(folder: Path, seen: Observations, t: float = 20.0) -> Advice:
    """What it says where A has been green for so long."""
    street = Street.green(loaded(folder), "A")
    with_streets(street)
    strategy = MaxPressure()
    signal = view(street.signal, street.junction, street.plan, milliseconds(at(t)))
    return strategy.decide(seen, street.junction, signal, strategy.begin(street.junction))


def seen(main: int, side: int, room: float | None = 10.0) -> Observations:
    queue = {"main": main, "side": side, "left": 0}
    lanes = {
        code: LaneSeen(tuple((7.5 * n, 0.0) for n in range(count))) for code, count in queue.items()
    }
    exits = {"ahead": ExitSeen(10.0), "away": ExitSeen(10.0), "across": ExitSeen(room)}
    return Observations(milliseconds(at(20)), lanes, exits)


def test_the_longer_queue_goes(tmp_path: Path) -> None:
    assert advice(tmp_path, seen(main=2, side=7)).stage == "C"


def test_the_green_one_stays_where_it_is_as_good_as_any(tmp_path: Path) -> None:
    assert advice(tmp_path, seen(main=4, side=4)).stage is None


def test_a_queue_before_a_full_street_weighs_less(tmp_path: Path) -> None:
    assert advice(tmp_path, seen(main=2, side=7, room=0.0)).stage is None


def test_a_minimum_is_not_asked_to_be_cut(tmp_path: Path) -> None:
    said = advice(tmp_path, seen(main=2, side=7), t=3.0)
    assert said.stage is None
    assert said.reasons["because"] == "not-yet"


def test_where_an_exit_is_not_known_the_plan_is_followed(tmp_path: Path) -> None:
    said = advice(tmp_path, seen(main=2, side=7, room=None))
    assert said.reasons["because"] == "not-all-is-seen"
