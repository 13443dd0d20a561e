"""Cars that come, stay, leave and move on, and what cameras and gates see of it. No I/O.

Everything follows from the seed of `chance`. At the beginning the streets are empty: the cars of an
earlier run have gone. Some cars park in the garage only. Cameras miss things, and go off for a
while: with a word, or without one. What happens and is not seen shows when somebody looks again.
The loops at the garage's gates count, and miss a car now and then; the counter is set right at
times. Some drivers plan ahead: a berth is kept for them, by all but a few, and some do not come.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ops.simulators.parking.places import CAPACITY, GARAGE, WAY_IN, WAY_OUT, cameras

STAY_SECONDS, SHORTEST_STAY_SECONDS = 1500.0, 45.0
AWAY_SECONDS, SHORTEST_WAY_SECONDS = 600.0, 240.0  # nobody flies from one end to the other
FIRST_SECONDS = (10.0, 90.0)  # in which as many come at the beginning as stand at other times
GARAGE_SHARE = 0.25  # of the cars
MOVE_ON_SHARE, MOVE_ON_SECONDS = 0.05, (15.0, 60.0)
MISSED_SHARE = 0.03  # of arrivals and departures in the street
REPORT_SECONDS = 120.0  # from one report of a camera to the next: a berth at a time
OFF_EVERY_SECONDS, OFF_SECONDS = 180.0, 240.0  # of all cameras; of one
WORDLESS_SHARE = 0.25  # of cameras that go off: they do not say so
COUNT_SECONDS, SET_RIGHT_SECONDS = 30.0, 3600.0  # between two readings, and two corrections
LOOP_MISSED_SHARE, COUNT_MISSED_SHARE = 0.02, 0.01  # of cars, and of readings
PLAN_SHARE, AHEAD_SECONDS, PLANNED_SECONDS = 0.15, (300.0, 600.0), 1800.0
EARLY_SECONDS, LATE_SECONDS = 60.0, 300.0  # that who planned comes before or after
NOT_COMING_SHARE, IN_THE_WAY_SHARE = 0.15, 0.01

Happening = Callable[[], Iterator["Happened"]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a device sees, in the words of `POST /v1/parking/detections`.

    `at`: seconds from the beginning on. `plate`: the true one; None where there is no vehicle.
    """

    at: float
    device_id: str
    sign: str
    place_id: str | None
    plate: str | None = None
    opening: int | None = None
    """Which opening of a barrier it passed through."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the garage's counter says; `free` None: nothing."""

    at: float
    free: int | None


@dataclass(frozen=True, slots=True)
class Planned:
    """Somebody wants a berth from a time on; `comes`: they will be there."""

    at: float
    plate: str
    berth: str
    begins: float
    ends: float
    comes: bool


Happened = Seen | Counted | Planned


class Traffic:
    """The cars of a city, where they stand, and what is seen of them."""

    def __init__(self, plates: Sequence[str], chance: random.Random) -> None:
        self._plates, self._chance = plates, chance
        self._cameras = cameras()
        self._berths = sorted({berth for each in self._cameras.values() for berth in each})
        self._watched: dict[str, list[str]] = {berth: [] for berth in self._berths}
        for camera, berths in self._cameras.items():
            for berth in berths:
                self._watched[berth].append(camera)
        self._next = {camera: itertools.cycle(berths) for camera, berths in self._cameras.items()}
        self._numbers = itertools.count()
        self._coming: list[tuple[float, int, Happening]] = []
        self._now = 0.0
        self.standing: dict[str, str] = {}
        """The plate on each berth that is taken."""
        self.inside: set[str] = set()
        """The plates in the garage."""
        self.counted = 0
        """How many cars the loops of the garage have it that there are."""
        self._openings = itertools.count(1)
        self.planned: dict[str, str] = {}
        """Whom each berth is kept for."""
        self.off: set[str] = set()
        """The cameras that see nothing now."""

    def seen(self) -> Iterator[Happened]:
        """What is seen, counted and planned, in its order, for ever."""
        self._begin()
        while True:
            self._now, _, happens = heapq.heappop(self._coming)
            yield from happens()

    def _begin(self) -> None:
        cars = list(self._plates)
        self._chance.shuffle(cars)
        garage = round(len(cars) * GARAGE_SHARE)
        standing = STAY_SECONDS / (STAY_SECONDS + AWAY_SECONDS)
        for number, plate in enumerate(cars):
            comes = partial(self._drive_in if number < garage else self._come, plate)
            first = self._chance.random() < standing
            if not first and number >= garage and self._chance.random() < PLAN_SHARE:
                comes = partial(self._plan, plate)
            self._later(self._chance.uniform(*FIRST_SECONDS) if first else self._away(), comes)
        for camera in self._cameras:
            self._later(0.0, partial(self._look, camera))
            self._later(self._chance.uniform(1, REPORT_SECONDS), partial(self._report, camera))
        self._later(self._chance.expovariate(1 / OFF_EVERY_SECONDS), self._go_off)
        self._later(0.0, self._count)
        self._later(SET_RIGHT_SECONDS, self._set_right)

    def _later(self, seconds: float, happens: Happening) -> None:
        heapq.heappush(self._coming, (self._now + seconds, next(self._numbers), happens))

    def _stays(self) -> float:
        return max(SHORTEST_STAY_SECONDS, self._chance.expovariate(1 / STAY_SECONDS))

    def _away(self) -> float:
        return max(SHORTEST_WAY_SECONDS, self._chance.expovariate(1 / AWAY_SECONDS))

    # --- cars ---------------------------------------------------------------------------

    def _come(self, plate: str, zone: str = "") -> Iterator[Happened]:
        """A car looks for a berth, in a zone or anywhere; where there is none it drives on."""
        in_the_way = self._chance.random() < IN_THE_WAY_SHARE
        free = [
            berth
            for berth in self._berths
            if berth not in self.standing
            and berth.startswith(zone)
            and (in_the_way or berth not in self.planned)
        ]
        if not free:
            self._later(self._away(), partial(self._come, plate))
            return
        yield from self._stand(plate, self._chance.choice(free), self._stays())

    def _stand(self, plate: str, berth: str, seconds: float) -> Iterator[Happened]:
        self.standing[berth] = plate
        self._later(seconds, partial(self._leave, plate, berth))
        yield from self._noticed("arrived", berth, plate)

    def _plan(self, plate: str) -> Iterator[Happened]:
        """A berth is wanted from a time on, and kept free until that is over."""
        free = [
            each for each in self._berths if each not in self.standing and each not in self.planned
        ]
        if not free:
            self._later(self._away(), partial(self._come, plate))
            return
        berth, ahead = self._chance.choice(free), self._chance.uniform(*AHEAD_SECONDS)
        comes = self._chance.random() >= NOT_COMING_SHARE
        self.planned[berth] = plate
        self._later(ahead + PLANNED_SECONDS, partial(self._keep_no_more, berth))
        if comes:
            after = ahead + self._chance.uniform(-EARLY_SECONDS, LATE_SECONDS)
            self._later(after, partial(self._arrive, plate, berth, ahead + PLANNED_SECONDS - after))
        else:
            self._later(ahead + PLANNED_SECONDS + self._away(), partial(self._come, plate))
        begins = self._now + ahead
        yield Planned(self._now, plate, berth, begins, begins + PLANNED_SECONDS, comes)

    def _arrive(self, plate: str, berth: str, left_seconds: float) -> Iterator[Happened]:
        """Who has planned comes; where somebody stands there, to another berth."""
        if berth in self.standing:
            yield from self._come(plate)
        else:
            yield from self._stand(plate, berth, min(self._stays(), left_seconds))

    def _keep_no_more(self, berth: str) -> Iterator[Happened]:
        del self.planned[berth]
        yield from ()

    def _leave(self, plate: str, berth: str) -> Iterator[Happened]:
        """It leaves, now and then only for another berth of the street."""
        del self.standing[berth]
        if self._chance.random() < MOVE_ON_SHARE:
            zone = berth.rpartition("-")[0]
            seconds = self._chance.uniform(*MOVE_ON_SECONDS)
            self._later(seconds, partial(self._come, plate, f"{zone}-"))
        elif self._chance.random() < PLAN_SHARE:
            self._later(0.0, partial(self._plan, plate))
        else:
            self._later(self._away(), partial(self._come, plate))
        yield from self._noticed("left", berth, plate)

    def _drive_in(self, plate: str) -> Iterator[Happened]:
        """Into the garage, unless it is full."""
        if len(self.inside) >= CAPACITY:
            self._later(self._away(), partial(self._drive_in, plate))
            return
        self.inside.add(plate)
        self.counted += self._looped()
        self._later(self._stays(), partial(self._drive_out, plate))
        yield Seen(self._now, WAY_IN, "arrived", GARAGE, plate, next(self._openings))

    def _drive_out(self, plate: str) -> Iterator[Happened]:
        self.inside.remove(plate)
        self.counted -= self._looped()
        self._later(self._away(), partial(self._drive_in, plate))
        yield Seen(self._now, WAY_OUT, "left", GARAGE, plate, next(self._openings))

    def _looped(self) -> int:
        """How many cars the loop in the ground felt of one."""
        return int(self._chance.random() >= LOOP_MISSED_SHARE)

    def _count(self) -> Iterator[Happened]:
        """The counter says how many places are free, as the loops have it."""
        self._later(COUNT_SECONDS, self._count)
        missed = self._chance.random() < COUNT_MISSED_SHARE
        yield Counted(self._now, None if missed else CAPACITY - self.counted)

    def _set_right(self) -> Iterator[Happened]:
        """Somebody has counted the cars."""
        self._later(SET_RIGHT_SECONDS, self._set_right)
        self.counted = len(self.inside)
        yield from ()

    def _noticed(self, sign: str, berth: str, plate: str) -> Iterator[Seen]:
        if self._chance.random() < MISSED_SHARE:
            return
        for camera in self._watched[berth]:
            if camera not in self.off:
                yield Seen(self._now, camera, sign, berth, plate)

    # --- cameras ------------------------------------------------------------------------

    def _look(self, camera: str) -> Iterator[Happened]:
        """At all that it watches."""
        for berth in self._cameras[camera]:
            yield self._as_it_is(camera, berth)

    def _report(self, camera: str) -> Iterator[Happened]:
        """At one berth after the other, all day."""
        self._later(REPORT_SECONDS, partial(self._report, camera))
        if camera not in self.off:
            yield self._as_it_is(camera, next(self._next[camera]))

    def _as_it_is(self, camera: str, berth: str) -> Seen:
        plate = self.standing.get(berth)
        return Seen(self._now, camera, "empty" if plate is None else "occupied", berth, plate)

    def _go_off(self) -> Iterator[Happened]:
        self._later(self._chance.expovariate(1 / OFF_EVERY_SECONDS), self._go_off)
        camera = self._chance.choice(list(self._cameras))
        if camera in self.off:
            return
        self.off.add(camera)
        wordless = self._chance.random() < WORDLESS_SHARE
        seconds = self._chance.expovariate(1 / OFF_SECONDS)
        self._later(seconds, partial(self._come_back, camera, wordless=wordless))
        if not wordless:
            yield Seen(self._now, camera, "lost", None)

    def _come_back(self, camera: str, *, wordless: bool) -> Iterator[Happened]:
        self.off.remove(camera)
        if not wordless:
            yield Seen(self._now, camera, "restored", None)
        yield from self._look(camera)
