"""Entitlements: what money is drawn on, by one application at a time.

Stream `entitlement-<id>`, one for each loan, home or person and kind; the id is a keyed digest,
so nobody reads a contract number from it. Two spouses who withdraw for one loan meet here: the
stream is strict, one claim is first. The topics below are the storage format.
"""

from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import Refused

# --- events -------------------------------------------------------------------------------


class EntitlementClaimed(StreamEvent):
    """An application that was approved draws on this, alone until it is settled or released."""

    TOPIC: ClassVar[str] = "entitlement.claimed"
    application_id: str
    citizen_id: str
    amount_fen: int

    def apply(self, aggregate: Any) -> None:
        aggregate.holder = self.application_id


class EntitlementOpened(StreamCreated):
    """Somebody draws on this for the first time, by an application for `service`."""

    TOPIC: ClassVar[str] = "entitlement.opened"
    service: str


class EntitlementSettled(StreamEvent):
    """The money was paid."""

    TOPIC: ClassVar[str] = "entitlement.settled"
    application_id: str
    payment_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.holder = None
        aggregate.settled_at = self.timestamp


class EntitlementReleased(StreamEvent):
    """The claim ended without money."""

    TOPIC: ClassVar[str] = "entitlement.released"
    application_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.holder = None


# --- refusals -----------------------------------------------------------------------------


class AlreadyClaimed(Refused):
    """Another application, of the spouse perhaps, is being paid from this."""

    code = "claimed-by-another-application"


class DrawnMeanwhile(Refused):
    """Another application was paid from this after the records were asked for."""

    code = "drawn-meanwhile"


# --- state and decisions ------------------------------------------------------------------


class Entitlement(StreamAggregate):
    """What one application at a time draws on."""

    TOPIC: ClassVar[str] = "entitlement"
    category: ClassVar[str] = "entitlement"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        EntitlementOpened,
        EntitlementClaimed,
        EntitlementSettled,
        EntitlementReleased,
    )

    def __init__(self, service: str) -> None:
        self.service = service
        self.holder: str | None = None
        self.settled_at: datetime | None = None

    @classmethod
    def open(cls, now: datetime, *, entitlement_id: str, service: str) -> "Entitlement":
        """Nobody has drawn on it before."""
        return cls._create(EntitlementOpened, id=entitlement_id, timestamp=now, service=service)

    def claim(
        self,
        now: datetime,
        *,
        application_id: str,
        citizen_id: str,
        amount_fen: int,
        requested_at: datetime,
    ) -> None:
        """Take it, unless another has it, or was paid after our records were asked for."""
        if self.holder == application_id:
            return
        if self.holder is not None:
            raise AlreadyClaimed("another application is being paid from this")
        if self.settled_at is not None and self.settled_at >= requested_at:
            raise DrawnMeanwhile("another application was paid from this meanwhile")
        self._trigger(
            EntitlementClaimed,
            now,
            application_id=application_id,
            citizen_id=citizen_id,
            amount_fen=amount_fen,
        )

    def settle(self, now: datetime, *, application_id: str, payment_id: str) -> None:
        """It was paid; told twice, it stays so."""
        if self.holder == application_id:
            self._trigger(
                EntitlementSettled, now, application_id=application_id, payment_id=payment_id
            )

    def release(self, now: datetime, *, application_id: str) -> None:
        """It was not paid; told twice, or by who does not hold it, nothing happens."""
        if self.holder == application_id:
            self._trigger(EntitlementReleased, now, application_id=application_id)

    def _trigger(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        self.trigger_event(event, timestamp=max(now, self.modified_on), **fields)
