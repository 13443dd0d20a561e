"""The members of a junction's file, as they stand in the folder `signal-junction`.

Seconds and metres, as people write them; `junctions` turns them into what the domain takes and
checks that they fit to one another.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from citybrain.domain.signals.layout import DetectorKind, Turn

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,15}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Seconds = Annotated[float, Field(strict=True, ge=0, le=3600, multiple_of=0.1)]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")]
Metres = Annotated[float, Field(strict=True, ge=0, le=10_000)]
Bearing = Annotated[float, Field(strict=True, ge=0, lt=360)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]

LEAST_YELLOW, MOST_YELLOW = 3.0, 6.0
LEAST_GREEN, LEAST_WALK = 5.0, 7.0
WALKING_M_PER_S = 1.07
DEPARTMENT = "traffic_police"
"""Whose officers look after a junction of which the file does not say it."""


class Part(BaseModel):
    """A part of the file: unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VehicleGroup(Part):
    """Lamps for vehicles or buses."""

    kind: Literal["vehicle", "bus"]
    minimum: Annotated[Seconds, Field(ge=LEAST_GREEN)] = 7.0
    yellow: Annotated[Seconds, Field(ge=LEAST_YELLOW, le=MOST_YELLOW)] = 3.0
    maximum: Seconds
    longest_wait: Annotated[Seconds, Field(gt=0)]


class PedestrianGroup(Part):
    """Lamps for people on foot; `width` is that of the crossing, in metres."""

    kind: Literal["pedestrian"]
    walk: Annotated[Seconds, Field(ge=LEAST_WALK)] = LEAST_WALK
    width: Annotated[float, Field(strict=True, gt=0, le=60)]
    maximum: Seconds
    longest_wait: Annotated[Seconds, Field(gt=0)]


class Permissive(Part):
    """A left turn that yields to the opposite direction: its group, and theirs."""

    turn: Name
    against: Name


class Split(Part):
    """From the moment at which a stage is to be green to that of the next."""

    stage: Name
    seconds: Annotated[Seconds, Field(gt=0)]


class PlanPart(Part):
    """A fixed-time plan. `walk`: people on foot are served each cycle, or when they call."""

    cycle: Annotated[Seconds, Field(gt=0)]
    offset: Seconds = 0.0
    splits: Annotated[tuple[Split, ...], Field(min_length=1)]
    walk: Literal["each-cycle", "by-call"] = "each-cycle"
    twice: tuple[Name, ...] = ()


class DayKind(StrEnum):
    """What a day is by the city's calendar; a weekend that is worked is a working day."""

    WORKING = "working-day"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


class DayPlan(Part):
    """Days of these kinds: plans by the time of day from which each is in force.

    The day plan and its events of NTCIP 1201.
    """

    days: Annotated[tuple[DayKind, ...], Field(min_length=1)]
    plans: Annotated[dict[Clock, Code], Field(min_length=1)]


class StartPart(Part):
    """How the controller comes back."""

    stage: Name
    flash: Seconds = 10.0
    all_red: Annotated[Seconds, Field(ge=3)] = 6.0
    restarts: Annotated[int, Field(ge=1, le=10)] = 3
    restarts_within: Seconds = 600.0


class Limits(Part):
    """Of the controller and its centre."""

    red_revert: Annotated[Seconds, Field(ge=1)] = 2.0
    watchdog: Annotated[Seconds, Field(ge=1, le=300)] = 10.0
    clock: Annotated[Seconds, Field(gt=0, le=10)] = 2.0
    margin: Annotated[Seconds, Field(ge=0.5, le=10)] = 2.0
    offset_step: Annotated[Seconds, Field(ge=1, le=20)] = 9.0
    cycle_step: Annotated[Seconds, Field(ge=1)] = 60.0
    preemption_cuts_walk: bool = True


class LanePart(Part):
    """An approach lane. `bearing`: where it comes from, seen from the junction, in degrees from
    north, clockwise; lanes of one bearing stand from the kerb inwards. `upstream`: lanes behind
    a short one, nearest first.
    """

    length: Annotated[Metres, Field(gt=0)]
    speed: Annotated[float, Field(strict=True, gt=0, le=60)]
    upstream: tuple[Label, ...] = ()
    bearing: Bearing | None = None


class ExitPart(Part):
    """A lane or link behind the junction. `leads_to`: a junction and its lane."""

    length: Annotated[Metres, Field(gt=0)]
    leads_to: tuple[Code, Label] | None = None
    bearing: Bearing | None = None


class MovementPart(Part):
    """From a lane to an exit; without a `group` no lamp holds it.

    `on_red`: a right turn that may go on red after a stop.
    """

    lane: Label
    exit: Label
    turn: Turn
    group: Name | None = None
    yields_to: tuple[Label, ...] = ()
    on_red: bool = False


class DetectorPart(Part):
    """A loop, camera or radar on a `lane` (or exit), or a button of a pedestrian `group`.

    `zone`: from and to, in metres before the stop line; of an exit, behind its beginning.
    """

    kind: DetectorKind
    device: Text
    lane: Label | None = None
    group: Name | None = None
    zone: tuple[Metres, Metres] | None = None
    longest_presence: Annotated[Seconds, Field(gt=0)] = 300.0
    silent_after: Annotated[Seconds, Field(gt=0)] = 60.0
    erratic_per_minute: Annotated[int, Field(strict=True, ge=1, le=6000)] = 60


class BusLinePart(Part):
    """A line whose late buses get priority at this junction, by the `group` that lets them through.

    `headway`: by timetable. `late`: from how late on; `gap`: from how many seconds behind the bus
    before on, 1.25 headways where it is not said. `extend`: for how long a green goes on for a bus;
    `early`: how much sooner than a bus its green may begin.
    """

    group: Name
    headway: Annotated[Seconds, Field(gt=0)]
    late: Annotated[Seconds, Field(gt=0)] = 60.0
    gap: Annotated[Seconds, Field(gt=0)] | None = None
    extend: Annotated[Seconds, Field(le=30)] = 10.0
    early: Annotated[Seconds, Field(le=30)] = 10.0


class BusesPart(Part):
    """Buses that may ask for priority, by line. `again_after`: after one was let through, for how
    long no other one is; not less than a cycle, so that whoever crosses gets theirs back."""

    again_after: Annotated[Seconds, Field(gt=0)] = 120.0
    lines: Annotated[dict[Code, BusLinePart], Field(min_length=1)]


class PlacePart(Part):
    """Where a junction is: degrees, WGS-84."""

    latitude: Annotated[float, Field(strict=True, ge=-90, le=90)]
    longitude: Annotated[float, Field(strict=True, ge=-180, le=180)]


class JunctionFile(Part):
    """One version of one junction, from a day on.

    `schedule`: which plan is in force when; the first one always where it is empty.
    `yellow_traps_by_plan`: only the plans must be free of yellow traps, and not each change from
    one stage to another. `crossings`: for each pedestrian group the bearings of the arms that it
    crosses. `to_stop_line`: of lanes behind a short one, how far their end is before the nearest
    stop line that they lead to. `number`: what others call the junction by that take numbers only
    (IntersectionID of SAE J2735).
    """

    valid_from: date
    junction: Code
    number: Annotated[int, Field(strict=True, ge=1, le=65_535)] | None = None
    name: Text
    name_en: Text | None = None
    place: PlacePart | None = None
    source: Text
    department: Code | None = None
    groups: Annotated[dict[Name, VehicleGroup | PedestrianGroup], Field(min_length=1)]
    conflicts: tuple[tuple[Name, Name], ...]
    intergreens: dict[Name, dict[Name, Seconds]]
    permissive: tuple[Permissive, ...] = ()
    yellow_traps_by_plan: bool = False
    stages: Annotated[
        dict[Name, Annotated[tuple[Name, ...], Field(min_length=1)]], Field(min_length=1)
    ]
    plans: Annotated[dict[Code, PlanPart], Field(min_length=1)]
    schedule: tuple[DayPlan, ...] = ()
    start: StartPart
    limits: Limits = Limits()
    lanes: dict[Label, LanePart] = {}
    to_stop_line: dict[Label, Metres] = {}
    exits: dict[Label, ExitPart] = {}
    movements: dict[Label, MovementPart] = {}
    crossings: dict[Name, Annotated[tuple[Bearing, ...], Field(min_length=1)]] = {}
    detectors: dict[Label, DetectorPart] = {}
    buses: BusesPart | None = None
