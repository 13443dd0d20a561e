"""Who owes something for a stay is told, a few times, and then it is overdue.

Nobody is told while it is disputed, or while a payment may be theirs that an officer looks into.
"""

from datetime import datetime

from citybrain.domain.parking.debt_events import (
    SessionDeferred,
    SessionNoticeDelivered,
    SessionOverdue,
    SessionReminded,
)
from citybrain.domain.parking.session import ParkingSession


def alarm_at(session: ParkingSession) -> datetime | None:
    """When it is looked at again, where nobody does anything."""
    if session.settled or session.voided or session.dispute == "open" or session.payer is None:
        return None
    if None in session.strays.values():
        return None  # perhaps they have paid, and an officer looks
    return session.remind_at or (None if session.overdue else session.overdue_at)


def put_off(session: ParkingSession, now: datetime, *, remind_at: datetime) -> None:
    """What is owed is looked into: nobody is told before."""
    if session.deferred is not None and session.remind_at is not None:
        said = {"claim_id": session.claim, "reason": session.deferred, "remind_at": remind_at}
        session.trigger_event(SessionDeferred, timestamp=now, **said)


def remind(
    session: ParkingSession,
    now: datetime,
    number: int,
    *,
    next_at: datetime | None,
    overdue_at: datetime | None,
) -> None:
    """Who owes it was told; once for each number.

    `overdue_at` where the message was taken: the first one that was says when it is overdue.
    """
    if number != session.reminders + 1:
        return
    said = {"number": number, "citizen_id": session.payer, "next_at": next_at}
    session.trigger_event(SessionReminded, timestamp=now, **said)
    if overdue_at is not None and session.overdue_at is None:
        session.trigger_event(
            SessionNoticeDelivered, timestamp=now, number=number, overdue_at=overdue_at
        )


def note_overdue(session: ParkingSession, now: datetime) -> None:
    """Told, and not paid in time; once."""
    if not session.overdue and session.overdue_at is not None and now >= session.overdue_at:
        session.trigger_event(SessionOverdue, timestamp=now, amount_fen=session.owed_fen)
