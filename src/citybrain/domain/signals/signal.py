"""A signal-controlled junction on a day of the city, `signal-<junction>-<day>`.

What is here is the state and how events change it; what is decided stands by theme beside it:
`requesting`, `waking`, `priority`, `people`. A day ends at a quiet moment and is opened again with
all that goes on: lamps, calls, mode, epoch and numbers, pre-emptions, faults.
"""

from copy import deepcopy
from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.lamps import Lamp, Shown
from citybrain.domain.signals.rules import Source
from citybrain.domain.stream import StreamAggregate, StreamEvent
from citybrain.errors import Refused

LOCAL, CENTRE = "local", "centre"
PLAN = "plan"
"""The choice of no strategy: the junction follows its plan by itself."""
FLASHING, DARK, STARTING = "flashing", "dark", "starting"
NEVER = 1 << 62
OUTCOMES_KEPT = 200
"""Commands of an epoch whose outcome is remembered, so that a repeated one is answered again."""


class DayIsClosed(Refused):
    """The junction's day is over; the next one's stream goes on."""

    code = "signal-day-closed"


class Signal(StreamAggregate):
    """One junction, one day."""

    TOPIC: ClassVar[str] = "signal"
    category: ClassVar[str] = "signal"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = events.EVENTS
    class_version: ClassVar[int] = 4  # of its snapshots

    # What the second version of the state has brought.
    mode_by: str
    mode_at: int  # when the mode was set, in milliseconds since 1970
    heard: int  # the last sign of a centre outside, in milliseconds since 1970
    strategies: list[dict[str, Any]]
    controller: str | None  # the device that was heard
    commanded: dict[str, Any] | None  # the number of what is to be shown, and since when
    unacknowledged: dict[str, Any] | None  # the same, while the controller has not said so

    # What the fourth version has brought.
    priorities: dict[str, dict[str, Any]]  # the buses that ask
    prioritised: dict[str, Any] | None  # the newest that got priority, and when that ended
    buses_passed: dict[str, int]  # by line, in milliseconds since 1970

    def __init__(
        self,
        junction: str,
        day: str,
        definition_version: str,
        groups: list[str],
        carried: dict[str, Any],
        reason: str = "",
        simulated: bool = False,
    ) -> None:
        self.reason, self.simulated = reason, simulated
        self.junction, self.day, self.definition_version = junction, day, definition_version
        self.closed = False
        self.lamp_times: dict[str, list[int | None]] = {code: [None, None, None] for code in groups}
        self.stage: str | None = None
        self.groups: list[str] = []
        self.calls: dict[str, int] = {}
        self.mode, self.mode_reason, self.plan = LOCAL, "", ""
        vars(self).update(_second_version() | _fourth_version())
        self.epoch, self.last_sequence = 0, 0
        self.outcomes: dict[str, int] = {}
        self.hand: dict[str, Any] | None = None
        self.preemptions: dict[str, dict[str, Any]] = {}
        self.granted: str | None = None
        self.flash: dict[str, Any] | None = None
        self.flash_until = self.all_red_until = NEVER  # until it is powered up
        self.offset: list[int] | None = None
        self.restarts: list[int] = []
        self.faults: dict[str, str] = {}
        for name, value in carried.items():
            setattr(self, name, value)

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Snapshots from before strategies and controllers."""
        state.update(_second_version() | {"reason": ""})

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Snapshots from before a junction could be said to be made up."""
        state["simulated"] = False

    @staticmethod
    def upcast_v3_v4(state: dict[str, Any]) -> None:
        """Snapshots from before buses asked."""
        state.update(_fourth_version())

    @classmethod
    def open(
        cls,
        now: datetime,
        junction: Junction,
        *,
        day: str,
        carried: dict[str, Any] | None = None,
        reason: str = "",
        simulated: bool = False,
    ) -> "Signal":
        """A day: the first of a junction, dark until it is powered up, or the next one.

        Where the definition has other groups than the day before, the controller was changed, and
        is powered up as well.
        """
        carried = deepcopy(carried or {})
        if carried and carried["lamp_times"].keys() != junction.groups.keys():
            carried = {name: carried[name] for name in ("epoch", "flash", "restarts", "faults")}
        return cls._create(
            events.SignalDayOpened,
            id=stream_of(junction.code, day),
            timestamp=now,
            junction=junction.code,
            day=day,
            definition_version=junction.version,
            groups=sorted(junction.groups),
            carried=carried,
            reason=reason,
            simulated=simulated,
        )

    def close(self, now: datetime, *, next_day: str) -> None:
        """The day is over; once."""
        if not self.closed:
            at = self.opened(now)
            self.trigger_event(events.SignalDayClosed, timestamp=at, next_day=next_day)

    @property
    def carried(self) -> dict[str, Any]:
        """All that goes on into the next day."""
        return {name: getattr(self, name) for name in CARRIED}

    @property
    def lamps(self) -> dict[str, Lamp]:
        """The lamps of each group."""
        return {code: Lamp(*times) for code, times in self.lamp_times.items()}

    def shown(self, code: str, at: int) -> Shown:
        """What a group shows at `at` (milliseconds since 1970), as far as is decided."""
        if self.flash is not None or at < self.flash_until:
            return Shown.FLASH
        return Lamp(*self.lamp_times[code]).shown(at)

    def writer(self, at: int) -> Source | None:
        """Who decides at `at`; nobody while it flashes or comes back."""
        if self.flash is not None or at < self.all_red_until:
            return None
        if self.hand is not None:
            return Source.HAND
        if self.granted is not None:
            return Source.PREEMPTION
        return Source.CENTRE if self.mode == CENTRE else Source.LOCAL

    @property
    def standing(self) -> str:
        """Who has the junction, whatever the time is; `dark` before it is first powered up."""
        if self.flash is not None:
            return FLASHING
        if self.all_red_until == NEVER:
            return DARK
        if self.hand is not None:
            return Source.HAND.name.lower()
        return Source.PREEMPTION.name.lower() if self.granted is not None else self.mode

    def standing_at(self, at: int) -> str:
        """The same at `at`: `starting` while it comes back."""
        standing = self.standing
        starts = standing not in (FLASHING, DARK) and at < self.all_red_until
        return STARTING if starts else standing

    def strategy_began(self, at: int) -> int:
        """Since when the strategy that is in force at `at` is; 0 where none was ever chosen."""
        return max((each["begins"] for each in self.strategies if each["begins"] <= at), default=0)

    def strategy_changes(self, at: int) -> int | None:
        """When another choice begins, in milliseconds since 1970; None where none is known."""
        later = [each["begins"] for each in self.strategies if each["begins"] > at]
        return min(later, default=None)

    def strategy_at(self, at: int) -> str:
        """By what it is to be controlled at `at`: `plan`, or a strategy's name."""
        chosen = [each["strategy"] for each in self.strategies if each["begins"] <= at]
        return chosen[-1] if chosen else PLAN

    def opened(self, now: datetime) -> datetime:
        """The moment of a decision; raises `DayIsClosed` where another stream goes on.

        A junction's time never runs back: where our clock was set back it stands still, so that
        nothing that had expired counts again, and no green is taken for one that is to come.
        """
        if self.closed:
            raise DayIsClosed("the day of this junction is closed", junction=self.junction)
        return max(now, self.modified_on)

    def change(self, applied: events.StageApplied) -> None:
        """Fold a change of lamps."""
        lamps, at = self.lamp_times, applied.at
        for code in applied.given_up:
            lamps[code][0] = None
        self.forget_served(at)
        for code in applied.kept:
            lamps[code] = [lamps[code][0], None, None]
        for code, (end, red_from) in applied.ends.items():
            lamps[code][1:] = [end, red_from]
        for code, start in applied.starts.items():
            lamps[code][0] = start
        self.stage, self.groups = applied.stage, applied.groups
        self.note_outcome(applied.command, 0)
        self.hear_centre(applied.command, applied.timestamp)
        self.send(applied.originator_version, at, awaited=applied.source != LOCAL)

    def forget_served(self, at: int) -> None:
        """Who was green since they called waits no more."""
        lamps = self.lamps
        self.calls = {
            code: since
            for code, since in self.calls.items()
            if since > at or not lamps[code].is_green(at)
        }

    def note_outcome(self, command: list[int] | None, outcome: int) -> None:
        """Remember what became of a command: 0, or the rule that refused it."""
        if command is None or command[0] != self.epoch:
            return
        self.last_sequence = max(self.last_sequence, command[1])
        self.outcomes[str(command[1])] = outcome
        for number in list(self.outcomes)[:-OUTCOMES_KEPT]:
            del self.outcomes[number]

    def send(self, version: int, at: int, *, awaited: bool) -> None:
        """What a controller is to show changed; `awaited`: it has to say that it follows."""
        self.commanded = {"number": f"{self.day}/{version}", "at": at}
        self.unacknowledged = self.commanded if awaited and self.controller else None

    def hear_centre(self, command: list[int] | None, at: datetime) -> None:
        """A command that was followed is a sign of the centre that sent it."""
        if command is not None and command[0] == self.epoch:
            self.heard = max(self.heard, events.milliseconds(at))

    def darken(self, at: int, red_from: int) -> None:
        """No lamp is green any more, nor will be; whoever waits goes on waiting.

        A green that would begin at this moment is none.
        """
        self.forget_served(at - 1)
        self.lamp_times = {code: [None, None, red_from] for code in self.lamp_times}
        self.stage, self.groups, self.granted = None, [], None

    def start(
        self, stage: str, groups: list[str], at: int, flash_until: int, all_red_until: int
    ) -> None:
        """Flash, all red, and the first stage at the end of it."""
        self.darken(at, flash_until)
        self.flash_until, self.all_red_until = flash_until, all_red_until
        for code in groups:
            self.lamp_times[code][0] = all_red_until
        self.stage, self.groups = stage, groups


CARRIED = (
    "lamp_times",
    "stage",
    "groups",
    "calls",
    "mode",
    "mode_reason",
    "plan",
    "epoch",
    "last_sequence",
    "outcomes",
    "hand",
    "preemptions",
    "granted",
    "flash",
    "flash_until",
    "all_red_until",
    "offset",
    "restarts",
    "faults",
    "mode_by",
    "mode_at",
    "heard",
    "strategies",
    "controller",
    "commanded",
    "unacknowledged",
    "priorities",
    "prioritised",
    "buses_passed",
)
"""The members of the state that go on into the next day; a test holds that none is missing."""


def _second_version() -> dict[str, Any]:
    later = dict.fromkeys(("controller", "commanded", "unacknowledged"))
    return {"mode_by": "", "mode_at": 0, "heard": 0, "strategies": [], **later}


def _fourth_version() -> dict[str, Any]:
    return {"priorities": {}, "prioritised": None, "buses_passed": {}}


def stream_of(junction: str, day: str) -> str:
    """The stream of a junction's day."""
    return f"{Signal.category}-{junction}-{day}"


def junction_and_day(stream_id: str) -> tuple[str, str]:
    """Of which junction a stream is, and of which day (`2026-09-14`)."""
    junction, *day = stream_id.partition("-")[2].rsplit("-", 3)
    return junction, "-".join(day)
