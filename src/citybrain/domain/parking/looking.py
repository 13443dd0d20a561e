"""What people decide about a session: its plate, where it is held, which of two is the clone.

An officer of the department of parking decides, never on a session of their own; who disputes it is
whose it is. Where money is to go back, less is owed from then on, and the claim gives it back.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking.refusals import (
    NoSuchConflict,
    NotApartInParking,
    NotDisputed,
    NotHeld,
    NothingToDispute,
    NotYourSession,
    SessionStillOpen,
    SessionVoid,
)
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.session_events import (
    SessionCloneDecided,
    SessionDecisionProposed,
    SessionDisputed,
    SessionDisputeDecided,
    SessionPlateCorrected,
)
from citybrain.domain.separation import Parts, check_apart

DECIDERS = (Role.OFFICIAL, Role.SUPERVISOR)


class Part(StrEnum):
    """A part that somebody had: the rule that a refusal names."""

    OWN_CASE = "own-case"
    DISPUTED = "disputed-it"
    CORRECTED = "corrected-it"
    PROPOSED = "proposed-it"


def check_officer_of_parking(actor: Actor, departments: Collection[str]) -> None:
    """Raise `RoleNotAllowed` for whoever is none."""
    if not actor.has(*DECIDERS) or actor.department not in departments:
        raise RoleNotAllowed("this is decided by officers of the department of parking")


def check_officer(session: ParkingSession, actor: Actor, departments: Collection[str]) -> None:
    """Raise unless an officer of parking, with no part of their own in it, acts."""
    check_officer_of_parking(actor, departments)
    payers = [each["payer"] for each in session.claims.values() if each["payer"]]
    parts: Parts = {Part.OWN_CASE: payers, Part.DISPUTED: session.disputants}
    check_apart(actor, parts, NotApartInParking)


def decided_by_two(
    session: ParkingSession,
    actor: Actor,
    now: datetime,
    *,
    what: str,
    said: dict[str, Any],
    difference_fen: int,
    limit_fen: int,
) -> bool:
    """Whether it is done now: below the limit, or where somebody else has proposed the same.

    Otherwise it is proposed. Raises `NotApartInParking` where it is the same person.
    """
    if difference_fen <= limit_fen:
        return True
    known = session.proposals.get(what)
    if known is not None and known["said"] == said:
        check_apart(actor, {Part.PROPOSED: [known["proposed_by"]]}, NotApartInParking)
        return True
    session.trigger_event(
        SessionDecisionProposed,
        timestamp=now,
        what=what,
        said=said,
        difference_fen=difference_fen,
        limit_fen=limit_fen,
        proposed_by=actor.subject,
    )
    return False


def correct_plate(
    session: ParkingSession,
    actor: Actor,
    now: datetime,
    *,
    plate: SealedPlate,
    reason: str,
    note_sealed: str | None,
    departments: Collection[str],
    limit_fen: int,
) -> None:
    """Say what the plate is: what was paid by somebody else goes back, and it is priced again.

    Where more than `limit_fen` goes back it takes two people. Held for its plate, it is no longer.
    """
    check_officer(session, actor, departments)
    if session.voided:
        raise SessionVoid("there was no such session")
    if session.plate_id == plate.plate_id and session.corrected is not None:
        return
    back_fen = sum(
        each["amount_fen"]
        for each in session.claims.values()
        if each["settled"] and each["plate_id"] != plate.plate_id
    )
    if decided_by_two(
        session,
        actor,
        now,
        what="plate",
        said={"plate_id": plate.plate_id},
        difference_fen=back_fen,
        limit_fen=limit_fen,
    ):
        session.trigger_event(
            SessionPlateCorrected,
            timestamp=now,
            corrected_by=actor.subject,
            reason=reason,
            note_sealed=note_sealed,
            **plate.members(),
        )
        _release_where_answered(session, actor, now, reason)


def _release_where_answered(
    session: ParkingSession, actor: Actor, now: datetime, reason: str
) -> None:
    """What held it was the question that has just been answered."""
    if session.held is not None and session.why_held is None:
        session.release(now, by=actor.subject, reason=reason)


def release(
    session: ParkingSession,
    actor: Actor,
    now: datetime,
    *,
    reason: str,
    departments: Collection[str],
) -> None:
    """An officer has looked: what held it is no reason any more; raises `NotHeld`."""
    check_officer(session, actor, departments)
    if session.held is None:
        raise NotHeld("nothing holds this session")
    if any(genuine is None for genuine in session.clones.values()):
        raise NotHeld("which of the two is the clone is decided first")
    session.release(now, by=actor.subject, reason=reason)


def decide_clone(
    session: ParkingSession,
    actor: Actor,
    now: datetime,
    *,
    other: str,
    genuine: bool,
    reason: str,
    departments: Collection[str],
) -> None:
    """Which of two vehicles carries the plate that was issued; raises `NoSuchConflict`."""
    check_officer(session, actor, departments)
    if other not in session.clones:
        raise NoSuchConflict("these two were never in conflict")
    if session.clones[other] is None:
        session.trigger_event(
            SessionCloneDecided,
            timestamp=now,
            other_session_id=other,
            genuine=genuine,
            decided_by=actor.subject,
            reason=reason,
        )
        _release_where_answered(session, actor, now, reason)


def dispute(
    session: ParkingSession,
    actor: Actor,
    now: datetime,
    *,
    holders: Sequence[str],
    grounds_sealed: str,
    sealed_for: str,
    photos: Sequence[str] = (),
) -> None:
    """Whose it is says that it is wrong; what is known of it is frozen, and collection stands.

    `holders` are the citizens that it may be of. Raises `NotYourSession`, `SessionStillOpen`,
    `NothingToDispute`.
    """
    if not actor.has(Role.CITIZEN) or actor.subject not in holders:
        raise NotYourSession("the session is of a vehicle that is not yours")
    if session.left_at is None:
        raise SessionStillOpen("the vehicle still stands there")
    if not session.price_fen or session.voided or session.dispute is not None:
        raise NothingToDispute("it costs nothing, or has been disputed before")
    session.trigger_event(
        SessionDisputed,
        timestamp=now,
        disputed_by=actor.subject,
        grounds_sealed=grounds_sealed,
        sealed_for=sealed_for,
        evidence=[*session.detection_ids, *session.late_signs],
        photos=list(photos),
    )


def decide_dispute(
    session: ParkingSession,
    actor: Actor,
    now: datetime,
    *,
    upheld: bool,
    amount_fen: int | None,
    reason: str,
    note_sealed: str | None,
    departments: Collection[str],
    limit_fen: int,
) -> None:
    """An officer who had no part in it decides; what it costs then is no more than before.

    Where it costs less by more than `limit_fen` it takes two people. Raises `NotDisputed`,
    `NotApartInParking`.
    """
    check_officer(session, actor, departments)
    check_apart(actor, {Part.CORRECTED: session.correctors}, NotApartInParking)
    if session.dispute != "open":
        raise NotDisputed("there is no dispute that waits")
    price_fen = session.price_fen or 0
    lower = min(amount_fen or 0, price_fen) if upheld else None
    if not decided_by_two(
        session,
        actor,
        now,
        what="dispute",
        said={"amount_fen": lower},
        difference_fen=0 if lower is None else price_fen - lower,
        limit_fen=limit_fen,
    ):
        return
    session.trigger_event(
        SessionDisputeDecided,
        timestamp=now,
        upheld=upheld,
        amount_fen=lower,
        decided_by=actor.subject,
        reason=reason,
        note_sealed=note_sealed,
    )
