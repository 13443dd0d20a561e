"""What the detectors of one junction have said, as it is held in memory: little, and of now.

For each detector its health, what it said last, and the five minutes that are not written yet. A
definition that changes keeps what was said by detectors that it leaves as they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from citybrain.domain.signals.detector_health import DetectorHealth, Judged
from citybrain.domain.signals.five_minutes import (
    FIVE_MINUTES_MS,
    Added,
    FiveMinutes,
    begins_of,
    record_of,
)
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.layout import Detector, DetectorKind, Layout
from citybrain.domain.signals.observation import Limits, Reading, Vehicles, room_of
from citybrain.domain.signals.strategies.strategy import ExitSeen, LaneSeen, Observations
from commands.signals.sharing import shard_of

FRESH_MS = 10_000
"""A picture of a street is used for so long, and no longer."""

STOP_LINE_M = 10.0
"""A detector this near to the stop line sees who passes it."""

NO_MOVEMENT = ""
NOT_TRUSTED = LaneSeen(trusted=False)


@dataclass(slots=True, eq=False)
class SeenDetector:
    """A detector of a junction, and what it has said.

    `clock_ms`: how far its clock may be off. `crosses`: the movement of all who pass it, where
    there is only one. `five`: the five minutes in memory by when they began; `unwritten`: those
    with something that is not stored. What began before `stored_before` may be stored. `shard`: of
    its junction. `judged`:
    how it stood when that was written last. `crossed`, `pressed_at`: since they were asked for.
    """

    junction: str
    detector: Detector
    clock_ms: int
    limits: Limits
    crosses: str
    health: DetectorHealth
    stored_before: int
    shard: int
    judged: Judged | None = None
    newest_at: int = 0
    picture: Reading | None = None
    tells_presence: bool = False
    crossed: dict[str, int] = field(default_factory=dict)
    pressed_at: int | None = None
    five: dict[int, FiveMinutes] = field(default_factory=dict)
    unwritten: set[int] = field(default_factory=set)

    def take(self, reading: Reading) -> Added:
        """Count a reading; what is newer than all before says how things are now."""
        begins = begins_of(reading)
        five = self.five.get(begins)
        if five is None:
            five = self.five[begins] = FiveMinutes(begins)
        added = five.add(record_of(reading, begins))
        if added is Added.NEW:
            self.unwritten.add(begins)
            if reading[0] > self.newest_at:
                self._follow(reading)
        return added

    def take_impossible(self, reading: Reading) -> None:
        """What cannot be true counts for nothing but against its detector; once."""
        begins = begins_of(reading)
        five = self.five.get(begins)
        if five is None:
            five = self.five[begins] = FiveMinutes(begins)
        if five.add(record_of(reading, begins, impossible=True)) is Added.NEW:
            self.unwritten.add(begins)
            if reading.at > self.newest_at:
                self.newest_at = reading.at
                self.health.impossible(reading.at)

    def forget(self, now: int) -> None:
        """Of what is written only the present five minutes and those before are kept."""
        kept_from = now - now % FIVE_MINUTES_MS - FIVE_MINUTES_MS
        for begins in [each for each in self.five if each < kept_from]:
            if begins not in self.unwritten:
                del self.five[begins]
                self.stored_before = max(self.stored_before, begins + FIVE_MINUTES_MS)

    def trusted(self, now: int) -> bool:
        """Whether what it says is used now."""
        return self.health.judged(now).trusted

    def fresh(self, now: int) -> Reading | None:
        """The last picture, unless it is old."""
        picture = self.picture
        return None if picture is None or now - picture.at > FRESH_MS else picture

    def waiting(self, picture: Reading | None) -> int | None:
        """How many stand, by this picture of it; a zone at the stop line tells of one at least."""
        if picture is not None and picture.queue is not None:
            return picture.queue
        if picture is not None or not self.tells_presence:
            return None
        return int(self.health.occupied_since is not None)

    def _follow(self, reading: Reading) -> None:
        at, covers_ms, passed, occupancy, _, queue, occupied, vehicles, room, crossed, in_box = (
            reading
        )
        self.newest_at = at
        health = self.health
        entered = occupied is True and health.occupied_since is None
        if entered or passed:
            self.pressed_at = at
        if passed is None:
            health.heard(at, int(entered))
        else:
            health.heard(at, passed, covers_ms)
        if occupied is not None or occupancy is not None:
            self.tells_presence = True
            if occupied or (occupied is None and occupancy is not None and occupancy >= 1.0):
                health.occupied(at, at if occupied else at - covers_ms)
            else:
                health.cleared(at)
        if vehicles is not None or queue is not None or room is not None or in_box is not None:
            self.picture = reading
        if crossed:
            for movement, number in crossed.items():
                self.crossed[movement] = self.crossed.get(movement, 0) + number
        elif passed and crossed is None and self.crosses:
            self.crossed[self.crosses] = self.crossed.get(self.crosses, 0) + passed


class SeenJunction:
    """A junction, and what its detectors have said."""

    def __init__(
        self, junction: Junction, watched_from: int, before: "SeenJunction | None" = None
    ) -> None:
        self.junction = junction
        layout = junction.layout
        known = before.detectors if before is not None else {}
        self.detectors: dict[str, SeenDetector] = {
            code: _seen(junction, detector, watched_from, known.get(code))
            for code, detector in layout.detectors.items()
        }
        self._of_lane: dict[str, tuple[SeenDetector, ...]] = {
            code: tuple(sorted(self._watching(code), key=lambda each: each.detector.from_m))
            for code in (*layout.lanes, *layout.exits)
        }

        self._watched_exits = [code for code in layout.exits if self._of_lane[code]]

    def judged(self, now: int) -> dict[str, Judged]:
        """How each detector stands at `now`, milliseconds since 1970."""
        return {code: each.health.judged(now) for code, each in self.detectors.items()}

    def latest(self, now: int) -> Observations:
        """What is seen at `now`; who crossed is told once, so one may ask: who controls it."""
        believed: set[SeenDetector] = set()
        in_box: dict[str, int] = {}
        crossed: dict[str, int] = {}
        newest = 0
        for each in self.detectors.values():
            if each.newest_at > newest:
                newest = each.newest_at
            if each.trusted(now):
                believed.add(each)
                if each.crossed:
                    _add(crossed, each.crossed)
                picture = each.fresh(now)
                if picture is not None and picture.in_box:
                    for movement, stood in picture.in_box.items():
                        in_box[movement] = max(stood, in_box.get(movement, 0))
            if each.crossed:
                each.crossed = {}
        return Observations(
            now,
            {code: self._lane(code, believed, now) for code in self.junction.layout.lanes},
            {code: ExitSeen(self._room(code, believed, now)) for code in self._watched_exits},
            crossed,
            in_box,
            newest or None,
        )

    def pressed(self, now: int) -> dict[str, int]:
        """The groups whose buttons were pressed since this was asked last, and when; told once."""
        found: dict[str, int] = {}
        for each in self.detectors.values():
            pressed_at, group = each.pressed_at, each.detector.group
            each.pressed_at = None
            if pressed_at is not None and group is not None and each.trusted(now):
                found[group] = min(pressed_at, found.get(group, pressed_at))
        return found

    def _watching(self, lane: str) -> Iterable[SeenDetector]:
        return (each for each in self.detectors.values() if each.detector.lane == lane)

    def _lane(self, code: str, believed: set[SeenDetector], now: int) -> LaneSeen:
        pictures: list[tuple[float, Vehicles]] = []
        most: int | None = None
        for each in self._of_lane[code]:
            if each not in believed:
                continue
            picture = each.fresh(now)
            if picture is not None and picture.vehicles is not None:
                pictures.append((each.detector.to_m, picture.vehicles))
            waiting = each.waiting(picture)
            if waiting is not None and (most is None or waiting > most):
                most = waiting
        if pictures:
            return LaneSeen(vehicles=self._to_stop_line(code, _side_by_side(pictures)))
        return NOT_TRUSTED if most is None else LaneSeen(counted=most)

    def _to_stop_line(self, code: str, vehicles: Vehicles) -> Vehicles:
        """The same: a detector says how far they are from the end of its lane."""
        more = self.junction.layout.lanes[code].to_stop_line_m
        if not more:
            return vehicles
        return tuple((round(metres + more, 1), speed) for metres, speed in vehicles)

    def _room(self, code: str, believed: set[SeenDetector], now: int) -> float | None:
        """The least that any who is believed sees; None where nobody says."""
        found = [
            room
            for each in self._of_lane[code]
            if each in believed
            and (picture := each.fresh(now)) is not None
            and (room := room_of(picture, self._seen_of(code, each.detector))) is not None
        ]
        return min(found, default=None)

    def _seen_of(self, code: str, detector: Detector) -> float:
        """How much of an exit a detector sees, in metres."""
        length = self.junction.layout.exits[code].length_m
        return min(length, detector.to_m - detector.from_m) if detector.to_m else length


def _seen(
    junction: Junction, detector: Detector, watched_from: int, known: SeenDetector | None
) -> SeenDetector:
    layout = junction.layout
    limits, crosses = Limits.of(detector, layout), _crosses(detector, layout)
    if known is not None and known.detector == detector:
        known.limits, known.crosses, known.clock_ms = limits, crosses, junction.clock_ms
        return known
    return SeenDetector(
        junction.code,
        detector,
        junction.clock_ms,
        limits,
        crosses,
        DetectorHealth(detector, watched_from),
        watched_from,
        shard_of(junction.code),
    )


def _crosses(detector: Detector, layout: Layout) -> str:
    """The movement of whoever passes a detector at a stop line; none where there are several."""
    if detector.kind is DetectorKind.BUTTON or detector.from_m > STOP_LINE_M:
        return NO_MOVEMENT
    found = layout.of_lane(detector.lane or "")
    return found[0].code if len(found) == 1 else NO_MOVEMENT


def _side_by_side(pictures: Sequence[tuple[float, Vehicles]]) -> Vehicles:
    """Each vehicle once, of pictures that may overlap, the nearest first."""
    if len(pictures) == 1:
        return pictures[0][1]
    found: list[tuple[float, float]] = []
    seen_to = -1.0
    for to_m, vehicles in pictures:
        found += (each for each in vehicles if each[0] > seen_to)
        seen_to = max(seen_to, to_m)
    return tuple(sorted(found))


def _add(to: dict[str, int], more: dict[str, int]) -> None:
    for code, number in more.items():
        to[code] = to.get(code, 0) + number
