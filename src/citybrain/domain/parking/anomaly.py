"""What is not as it should be in the street, and that an officer has looked at it.

An anomaly follows from events of other streams and mostly ends with them: `parking_anomalies` lists
them. One that does not end by itself an officer closes, in a stream of its own,
`parking_anomaly-<id>`. The topic below is the storage format: never rename it.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

from citybrain.domain.actor import Actor, RoleNotAllowed
from citybrain.domain.parking import tailgating
from citybrain.domain.parking.looking import DECIDERS, Part
from citybrain.domain.parking.occupancy import CountAnomaly
from citybrain.domain.parking.refusals import NotApartInParking
from citybrain.domain.separation import check_apart
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import Refused

CATEGORY = "parking_anomaly"


class AnomalyKind(StrEnum):
    """What is not as it should be."""

    EXIT_WITHOUT_ENTRY = "exit-without-entry"
    EXIT_NOT_SEEN = "exit-not-seen"
    NO_SIGN = "no-sign"
    CLONE_CONFLICT = "clone-conflict"
    BARRIER_OPENED = "barrier-opened-by-hand"
    DEVICE_SILENT = "device-silent"
    PAYMENT_MISMATCHED = "payment-mismatched"
    DEPARTED_UNPAID = tailgating.DEPARTED_UNPAID
    COUNTER_DRIFTED = CountAnomaly.COUNTER_DRIFTED.value
    SENTINEL = CountAnomaly.SENTINEL.value
    ABOVE_CAPACITY = CountAnomaly.ABOVE_CAPACITY.value
    COUNT_MISSING = CountAnomaly.MISSING.value


ENDED_BY: dict[AnomalyKind, str] = {
    AnomalyKind.EXIT_NOT_SEEN: "release the session, or correct it",
    AnomalyKind.CLONE_CONFLICT: "decide which of the two sessions is genuine",
    AnomalyKind.PAYMENT_MISMATCHED: "dismiss the mismatch of the claim",
}
"""What officers do about those that money waits for; these are not closed here."""
OF_COUNTS = frozenset(
    {
        AnomalyKind.COUNTER_DRIFTED,
        AnomalyKind.SENTINEL,
        AnomalyKind.ABOVE_CAPACITY,
        AnomalyKind.COUNT_MISSING,
    }
)
"""A count that is not believed. One that is a little below nothing is (`CountState`)."""


class AnomalyState(StrEnum):
    """Where an anomaly is."""

    OPEN = "open"
    CLOSED = "closed"  # by an officer
    ENDED = "ended"  # by itself


class AnomalyReason(StrEnum):
    """Why an officer closes one."""

    EXPLAINED = "explained"
    REPAIRED = "repaired"
    FALSE_ALARM = "false-alarm"
    NOTHING_TO_DO = "nothing-to-do"


class AnomalyClosed(StreamCreated):
    """An officer has looked at it. `since` and what it is of are as they were shown."""

    TOPIC: ClassVar[str] = "parking.anomaly_closed"
    kind: str
    place_id: str | None
    device_id: str | None
    since: datetime
    reason: str
    closed_by: str


class AnomalyEndsItself(Refused):
    """Money waits for what it is about: that is decided, and the anomaly ends with it."""

    code = "parking-anomaly-ends-itself"


class AnomalyOver(Refused):
    """It has ended by itself."""

    code = "parking-anomaly-over"


class ParkingAnomaly(StreamAggregate):
    """An anomaly that an officer has closed."""

    TOPIC: ClassVar[str] = "parking_anomaly"
    category: ClassVar[str] = CATEGORY
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (AnomalyClosed,)

    def __init__(
        self,
        kind: str,
        place_id: str | None,
        device_id: str | None,
        since: datetime,
        reason: str,
        closed_by: str,
    ) -> None:
        self.kind, self.place_id, self.device_id = kind, place_id, device_id
        self.since, self.reason, self.closed_by = since, reason, closed_by

    @classmethod
    def close(
        cls, now: datetime, actor: Actor, *, anomaly_id: str, reason: AnomalyReason, **of: Any
    ) -> "ParkingAnomaly":
        """An officer has looked at it; whether they may was checked (`check_may_close`)."""
        return cls._create(
            AnomalyClosed,
            id=anomaly_id,
            timestamp=now,
            reason=reason.value,
            closed_by=actor.subject,
            **of,
        )


def check_may_close(
    actor: Actor,
    *,
    kind: AnomalyKind,
    ended: bool,
    person: str | None,
    departments: Collection[str],
) -> None:
    """Raise unless an officer of parking may close it, which is about nobody or somebody else.

    Raises `RoleNotAllowed`, `NotApartInParking`, `AnomalyEndsItself`, `AnomalyOver`.
    """
    if not actor.has(*DECIDERS) or actor.department not in departments:
        raise RoleNotAllowed("this is decided by officers of the department of parking")
    people = [] if person is None else [person]
    check_apart(actor, {Part.OWN_CASE: people}, NotApartInParking)
    if kind in ENDED_BY:
        raise AnomalyEndsItself(f"it ends when you do this: {ENDED_BY[kind]}")
    if ended:
        raise AnomalyOver("it has ended by itself")


def anomaly_id(kind: AnomalyKind, *of: str) -> str:
    """The id of an anomaly, which follows from what it is of."""
    return f"{CATEGORY}-{uuid5(NAMESPACE_URL, ':'.join((CATEGORY, kind, *of))).hex}"
