"""Entitlements: what money is drawn on, by one application at a time.

Stream `entitlement-<id>`, one for each account, loan, home or person; the id is a keyed digest,
so nobody reads a contract number from it. Two spouses who withdraw for one loan meet here, and two
items that pay from one account: the stream is strict, one claim is first. What was paid stays in
it, and an item's limits are held against that. The topics below are the storage format.
"""

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.applications.limits import NONE, Limits, Payment, check_limits
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import Refused

# --- events -------------------------------------------------------------------------------


class EntitlementClaimed(StreamEvent):
    """An application that was approved draws on this, alone until it is settled or released.

    `service` is blank where the claim was made before several items drew on one thing: then it is
    the one that the stream was opened for.
    """

    TOPIC: ClassVar[str] = "entitlement.claimed"
    application_id: str
    citizen_id: str
    amount_fen: int
    service: str = field(default="", kw_only=True)

    def apply(self, aggregate: Any) -> None:
        aggregate.holder = self.application_id
        aggregate.claim_of = {
            "service": self.service or aggregate.service,
            "application_id": self.application_id,
            "citizen_id": self.citizen_id,
            "amount_fen": self.amount_fen,
        }


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
        aggregate.payments.append(aggregate.claim_of | {"at": self.timestamp})


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
    """Another application was paid from this after the records of the decision were asked for."""

    code = "drawn-meanwhile"


class RecordsOutdated(Refused):
    """Money was paid from this after the records at hand were asked for."""

    code = "records-outdated"


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

    class_version: ClassVar[int] = 2  # of its snapshots

    def __init__(self, service: str) -> None:
        self.service = service
        self.holder: str | None = None
        self.claim_of: dict[str, Any] = {}
        self.payments: list[Payment] = []

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Snapshots from before payments were kept: the last one is, of no known amount."""
        unknown = {"service": "", "application_id": "", "citizen_id": "", "amount_fen": 0}
        settled_at = state.pop("settled_at")
        state["claim_of"] = unknown | {"application_id": state["holder"] or ""}
        state["payments"] = [] if settled_at is None else [unknown | {"at": settled_at}]

    @property
    def settled_at(self) -> datetime | None:
        """When it was last paid from."""
        return max((payment["at"] for payment in self.payments), default=None)

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
        service: str,
        amount_fen: int,
        requested_at: datetime,
        decided_on: datetime | None = None,
        limits: Limits = NONE,
        before: Sequence[Payment] = (),
    ) -> None:
        """Take it, unless another has it, was paid meanwhile, or a limit is reached.

        Who has it for another amount claims that: what is settled is what was claimed last.
        `requested_at` is when the records at hand were asked for, `decided_on` those of the
        decision where that is older; `before` is what was paid under an earlier key.
        """
        if self.holder == application_id and self.claim_of["amount_fen"] == amount_fen:
            return
        self.check_free(
            application_id=application_id,
            requested_at=requested_at,
            decided_on=decided_on or requested_at,
        )
        check_limits(
            limits,
            [*before, *self.payments],
            now,
            service=service,
            application_id=application_id,
            amount_fen=amount_fen,
        )
        self._trigger(
            EntitlementClaimed,
            now,
            application_id=application_id,
            citizen_id=citizen_id,
            amount_fen=amount_fen,
            service=service,
        )

    def check_free(
        self, *, application_id: str, requested_at: datetime, decided_on: datetime
    ) -> None:
        """Raise where another application has it, or was paid meanwhile.

        What the application itself was paid makes its records old, and its decision not.
        """
        if self.holder not in (None, application_id):
            raise AlreadyClaimed("another application is being paid from this")
        if self.settled_at is not None and self.settled_at >= requested_at:
            raise RecordsOutdated("money was paid from this meanwhile")
        for payment in self.payments:
            if payment["at"] >= decided_on and payment["application_id"] != application_id:
                raise DrawnMeanwhile("another application was paid from this meanwhile")

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
