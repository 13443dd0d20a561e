"""The queue-responsive strategy: what it must do, whatever it is set to and whatever it sees."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies.adaptive import Adaptive
from citybrain.domain.signals.strategies.fixed import FixedPlan
from citybrain.domain.signals.strategies.planning import compile_plan, compiled_for
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import ExitSeen, LaneSeen, Observations
from tests.given.signals.advised import Advised, nothing_seen, queues, standing, with_streets
from tests.given.signals.x1 import X1, Street, at, loaded, violations

SLOW = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def advised(
    folder: Path, stage: str = "A", said: Settings | None = None, junction: Mapping[str, Any] = X1
) -> Advised:
    """X1 with its streets, this stage green since t = 0."""
    street = with_streets(Street.green(loaded(folder, junction), stage))
    return Advised(street, Adaptive(settings=said or Settings()))


def planned(folder: Path, until: int) -> Advised:
    """The same junction by its plan."""
    ran = Advised(with_streets(Street.green(loaded(folder), "A")), FixedPlan())
    ran.run(0, until, nothing_seen)
    return ran


def test_what_is_compiled_once_serves_every_junction(tmp_path: Path) -> None:
    """Whatever it is set to, and however many lanes, stages and seconds there are."""
    compile_plan()
    for folder, said in (("x1", Settings()), ("whole", Settings(start_loss=2, horizon=13))):
        ran = advised(tmp_path / folder, said=said)
        ran.run(0, 60, lambda t: queues(t, main=6, side=3))
        assert any(advice.reasons["because"] == "plan" for _, advice in ran.advice)
    assert compiled_for() == 1


# --- S26: nobody is left standing -----------------------------------------------------------


@given(
    st.builds(
        Settings,
        stop_cost=st.floats(0, 100),
        left_cost=st.floats(0, 100),
        switch_gain=st.floats(0, 1e6),
        horizon=st.integers(5, 60),
        shut_cost=st.floats(0, 100),
    )
)
@SLOW
def test_s26_the_side_streets_one_car_is_served_with_every_set_of_parameters(
    tmp_path: Path, said: Settings
) -> None:
    ran = advised(tmp_path, said=said)
    for t in range(131):
        if t == 10:
            ran.street.call(10.0, "V2")
        arrived = int(t >= 10 and ran.street.shown("V2", t) is not Shown.GREEN)
        ran.decide(float(t), queues(t, main=6, side=arrived))
        if t > 10 and ran.street.shown("V2", t) is Shown.GREEN:
            break
    assert ran.street.shown("V2", t) is Shown.GREEN
    assert violations(X1, ran.street.events + ran.street.collect(), t) == []


def test_s26_who_is_served_for_his_wait_is_said_so(tmp_path: Path) -> None:
    patient = deepcopy(X1)
    for group in patient["groups"].values():
        group["maximum"] = 150
    ran = advised(tmp_path, said=Settings(switch_gain=1e9), junction=patient)
    ran.street.call(10.0, "V2")
    ran.run(11, 131, lambda t: queues(t, main=6, side=1))
    because = [advice.reasons["because"] for _, advice in ran.advice if advice.stage == "C"]
    assert because[:1] == ["longest-wait"]
    assert not ran.refused


def test_who_stands_in_the_way_of_what_is_to_begin_is_waited_for_but_not_for_ever(
    tmp_path: Path,
) -> None:
    """Whoever else drives into the box meanwhile stands there as well, and each waits for all."""
    patient = Settings(box_hold=24.0)

    def between(folder: str, out_after: float) -> float:
        """Seconds from the end of a green to the next, where the box is empty so long after it."""
        ran, ended = advised(tmp_path / folder, "C", said=patient), 0.0
        for t in range(30, 90):
            green = ran.green[-1][1] if ran.green else {"V2"}
            if "V1" in green:
                return t - ended
            ended = float(t) if "V2" in green else ended
            stands = "V2" not in green and t - ended < out_after
            seen = replace(queues(t, main=9), in_box={"side": 2000} if stands else {})
            ran.decide(float(t), seen)
        raise AssertionError("the main street gets no green")

    empty, soon, never = between("a", 0), between("b", 18), between("c", 99)
    assert empty < soon < never <= patient.box_hold + 1.0  # from the last second of green


# --- S27: no green into a full street -------------------------------------------------------


def test_s27_the_short_queue_goes_where_the_exit_of_the_long_one_is_full(tmp_path: Path) -> None:
    ran = advised(tmp_path)
    said = ran.decide(30.0, queues(30, main=25, side=4, room=0.0))
    assert said.stage == "C"


def test_s27_a_street_that_is_full_gets_no_green_for_its_queue(tmp_path: Path) -> None:
    ran = advised(tmp_path, "C")
    ran.run(30, 90, lambda t: queues(t, main=25, room=0.0))
    assert ran.seconds_green("V1", 30, 90) == 0


def test_s27_two_places_are_free_and_it_counts_again_for_two(tmp_path: Path) -> None:
    assert advised(tmp_path, "C").decide(30.0, queues(30, main=25, room=2.0)).stage == "A"
    assert advised(tmp_path, "C").decide(30.0, queues(30, main=25, side=9, room=2.0)).stage is None


def test_s27_an_exit_that_is_not_seen_is_as_in_the_plan_and_not_as_empty(tmp_path: Path) -> None:
    ran = advised(tmp_path, "C")
    ran.run(0, 450, lambda t: queues(t, main=25, room=None))
    share = planned(tmp_path, 450).seconds_green("V1", 180, 450)
    assert share > 60
    assert abs(ran.seconds_green("V1", 180, 450) - share) <= 3 * 3  # cycles, seconds each


# --- S20: a lane that is not believed ---------------------------------------------------------


@pytest.mark.parametrize("main", [0, 12])
def test_s20_a_failed_detector_gives_its_lane_the_share_of_the_plan(
    tmp_path: Path, main: int
) -> None:
    def seen(t: float) -> Observations:
        all_ = queues(t, main=main)
        return replace(all_, lanes={**all_.lanes, "side": replace(standing(19), trusted=False)})

    ran = advised(tmp_path)
    ran.run(0, 630, seen)
    share = planned(tmp_path, 630).seconds_green("V2", 180, 630)
    assert share > 60
    assert abs(ran.seconds_green("V2", 180, 630) - share) <= 5 * 3  # cycles, seconds each
    assert any(advice.reasons["because"] == "plan-share" for _, advice in ran.advice)


def test_s20_where_nothing_is_believed_the_junction_follows_its_plan(tmp_path: Path) -> None:
    ran = advised(tmp_path)
    ran.run(20, 30, lambda t: Observations(milliseconds(at(t))))
    because = {advice.reasons["because"] for _, advice in ran.advice}
    assert because <= {"nothing-seen", "changing", "minimum"}
    assert "nothing-seen" in because


# --- whatever is seen -------------------------------------------------------------------------

NUMBERS = st.floats() | st.sampled_from([0.0, 7.5, 40.0, -1.0])
CODES = st.sampled_from(["main", "left", "side", "ahead", "away", "across", "nobody"])
SEEN = st.builds(
    Observations,
    at=st.integers(1, 10),
    lanes=st.dictionaries(
        CODES,
        st.builds(
            LaneSeen,
            vehicles=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8).map(tuple),
            counted=st.none() | st.integers(-3, 40),
            trusted=st.booleans(),
        ),
    ),
    exits=st.dictionaries(CODES, st.builds(ExitSeen, st.none() | NUMBERS)),
    crossed=st.dictionaries(CODES, st.integers(-3, 40)),
    in_box=st.dictionaries(CODES, st.integers(-3, 10**7)),
)


@given(st.lists(SEEN, min_size=1, max_size=20))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_observations_make_it_fail_and_a_stage_is_always_a_known_one(
    tmp_path: Path, steps: list[Observations]
) -> None:
    ran = advised(tmp_path)
    for call, group in enumerate(("V2", "P2", "L1")):
        ran.street.call(call + 1.0, group)
    t = 5.0
    for each in steps:
        t += each.at / 10
        said = ran.decide(t, replace(each, at=milliseconds(at(t - each.at % 3))))
        assert said.stage is None or said.stage in X1["stages"]
    assert not ran.refused
    assert violations(X1, ran.street.events + ran.street.collect(), t) == []


def test_the_same_observations_get_the_same_advice(tmp_path: Path) -> None:
    def ran() -> list[object]:
        one = advised(tmp_path)
        one.run(0, 200, lambda t: queues(t, main=int(t) % 9, side=int(t) % 5, left=int(t) % 3))
        return [*one.advice]

    assert ran() == ran()
