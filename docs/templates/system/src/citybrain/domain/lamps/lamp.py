"""What can happen to a lamp, what is refused; stream `lamp-<id>`.

The topics below are the storage format: never rename one. No I/O here: a decision takes the state
and the present, and triggers events or raises a refusal.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import Refused

MAY_REGISTER = (Role.OPERATOR,)
MAY_REPORT = (Role.CITIZEN, Role.OFFICIAL, Role.OPERATOR)
MAY_MEND = (Role.OFFICIAL,)
MAY_READ = (Role.CITIZEN, Role.OFFICIAL, Role.OPERATOR, Role.AUDITOR)


class LampStatus(StrEnum):
    """How a lamp is."""

    WORKING = "working"
    BROKEN = "broken"


class LampRegistered(StreamCreated):
    """A lamp is known from here on."""

    TOPIC: ClassVar[str] = "lamp.registered"
    place: str
    simulated: bool


class LampReportedBroken(StreamEvent):
    """Somebody saw that it does not work."""

    TOPIC: ClassVar[str] = "lamp.reported_broken"
    what: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = STATUS_AFTER[self.TOPIC].value


class LampMended(StreamEvent):
    """It works again."""

    TOPIC: ClassVar[str] = "lamp.mended"
    note: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = STATUS_AFTER[self.TOPIC].value


STATUS_AFTER = {
    LampRegistered.TOPIC: LampStatus.WORKING,
    LampReportedBroken.TOPIC: LampStatus.BROKEN,
    LampMended.TOPIC: LampStatus.WORKING,
}
"""The status that an event leads to: here, and in whatever shows a status."""


class LampIsBroken(Refused):
    """That it is broken is known."""

    code = "lamp-is-broken"


class LampWorks(Refused):
    """It is not known to be broken, so there is nothing to mend."""

    code = "lamp-works"


class Lamp(StreamAggregate):
    """One lamp."""

    TOPIC: ClassVar[str] = "lamp"
    category: ClassVar[str] = "lamp"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        LampRegistered,
        LampReportedBroken,
        LampMended,
    )

    def __init__(self, place: str, simulated: bool) -> None:
        self.place = place
        self.simulated = simulated
        self.status: str = STATUS_AFTER[LampRegistered.TOPIC].value

    @classmethod
    def register(cls, actor: Actor, now: datetime, *, place: str, simulated: bool) -> "Lamp":
        """A new one; raises `RoleNotAllowed`."""
        _require(actor, *MAY_REGISTER)
        return cls._create(
            LampRegistered, id=cls.new_id(), timestamp=now, place=place, simulated=simulated
        )

    def report(self, actor: Actor, now: datetime, *, what: str) -> None:
        """It is broken; raises `RoleNotAllowed`, `LampIsBroken`."""
        _require(actor, *MAY_REPORT)
        if self.status == LampStatus.BROKEN:
            raise LampIsBroken("that it is broken is known")
        self.trigger_event(LampReportedBroken, timestamp=now, what=what)

    def mend(self, actor: Actor, now: datetime, *, note: str) -> None:
        """It works again; raises `RoleNotAllowed`, `LampWorks`."""
        _require(actor, *MAY_MEND)
        if self.status != LampStatus.BROKEN:
            raise LampWorks("it is not known to be broken")
        self.trigger_event(LampMended, timestamp=now, note=note)


def _require(actor: Actor, *roles: Role) -> None:
    if not actor.has(*roles):
        raise RoleNotAllowed(f"this takes the role {' or '.join(roles)}")
