"""Paying before leaving: what was asked for, what came of it, and what held up the way out.

Each payment is a claim of its own on what nobody has paid before. While one is under way, leaving
is not priced: as soon as the gateway has spoken, it is, by when the money came and not by when we
were told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citybrain.domain.parking import session_claims
from citybrain.domain.parking.claim import Claim, claim_id
from citybrain.domain.parking.claim_events import PaymentState
from citybrain.domain.parking.grace import Paid
from citybrain.domain.parking.payment import NothingOwed
from citybrain.domain.parking.prepaying_events import (
    SessionPrepaid,
    SessionPrepaymentAsked,
    SessionPrepaymentEnded,
    SessionStrayDecided,
    SessionStrayFound,
    SessionWayOutHeldUp,
)
from citybrain.domain.parking.refusals import SessionLeftAlready, SessionVoid
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.stay import Span
from citybrain.domain.times import as_text, moment

ASKED_ANEW, NOT_PAID = "asked-anew", "not-paid"


@dataclass(frozen=True, slots=True)
class HeldUp:
    """A time in which the way out was blocked, by the sign that began it; `ends` None: still."""

    detection_id: str
    begins: datetime
    ends: datetime | None
    cause: str


def asked_for(session: ParkingSession, request_id: str) -> str | None:
    """The claim that was asked for under this id."""
    for key, claim in session.claims.items():
        if session_claims.is_prepayment(claim) and claim["prepaid"]["request_id"] == request_id:
            return key
    return None


def ask(
    session: ParkingSession,
    now: datetime,
    *,
    request_id: str,
    priced_until: datetime,
    price_fen: int,
    already_fen: int,
    payer: str | None,
    lines: list[dict[str, Any]],
    stay: dict[str, Any],
    tariff_versions: list[str],
) -> None:
    """Ask for what the stay comes to until then, less what was paid; once for a request id.

    What was asked for before and is not paid is over. Raises `SessionVoid`, `SessionLeftAlready`,
    `NothingOwed`.
    """
    if asked_for(session, request_id) is not None:
        return
    if session.voided:
        raise SessionVoid("there was no such session")
    if session.left_at is not None:
        raise SessionLeftAlready("the vehicle has left: what is owed is a claim")
    amount_fen = session_claims.owed_on_leaving_fen(session.claims, session.plate_id, price_fen)
    if not amount_fen:
        raise NothingOwed("the stay costs nothing so far, or has been paid")
    for before in session_claims.under_way(session.claims):
        session.trigger_event(
            SessionPrepaymentEnded, timestamp=now, claim_id=before, reason=ASKED_ANEW
        )
    number = len(session.claims) + 1
    session.trigger_event(
        SessionPrepaymentAsked,
        timestamp=now,
        claim_id=claim_id(session.id, number),
        number=number,
        request_id=request_id,
        priced_until=priced_until,
        amount_fen=amount_fen,
        price_fen=price_fen,
        already_fen=already_fen,
        payer=payer,
        lines=lines,
        stay=stay,
        tariff_versions=tariff_versions,
    )


def follow_claim(
    session: ParkingSession, now: datetime, claim: Claim, *, remind_at: datetime
) -> None:
    """What became of the money of a payment before leaving; each step once."""
    known = session.claims[claim.id]
    stands = known["prepaid"]["stands"]
    if stands == session_claims.ASKED and claim.settled:
        session.trigger_event(
            SessionPrepaid,
            timestamp=now,
            claim_id=claim.id,
            amount_fen=claim.amount_fen,
            paid_at=paid_at(claim),
        )
    elif stands == session_claims.ASKED and not list(claim.under_way()):
        session.trigger_event(
            SessionPrepaymentEnded, timestamp=now, claim_id=claim.id, reason=NOT_PAID
        )
    elif stands == session_claims.PAID and claim.charged_back and not claim.settled:
        session.reopen(now, claim_id=claim.id, due_at=claim.due_at, remind_at=remind_at)
    elif stands == session_claims.PAID and claim.settled and not known["settled"]:
        session.settle(now, amount_fen=claim.amount_fen, how="paid", claim_id=claim.id)


def paid_at(claim: Claim) -> datetime:
    """When the money was there: the last of it, by the gateway's word."""
    captured = (
        each["settled_at"]
        for each in claim.payments.values()
        if each["state"] == PaymentState.CAPTURED and claim.kept_fen(each)
    )
    return max(each for each in captured if each is not None)


def find_stray(session: ParkingSession, now: datetime, stray_id: str, distance: int) -> None:
    """A payment for nearly the same plate may be its; what is paid or was decided needs none."""
    if session.settled or session.voided or stray_id in session.strays:
        return
    session.trigger_event(SessionStrayFound, timestamp=now, stray_id=stray_id, distance=distance)


def decide_stray(
    session: ParkingSession,
    now: datetime,
    *,
    stray_id: str,
    its: bool,
    claim_id: str,
    amount_fen: int,
    paid_at: datetime,
) -> None:
    """Take over what was paid for it by another plate, or say that it was not; once."""
    if session.strays.get(stray_id) is None and (its or stray_id in session.strays):
        session.trigger_event(
            SessionStrayDecided,
            timestamp=now,
            stray_id=stray_id,
            its=its,
            claim_id=claim_id,
            amount_fen=amount_fen,
            paid_at=paid_at,
        )


def note_held_up(session: ParkingSession, now: datetime, spans: Sequence[HeldUp]) -> None:
    """The way out was blocked after a payment; what is known already is not said again."""
    for span in spans:
        said = {
            "begins": as_text(span.begins),
            "ends": None if span.ends is None else as_text(span.ends),
            "cause": span.cause,
        }
        if session.held_up.get(span.detection_id) != said:
            session.trigger_event(
                SessionWayOutHeldUp,
                timestamp=now,
                detection_id=span.detection_id,
                begins=span.begins,
                ends=span.ends,
                cause=span.cause,
            )


def asked_since(session: ParkingSession) -> datetime | None:
    """When somebody first asked to pay before leaving."""
    asked = (
        moment(each["prepaid"]["priced_until"])
        for each in session.claims.values()
        if session_claims.is_prepayment(each)
    )
    return min(asked, default=None)


def payments_of(session: ParkingSession) -> list[Paid]:
    """What was paid for it before leaving, and until when each price was of."""
    return [
        Paid(
            moment(each["prepaid"]["paid_at"]),
            each["amount_fen"],
            moment(each["prepaid"]["priced_until"]),
        )
        for each in session_claims.paid_before(session.claims, session.plate_id)
        if each["settled"]
    ]


def held_up(session: ParkingSession) -> list[Span]:
    """When the way out was blocked."""
    return [
        Span(moment(each["begins"]), None if each["ends"] is None else moment(each["ends"]))
        for each in session.held_up.values()
    ]
