"""A made-up city: streets with spots, cameras over them, and problems that arise and go. No I/O.

Everything follows from the seed of `chance`. A problem lies at a spot; each camera over the spot
sees it again and again, some metres off and more or less sure, until it is gone or somebody has
solved it. A camera that is off sees nothing.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, cos, hypot, radians

# Districts of Zhengzhou, roughly: WGS-84 degrees of a point in the middle.
DISTRICTS = {
    "金水区": (34.7850, 113.6800),
    "二七区": (34.7240, 113.6450),
    "中原区": (34.7480, 113.6130),
    "管城回族区": (34.7460, 113.6850),
    "惠济区": (34.8680, 113.6170),
}
SPREAD_DEGREES = 0.02
METRE_NORTH = 1 / 111_195
SPOTS_A_STREET, METRES_BETWEEN_SPOTS = 40, 60.0
CAMERAS_A_SPOT = 2  # that look at it first; half of all look at the next one, too
POLE_METRES, PROBLEM_METRES, JITTER_METRES = 15.0, 8.0, 2.5
SEEN_EVERY_SECONDS = 10.0  # by one camera or another
SOLVED_METRES = 40.0
PREFIX = "c-"  # of the ids of cameras

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera on its pole, and the numbers of the spots that it looks at."""

    camera_id: str
    latitude: float
    longitude: float
    spots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a spot; `clarity` is how sure a camera is of it, in percent."""

    spot: int
    class_code: str
    latitude: float
    longitude: float
    clarity: float


@dataclass(frozen=True, slots=True)
class Sight:
    """What a camera recognises at a moment."""

    camera_id: str
    class_code: str
    latitude: float
    longitude: float
    confidence: int


class Streets:
    """The cameras, and the problems below them. `offline` holds the numbers of cameras that are."""

    def __init__(self, cameras: int, classes: Sequence[str], chance: random.Random) -> None:
        self._chance = chance
        self._classes = classes
        self._spots = list(_spots(ceil(cameras / CAMERAS_A_SPOT), chance))
        self._watching: dict[int, list[int]] = defaultdict(list)
        self._problems: list[Problem] = []
        self.offline: set[int] = set()
        self.arisen = 0
        self.cameras = [self._camera(number) for number in range(cameras)]

    def sights(self, rate: float, sights_a_problem: float) -> Iterator[tuple[float, Sight]]:
        """What is seen, about `rate` a second, and when (seconds from the beginning on).

        As many problems are there at a time as that takes; one goes when it has been seen often
        enough, on average, and another arises.
        """
        at, many = 0.0, max(1, round(rate * SEEN_EVERY_SECONDS))
        while True:
            at += self._chance.expovariate(rate)
            while len(self._problems) < many:
                self._problems.append(self._arise())
            number = self._chance.randrange(many)
            sight = self._see(self._problems[number])
            if self._chance.random() < 1 / sights_a_problem:
                self._problems.pop(number)
            if sight is not None:
                yield at, sight

    def solve(self, class_code: str, latitude: float, longitude: float) -> None:
        """Somebody has solved the problems of a class around a point."""
        self._problems = [
            each
            for each in self._problems
            if each.class_code != class_code or _metres(each, latitude, longitude) > SOLVED_METRES
        ]

    def _camera(self, number: int) -> Camera:
        first = number % len(self._spots)
        both = first + 1 < len(self._spots) and self._chance.random() < 0.5
        spots = (first, first + 1) if both and (first + 1) % SPOTS_A_STREET else (first,)
        for spot in spots:
            self._watching[spot].append(number)
        latitude, longitude = self._near(self._spots[first], POLE_METRES)
        return Camera(f"{PREFIX}{number:05}", latitude, longitude, spots)

    def _arise(self) -> Problem:
        self.arisen += 1
        spot = self._chance.randrange(len(self._spots))
        latitude, longitude = self._near(self._spots[spot], PROBLEM_METRES)
        return Problem(
            spot,
            self._chance.choice(self._classes),
            latitude,
            longitude,
            self._chance.triangular(45, 98, 90),
        )

    def _see(self, problem: Problem) -> Sight | None:
        """By one of the cameras that look there; by none where all are off."""
        able = [each for each in self._watching[problem.spot] if each not in self.offline]
        if not able:
            return None
        camera = self.cameras[self._chance.choice(able)]
        latitude, longitude = self._near((problem.latitude, problem.longitude), JITTER_METRES)
        confidence = round(min(max(self._chance.gauss(problem.clarity, 4), 30), 99))
        return Sight(camera.camera_id, problem.class_code, latitude, longitude, confidence)

    def _near(self, place: Place, metres: float) -> Place:
        return _moved(
            place, self._chance.uniform(-metres, metres), self._chance.uniform(-metres, metres)
        )


def _spots(number: int, chance: random.Random) -> Iterator[Place]:
    """Spots in rows: streets that begin somewhere in a district and run north or east."""
    street: Place = (0.0, 0.0)
    north = True
    for each in range(number):
        place = each % SPOTS_A_STREET
        if place == 0:
            street = _scattered(chance.choice(list(DISTRICTS.values())), chance)
            north = chance.random() < 0.5
        along = place * METRES_BETWEEN_SPOTS
        yield _moved(street, along if north else 0, 0 if north else along)


def _scattered(place: Place, chance: random.Random) -> Place:
    latitude, longitude = place
    return latitude + chance.gauss(0, SPREAD_DEGREES), longitude + chance.gauss(0, SPREAD_DEGREES)


def _moved(place: Place, north_m: float, east_m: float) -> Place:
    latitude, longitude = place
    return (
        round(latitude + north_m * METRE_NORTH, 6),
        round(longitude + east_m * METRE_NORTH / cos(radians(latitude)), 6),
    )


def _metres(problem: Problem, latitude: float, longitude: float) -> float:
    north = (problem.latitude - latitude) / METRE_NORTH
    east = (problem.longitude - longitude) * cos(radians(latitude)) / METRE_NORTH
    return hypot(north, east)
