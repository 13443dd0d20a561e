"""Late buses get a longer or an earlier green, buses on time nothing, and never twice in a row."""

from pathlib import Path
from typing import Any

import pytest

from citybrain.audit.signals.explanation import Explanation
from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.definitions.yaml_file import DefinitionError
from citybrain.domain.signals import buses
from citybrain.domain.signals.buses import Status
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import BusAnswered, BusEnded, StageApplied, milliseconds
from citybrain.domain.signals.strategies import STRATEGIES
from citybrain.domain.signals.strategies.bus_first import bus_first
from citybrain.domain.signals.strategies.strategy import Advice, view
from tests.given.signals.advised import Advised, nothing_seen
from tests.given.signals.x1 import X1, Street, at, loaded, violations

LINES = {"m1": {"group": "V1", "headway": 300}, "m2": {"group": "V2", "headway": 300}}
WITH_BUSES = X1 | {"buses": {"again_after": 120, "lines": LINES}}
LATE = 90_000


@pytest.fixture
def x1(tmp_path: Path) -> DatedJunction:
    return loaded(tmp_path, WITH_BUSES)


def ask(
    street: Street,
    t: float,
    *,
    comes: float,
    late: int | None = LATE,
    name: str = "b1",
    **said: str,
) -> Status:
    """A bus asks at t, to arrive at `comes`."""
    return buses.ask(
        street.signal,
        street.junction,
        at(t),
        request=name,
        line=said.get("line", "m1"),
        arrives=at(comes),
        late_ms=late,
    )


def passes(street: Street, t: float, name: str = "b1") -> None:
    buses.end(street.signal, at(t), name, reason=buses.PASSED)


def answers(street: Street) -> list[tuple[str, str]]:
    return [(one.status, one.because) for one in street.collect() if isinstance(one, BusAnswered)]


def test_a_late_bus_is_granted_and_one_on_time_is_not(x1: DatedJunction) -> None:
    street = Street.green(x1, "A")
    assert ask(street, 0, comes=20, late=59_000) is Status.REJECTED
    assert ask(street, 5, comes=25, late=-40_000, name="b2") is Status.REJECTED
    assert ask(street, 6, comes=26, late=60_000, name="b3") is Status.GRANTED
    assert answers(street) == [("rejected", "on-time")] * 2 + [("granted", "late")]


def test_a_gap_too_wide_is_known_from_who_passed(x1: DatedJunction) -> None:
    street = Street.green(x1, "A")
    ask(street, 0, comes=10, late=0)
    passes(street, 10)
    assert ask(street, 370, comes=384, late=0, name="b2") is Status.REJECTED
    assert ask(street, 371, comes=385, late=None, name="b3") is Status.GRANTED
    assert answers(street)[-1] == ("granted", "gap")


def test_a_late_bus_close_behind_another_does_not_go_faster(x1: DatedJunction) -> None:
    street = Street.green(x1, "A")
    ask(street, 0, comes=10, late=0)
    passes(street, 10)
    assert ask(street, 100, comes=120, name="b2") is Status.REJECTED
    assert answers(street)[-1] == ("rejected", "close-behind")


def test_after_one_bus_no_other_one_for_a_cycle(x1: DatedJunction) -> None:
    street = Street.green(x1, "A")
    assert ask(street, 0, comes=10) is Status.GRANTED
    assert ask(street, 1, comes=11, name="b2", line="m2") is Status.REJECTED
    passes(street, 12)
    assert ask(street, 13, comes=30) is Status.LOCKED, "it had its turn"
    assert ask(street, 131, comes=140, name="b3", line="m2") is Status.LOCKED
    assert ask(street, 132, comes=140, name="b3", line="m2") is Status.GRANTED


def test_only_where_the_centre_decides(x1: DatedJunction) -> None:
    street = Street.green(x1, "A")
    street.preempt(1, "C")
    assert ask(street, 2, comes=10) is Status.REJECTED
    local = Street(x1)
    assert ask(local, 0, comes=10) is Status.REJECTED
    assert [because for _, because in (*answers(street), *answers(local))] == ["preemption", "dark"]


def test_said_again_it_changes_nothing_and_a_later_arrival_is_noted(x1: DatedJunction) -> None:
    street = Street.green(x1, "A")
    assert {ask(street, t, comes=10) for t in (0, 1, 2)} == {Status.GRANTED}
    assert len(answers(street)) == 1
    ask(street, 6, comes=16)
    assert street.signal.prioritised is not None
    assert street.signal.prioritised["arrives"] == milliseconds(at(16))
    for t in range(10, 200, 10):
        if "b1" in street.signal.priorities:
            ask(street, t, comes=t + 8)
            street.wake(t + 9)
    assert street.signal.prioritised["ended"] <= milliseconds(at(99)), "90 s at most"


def test_who_does_not_come_is_waited_for_some_seconds(x1: DatedJunction) -> None:
    street = Street.green(x1, "A")
    ask(street, 0, comes=10)
    street.run(0, 30)
    ended = [each for each in street.collect() if isinstance(each, BusEnded)]
    assert [(each.reason, each.timestamp) for each in ended] == [("expired", at(20))]
    assert street.signal.buses_passed == {}


def test_who_asks_what_cannot_be_is_told(x1: DatedJunction) -> None:
    street = Street.green(x1, "A")
    with pytest.raises(buses.BusLineUnknown):
        ask(street, 0, comes=10, line="m9")
    for comes in (-10, 301):
        with pytest.raises(buses.ArrivalUnlikely):
            ask(street, 0, comes=comes)
    for number in range(buses.MOST_ASKING):
        ask(street, 0, comes=10, late=0, name=f"b{number}")
    with pytest.raises(buses.TooManyBuses):
        ask(street, 0, comes=10, name="one-more")


def test_what_buses_said_goes_on_into_the_next_day_and_old_states_are_read(
    x1: DatedJunction,
) -> None:
    street = Street.green(x1, "A")
    ask(street, 0, comes=10)
    following = Signal.open(at(1), street.junction, day="2026-09-15", carried=street.signal.carried)
    assert following.prioritised == street.signal.prioritised
    passes(street, 5)
    assert following.priorities.keys() == {"b1"}, "a state of its own"
    none: dict[str, Any] = {"priorities": {}, "prioritised": None, "buses_passed": {}}
    before = {name: each for name, each in street.signal.carried.items() if name not in none}
    old = Signal.open(at(1), street.junction, day="2026-09-15", carried=before)
    assert {name: getattr(old, name) for name in none} == none
    state = dict[str, Any]()
    Signal.upcast_v3_v4(state)
    assert state == none


def advised(street: Street, t: float, advice: Advice, *, in_turn: bool = False) -> Advice:
    """What becomes of an advice at t."""
    seen = view(street.signal, street.junction, street.plan, milliseconds(at(t)))
    return bus_first(advice, street.junction, seen, in_turn=in_turn)


LEAVE, STAY = Advice("B", {"because": "plan"}), Advice(None, {"because": "plan"})


def test_its_green_goes_on_while_it_comes_soon_and_no_longer(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    ask(street, 0, comes=15)
    assert advised(street, 4.9, LEAVE) is LEAVE, "it comes too late for this green"
    held = advised(street, 5, LEAVE)
    assert held.stage is None
    assert held.reasons == {
        "because": "bus-priority",
        "how": "green-goes-on",
        "line": "m1",
        "late": 90,
    }
    passes(street, 14)
    assert advised(street, 14, LEAVE) is LEAVE


def test_its_green_begins_earlier_after_the_minimum_of_others(x1: DatedJunction) -> None:
    street = Street.green(x1, "B", since=-5)
    ask(street, 0, comes=16)
    assert advised(street, 1.9, STAY) is STAY, "the minimum of others"
    found = advised(street, 2, STAY)
    assert (found.stage, found.reasons["how"]) == ("A", "green-begins-earlier")
    passes(street, 3)
    assert advised(street, 4, STAY) is STAY


def test_in_a_plan_no_stage_is_left_out_and_none_begins_again(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    t = 90 - milliseconds(at(0)) % 90_000 // 1000  # the clearance of P1 begins 22 s later
    ask(street, t + 22, comes=t + 30)
    assert advised(street, t + 22, LEAVE, in_turn=True).stage is None
    assert advised(street, t + 27, LEAVE, in_turn=True).stage is None
    assert advised(street, t + 28, LEAVE, in_turn=True) is LEAVE, "B would have no minimum"


@pytest.mark.parametrize("name", ["fixed", "adaptive"])
def test_a_late_bus_waits_less_by_each_strategy_and_no_rule_is_broken(
    tmp_path: Path, name: str
) -> None:
    dated = loaded(tmp_path, WITH_BUSES)
    street = Street.green(dated, "A", since=-90)
    run = Advised(street, STRATEGIES[name])
    held = 0
    for t in range(1200):
        if t % 150 == 100:
            ask(street, t, comes=t + 10, name=f"b{t}", line="m2" if t % 300 == 100 else "m1")
        if t % 150 == 120:
            passes(street, t, f"b{t - 20}")
        for group in ("V1", "V2", "L1", "P2"):
            street.call(t, group)
        advice = run.decide(float(t), nothing_seen(t))
        held += advice.reasons["because"] == "bus-priority"
    assert held
    events: list[Any] = street.events + street.collect()
    assert violations(WITH_BUSES, events, 1200) == []
    changes = [each for each in events if isinstance(each, StageApplied)]
    assert {"A", "B", "C"} <= {each.stage for each in changes}


def wrong(folder: Path, **said: Any) -> str:
    lines = {"m1": LINES["m1"] | said.pop("line", {})}
    with pytest.raises(DefinitionError) as found:
        loaded(folder, X1 | {"buses": {"again_after": 120, "lines": lines} | said})
    return str(found.value)


def test_what_cannot_be_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    assert "90 s at least" in wrong(tmp_path, again_after=89)
    assert "people on foot" in wrong(tmp_path, line={"group": "P1"})
    assert "no group 'V9'" in wrong(tmp_path, line={"group": "V9"})


def test_a_junction_without_buses_has_the_version_that_it_had(tmp_path: Path) -> None:
    assert loaded(tmp_path).junction.version == "2026-01-01+2d599e32"


def test_the_explanation_says_for_which_bus_in_both_languages() -> None:
    reasons = {"because": "bus-priority", "how": "green-begins-earlier", "line": "m1", "late": 75}
    details = {"groups": ["V1"], "starts": {}, "why": {"reasons": reasons | {"gap": 400}}}
    row = {"topic": "signal.stage_applied", "stage": "A", "source": "centre", "cause": "adaptive"}
    change = row | {"at": milliseconds(at(0)), "details": details}
    chinese, english = Explanation(change, None, (), ()).text
    assert "公交优先：线路 m1，绿灯提前，晚点 75 秒，与前车间隔 400 秒" in chinese
    assert (
        "priority for a bus of line m1: its green begins earlier, 75 s late, "
        "400 s behind the bus before"
    ) in english
