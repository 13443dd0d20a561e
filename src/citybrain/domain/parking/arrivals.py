"""Who came to a reserved berth, and what stood in the way: check-in, no-show, obstruction.

What counts is when something occurred, not when it was told: a reading that comes late undoes a
no-show as long as that is not final. Nobody is charged for not coming while the berth was
obstructed, while it is not sure who stands there, or where the camera saw nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from citybrain.domain.actor import Actor
from citybrain.domain.parking.reservation import ParkingReservation
from citybrain.domain.parking.reservation_events import (
    ArrivedLate,
    CarLeft,
    CarPresent,
    CheckedIn,
    Conflict,
    ConflictEnded,
    ConflictRaised,
    ConflictSettled,
    NoShow,
    NoShowFinal,
    NoShowReversed,
    ReservationAwaited,
    ReservationCompleted,
    ReservationGivenBack,
    ReservationStatus,
)
from citybrain.domain.parking.reservation_refusals import ReservationOutOfStep

BEFORE = frozenset(
    {
        ReservationStatus.HELD,
        ReservationStatus.PAYING,
        ReservationStatus.SECURING,
        ReservationStatus.CONFIRMED,
    }
)


class Standing(StrEnum):
    """What is known of who stands on a berth."""

    NOBODY = "nobody"
    OWN = "own"
    OTHER = "other"
    MAYBE = "maybe"  # a vehicle whose plate may be the reserved one
    UNKNOWN = "unknown"  # nothing sees this berth now


class Outcome(StrEnum):
    """What an officer finds who has looked."""

    ARRIVED = "arrived"
    OBSTRUCTED = "obstructed"
    NOBODY_CAME = "nobody-came"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A vehicle on a berth: when it came, and the sealed plate where one was read."""

    at: datetime
    plate: dict[str, Any] | None = None
    detection_id: str | None = None
    confidence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known of a berth now: who stands there, and since when.

    `entitled_until`: who stands there has a reservation of their own until then. `seen`: a camera
    has watched the berth all the time in which the reserved vehicle might have come.
    """

    standing: Standing
    sighting: Sighting | None = None
    entitled_until: datetime | None = None
    seen: bool = True


NOBODY = Look(standing=Standing.NOBODY)


# --- what was seen ------------------------------------------------------------------------


def check_in(reservation: ParkingReservation, now: datetime, sighting: Sighting) -> None:
    """The reserved vehicle arrived; told twice, it arrived once."""
    at, status = sighting.at, reservation.status
    if status in BEFORE:
        if status is not ReservationStatus.CONFIRMED or at < reservation.arrive_from:
            _present(reservation, now, sighting)
        elif at <= reservation.no_show_at:
            _checked_in(reservation, now, sighting)
        else:
            _late(reservation, now, sighting)
            _miss(reservation, now)
    elif status is ReservationStatus.NO_SHOW:
        if reservation.final or at > reservation.no_show_at:
            _late(reservation, now, sighting)
        else:
            reservation.note(NoShowReversed, now)
            _checked_in(reservation, now, sighting)


def obstruct(reservation: ParkingReservation, now: datetime, sighting: Sighting) -> None:
    """Another vehicle stands there; told twice, once."""
    _seen_in_the_way(reservation, now, Conflict.OBSTRUCTED, sighting)


def doubt(reservation: ParkingReservation, now: datetime, sighting: Sighting) -> None:
    """A vehicle stands there that may be the reserved one: an officer looks."""
    _seen_in_the_way(reservation, now, Conflict.UNSURE, sighting)


def _seen_in_the_way(
    reservation: ParkingReservation, now: datetime, kind: Conflict, sighting: Sighting
) -> None:
    """What came while the vehicle might have come; it undoes a no-show that is not final."""
    if not reservation.arrive_from <= sighting.at <= reservation.no_show_at:
        return
    if reservation.status is ReservationStatus.NO_SHOW and not reservation.final:
        reservation.note(NoShowReversed, now)
    if reservation.status is not ReservationStatus.CONFIRMED:
        return
    _raise(reservation, now, kind, sighting)
    if now >= reservation.no_show_at:
        _miss(reservation, now)


def left(
    reservation: ParkingReservation, now: datetime, at: datetime, plate_id: str | None
) -> None:
    """A vehicle left the berth: the reserved one, or the one that stood in the way.

    `plate_id` is None where its plate was not read: then it is the one that is known to be there.
    """
    own = plate_id is None or plate_id == reservation.plate["plate_id"]
    if reservation.present_since is not None and own:
        if at >= reservation.present_since:
            reservation.note(CarLeft, now, at=at)
        return
    conflict = reservation.conflict
    if conflict is None or conflict["kind"] not in (Conflict.OBSTRUCTED, Conflict.UNSURE):
        return
    if at >= conflict["at"] and plate_id in (None, conflict["plate_id"]):
        excused = at > reservation.start or conflict["kind"] == Conflict.UNSURE
        reservation.note(ConflictEnded, now, at=at, excused=excused)


def report_obstructed(reservation: ParkingReservation, actor: Actor, now: datetime) -> None:
    """The citizen says that the berth is taken; what a camera has seen is known already."""
    reservation.check_own(actor)
    reservation.expect(ReservationStatus.CONFIRMED)
    if not reservation.arrive_from <= now < reservation.end:
        raise ReservationOutOfStep("a berth is reported around the time that it is reserved for")
    _raise(reservation, now, Conflict.REPORTED, Sighting(at=now))


# --- what it is time for ------------------------------------------------------------------


def alarm_at(reservation: ParkingReservation) -> datetime | None:
    """When something follows though nobody does anything; never where None."""
    status = reservation.status
    if status is ReservationStatus.HELD:
        return reservation.hold_until
    if status is ReservationStatus.CHECKED_IN:
        return reservation.end
    if status is ReservationStatus.NO_SHOW:
        return None if reservation.final else reservation.final_at
    if status is not ReservationStatus.CONFIRMED:
        return None
    if reservation.look_at is not None:
        return reservation.look_at
    waits = reservation.conflict is not None and not _proven(reservation)
    return reservation.end if waits else reservation.no_show_at


def wake(reservation: ParkingReservation, now: datetime, look: Look) -> None:
    """Do what it is time for; `look` says who stands on the berth now."""
    status = reservation.status
    if status is ReservationStatus.HELD:
        reservation.lapse(now)
    elif status is ReservationStatus.CHECKED_IN and now >= reservation.end:
        reservation.note(ReservationCompleted, now)
    elif status is ReservationStatus.NO_SHOW and now >= reservation.final_at:
        if not reservation.final:
            reservation.note(NoShowFinal, now)
    elif status is ReservationStatus.CONFIRMED:
        if reservation.look_at is not None and now >= reservation.look_at:
            _await(reservation, now, look)
        if reservation.status is ReservationStatus.CONFIRMED and now >= reservation.no_show_at:
            _take(reservation, now, look)
            _miss(reservation, now, look)


def _await(reservation: ParkingReservation, now: datetime, look: Look) -> None:
    until = look.entitled_until
    again_at = until if until is not None and now < until < reservation.end else None
    reservation.note(ReservationAwaited, now, standing=look.standing.value, again_at=again_at)
    if again_at is not None:
        return
    since = reservation.present_since
    if since is not None:
        _checked_in(reservation, now, Sighting(at=max(since, reservation.arrive_from)))
    else:
        _take(reservation, now, look)


def _take(reservation: ParkingReservation, now: datetime, look: Look) -> None:
    """What follows from who stands there, as if it were told just now."""
    if look.sighting is None or look.sighting.at > reservation.no_show_at:
        return
    there = replace(look.sighting, at=max(look.sighting.at, reservation.arrive_from))
    if look.standing is Standing.OWN:
        check_in(reservation, now, there)
    elif look.standing is Standing.OTHER:
        obstruct(reservation, now, there)
    elif look.standing is Standing.MAYBE:
        doubt(reservation, now, there)


def _miss(reservation: ParkingReservation, now: datetime, look: Look = NOBODY) -> None:
    """The time to come is over, and the vehicle has not been seen."""
    if reservation.status is not ReservationStatus.CONFIRMED:
        return
    conflict = reservation.conflict
    if conflict is None and not reservation.excused and not look.seen:
        _raise(reservation, now, Conflict.UNSEEN, Sighting(at=reservation.no_show_at))
        return
    if reservation.excused or _proven(reservation) or (conflict and now >= reservation.end):
        kind = Conflict.OBSTRUCTED.value if conflict is None else conflict["kind"]
        reservation.note(ReservationGivenBack, now, reason=kind)
    elif conflict is None:
        reservation.note(NoShow, now, fee_fen=reservation.no_show_fee_fen)


def _proven(reservation: ParkingReservation) -> bool:
    """Whether a camera has seen that another vehicle stands there."""
    conflict = reservation.conflict
    return conflict is not None and conflict["kind"] == Conflict.OBSTRUCTED


# --- what an officer finds ----------------------------------------------------------------


def settle(
    reservation: ParkingReservation,
    actor: Actor,
    now: datetime,
    *,
    departments: Collection[str],
    outcome: Outcome,
    note_sealed: str,
) -> None:
    """An officer has looked, and says what it was; a conflict is settled once."""
    reservation.check_officer(actor, departments)
    reservation.expect(ReservationStatus.CONFIRMED)
    conflict = reservation.conflict
    if conflict is None:
        raise ReservationOutOfStep("nothing waits for an officer here")
    reservation.note(
        ConflictSettled, now, outcome=outcome.value, officer=actor.subject, note_sealed=note_sealed
    )
    if outcome is Outcome.ARRIVED:
        at = min(max(conflict["at"], reservation.arrive_from), reservation.no_show_at)
        _checked_in(reservation, now, Sighting(at=at, detection_id=conflict["detection_id"]))
    elif outcome is Outcome.OBSTRUCTED:
        reservation.note(ReservationGivenBack, now, reason=conflict["kind"])
    elif now >= reservation.no_show_at:
        _miss(reservation, now)


# --- steps --------------------------------------------------------------------------------


def _present(reservation: ParkingReservation, now: datetime, sighting: Sighting) -> None:
    if reservation.present_since is None:
        fields = {"at": sighting.at, "detection_id": sighting.detection_id}
        reservation.note(CarPresent, now, **fields)


def _checked_in(reservation: ParkingReservation, now: datetime, sighting: Sighting) -> None:
    reservation.note(
        CheckedIn,
        now,
        at=sighting.at,
        detection_id=sighting.detection_id,
        confidence=sighting.confidence,
    )


def _late(reservation: ParkingReservation, now: datetime, sighting: Sighting) -> None:
    if reservation.late_at is None or sighting.at < reservation.late_at:
        fields = {"at": sighting.at, "detection_id": sighting.detection_id}
        reservation.note(ArrivedLate, now, **fields)


def _raise(
    reservation: ParkingReservation, now: datetime, kind: Conflict, sighting: Sighting
) -> None:
    """Note a conflict; what a camera has seen goes before what somebody says."""
    known = reservation.conflict
    if known is not None and (known["kind"] == kind or _proven(reservation)):
        return
    reservation.note(
        ConflictRaised,
        now,
        kind=kind.value,
        at=sighting.at,
        plate=sighting.plate,
        detection_id=sighting.detection_id,
        confidence=sighting.confidence,
    )
