"""What lamps show and until when, as SAE J2735 says it: nothing is invented, nothing recedes."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.signal import NEVER
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.spat import (
    BEYOND_AN_HOUR,
    UNKNOWN,
    IntersectionStatus,
    Marks,
    MovementPhaseState,
    Showing,
    end_from_mark,
    event_state,
    mark,
    marks_of,
    next_change,
    showing,
    status_of,
)
from tests.given.signals.attack import CITY, STEPS, Attack, Step
from tests.given.signals.x1 import Street, at, loaded

NOON = milliseconds(datetime(2026, 9, 14, 12, 0, tzinfo=UTC))


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> DatedJunction:
    return loaded(tmp_path_factory.mktemp("city"), CITY)


def told(street: Street, group: str, t: float) -> list[Showing]:
    plan = street.dated.plans.get(street.signal.plan)
    return showing(street.signal, street.junction, plan, group, milliseconds(at(t)))


def seconds(ms: int | None) -> float | None:
    return None if ms is None else (ms - milliseconds(at(0))) / 1000


def test_s39_over_the_top_of_the_hour() -> None:
    taken = milliseconds(datetime(2026, 9, 14, 12, 59, 58, tzinfo=UTC))
    earliest = milliseconds(datetime(2026, 9, 14, 13, 0, 3, tzinfo=UTC))
    green = Showing(Shown.GREEN, taken - 10_000, earliest)
    marks = marks_of(green, taken)
    assert (marks.min_end, mark(taken)) == (30, 35_980)
    assert (marks.max_end, marks.likely) == (UNKNOWN, UNKNOWN)
    assert end_from_mark(marks.min_end, taken) == earliest  # read at 13:00:01 or whenever
    by_now = milliseconds(datetime(2026, 9, 14, 13, 0, 1, tzinfo=UTC))
    assert by_now - by_now % 3_600_000 - 3_600_000 + 30 * 100 == earliest - 3_600_000  # "now" lies


def test_s40_the_next_green_does_not_run_away(dated: DatedJunction) -> None:
    street = Street.green(dated, "A", -60)
    street.wish(-20, None, groups=frozenset({"V1"}))  # the walk is over when the yellow begins
    street.wish(0, None, groups=frozenset({"V2"}))
    for tenth in range(50):
        red, green = told(street, "V2", tenth / 10)
        assert (red.shown, seconds(red.min_end), seconds(red.max_end)) == (Shown.RED, 5.0, 5.0)
        assert (green.shown, seconds(green.begin)) == (Shown.GREEN, 5.0)
        assert marks_of(green, milliseconds(at(tenth / 10))).start == 50
    assert told(street, "V2", 5)[0].shown is Shown.GREEN
    (undecided,) = told(street, "L1", 1)
    assert (undecided.shown, undecided.min_end, undecided.likely) == (Shown.RED, None, None)
    none = Marks(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
    assert marks_of(replace(undecided, begin=None), milliseconds(at(1))) == none


def test_s04_each_group_has_its_own_yellow(dated: DatedJunction) -> None:
    """V1 is yellow for 3 s, P1 clears for 20 s: neither is told with the other's times."""
    street = Street.green(dated, "A", -60)
    street.wish(0, "C")
    assert [(each.shown, seconds(each.begin)) for each in told(street, "V1", 1)] == [
        (Shown.ENDING, 0.0),
        (Shown.RED, 3.0),
    ]
    assert [(each.shown, seconds(each.begin)) for each in told(street, "P1", 1)] == [
        (Shown.ENDING, 0.0),
        (Shown.RED, 20.0),
    ]


def test_an_open_green_ends_after_its_minimum_and_then_nobody_knows(dated: DatedJunction) -> None:
    street = Street.green(dated, "A")
    (green,) = told(street, "V1", 6.9)
    assert (seconds(green.min_end), green.max_end, green.likely) == (7.0, None, None)
    (later,) = told(street, "V1", 7)
    assert (later.min_end, later.max_end, later.likely) == (None, None, None)


def test_where_the_plan_decides_its_end_is_likely_and_then_it_ends(dated: DatedJunction) -> None:
    street = Street.green(dated, "A")
    street.signal.plan = "day"
    assert told(street, "V1", 0)[0].likely is None  # the centre decides
    street.heard = None  # and falls silent
    likely: dict[tuple[str, int | None], set[int | None]] = {}
    ended: dict[tuple[str, int | None], int | None] = {}
    for t in range(300):
        street.run(t, t + 0.9)
        for code in street.junction.groups:
            now = told(street, code, t + 0.9)[0]
            if now.shown is Shown.GREEN and now.max_end is None:
                likely.setdefault((code, now.begin), set()).add(now.likely)
                assert now.likely is not None
            elif now.shown is Shown.ENDING:
                ended[code, street.signal.lamps[code].green_from] = now.begin
    assert len(ended) > 10
    assert {each for each in ended if likely[each] != {ended[each]}} == set()


def test_a_start_is_told_as_it_will_be(dated: DatedJunction) -> None:
    street = Street(dated)
    (dark,) = told(street, "V1", -999)
    assert (dark.shown, dark.begin) == (Shown.FLASH, None)
    assert street.signal.flash_until == NEVER
    assert status_of(street.signal, milliseconds(at(-999))) == (IntersectionStatus.OFF,)
    attack = Attack(street)
    flash, red, green = told(attack.street, "V1", 1)
    assert (seconds(flash.max_end), seconds(red.begin), seconds(green.begin)) == (10, 10, 16)
    assert status_of(street.signal, milliseconds(at(1))) == (IntersectionStatus.STANDBY,)
    assert [each.shown for each in told(street, "V2", 1)] == [Shown.FLASH, Shown.RED]


def test_states_have_the_names_of_j2735() -> None:
    def named(shown: Shown, *, on_foot: bool = False, yields: bool = False) -> MovementPhaseState:
        return event_state(Showing(shown, None), on_foot=on_foot, yields=yields, dark=False)

    assert named(Shown.GREEN) == "protected-Movement-Allowed"
    assert named(Shown.GREEN, yields=True) == "permissive-Movement-Allowed"
    assert named(Shown.ENDING) == "protected-clearance"
    assert named(Shown.ENDING, yields=True) == "permissive-clearance"
    assert named(Shown.RED) == "stop-And-Remain"
    assert named(Shown.FLASH) == "caution-Conflicting-Traffic"
    assert named(Shown.FLASH, on_foot=True) == "dark"


@given(
    st.integers(0, 3_599_999),
    st.one_of(st.none(), st.integers(0, 4_000_000)),
    st.integers(0, 100_000),
    st.integers(0, 100_000),
)
def test_marks_are_in_range_and_say_no_more_than_is_known(
    into: int, until: int | None, more: int, most: int
) -> None:
    taken = NOON + into
    ends = [None if until is None else taken + until + each for each in (0, more, more + most)]
    marks = marks_of(Showing(Shown.GREEN, taken - into, ends[0], ends[2], ends[1]), taken)
    decoded = []
    for told_, end in zip((marks.min_end, marks.likely, marks.max_end), ends, strict=True):
        assert 0 <= told_ < 36_000 or told_ in (UNKNOWN, BEYOND_AN_HOUR)
        assert (told_ == UNKNOWN) == (end is None)
        found = end_from_mark(told_, taken)
        if found is not None and end is not None:
            assert abs(found - end) <= 100
            decoded.append(found)
    assert decoded == sorted(decoded)


@given(STEPS)
def test_what_is_told_as_decided_is_shown_unless_something_new_is_decided(
    dated: DatedJunction, steps: list[Step]
) -> None:
    """Between two events each lamp changes when it was told to, and a likely end never comes late.

    Whatever happens to the junction.
    """
    attack = Attack(Street(dated))
    attack.go(steps)
    street, now = attack.street, attack.now
    plan = dated.plans.get(street.signal.plan)
    moment = milliseconds(at(now))
    change = next_change(street.signal, street.junction, plan, moment)
    for code in street.junction.groups:
        found = showing(street.signal, street.junction, plan, code, moment)
        assert found[0].shown is street.signal.shown(code, moment)
        for each, following in pairwise(found):
            assert each.max_end == following.begin == each.min_end
            assert following.begin is not None
            assert street.signal.shown(code, following.begin) is following.shown
            assert street.signal.shown(code, following.begin - 1) is each.shown
        for each in found:
            known = [ms for ms in (each.min_end, each.likely, each.max_end) if ms is not None]
            assert known == sorted(known)
        if change is not None:
            at_change = showing(street.signal, street.junction, plan, code, change - 1)
            assert at_change == found
