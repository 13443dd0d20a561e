"""Cars that come, stay, leave and move on, and what cameras and gates see of it. No I/O.

Everything follows from the seed of `chance`. At the beginning the streets are empty: the cars of an
earlier run have gone. Some cars park in the garage only. Cameras miss things, and go off for a
while: with a word, or without one. What happens and is not seen shows when somebody looks again.
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

Happening = Callable[[], Iterator["Seen"]]


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
        self.off: set[str] = set()
        """The cameras that see nothing now."""

    def seen(self) -> Iterator[Seen]:
        """What is seen, in its order, for ever."""
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
            self._later(self._chance.uniform(*FIRST_SECONDS) if first else self._away(), comes)
        for camera in self._cameras:
            self._later(0.0, partial(self._look, camera))
            self._later(self._chance.uniform(1, REPORT_SECONDS), partial(self._report, camera))
        self._later(self._chance.expovariate(1 / OFF_EVERY_SECONDS), self._go_off)

    def _later(self, seconds: float, happens: Happening) -> None:
        heapq.heappush(self._coming, (self._now + seconds, next(self._numbers), happens))

    def _stays(self) -> float:
        return max(SHORTEST_STAY_SECONDS, self._chance.expovariate(1 / STAY_SECONDS))

    def _away(self) -> float:
        return max(SHORTEST_WAY_SECONDS, self._chance.expovariate(1 / AWAY_SECONDS))

    # --- cars ---------------------------------------------------------------------------

    def _come(self, plate: str, zone: str = "") -> Iterator[Seen]:
        """A car looks for a berth, in a zone or anywhere; where there is none it drives on."""
        free = [
            berth for berth in self._berths if berth not in self.standing and berth.startswith(zone)
        ]
        if not free:
            self._later(self._away(), partial(self._come, plate))
            return
        berth = self._chance.choice(free)
        self.standing[berth] = plate
        self._later(self._stays(), partial(self._leave, plate, berth))
        yield from self._noticed("arrived", berth, plate)

    def _leave(self, plate: str, berth: str) -> Iterator[Seen]:
        """It leaves, now and then only for another berth of the street."""
        del self.standing[berth]
        if self._chance.random() < MOVE_ON_SHARE:
            zone = berth.rpartition("-")[0]
            seconds = self._chance.uniform(*MOVE_ON_SECONDS)
            self._later(seconds, partial(self._come, plate, f"{zone}-"))
        else:
            self._later(self._away(), partial(self._come, plate))
        yield from self._noticed("left", berth, plate)

    def _drive_in(self, plate: str) -> Iterator[Seen]:
        """Into the garage, unless it is full."""
        if len(self.inside) >= CAPACITY:
            self._later(self._away(), partial(self._drive_in, plate))
            return
        self.inside.add(plate)
        self._later(self._stays(), partial(self._drive_out, plate))
        yield Seen(self._now, WAY_IN, "arrived", GARAGE, plate)

    def _drive_out(self, plate: str) -> Iterator[Seen]:
        self.inside.remove(plate)
        self._later(self._away(), partial(self._drive_in, plate))
        yield Seen(self._now, WAY_OUT, "left", GARAGE, plate)

    def _noticed(self, sign: str, berth: str, plate: str) -> Iterator[Seen]:
        if self._chance.random() < MISSED_SHARE:
            return
        for camera in self._watched[berth]:
            if camera not in self.off:
                yield Seen(self._now, camera, sign, berth, plate)

    # --- cameras ------------------------------------------------------------------------

    def _look(self, camera: str) -> Iterator[Seen]:
        """At all that it watches."""
        for berth in self._cameras[camera]:
            yield self._as_it_is(camera, berth)

    def _report(self, camera: str) -> Iterator[Seen]:
        """At one berth after the other, all day."""
        self._later(REPORT_SECONDS, partial(self._report, camera))
        if camera not in self.off:
            yield self._as_it_is(camera, next(self._next[camera]))

    def _as_it_is(self, camera: str, berth: str) -> Seen:
        plate = self.standing.get(berth)
        return Seen(self._now, camera, "empty" if plate is None else "occupied", berth, plate)

    def _go_off(self) -> Iterator[Seen]:
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

    def _come_back(self, camera: str, *, wordless: bool) -> Iterator[Seen]:
        self.off.remove(camera)
        if not wordless:
            yield Seen(self._now, camera, "restored", None)
        yield from self._look(camera)
