"""When a car was charged while it stood there, by what a charger said, and what that is priced by.

A charger says that charging began, and that it ended; what counts is when that was, not when it was
told. An end of which nobody saw the beginning: it was charged since it came. A beginning without an
end: it is charged as long as it stands there.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from citybrain.domain.parking.charging_events import SessionChargingNoted
from citybrain.domain.parking.presence import Presence, Sign
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.stay import Span
from citybrain.domain.times import as_text, moment


def charging_times(presence: Presence) -> list[Span]:
    """When the car of a presence was charged; an end that is told again changes nothing."""
    found: list[Span] = []
    for sign in presence.charging:
        under_way = bool(found) and found[-1].ends is None
        if sign.sign is Sign.CHARGING_BEGAN and not under_way:
            found.append(Span(sign.at))
        elif sign.sign is Sign.CHARGING_ENDED and under_way:
            found[-1] = Span(found[-1].begins, sign.at)
        elif sign.sign is Sign.CHARGING_ENDED and not found:
            found.append(Span(presence.arrived_at, sign.at))
    return found


def note_charging(session: ParkingSession, now: datetime, presence: Presence) -> None:
    """Say when it was charged, where that is new."""
    times = [
        {"begins": as_text(each.begins), "ends": each.ends and as_text(each.ends)}
        for each in charging_times(presence)
    ]
    if times != session.charging:
        said = [each.id for each in presence.charging if each.id not in session.detection_ids]
        session.trigger_event(SessionChargingNoted, timestamp=now, times=times, detection_ids=said)


def note_charged_again(
    session: ParkingSession, now: datetime, at: datetime, detection_id: str
) -> None:
    """Charging had begun again, as is told when all is over: from then on it was charged, so less
    is owed for standing there. Where it was charged anyway, or never, nothing follows."""
    if went_on(session, at):
        later = [each["begins"] for each in session.charging if moment(each["begins"]) > at]
        new = {"begins": as_text(at), "ends": min(later, key=moment, default=None)}
        times = sorted([*session.charging, new], key=lambda each: moment(each["begins"]))
        session.trigger_event(
            SessionChargingNoted, timestamp=now, times=times, detection_ids=[detection_id]
        )


def went_on(session: ParkingSession, at: datetime) -> bool:
    """Whether it stood there at a moment, after some charging, and was not charged then."""
    there = session.left_at is not None and session.arrived_at < at < session.left_at
    return (
        there
        and bool(session.charging)
        and not any(
            moment(each["begins"]) <= at and (each["ends"] is None or at < moment(each["ends"]))
            for each in session.charging
        )
    )


def charging_of(chain: Sequence[ParkingSession]) -> Iterator[Span]:
    """When the car of a stay was charged; who has moved on stands at that charger no more."""
    moved_at: datetime | None = None
    for session in chain:
        if session.charging and moved_at is not None:
            yield Span(moved_at, session.arrived_at)
            moved_at = None
        for said in session.charging:
            begins, ends = moment(said["begins"]), said["ends"]
            if session.left_at is None or begins < session.left_at:
                yield Span(begins, ends and moment(ends))
        if session.charging:
            moved_at = session.left_at
    last = chain[-1]
    if moved_at is not None and not last.charging:
        yield Span(moved_at, last.left_at)
