"""The made-up cars: the same from the same seed, each in one place, and seen by who can see."""

import random
from collections import Counter
from itertools import takewhile

import pytest

from ops.simulators.parking.places import CAPACITY, GARAGE, WAY_IN, WAY_OUT, cameras
from ops.simulators.parking.traffic import (
    PLANNED_SECONDS,
    SHORTEST_WAY_SECONDS,
    Counted,
    Happened,
    Planned,
    Seen,
    Traffic,
)

HOUR = 3600.0
PLATES = [f"豫A{number:05}" for number in range(200)]


def traffic(seed: int = 1) -> Traffic:
    return Traffic(PLATES, random.Random(seed))


def happened(city: Traffic, number: float = 2) -> list[Happened]:
    return list(takewhile(lambda each: each.at < number * HOUR, city.seen()))


def hours(city: Traffic, number: float = 2) -> list[Seen]:
    """What devices saw."""
    return [each for each in happened(city, number) if isinstance(each, Seen)]


def test_the_same_seed_makes_the_same_day_and_another_seed_another() -> None:
    assert happened(traffic()) == happened(traffic())
    assert happened(traffic(2)) != happened(traffic())


def test_the_streets_are_empty_at_first_and_filled_soon() -> None:
    city = traffic()
    first = [seen for seen in hours(city, 0.1) if seen.at == 0]
    assert {seen.sign for seen in first} == {"empty"}
    assert {seen.place_id for seen in first} == {b for each in cameras().values() for b in each}
    assert 70 < len(city.standing) < 144
    assert 20 < len(city.inside) < 80


def test_it_takes_little_of_a_server_and_all_kinds_of_signs_come() -> None:
    found = hours(traffic())
    signs = Counter(seen.sign for seen in found)
    assert set(signs) == {"arrived", "left", "occupied", "empty", "lost", "restored"}
    assert len(found) / (2 * HOUR) < 1
    assert signs["arrived"] > 300


def test_only_a_device_that_watches_a_place_speaks_of_it() -> None:
    watched = cameras()
    for seen in hours(traffic()):
        if seen.place_id == GARAGE:
            assert (seen.device_id, seen.sign) in {(WAY_IN, "arrived"), (WAY_OUT, "left")}
        elif seen.place_id is not None:
            assert seen.place_id in watched[seen.device_id]


def test_a_camera_that_is_lost_says_nothing_until_it_is_back() -> None:
    lost: set[str] = set()
    for seen in hours(traffic()):
        assert seen.sign == "restored" or seen.device_id not in lost
        if seen.sign == "lost":
            lost.add(seen.device_id)
        elif seen.sign == "restored":
            lost.remove(seen.device_id)


def test_a_car_that_leaves_a_street_is_seen_in_another_only_after_a_while() -> None:
    left: dict[str | None, Seen] = {}
    for seen in hours(traffic(), 4):
        if seen.plate is None or seen.place_id is None:
            continue
        before = left.get(seen.plate)
        street = seen.place_id.rpartition("-")[0]
        if before is not None and before.place_id is not None and seen.sign == "arrived":
            apart = seen.at - before.at
            same = before.place_id.rpartition("-")[0] == street
            assert same or round(apart) >= SHORTEST_WAY_SECONDS
        left[seen.plate] = seen


def test_the_counter_follows_the_loops_and_is_off_by_little() -> None:
    city, inside, off, said = traffic(), 0, 0, 0
    for each in happened(city, 3):
        if isinstance(each, Seen) and each.place_id == GARAGE:
            inside += 1 if each.sign == "arrived" else -1
        elif isinstance(each, Counted) and each.free is not None:
            said += 1
            off = max(off, abs(CAPACITY - inside - each.free))
    assert said > 300
    assert 0 < off < 10, "loops miss a car now and then, and somebody sets the counter right"
    assert any(each.free is None for each in happened(traffic(), 4) if isinstance(each, Counted))


def test_each_passage_of_a_gate_has_an_opening_of_its_own() -> None:
    openings = [each.opening for each in hours(traffic()) if each.place_id == GARAGE]
    assert None not in openings
    assert len(set(openings)) == len(openings) > 50
    assert {each.opening for each in hours(traffic()) if each.place_id != GARAGE} == {None}


def test_who_plans_ahead_comes_about_then_and_the_berth_is_kept_for_them() -> None:
    every = happened(traffic(), 6)
    plans = [each for each in every if isinstance(each, Planned)]
    assert len(plans) > 20
    assert {plan.comes for plan in plans} == {True, False}
    in_time = others = 0
    for plan in plans:
        assert plan.ends - plan.begins == pytest.approx(PLANNED_SECONDS)
        there = {
            each.plate
            for each in every
            if isinstance(each, Seen)
            and each.place_id == plan.berth
            and each.sign == "arrived"
            and plan.at < each.at < plan.ends
        }
        in_time += plan.comes and plan.plate in there
        others += bool(there - {plan.plate})
    assert in_time > 0.7 * sum(plan.comes for plan in plans), "cameras miss a few"
    assert others < 0.3 * len(plans)
