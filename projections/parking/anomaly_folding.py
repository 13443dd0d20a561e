"""How anomalies begin and end: what is known of all that a batch of events is about, and one step.

Events are taken in the order of the log. A count or a sign that happened before the last one that
is known changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from citybrain.domain.parking.anomaly import OF_COUNTS, AnomalyClosed, AnomalyKind, anomaly_id
from citybrain.domain.parking.claim_events import (
    ClaimRaised,
    MismatchDismissed,
    PaymentCaptured,
    PaymentMismatched,
)
from citybrain.domain.parking.counter import CounterRead
from citybrain.domain.parking.place import PlaceKind, stream_of
from citybrain.domain.parking.presence import Sign
from citybrain.domain.parking.session import FACILITY, UNSEEN_AT_GATES
from citybrain.domain.parking.tailgating import DEPARTED_UNPAID
from citybrain.domain.times import as_text
from citybrain.eventstore import RecordedEvent

SEEN = frozenset({Sign.ARRIVED, Sign.OCCUPIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An anomaly. `other_id` is the second session, `evidence` a sign or a payment."""

    anomaly_id: str
    kind: AnomalyKind
    place_id: str | None = None
    device_id: str | None = None
    session_id: str | None = None
    other_id: str | None = None
    claim_id: str | None = None
    evidence: str | None = None
    since: datetime
    ended_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    reason: str | None = None
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What stands where."""

    stream_id: str
    place_id: str
    kind: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class Session:
    """Where a session is; `at_gates`: those that come and go are seen at gates only.

    `tail` is the sign by which it left behind another one.
    """

    session_id: str
    place_id: str
    at_gates: bool
    simulated: bool
    tail: str | None = None


@dataclass(frozen=True, slots=True)
class RaisedClaim:
    """What a claim is for."""

    claim_id: str
    subject: str


@dataclass(frozen=True, slots=True)
class Departure:
    """Somebody left, and nobody knows yet who."""

    sign_id: str
    place_id: str | None
    device_id: str
    occurred_at: datetime
    simulated: bool


@dataclass(frozen=True, slots=True)
class Counter:
    """The last count of a facility, and what is not as it should be since one of those before."""

    place_id: str
    read_at: datetime
    anomaly_id: str | None


@dataclass(frozen=True, slots=True)
class Device:
    """When a device was last heard, and when it last said that it sees nothing from then on.

    One that was never heard counts from when it was described. `anomaly_id` is that of a silence
    after it was heard; `silence_seconds` the limit that its counter has of its own.
    """

    device_id: str
    watches: list[str]
    heard_at: datetime
    lost_at: datetime | None
    silence_seconds: int | None
    in_use: bool
    anomaly_id: str
    simulated: bool


@dataclass(slots=True)
class Known:
    """What is known of all that a batch is about, by id."""

    cases: dict[str, Case] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    claims: dict[str, RaisedClaim] = field(default_factory=dict)
    departures: dict[str, Departure] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)

    def take(self, event: RecordedEvent) -> None:
        """One more event."""
        STEPS[event.topic](self, event.stream_id, event.data)

    def begin(self, case: Case) -> None:
        """It is so; again, where it had ended."""
        known = self.cases.get(case.anomaly_id)
        now = case if known is None else replace(known, ended_at=case.ended_at)
        self.cases[case.anomaly_id] = now

    def end(self, case_id: str | None, at: datetime) -> None:
        """It is so no more."""
        known = None if case_id is None else self.cases.get(case_id)
        if known is not None and known.ended_at is None:
            self.cases[known.anomaly_id] = replace(known, ended_at=at)

    def end_unseen(self, at: datetime, session_id: str | None, place_id: str | None = None) -> None:
        """Who was not seen for long was seen, or has gone; all of a session, or of a berth."""
        for case in list(self.cases.values()):
            fits = session_id == case.session_id or place_id == case.place_id
            if fits and case.kind is AnomalyKind.NO_SIGN and case.since < at:
                self.end(case.anomaly_id, at)

    def hear(self, device_id: str, at: datetime, silence_seconds: int | None = None) -> None:
        """A device says something: a silence before that is over."""
        device = self.devices.get(device_id)
        if device is None or at <= device.heard_at:
            return
        if device.lost_at is not None and device.heard_at <= device.lost_at <= at:
            self.begin(silence(device, device.lost_at, at))
        else:
            self.end(device.anomaly_id, at)
        self.devices[device_id] = replace(
            device,
            heard_at=at,
            silence_seconds=silence_seconds or device.silence_seconds,
            anomaly_id=silence_id(device_id, at),
        )

    def lose(self, device_id: str, at: datetime) -> None:
        """A device says that it sees nothing from then on."""
        device = self.devices.get(device_id)
        if device is not None and (device.lost_at is None or device.lost_at < at):
            self.devices[device_id] = replace(device, lost_at=at)

    def place(self, place_id: str) -> Place | None:
        """A place, if it was ever described."""
        return self.places.get(stream_of(place_id))


def silence_id(device_id: str, heard_at: datetime) -> str:
    """The id of a device's silence after it was heard."""
    return anomaly_id(AnomalyKind.DEVICE_SILENT, device_id, as_text(heard_at))


def silence(device: Device, since: datetime, ended_at: datetime | None = None) -> Case:
    """The silence of a device."""
    return Case(
        anomaly_id=device.anomaly_id,
        kind=AnomalyKind.DEVICE_SILENT,
        place_id=device.watches[0] if len(device.watches) == 1 else None,
        device_id=device.device_id,
        since=since,
        ended_at=ended_at,
        simulated=device.simulated,
    )


def of_session(kind: AnomalyKind, session: Session, since: datetime, *of: str) -> Case:
    """Something of a session."""
    return Case(
        anomaly_id=anomaly_id(kind, *(of or (session.session_id,))),
        kind=kind,
        place_id=session.place_id,
        session_id=session.session_id,
        since=since,
        simulated=session.simulated,
    )


Data = Mapping[str, Any]


def _place_opened(known: Known, stream_id: str, data: Data) -> None:
    known.places[stream_id] = Place(stream_id, data["place_id"], data["kind"], data["simulated"])


def _place_described(known: Known, stream_id: str, data: Data) -> None:
    place = known.places[stream_id]
    if place.kind != PlaceKind.DEVICE:
        return
    device = known.devices.get(place.place_id)
    if device is None:
        at = data["valid_from"]
        silent = silence_id(place.place_id, at)
        device = Device(place.place_id, [], at, None, None, True, silent, place.simulated)
    known.devices[place.place_id] = replace(
        device, watches=sorted(data["watches"]), in_use=not data["retired"]
    )


def _detected(known: Known, stream_id: str, data: Data) -> None:
    sign, at, place_id = Sign(data["sign"]), data["occurred_at"], data["place_id"]
    if sign is Sign.LOST:
        known.lose(data["device_id"], at)
        return
    if not data["by_hand"]:
        known.hear(data["device_id"], at)
    if sign is Sign.LEFT:
        known.departures[stream_id] = Departure(
            stream_id, place_id, data["device_id"], at, data["simulated"]
        )
    elif sign is Sign.OPENED:
        known.begin(
            Case(
                anomaly_id=anomaly_id(AnomalyKind.BARRIER_OPENED, stream_id),
                kind=AnomalyKind.BARRIER_OPENED,
                place_id=place_id,
                device_id=data["device_id"],
                evidence=stream_id,
                since=at,
                simulated=data["simulated"],
            )
        )
    elif sign in SEEN:
        place = known.place(place_id)
        if place is not None and place.kind == PlaceKind.BERTH:
            known.end_unseen(at, None, place_id)


def _unmatched(known: Known, stream_id: str, data: Data) -> None:
    left = known.departures.pop(stream_id, None)
    if left is None:
        return  # a session has it
    known.begin(
        Case(
            anomaly_id=anomaly_id(AnomalyKind.EXIT_WITHOUT_ENTRY, stream_id),
            kind=AnomalyKind.EXIT_WITHOUT_ENTRY,
            place_id=left.place_id,
            device_id=left.device_id,
            evidence=stream_id,
            since=left.occurred_at,
            simulated=left.simulated,
        )
    )


def _matched(known: Known, stream_id: str, data: Data) -> None:
    """Whose exit it was is known after all."""
    known.departures.pop(stream_id, None)
    known.end(anomaly_id(AnomalyKind.EXIT_WITHOUT_ENTRY, stream_id), data["timestamp"])


def _session_opened(known: Known, stream_id: str, data: Data) -> None:
    at_gates = data["place_kind"] == FACILITY
    known.sessions[stream_id] = Session(stream_id, data["place_id"], at_gates, data["simulated"])
    _belong(known, data)


def _session_left(known: Known, stream_id: str, data: Data) -> None:
    """It has gone, or is there again; who was not seen leaving through a gate was missed there."""
    _belong(known, data)
    session, left_at = known.sessions[stream_id], data["left_at"]
    missed = of_session(AnomalyKind.EXIT_NOT_SEEN, session, left_at or data["timestamp"])
    if left_at is None:
        known.end(missed.anomaly_id, data["timestamp"])
        return
    known.end_unseen(data["timestamp"], stream_id)
    if session.at_gates and data["ending"] in UNSEEN_AT_GATES:
        known.begin(missed)
    else:
        known.end(missed.anomaly_id, data["timestamp"])


def _belong(known: Known, data: Data) -> None:
    """Signs of a session are nobody's no more."""
    for sign_id in data["detection_ids"]:
        known.departures.pop(sign_id, None)


def _unseen(known: Known, stream_id: str, data: Data) -> None:
    since = data["last_sign_at"]
    of = (stream_id, as_text(since))
    known.begin(of_session(AnomalyKind.NO_SIGN, known.sessions[stream_id], since, *of))


def _plate_read(known: Known, stream_id: str, data: Data) -> None:
    known.end_unseen(data["read_at"], stream_id)


def _clone_suspected(known: Known, stream_id: str, data: Data) -> None:
    other = data["other_session_id"]
    kind = AnomalyKind.CLONE_CONFLICT
    found = of_session(kind, known.sessions[stream_id], data["timestamp"], *_both(stream_id, other))
    known.begin(replace(found, other_id=other))


def _clone_over(known: Known, stream_id: str, data: Data) -> None:
    of = _both(stream_id, data["other_session_id"])
    known.end(anomaly_id(AnomalyKind.CLONE_CONFLICT, *of), data["timestamp"])


def _both(one: str, other: str) -> tuple[str, str]:
    return min(one, other), max(one, other)


def _tailgated(known: Known, stream_id: str, data: Data) -> None:
    known.sessions[stream_id] = replace(known.sessions[stream_id], tail=data["detection_id"])


def _deferred(known: Known, stream_id: str, data: Data) -> None:
    """It is paid later; whoever left behind somebody for whom it was opened has not paid."""
    if data["reason"] == DEPARTED_UNPAID:
        session = known.sessions[stream_id]
        found = of_session(AnomalyKind.DEPARTED_UNPAID, session, data["timestamp"])
        known.begin(replace(found, claim_id=data["claim_id"], evidence=session.tail))


def _released(known: Known, stream_id: str, data: Data) -> None:
    known.end(anomaly_id(AnomalyKind.EXIT_NOT_SEEN, stream_id), data["timestamp"])


def _settled(known: Known, stream_id: str, data: Data) -> None:
    _released(known, stream_id, data)
    known.end(anomaly_id(AnomalyKind.DEPARTED_UNPAID, stream_id), data["timestamp"])


def _voided(known: Known, stream_id: str, data: Data) -> None:
    for case in list(known.cases.values()):
        mismatched = case.kind is AnomalyKind.PAYMENT_MISMATCHED
        if stream_id in (case.session_id, case.other_id) and not mismatched:
            known.end(case.anomaly_id, data["timestamp"])


def _claim_raised(known: Known, stream_id: str, data: Data) -> None:
    known.claims[stream_id] = RaisedClaim(stream_id, data["subject"])


def _mismatched(known: Known, stream_id: str, data: Data) -> None:
    session = known.sessions.get(known.claims[stream_id].subject)
    known.begin(
        Case(
            anomaly_id=anomaly_id(AnomalyKind.PAYMENT_MISMATCHED, data["payment_id"]),
            kind=AnomalyKind.PAYMENT_MISMATCHED,
            place_id=None if session is None else session.place_id,
            session_id=None if session is None else session.session_id,
            claim_id=stream_id,
            evidence=data["payment_id"],
            since=data["timestamp"],
            simulated=session is not None and session.simulated,
        )
    )


def _cleared(known: Known, stream_id: str, data: Data) -> None:
    of = anomaly_id(AnomalyKind.PAYMENT_MISMATCHED, data["payment_id"])
    known.end(of, data["timestamp"])


def _counted(known: Known, stream_id: str, data: Data) -> None:
    place_id, at = data["place_id"], data["occurred_at"]
    known.hear(data["device_id"], at, data["silence_seconds"])
    before = known.counters.get(place_id)
    if before is not None and at < before.read_at:
        return
    case_id = None if before is None else before.anomaly_id
    now = data["anomaly"] if data["anomaly"] in OF_COUNTS else None
    if case_id is not None and known.cases[case_id].kind != now:
        known.end(case_id, at)
        case_id = None
    if case_id is None and now is not None:
        place = known.place(place_id)
        case = Case(
            anomaly_id=anomaly_id(AnomalyKind(now), place_id, as_text(at)),
            kind=AnomalyKind(now),
            place_id=place_id,
            device_id=data["device_id"],
            since=at,
            simulated=place is not None and place.simulated,
        )
        known.begin(case)
        case_id = case.anomaly_id
    known.counters[place_id] = Counter(place_id, at, case_id)


def _closed(known: Known, stream_id: str, data: Data) -> None:
    """An officer has looked at it; a silence has been no case before that."""
    case = known.cases.get(stream_id)
    if case is None:
        device = known.devices.get(data["device_id"] or "")
        case = Case(
            anomaly_id=stream_id,
            kind=AnomalyKind(data["kind"]),
            place_id=data["place_id"],
            device_id=data["device_id"],
            since=data["since"],
            simulated=device is not None and device.simulated,
        )
        if device is not None and device.anomaly_id != stream_id:
            case = replace(case, ended_at=data["timestamp"])  # it was heard in between
    said = {name: data[name] for name in ("closed_by", "reason")}
    known.begin(case)
    known.cases[stream_id] = replace(case, closed_at=data["timestamp"], **said)


STEPS: dict[str, Callable[[Known, str, Data], None]] = {
    "parking.place_opened": _place_opened,
    "parking.place_described": _place_described,
    "parking.detected": _detected,
    "parking.detection_unmatched": _unmatched,
    "parking.detection_matched": _matched,
    "parking.opened": _session_opened,
    "parking.left": _session_left,
    "parking.times_corrected": _session_left,
    "parking.unseen": _unseen,
    "parking.plate_read": _plate_read,
    "parking.clone_suspected": _clone_suspected,
    "parking.clone_decided": _clone_over,
    "parking.clone_withdrawn": _clone_over,
    "parking.tailgated": _tailgated,
    "parking.deferred": _deferred,
    "parking.released": _released,
    "parking.settled": _settled,
    "parking.voided": _voided,
    ClaimRaised.TOPIC: _claim_raised,
    PaymentMismatched.TOPIC: _mismatched,
    PaymentCaptured.TOPIC: _cleared,
    MismatchDismissed.TOPIC: _cleared,
    CounterRead.TOPIC: _counted,
    AnomalyClosed.TOPIC: _closed,
}
