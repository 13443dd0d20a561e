"""Pictures that cannot be are not believed, before the failure of their detector is known."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies import STRATEGIES
from citybrain.domain.signals.strategies.doubting import Doubts, believed
from citybrain.domain.signals.strategies.strategy import (
    ExitSeen,
    LaneSeen,
    Observations,
    SignalView,
    view,
)
from tests.given.signals.advised import Advised, queues, standing, with_streets
from tests.given.signals.x1 import Street, at, loaded

See = Callable[[float], Observations]


@pytest.fixture
def street(tmp_path: Path) -> Street:
    """A (`main`) is green since long ago."""
    return with_streets(Street.green(loaded(tmp_path), "A", since=-100))


def doubted(street: Street, see: See, until: int) -> tuple[str, ...]:
    """What is doubted after so many seconds of A's green."""
    doubts = Doubts()
    for t in range(until):
        believed(doubts, see(t), street.junction, seen_by(street, t))
    return doubts.doubted


def seen_by(street: Street, t: float) -> SignalView:
    return view(street.signal, street.junction, street.plan, milliseconds(at(t)))


def test_who_stands_for_ever_in_green_before_an_empty_exit_is_no_car(street: Street) -> None:
    assert doubted(street, lambda t: queues(t, main=3), 20) == ()
    assert doubted(street, lambda t: queues(t, main=3), 22) == ("main",)
    seen = believed(Doubts(), queues(0, main=3), street.junction, seen_by(street, 0))
    assert seen.lanes["main"].trusted


@pytest.mark.parametrize(
    "see",
    [
        lambda t: queues(t, side=3),  # before red
        lambda t: queues(t, main=3 + int(t) % 7 // 6),  # a picture that changes
        lambda t: queues(t, main=3, room=0.5 + t % 2),  # nowhere to go
        lambda t: replace(queues(t, main=3), in_box={"main": 100}),  # somebody is in the way
        lambda t: queues(t),
    ],
)
def test_who_stands_for_a_reason_is_believed(street: Street, see: See) -> None:
    assert doubted(street, see, 120) == ()


def test_nobody_drives_into_a_full_exit(street: Street) -> None:
    def see(t: float) -> Observations:
        return replace(queues(t, main=int(t) % 5, room=0.0), crossed={"main": int(t) % 4 == 0})

    assert doubted(street, see, 12) == ()
    assert doubted(street, see, 14) == ("ahead",)


def test_who_has_not_left_the_box_did_not_drive_into_the_exit(street: Street) -> None:
    def see(t: float) -> Observations:
        seen = queues(t, main=int(t) % 5, room=0.0)
        return replace(seen, crossed={"main": int(t) % 4 == 0}, in_box={"main": 0})

    assert doubted(street, see, 60) == ()


def test_a_queue_that_jumps_is_none(street: Street) -> None:
    def see(t: float) -> Observations:
        return queues(t, side=(0, 7)[int(t) % 2])

    assert doubted(street, see, 4) == ()
    assert doubted(street, see, 8) == ("side",)
    assert doubted(street, lambda t: queues(t, room=(0.0, 9.0)[int(t) % 2]), 9) == ("ahead",)
    once = doubted(street, lambda t: queues(t, side=9 * (t > 50), room=9.0 * (t > 30)), 60)
    assert once == ()


def test_where_all_say_that_all_is_full_for_ever_the_plan_is_followed(tmp_path: Path) -> None:
    def see(t: float) -> Observations:
        lanes = dict.fromkeys(("main", "left", "side"), standing(1))
        exits = dict.fromkeys(("ahead", "away", "across"), ExitSeen(0.0))
        return Observations(milliseconds(at(t)), lanes, exits)

    advised = Advised(with_streets(Street.green(loaded(tmp_path), "A")), STRATEGIES["adaptive"])
    advised.run(0, 200, see)
    _, advice = advised.advice[150]
    assert advice.reasons["doubted"] == ["across", "ahead", "away", "left", "main", "side"]
    for group, most in (("V1", 45), ("V2", 45), ("L1", 30)):
        assert 0 < advised.seconds_green(group, 90, 180) <= most


def test_a_detector_that_has_failed_is_not_doubted_besides(street: Street) -> None:
    def see(t: float) -> Observations:
        return replace(queues(t), lanes={"main": LaneSeen(trusted=False)}, exits={})

    assert doubted(street, see, 60) == ()
