"""Which detections belong together: whatever the order and the batches they come in."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions.inspection.cases import MergeRule
from citybrain.geo.distance import metres_between
from commands.inspection.grouping import Candidate, Sighting, cell_of, cells_around, plan, together

BEGINNING = datetime(2026, 3, 1, tzinfo=UTC)
RULE = MergeRule(radius_m=20, window_hours=10)
NORTH, EAST = 34.7466, 113.6254

places = st.tuples(st.integers(0, 8), st.integers(0, 3))
sightings_drawn = st.lists(
    st.tuples(places, st.integers(0, 60), st.sampled_from(["bin", "rubbish"])),
    min_size=1,
    max_size=14,
)


def sighting(number: int, place: tuple[int, int], hour: int, class_code: str) -> Sighting:
    """Places are 9 m apart: neighbours and the next but one are near enough."""
    return Sighting(
        f"detection-{number:032}",
        class_code,
        NORTH + place[0] * 9 / 111_195,
        EAST + place[1] * 9 / 91_300,
        BEGINNING + timedelta(hours=hour),
        RULE,
    )


class Cases:
    """Cases in memory, found by looking at everything: what the tables do, without them."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}
        self.seen: dict[str, Sighting] = {}

    def take(self, batch: list[Sighting]) -> None:
        found: dict[str, list[Candidate]] = defaultdict(list)
        for each in batch:
            near = {self.of[i] for i, other in self.seen.items() if together(each, other)}
            found[each.detection_id] = [
                Candidate(case_id, self.first_at(case_id), False, False, 0.0) for case_id in near
            ]
        result = plan(batch, found, lambda detection_id: detection_id.replace("detection", "case"))
        self.of |= result.case_of
        self.seen |= {each.detection_id: each for each in batch}
        for source, target in result.merges:
            for detection_id, case_id in self.of.items():
                if case_id == source:
                    self.of[detection_id] = target

    def first_at(self, case_id: str) -> datetime:
        return min(self.seen[each].at for each, case in self.of.items() if case == case_id)

    def groups(self) -> set[frozenset[str]]:
        members: dict[str, set[str]] = defaultdict(set)
        for detection_id, case_id in self.of.items():
            members[case_id].add(detection_id)
        return {frozenset(each) for each in members.values()}


def in_batches(sightings: list[Sighting], chance: random.Random) -> Cases:
    rest, cases = list(sightings), Cases()
    chance.shuffle(rest)
    while rest:
        size = chance.randint(1, len(rest))
        cases.take(rest[:size])
        rest = rest[size:]
    return cases


@given(sightings_drawn, st.randoms(use_true_random=False), st.randoms(use_true_random=False))
def test_any_order_and_any_batches_end_in_the_same_cases(
    drawn: list[tuple[tuple[int, int], int, str]], one: random.Random, other: random.Random
) -> None:
    sightings = [sighting(number, *place) for number, place in enumerate(drawn)]
    groups = in_batches(sightings, one).groups()
    assert groups == in_batches(sightings, other).groups()
    by_id = {each.detection_id: each for each in sightings}
    for group, another in combinations(groups, 2):
        assert not any(together(by_id[a], by_id[b]) for a in group for b in another)


@given(
    st.floats(-80, 80),
    st.floats(-179, 179),
    st.floats(0, 6.28),
    st.floats(0, 1),
    st.sampled_from([5.0, 20.0, 150.0, 500.0]),
)
def test_what_is_near_enough_lies_in_the_squares_that_are_searched(
    latitude: float, longitude: float, angle: float, share: float, radius_m: float
) -> None:
    from math import cos, radians, sin

    north = radius_m * share * 0.999 * sin(angle) / 111_195
    east = radius_m * share * 0.999 * cos(angle) / 111_195 / cos(radians(latitude))
    other = latitude + north, longitude + east
    if metres_between(latitude, longitude, *other) <= radius_m:
        assert cell_of(*other) in cells_around(latitude, longitude, radius_m)


def test_a_case_that_a_person_keeps_apart_is_not_merged_but_takes_what_is_nearest() -> None:
    one = sighting(1, (0, 0), 5, "bin")
    far, near = (
        Candidate("case-a", BEGINNING, False, False, 15.0),
        Candidate("case-b", BEGINNING, False, True, 2.0),
    )
    result = plan([one], {one.detection_id: [far, near]}, str)
    assert (result.case_of, result.merges) == ({one.detection_id: "case-b"}, [])


def test_a_closed_case_takes_what_no_open_one_does() -> None:
    one = sighting(1, (0, 0), 5, "bin")
    closed, still_open = (
        Candidate("case-a", BEGINNING, True, False, 1.0),
        Candidate("case-b", BEGINNING, False, False, 15.0),
    )
    assert plan([one], {one.detection_id: [closed]}, str).case_of == {one.detection_id: "case-a"}
    both = plan([one], {one.detection_id: [closed, still_open]}, str)
    assert (both.case_of, both.merges) == ({one.detection_id: "case-b"}, [])
