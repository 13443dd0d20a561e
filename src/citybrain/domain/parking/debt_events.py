"""What becomes of what a session owes: paid later, told of, overdue, settled, owed again.

The topics are the storage format: never rename one.
"""

from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.parking import session_claims
from citybrain.domain.parking.session_event import SessionEvent
from citybrain.domain.stream import StreamEvent


class SessionDeferred(SessionEvent):
    """Left first, paid later: who owes it is told at `remind_at`, or later, where that is said."""

    TOPIC: ClassVar[str] = "parking.deferred"
    claim_id: str
    reason: str
    remind_at: datetime

    def note(self, aggregate: Any) -> None:
        aggregate.deferred, aggregate.remind_at = self.reason, self.remind_at


class SessionReminded(SessionEvent):
    """Who owes it was told, as far as that was possible; the next time is `next_at`."""

    TOPIC: ClassVar[str] = "parking.reminded"
    number: int
    citizen_id: str | None
    next_at: datetime | None

    def note(self, aggregate: Any) -> None:
        aggregate.reminders, aggregate.remind_at = self.number, self.next_at


class SessionNoticeDelivered(SessionEvent):
    """The message was taken: it is overdue from `overdue_at` on, by the first that was."""

    TOPIC: ClassVar[str] = "parking.notice_delivered"
    number: int
    overdue_at: datetime

    def note(self, aggregate: Any) -> None:
        aggregate.overdue_at = aggregate.overdue_at or self.overdue_at


class SessionOverdue(SessionEvent):
    """Told, and not paid in time."""

    TOPIC: ClassVar[str] = "parking.overdue"
    amount_fen: int

    def note(self, aggregate: Any) -> None:
        aggregate.overdue = True


class SessionSettled(SessionEvent):
    """Nothing is owed any more: `how` is paid, free or forgone."""

    TOPIC: ClassVar[str] = "parking.settled"
    amount_fen: int
    how: str
    claim_id: str | None

    def note(self, aggregate: Any) -> None:
        aggregate.remind_at, aggregate.overdue = None, False
        if self.claim_id is not None:
            aggregate.claims[self.claim_id]["settled"] = True
        aggregate.settled = session_claims.all_settled(aggregate.claims, aggregate.plate_id)


class SessionReopened(SessionEvent):
    """What was paid was taken back by the payer's bank: it is owed again, from `due_at` on.

    It is not overdue by what they were told before.
    """

    TOPIC: ClassVar[str] = "parking.reopened"
    claim_id: str
    due_at: datetime

    def note(self, aggregate: Any) -> None:
        aggregate.settled, aggregate.due_at = False, self.due_at
        aggregate.overdue_at, aggregate.overdue = None, False
        aggregate.claims[self.claim_id]["settled"] = False


DEBTS: tuple[type[StreamEvent], ...] = (
    SessionDeferred,
    SessionReminded,
    SessionNoticeDelivered,
    SessionOverdue,
    SessionSettled,
    SessionReopened,
)
