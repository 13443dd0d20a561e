"""The events of a signal-controlled junction's day. Their topics are the storage format.

Moments inside are whole milliseconds since 1970 (UTC); `timestamp` is when it was decided.
"""

from dataclasses import field
from datetime import UTC, datetime
from typing import Any, ClassVar

from citybrain.domain.stream import StreamCreated, StreamEvent

STRATEGIES_KEPT = 9
BUS_KEPT = (
    "line",
    "group",
    "status",
    "because",
    "arrives",
    "late_ms",
    "gap_ms",
    "until",
    "granted_at",
)
"""What the state remembers of a bus that asks."""
OF_CONTROLLER = ("conflict", "restarts")
"""Kinds of flashing that the controller has begun by itself."""


def milliseconds(at: datetime) -> int:
    """A moment in milliseconds since 1970."""
    return round(at.timestamp() * 1000)


def moment(ms: int) -> datetime:
    """The moment (UTC) that is so many milliseconds after 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC)


class SignalDayOpened(StreamCreated):
    """A day begins; `carried` is all that goes on from the day before, empty on the first.

    `reason`: why the junction was put in service, on its first day. `simulated`: it does not exist.
    """

    TOPIC: ClassVar[str] = "signal.day_opened"
    junction: str
    day: str
    definition_version: str
    groups: list[str]
    carried: dict[str, Any]
    reason: str = field(default="", kw_only=True)
    simulated: bool = field(default=False, kw_only=True)


class SignalDayClosed(StreamEvent):
    """The day is over; the next one's stream goes on with `carried`."""

    TOPIC: ClassVar[str] = "signal.day_closed"
    next_day: str

    def apply(self, aggregate: Any) -> None:
        aggregate.closed = True


class Called(StreamEvent):
    """Somebody waits at a group: a button was pressed, or a detector sees them."""

    TOPIC: ClassVar[str] = "signal.called"
    group: str
    since: int
    by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.calls[self.group] = self.since


class StageApplied(StreamEvent):
    """The lamps change, as worked out: `ends` (end of green, red from), `starts` (green from).

    `stage`: None where the groups are no stage of the definition. `source`: who decided. `cause`:
    why. `command`: epoch, number and end, where it was one. `why`: what the decision rested on.
    """

    TOPIC: ClassVar[str] = "signal.stage_applied"
    stage: str | None
    groups: list[str]
    source: str
    cause: str
    at: int
    ends: dict[str, list[int]]
    starts: dict[str, int]
    kept: list[str]
    given_up: list[str]
    command: list[int] | None
    why: dict[str, Any]

    def apply(self, aggregate: Any) -> None:
        aggregate.change(self)


class WishRefused(StreamEvent):
    """A wish was not followed: `rule` is the first that it breaks, `broken` are all."""

    TOPIC: ClassVar[str] = "signal.refused"
    what: str
    groups: list[str]
    source: str
    rule: int
    broken: list[int]
    detail: str
    command: list[int] | None

    def apply(self, aggregate: Any) -> None:
        aggregate.note_outcome(self.command, self.rule)


class CommandKept(StreamEvent):
    """A command wished for what is so already."""

    TOPIC: ClassVar[str] = "signal.command_kept"
    command: list[int]

    def apply(self, aggregate: Any) -> None:
        aggregate.note_outcome(self.command, 0)
        aggregate.hear_centre(self.command, self.timestamp)


class ModeChanged(StreamEvent):
    """Who decides by itself from here on, `local` or `centre`; the epoch of its commands."""

    TOPIC: ClassVar[str] = "signal.mode_changed"
    mode: str
    epoch: int
    reason: str
    by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.mode, aggregate.epoch = self.mode, self.epoch
        aggregate.mode_reason, aggregate.mode_by = self.reason, self.by
        aggregate.heard = aggregate.mode_at = milliseconds(self.timestamp)
        if self.mode != "local":
            aggregate.last_sequence, aggregate.outcomes = 0, {}


class PlanActivated(StreamEvent):
    """The plan that the controller follows by itself.

    `offset_from_ms`: the offset that it begins with; it moves to the plan's by bounded steps.
    """

    TOPIC: ClassVar[str] = "signal.plan_activated"
    plan: str
    by: str
    reason: str
    offset_from_ms: int
    at: int

    def apply(self, aggregate: Any) -> None:
        aggregate.plan = self.plan
        aggregate.offset = [self.offset_from_ms, self.at]


class StrategyChosen(StreamEvent):
    """By what the junction is to be controlled, from a moment on: `plan`, or a strategy's name."""

    TOPIC: ClassVar[str] = "signal.strategy_chosen"
    strategy: str
    begins: int
    by: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        before = [each for each in aggregate.strategies if each["begins"] < self.begins]
        chosen = {"strategy": self.strategy, "begins": self.begins}
        aggregate.strategies = [*before[-STRATEGIES_KEPT:], chosen]


class TakenInHand(StreamEvent):
    """A person decides, until a moment or until they give it back."""

    TOPIC: ClassVar[str] = "signal.taken_in_hand"
    by: str
    reason: str
    until: int

    def apply(self, aggregate: Any) -> None:
        aggregate.hand = {"by": self.by, "reason": self.reason, "until": self.until}


class HandReleased(StreamEvent):
    """The person gave it back, or the time was over."""

    TOPIC: ClassVar[str] = "signal.hand_released"
    reason: str
    at: int

    def apply(self, aggregate: Any) -> None:
        aggregate.hand = None


class PreemptionAsked(StreamEvent):
    """A vehicle asks for a stage; the highest level comes first, then who asked first."""

    TOPIC: ClassVar[str] = "signal.preemption_asked"
    preemption: str
    stage: str
    level: int
    vehicle: str
    until: int
    at: int

    def apply(self, aggregate: Any) -> None:
        aggregate.preemptions[self.preemption] = {
            "stage": self.stage,
            "level": self.level,
            "vehicle": self.vehicle,
            "until": self.until,
            "asked_at": self.at,
        }


class PreemptionGranted(StreamEvent):
    """This one has the junction now; `instead_of` was told to wait."""

    TOPIC: ClassVar[str] = "signal.preemption_granted"
    preemption: str
    instead_of: str | None
    at: int

    def apply(self, aggregate: Any) -> None:
        aggregate.granted = self.preemption


class PreemptionEnded(StreamEvent):
    """The vehicle has passed, gave up, or its time was over. `waited_ms`: who waits, how long."""

    TOPIC: ClassVar[str] = "signal.preemption_ended"
    preemption: str
    reason: str
    waited_ms: dict[str, int]
    at: int

    def apply(self, aggregate: Any) -> None:
        aggregate.preemptions.pop(self.preemption, None)
        if aggregate.granted == self.preemption:
            aggregate.granted = None


class BusAnswered(StreamEvent):
    """A bus asked for priority, and what it was told; `status` in the words of SAE J2735's SSM.

    `because`: `late` or `gap` where it is granted, else why not. `arrives`: when it comes;
    `late_ms`: behind its timetable; `gap_ms`: to the bus before; None: not known. `granted_at`:
    since when it has priority, None without.
    """

    TOPIC: ClassVar[str] = "signal.bus_answered"
    request: str
    line: str
    group: str
    status: str
    because: str
    arrives: int
    late_ms: int | None
    gap_ms: int | None
    until: int
    granted_at: int | None
    at: int

    def apply(self, aggregate: Any) -> None:
        asked = {name: getattr(self, name) for name in BUS_KEPT}
        aggregate.priorities[self.request] = asked
        newest = aggregate.prioritised
        if self.granted_at is not None:
            aggregate.prioritised = {"request": self.request, "ended": None, **asked}
        elif newest is not None and newest["request"] == self.request and not newest["ended"]:
            newest["ended"] = self.at


class BusEnded(StreamEvent):
    """A bus has `passed`, does not come (`cancelled`), or did not say so (`expired`)."""

    TOPIC: ClassVar[str] = "signal.bus_ended"
    request: str
    reason: str
    at: int

    def apply(self, aggregate: Any) -> None:
        asked = aggregate.priorities.pop(self.request)
        if self.reason == "passed":
            aggregate.buses_passed[asked["line"]] = self.at
        newest = aggregate.prioritised
        if newest is not None and newest["request"] == self.request and not newest["ended"]:
            newest["ended"] = self.at


class FlashBegun(StreamEvent):
    """All lamps flash until a person ends it: after a `conflict`, too many restarts, by hand."""

    TOPIC: ClassVar[str] = "signal.flash_begun"
    kind: str
    detail: str
    at: int

    def apply(self, aggregate: Any) -> None:
        aggregate.flash = {"kind": self.kind, "since": self.at}
        aggregate.darken(self.at, self.at)
        aggregate.send(self.originator_version, self.at, awaited=self.kind not in OF_CONTROLLER)


class PoweredUp(StreamEvent):
    """Power came back: flashing, all red, then the first stage. What was before is history."""

    TOPIC: ClassVar[str] = "signal.powered_up"
    stage: str
    groups: list[str]
    flash_until: int
    all_red_until: int
    at: int

    def apply(self, aggregate: Any) -> None:
        aggregate.restarts = [*aggregate.restarts, self.at][-10:]
        aggregate.start(self.stage, self.groups, self.at, self.flash_until, self.all_red_until)
        aggregate.send(self.originator_version, self.at, awaited=False)


class Reset(StreamEvent):
    """A person ended the flashing: all red, then the first stage."""

    TOPIC: ClassVar[str] = "signal.reset"
    by: str
    reason: str
    stage: str
    groups: list[str]
    all_red_until: int
    at: int

    def apply(self, aggregate: Any) -> None:
        aggregate.restarts, aggregate.flash = [], None
        aggregate.faults.pop("conflict", None)
        aggregate.faults.pop("restarts", None)
        aggregate.start(self.stage, self.groups, self.at, self.at, self.all_red_until)
        aggregate.send(self.originator_version, self.at, awaited=True)


class ControllerConnected(StreamEvent):
    """A controller in the street is heard: what is decided is sent to it from now on."""

    TOPIC: ClassVar[str] = "signal.controller_connected"
    controller: str

    def apply(self, aggregate: Any) -> None:
        aggregate.controller, aggregate.unacknowledged = self.controller, None


class Acknowledged(StreamEvent):
    """The controller follows a command, or cannot: what it shows, `said_at` by its own clock."""

    TOPIC: ClassVar[str] = "signal.acknowledged"
    number: str
    followed: bool
    said_at: int
    lamps: dict[str, str]

    def apply(self, aggregate: Any) -> None:
        if aggregate.unacknowledged and aggregate.unacknowledged["number"] == self.number:
            aggregate.unacknowledged = None


class FaultRaised(StreamEvent):
    """Something is wrong with the controller, its clock or its lamps."""

    TOPIC: ClassVar[str] = "signal.fault_raised"
    fault: str
    detail: str

    def apply(self, aggregate: Any) -> None:
        aggregate.faults[self.fault] = self.detail
        if self.fault == "controller":
            aggregate.unacknowledged = None


class FaultCleared(StreamEvent):
    """It is right again."""

    TOPIC: ClassVar[str] = "signal.fault_cleared"
    fault: str
    by: str = field(default="", kw_only=True)

    def apply(self, aggregate: Any) -> None:
        aggregate.faults.pop(self.fault, None)


EVENTS: tuple[type[StreamEvent], ...] = (
    SignalDayOpened,
    SignalDayClosed,
    Called,
    StageApplied,
    WishRefused,
    CommandKept,
    ModeChanged,
    PlanActivated,
    StrategyChosen,
    TakenInHand,
    HandReleased,
    PreemptionAsked,
    PreemptionGranted,
    PreemptionEnded,
    BusAnswered,
    BusEnded,
    FlashBegun,
    PoweredUp,
    Reset,
    ControllerConnected,
    Acknowledged,
    FaultRaised,
    FaultCleared,
)

SETS_LAMPS = (StageApplied.TOPIC, FlashBegun.TOPIC, PoweredUp.TOPIC, Reset.TOPIC)
"""The topics of those after which lamps show something else."""
