"""Sessions of a time priced again, as one batch: by a tariff version that reaches back.

Stream `parking_repricing-<id>`. What it comes to is found first, and nothing changes by that; where
money goes back, somebody else than who proposed it agrees to these sums. How far it has come is in
the stream, so what was cut short goes on. What was not paid is lowered by rule, by a batch of its
own that takes nobody's word.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

from citybrain.domain.actor import Actor, RoleNotAllowed
from citybrain.domain.parking.looking import DECIDERS
from citybrain.domain.separation import check_apart
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import InvalidInput, Refused

SUMS = ("sessions", "cheaper", "lowered_fen", "refunded_fen")
"""Of how many sessions, how many cost less, by how much, and what of that was paid."""


class Scope(StrEnum):
    """Which sessions."""

    ALL = "all"
    UNPAID = "unpaid"


class RepricingStatus(StrEnum):
    """Where a batch stands."""

    PREVIEWING = "previewing"
    PROPOSED = "proposed"
    RUNNING = "running"
    COMPLETED = "completed"
    TURNED_BACK = "turned-back"


# --- events -------------------------------------------------------------------------------


class RepricingProposed(StreamCreated):
    """Stays of this time are to be priced again where `version` makes them cheaper."""

    TOPIC: ClassVar[str] = "parking.repricing_proposed"
    version_id: str
    begins: datetime
    ends: datetime
    scope: str
    reason: str
    proposed_by: str


class RepricingPreviewed(StreamEvent):
    """What it comes to, as sessions stand; nothing was changed."""

    TOPIC: ClassVar[str] = "parking.repricing_previewed"
    sessions: int
    cheaper: int
    lowered_fen: int
    refunded_fen: int

    def apply(self, aggregate: Any) -> None:
        aggregate.preview = {name: getattr(self, name) for name in SUMS}
        aggregate.status = RepricingStatus.PROPOSED.value
        if aggregate.scope == Scope.UNPAID:
            aggregate.status = RepricingStatus.RUNNING.value


class RepricingConfirmed(StreamEvent):
    """Somebody else agrees to it."""

    TOPIC: ClassVar[str] = "parking.repricing_confirmed"
    confirmed_by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = RepricingStatus.RUNNING.value


class RepricingTurnedBack(StreamEvent):
    """Somebody else does not agree, or who proposed it wants it no more."""

    TOPIC: ClassVar[str] = "parking.repricing_turned_back"
    turned_back_by: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = RepricingStatus.TURNED_BACK.value


class RepricingProgressed(StreamEvent):
    """A part of it is done, up to a session; the sums are of this part."""

    TOPIC: ClassVar[str] = "parking.repricing_progressed"
    arrived_at: datetime
    session_id: str
    sessions: int
    cheaper: int
    lowered_fen: int
    refunded_fen: int

    def apply(self, aggregate: Any) -> None:
        aggregate.after = [self.arrived_at, self.session_id]
        for name in SUMS:
            aggregate.done[name] += getattr(self, name)


class RepricingCompleted(StreamEvent):
    """All of it is done; the sums are of all."""

    TOPIC: ClassVar[str] = "parking.repricing_completed"
    sessions: int
    cheaper: int
    lowered_fen: int
    refunded_fen: int

    def apply(self, aggregate: Any) -> None:
        aggregate.status = RepricingStatus.COMPLETED.value


# --- refusals -----------------------------------------------------------------------------


class Part(StrEnum):
    """A part that somebody had: the rule that a refusal names."""

    PROPOSED = "proposed-it"


class RepricingTimesWrong(InvalidInput):
    """A time that is over, from when the version holds on."""

    code = "repricing-times-wrong"


class TariffDoesNotReachBack(Refused):
    """The version held on no day before it was published: every stay knew it."""

    code = "tariff-does-not-reach-back"


class RepricingOutOfStep(Refused):
    """As the batch stands this cannot be done; `status` says how it stands."""

    code = "repricing-out-of-step"


class RepricingSumsDiffer(Refused):
    """The preview came to other sums than those that are agreed to."""

    code = "repricing-sums-differ"


# --- state and decisions ------------------------------------------------------------------


class ParkingRepricing(StreamAggregate):
    """One batch."""

    TOPIC: ClassVar[str] = "parking.repricing"
    category: ClassVar[str] = "parking_repricing"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        RepricingProposed,
        RepricingPreviewed,
        RepricingConfirmed,
        RepricingTurnedBack,
        RepricingProgressed,
        RepricingCompleted,
    )

    def __init__(
        self,
        version_id: str,
        begins: datetime,
        ends: datetime,
        scope: str,
        reason: str,
        proposed_by: str,
    ) -> None:
        self.version_id, self.begins, self.ends = version_id, begins, ends
        self.scope, self.reason, self.proposed_by = scope, reason, proposed_by
        self.status = RepricingStatus.PREVIEWING.value
        self.preview: dict[str, int] | None = None
        self.after: list[Any] | None = None
        self.done: dict[str, int] = dict.fromkeys(SUMS, 0)

    @classmethod
    def of_version(cls, version_id: str) -> str:
        """The stream of what a version lowers by rule: of stays that were not paid."""
        return f"{cls.category}-{uuid5(NAMESPACE_URL, f'citybrain:repricing:{version_id}').hex}"

    @classmethod
    def propose(
        cls,
        now: datetime,
        *,
        repricing_id: str,
        version_id: str,
        begins: datetime,
        ends: datetime,
        scope: Scope,
        reason: str,
        proposed_by: str,
    ) -> "ParkingRepricing":
        """Price stays of this time again; raises `RepricingTimesWrong`."""
        if not begins < ends <= now:
            raise RepricingTimesWrong("a time that begins, ends, and is over")
        return cls._create(
            RepricingProposed,
            id=repricing_id,
            timestamp=now,
            version_id=version_id,
            begins=begins,
            ends=ends,
            scope=scope.value,
            reason=reason,
            proposed_by=proposed_by,
        )

    def previewed(self, now: datetime, sums: dict[str, int]) -> None:
        """What it comes to is known; once."""
        if self.status == RepricingStatus.PREVIEWING:
            self._trigger(RepricingPreviewed, now, **sums)

    def confirm(
        self,
        actor: Actor,
        now: datetime,
        *,
        lowered_fen: int,
        refunded_fen: int,
        departments: Collection[str],
    ) -> None:
        """Agree to what somebody else proposed, and to what it comes to."""
        check_officer(actor, departments)
        check_apart(actor, {Part.PROPOSED: [self.proposed_by]})
        self._expect(RepricingStatus.PROPOSED)
        assert self.preview is not None
        agreed = (self.preview["lowered_fen"], self.preview["refunded_fen"])
        if agreed != (lowered_fen, refunded_fen):
            raise RepricingSumsDiffer("the preview came to other sums", **self.preview)
        self._trigger(RepricingConfirmed, now, confirmed_by=actor.subject)

    def turn_back(
        self, actor: Actor, now: datetime, *, reason: str, departments: Collection[str]
    ) -> None:
        """It is not done."""
        check_officer(actor, departments)
        self._expect(RepricingStatus.PREVIEWING, RepricingStatus.PROPOSED)
        self._trigger(RepricingTurnedBack, now, turned_back_by=actor.subject, reason=reason)

    def progress(
        self, now: datetime, sums: dict[str, int], *, arrived_at: datetime, session_id: str
    ) -> None:
        """Sessions up to this one are done."""
        if self.status == RepricingStatus.RUNNING:
            place = {"arrived_at": arrived_at, "session_id": session_id}
            self._trigger(RepricingProgressed, now, **sums, **place)

    def complete(self, now: datetime) -> None:
        """All are done; once."""
        if self.status == RepricingStatus.RUNNING:
            self._trigger(RepricingCompleted, now, **self.done)

    def _expect(self, *statuses: RepricingStatus) -> None:
        if self.status not in statuses:
            raise RepricingOutOfStep(f"the batch is {self.status}", status=self.status)

    def _trigger(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        self.trigger_event(event, timestamp=max(now, self.modified_on), **fields)


def check_officer(actor: Actor, departments: Collection[str]) -> None:
    """Raise unless an officer of parking acts."""
    if not actor.has(*DECIDERS) or actor.department not in departments:
        raise RoleNotAllowed("officers of the department of parking price stays again")
