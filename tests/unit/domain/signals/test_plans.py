"""Plans by the clock, and offsets that move by bounded steps."""

from copy import deepcopy
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.signals import people
from citybrain.domain.signals.plans import offset_steps, wanted
from citybrain.domain.signals.rules import Rule
from citybrain.domain.signals.signal_events import milliseconds
from tests.given.signals.x1 import X1, Street, at, loaded, violations

EPOCH = milliseconds(at(0)) - milliseconds(at(0)) % 90_000


def test_s29_an_offset_goes_the_shorter_way_by_bounded_steps() -> None:
    assert offset_steps(30_000, 42_000, 90_000, 9_000) == [9_000, 3_000]
    assert offset_steps(5_000, 83_000, 90_000, 9_000) == [-9_000, -3_000]
    assert offset_steps(7_000, 7_000, 90_000, 9_000) == []


@given(st.integers(1, 300), st.integers(0, 299), st.integers(0, 299), st.integers(1, 20))
def test_offsets_arrive_by_steps_that_are_bounded(
    cycle: int, old: int, new: int, most: int
) -> None:
    steps = offset_steps(old, new, cycle, most)
    assert (old + sum(steps) - new) % cycle == 0
    assert all(0 < abs(step) <= most for step in steps)
    assert sum(abs(step) for step in steps) <= cycle // 2


def test_a_stage_is_green_where_the_plan_says(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    plan, junction = found.plans["day"], found.junction
    turns = [wanted(junction, plan, EPOCH + second * 1000, 0) for second in range(90)]
    changes = [
        (second, each.stage)
        for second, (each, before) in enumerate(zip(turns, [turns[-1], *turns], strict=False))
        if each.stage != before.stage
    ]
    assert changes == [(22, "B"), (55, "C"), (76, "A")], "each turn begins before its green"
    assert {each.until for each in turns[22:55]} == {EPOCH + 55_000}


def test_local_control_follows_the_plan_to_the_tenth(tmp_path: Path) -> None:
    street = Street(loaded(tmp_path))
    people.power_up(street.signal, street.junction, at(0), "A")
    street.run(0, 400)
    street.collect()
    greens = [
        (each.stage, max(each.starts.values()) % 90_000 // 1000)
        for each in street.events
        if getattr(each, "cause", "") == "plan" and each.at > milliseconds(at(100))
    ]
    assert set(greens) == {("A", 0), ("B", 42), ("C", 60)}
    assert not violations(X1, street.events, 400)


def test_rule_11_a_cycle_that_differs_too_much_is_refused(tmp_path: Path) -> None:
    said = deepcopy(X1)
    said["plans"]["peak"] = deepcopy(X1["plans"]["day"]) | {"offset": 12}
    said["plans"]["long"] = {
        "cycle": 160,
        "splits": [
            {"stage": "A", "seconds": 60},
            {"stage": "B", "seconds": 50},
            {"stage": "C", "seconds": 50},
        ],
    }
    dated = loaded(tmp_path, said)
    street, plans = Street(dated), dated.plans

    def activate(t: float, code: str, current: str | None) -> Rule | None:
        return people.activate_plan(
            street.signal,
            street.junction,
            at(t),
            plans[code],
            plans[current] if current else None,
            by="o-1",
            reason="peak",
        )

    assert activate(0, "day", None) is None
    assert activate(1, "long", "day") is Rule.COORDINATION
    assert activate(2, "peak", "day") is None
    assert street.signal.offset == [0, milliseconds(at(2))]
