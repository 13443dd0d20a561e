"""The made-up streets: the same from the same seed, seen often and not exactly, by who can see."""

import random
from collections import Counter
from itertools import islice

from citybrain.geo.distance import metres_between
from ops.simulators.inspection.streets import CAMERAS_A_SPOT, Sight, Streets

CLASSES = ("overflowing_bin", "road_damage")


def streets(cameras: int = 100, seed: int = 1) -> Streets:
    return Streets(cameras, CLASSES, random.Random(seed))


def seen(city: Streets, number: int, rate: float = 20.0) -> list[tuple[float, Sight]]:
    return list(islice(city.sights(rate, 30.0), number))


def test_the_same_seed_makes_the_same_city_and_another_seed_another() -> None:
    assert streets().cameras == streets().cameras
    assert seen(streets(), 500) == seen(streets(), 500)
    assert seen(streets(seed=2), 5) != seen(streets(), 5)


def test_each_camera_looks_at_one_spot_or_two_and_each_spot_has_its_cameras() -> None:
    cameras = streets(1000).cameras
    watched = Counter(spot for camera in cameras for spot in camera.spots)
    assert {len(camera.spots) for camera in cameras} == {1, 2}
    assert len(watched) == 1000 / CAMERAS_A_SPOT
    assert min(watched.values()) == CAMERAS_A_SPOT
    assert all(34.6 < each.latitude < 35.0 and 113.5 < each.longitude < 113.8 for each in cameras)


def test_sights_keep_their_rate_and_problems_are_seen_again_a_few_metres_off() -> None:
    city = streets()
    found = seen(city, 4000, rate=20.0)
    assert 0.9 < len(found) / found[-1][0] / 20.0 < 1.1
    assert 10 < len(found) / city.arisen < 30
    unsure = sum(sight.confidence < 60 for _, sight in found) / len(found)
    assert 0.02 < unsure < 0.4
    first = found[0][1]
    again = [
        metres_between(first.latitude, first.longitude, each.latitude, each.longitude)
        for _, each in found[1:]
        if each.class_code == first.class_code
    ]
    assert any(0 < metres < 15 for metres in again)


def test_a_camera_that_is_off_sees_nothing() -> None:
    city = streets()
    city.offline.update(range(100))
    city.offline.discard(7)
    own = {sight.camera_id for _, sight in seen(city, 20)}
    assert own == {city.cameras[7].camera_id}


def test_what_is_solved_is_seen_no_more() -> None:
    city = streets(2)
    _, sight = seen(city, 1, rate=0.1)[0]
    city.solve("no_such_class", sight.latitude, sight.longitude)
    assert city.arisen == 1
    city.solve(sight.class_code, sight.latitude, sight.longitude)
    seen(city, 1, rate=0.1)
    assert city.arisen == 2
