"""How a session follows what the signs of its place come to: who stood there, and what was read.

What is known already is not said again; what turned out to be another vehicle's is given up, so
that the order in which signs came makes no difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citybrain.domain.parking.judging import NOT_READ, PLATES_DIFFER
from citybrain.domain.parking.plates import Doubt
from citybrain.domain.parking.presence import Presence
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.session_events import (
    SessionEvidenceAdded,
    SessionLeft,
    SessionPlateCompleted,
    SessionPlateRead,
    SessionReadingMoved,
    SessionTimesCorrected,
)

NOTHING_HOLDS_IT = "nothing-holds-it"
OF_THE_PLATE = (NOT_READ, PLATES_DIFFER, *(doubt.value for doubt in Doubt))
SIGNS = "system:parking-sessions"


@dataclass(frozen=True, slots=True)
class ReadPlate:
    """A reading of a stay: the sealed plate, and what it is good for. Members as in the event."""

    detection_id: str
    read_at: datetime
    plate: Mapping[str, Any]
    confidence: int | None
    characters: list[int] | None
    judged_by: str
    doubt: dict[str, Any] | None
    thresholds_version: str


def follow(
    session: ParkingSession,
    now: datetime,
    presence: Presence,
    readings: Sequence[ReadPlate],
    completions: Mapping[str, str],
) -> None:
    """Take over what the signs come to, with all that was read of this vehicle.

    `completions`: readings without a province, each with the reading that says it.
    """
    for moved in [each for each in session.readings if each not in presence.signs]:
        session.trigger_event(SessionReadingMoved, timestamp=now, detection_id=moved)
    take_readings(session, now, readings, completions)
    if session.held in OF_THE_PLATE and session.why_held is None:
        session.release(now, by=SIGNS, reason=NOTHING_HOLDS_IT)
    take_times(session, now, presence)


def take_readings(
    session: ParkingSession,
    now: datetime,
    readings: Sequence[ReadPlate],
    completions: Mapping[str, str],
) -> None:
    """What was read of its plate."""
    for reading in readings:
        if reading.detection_id not in session.readings:
            _note_reading(session, now, reading)
    for part, whole in completions.items():
        if part not in session.completed:
            session.trigger_event(SessionPlateCompleted, timestamp=now, whole=whole, part=part)


def take_times(session: ParkingSession, now: datetime, presence: Presence) -> None:
    """Since when and until when it stood there."""
    new = [each for each in presence.signs if each not in session.detection_ids]
    ending = None if presence.ending is None else presence.ending.value
    if (
        session.left_at is None
        and presence.left_at is not None
        and presence.arrived_at == session.arrived_at
    ):
        session.trigger_event(
            SessionLeft, timestamp=now, left_at=presence.left_at, ending=ending, detection_ids=new
        )
    elif (presence.arrived_at, presence.left_at, ending) != (
        session.arrived_at,
        session.left_at,
        session.ending,
    ):
        session.trigger_event(
            SessionTimesCorrected,
            timestamp=now,
            arrived_at=presence.arrived_at,
            beginning=presence.beginning.value,
            left_at=presence.left_at,
            ending=ending,
            detection_ids=new,
        )


def _note_reading(session: ParkingSession, now: datetime, reading: ReadPlate) -> None:
    session.trigger_event(
        SessionPlateRead,
        timestamp=now,
        detection_id=reading.detection_id,
        read_at=reading.read_at,
        confidence=reading.confidence,
        characters=reading.characters,
        judged_by=reading.judged_by,
        doubt=reading.doubt,
        thresholds_version=reading.thresholds_version,
        **reading.plate,
    )


def add_evidence(
    session: ParkingSession,
    now: datetime,
    *,
    detection_id: str,
    sign: str,
    occurred_at: datetime,
    why: str,
) -> None:
    """A sign that changes nothing any more, or of a vehicle that is known from elsewhere; once."""
    if detection_id not in session.late_signs and detection_id not in session.detection_ids:
        session.trigger_event(
            SessionEvidenceAdded,
            timestamp=now,
            detection_id=detection_id,
            sign=sign,
            occurred_at=occurred_at,
            why=why,
        )
