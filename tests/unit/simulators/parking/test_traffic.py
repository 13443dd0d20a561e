"""The made-up cars: the same from the same seed, each in one place, and seen by who can see."""

import random
from collections import Counter
from itertools import takewhile

from ops.simulators.parking.places import GARAGE, WAY_IN, WAY_OUT, cameras
from ops.simulators.parking.traffic import SHORTEST_WAY_SECONDS, Seen, Traffic

HOUR = 3600.0
PLATES = [f"豫A{number:05}" for number in range(200)]


def traffic(seed: int = 1) -> Traffic:
    return Traffic(PLATES, random.Random(seed))


def hours(city: Traffic, number: float = 2) -> list[Seen]:
    return list(takewhile(lambda seen: seen.at < number * HOUR, city.seen()))


def test_the_same_seed_makes_the_same_day_and_another_seed_another() -> None:
    assert hours(traffic()) == hours(traffic())
    assert hours(traffic(2)) != hours(traffic())


def test_the_streets_are_empty_at_first_and_filled_soon() -> None:
    city = traffic()
    first = list(takewhile(lambda seen: seen.at == 0, city.seen()))
    assert {seen.sign for seen in first} == {"empty"}
    assert {seen.place_id for seen in first} == {b for each in cameras().values() for b in each}
    hours(city, 0.1)
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
