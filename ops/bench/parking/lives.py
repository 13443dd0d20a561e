"""Parking sessions as the log would hold them, at any number: every event is decided by the domain.

Most stays are paid, by debit or at a kiosk; those of the night are free, every tenth is owed, every
twentieth was not read and is held, some of the last vehicles are still there. Stays of different
berths interleave as in a city. The same number gives the same events.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.actor import system_actor
from citybrain.domain.money import Fen
from citybrain.domain.parking import payment
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.detection import ParkingDetection
from citybrain.domain.parking.following import ReadPlate, follow
from citybrain.domain.parking.payer import Why
from citybrain.domain.parking.payment import Evidence
from citybrain.domain.parking.place import ParkingPlace, PlaceKind, PlaceVersion
from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.plates import Plate
from citybrain.domain.parking.presence import Observation, Presence, Sign, presences_of
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.rules import ParkingRules
from citybrain.domain.parking.session import ParkingSession, Place
from citybrain.domain.parking.stay import Stay
from citybrain.domain.parking.tariff import Tariff
from citybrain.domain.stream import StreamAggregate
from citybrain.eventstore import Metadata
from citybrain.eventstore.codec import mapper
from citybrain.systems import load_definitions, register_streams
from commands.parking.pricing import STREET, Priced
from ops.bench.append_limits import COLUMNS, Row
from ops.bench.parking.street import A_CAMERA, LONG_AGO

BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
LONGEST_MINUTES, MOST_BERTHS = 300, 10_000
COPY_ROWS = 10_000
CITIZENS = 50_000
PLATE_SEALED = "A" * 120  # as long as one that was sealed; nobody reads it
PLATE = Plate("豫A00001", PlateClass.ORDINARY)
SAID = Evidence(sha256="ab" * 32)

Steps = Iterator[tuple[datetime, StreamAggregate]]
"""When, and the stream that has new events then."""


def berths_for(sessions: int) -> int:
    """How many berths so many sessions are spread over."""
    return min(MOST_BERTHS, max(A_CAMERA, sessions // 10))


def places(berths: int) -> Iterator[ParkingPlace]:
    """A district, block faces of fifty berths, and cameras of ten."""
    actor = system_actor("bench")

    def place(place_id: str, kind: PlaceKind, **members: Any) -> ParkingPlace:
        found = ParkingPlace.open(actor, BEGINNING, place_id=place_id, kind=kind, simulated=True)
        point = {"type": "Point", "coordinates": [113.6254, 34.7466]}
        version = PlaceVersion(valid_from=LONG_AGO, name=place_id, geometry=point, **members)
        found.describe(actor, BEGINNING, kind, version)
        return found

    yield place("A-1", PlaceKind.AREA)
    for zone in range(-(-berths // 50)):
        yield place(_zone(zone * 50), PlaceKind.ZONE, parent="A-1", tariff_zone="1")
    for number in range(berths):
        yield place(_berth(number), PlaceKind.BERTH, parent=_zone(number), number=number % 50 + 1)
    for first in range(0, berths, A_CAMERA):
        watched = [_berth(each) for each in range(first, min(first + A_CAMERA, berths))]
        yield place(_camera(first), PlaceKind.DEVICE, watches=watched)


@dataclass(slots=True)
class Life:
    """One vehicle on one berth, from its arrival to its last fen."""

    number: int
    berths: int
    stays: bool
    tariff: Tariff
    rules: ParkingRules
    signs: list[Observation] = field(default_factory=list)

    @property
    def arrives_at(self) -> datetime:
        """When it comes: its berth is free again by then."""
        return BEGINNING + self.number * timedelta(minutes=LONGEST_MINUTES) / self.berths

    @property
    def leaves_at(self) -> datetime | None:
        """When it goes, if it does."""
        if self.stays:
            return None
        return self.arrives_at + timedelta(minutes=20 + self.number * 37 % (LONGEST_MINUTES - 20))

    def steps(self) -> Steps:
        """What happens, in its order; each time the stream with its new events."""
        at = self.arrives_at
        yield at, self._seen(Sign.ARRIVED, at)
        session = self._opened(at)
        yield at, session
        if self.leaves_at is None:
            return
        at = self.leaves_at
        yield at, self._seen(Sign.LEFT, at)
        follow(session, at, self._presence(), self._readings(), {})
        self._charge(session, at)
        yield at, session
        if session.price_fen:
            yield from self._pay(session, at)

    def _seen(self, sign: Sign, at: datetime) -> ParkingDetection:
        detection = ParkingDetection.record(
            at,
            detection_id=ParkingDetection.new_id(0, _digest("sign", self.number, sign)),
            device_id=_camera(self.number % self.berths),
            ref=f"{self.number}-{sign.value}",
            sign=sign.value,
            place_id=_berth(self.number % self.berths),
            occurred_at=at,
            plate=self._plate,
            confidence=None if self._plate is None else 97,
            characters=None,
            evidence_sha256=[f"{self.number:064x}"],
            opening=None,
            by_hand=False,
            reason="",
            simulated=True,
        )
        plate = None if self._plate is None else PLATE
        self.signs.append(Observation(detection.id, at, sign, detection.device_id, plate))
        return detection

    @property
    def _plate(self) -> dict[str, Any] | None:
        """As events have it; None where it was not read."""
        if self.number % 20 == 9:
            return None
        return {
            "plate_id": f"plate-{self.number % CITIZENS:032x}",
            "plate_sealed": PLATE_SEALED,
            "plate_class": "ordinary",
            "plate_complete": True,
            "plate_mended": False,
            "plates_version": "2018",
        }

    def _presence(self) -> Presence:
        (presence,) = presences_of(self.signs, same_arrival=self.rules.clone_near_within).presences
        return presence

    def _readings(self) -> list[ReadPlate]:
        plate = self._plate
        if plate is None:
            return []
        return [
            ReadPlate(
                detection_id=sign.id,
                read_at=sign.at,
                plate=plate,
                confidence=97,
                characters=None,
                judged_by="plate",
                doubt=None,
                thresholds_version="2026",
            )
            for sign in self.signs
        ]

    def _opened(self, at: datetime) -> ParkingSession:
        number = self.number % self.berths
        session = ParkingSession.open(
            at,
            session_id=ParkingSession.new_id(
                int(at.timestamp() * 1000), _digest("session", self.number)
            ),
            place=Place(_berth(number), "berth", _zone(number), "A-1", "1", "Asia/Shanghai"),
            presence=self._presence(),
            rules_version=self.rules.version,
            simulated=True,
        )
        follow(session, at, self._presence(), self._readings(), {})
        return session

    def _charge(self, session: ParkingSession, at: datetime) -> None:
        assert session.left_at is not None
        stay = Stay(
            start=session.arrived_at,
            end=session.left_at,
            zone=session.tariff_zone,
            time_zone=session.time_zone,
            plate_class=None if session.plate is None else session.plate["plate_class"],
        )
        whole = price(stay, self.tariff)
        priced = Priced(whole, 0, stay, whole.total_fen)
        session.price(at, cause="left", facts=session.facts, **priced.as_event())
        if session.why_held is not None:
            session.hold(at, *session.why_held)
        elif not session.price_fen:
            session.settle(at, amount_fen=0, how="free", claim_id=None)

    def _pay(self, session: ParkingSession, at: datetime) -> Steps:
        """It is owed; it is debited, paid at a kiosk an hour later, or not paid."""
        if session.held is not None or session.plate_id is None or session.price_event is None:
            return
        bound, paid = self.number % 3 == 0, self.number % 10 != 4
        citizen = f"citizen-{self.number % CITIZENS:032x}" if bound else None
        claim = Claim.raise_(
            at,
            subject=session.id,
            number=1,
            citizen_id=citizen,
            amount_fen=Fen(session.price_fen or 0),
            due_at=at,
            to_account="parking",
            decision_sha256=session.price_event,
            plate_id=session.plate_id,
        )
        debited = bound and paid
        session.claim_made(
            at,
            claim_id=claim.id,
            amount_fen=claim.amount_fen,
            payer=citizen,
            due_at=at,
            debited=debited,
            why_not=None if debited else Why.NOT_BOUND.value,
            terms=None,
        )
        if not debited:
            remind_at = at + self.rules.reminders_after[0]
            session.defer(at, claim_id=claim.id, reason=Why.NOT_BOUND.value, remind_at=remind_at)
        yield at, claim
        yield at, session
        if not paid:
            return
        at += timedelta(minutes=1 if debited else 60)
        channel = Channel.DEBIT if debited else Channel.KIOSK
        request_id = str(uuid5(NAMESPACE_URL, claim.id))
        asked = payment.request(claim, at, request_id=request_id, channel=channel)
        payment.capture(claim, at, payment_id=asked["payment_id"], settled_at=at, evidence=SAID)
        yield at, claim
        session.settle(at, amount_fen=claim.amount_fen, how="paid", claim_id=claim.id)
        yield at, session


def rows(sessions: int) -> Iterator[Row]:
    """Rows of `stored_events` in log order, from position 1: the places, then so many sessions."""
    register_streams()
    position, berths = 0, berths_for(sessions)
    for place in places(berths):
        for row in _rows_of(place, BEGINNING, position):
            position += 1
            yield row
    for at, stream in steps(sessions, berths):
        for row in _rows_of(stream, at, position):
            position += 1
            yield row


def steps(sessions: int, berths: int) -> Steps:
    """The steps of all lives in the order of time."""
    definitions = load_definitions()
    tariff, rules = tariff_of(definitions, STREET), parking_rules_at(definitions, BEGINNING)
    waiting: list[tuple[datetime, int, StreamAggregate, Steps]] = []

    def go_on(number: int, life: Steps) -> None:
        step = next(life, None)
        if step is not None:
            heapq.heappush(waiting, (step[0], number, step[1], life))

    for number in range(sessions):
        stays = number % 20 == 19 and number >= sessions - berths
        life = Life(number, berths, stays, tariff, rules)
        while waiting and waiting[0][0] < life.arrives_at:
            at, other, stream, rest = heapq.heappop(waiting)
            yield at, stream
            go_on(other, rest)
        go_on(number, life.steps())
    while waiting:
        at, other, stream, rest = heapq.heappop(waiting)
        yield at, stream
        go_on(other, rest)


async def load(url: str, sessions: int) -> int:
    """COPY the log into an empty, migrated database; how many events it has."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        batch: list[Row] = []
        events = 0
        for row in rows(sessions):
            batch.append(row)
            if len(batch) == COPY_ROWS:
                events += await _copy(connection, batch)
        events += await _copy(connection, batch)
        await connection.execute("VACUUM (ANALYZE, FREEZE) stored_events")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return events


async def _copy(connection: "asyncpg.Connection[Any]", batch: list[Row]) -> int:
    await connection.copy_records_to_table("stored_events", records=batch, columns=COLUMNS)
    copied = len(batch)
    batch.clear()
    return copied


def _rows_of(stream: StreamAggregate, at: datetime, position: int) -> Iterator[Row]:
    command = UUID(int=(position << 64) | (0x4 << 76) | (0x8 << 60))
    metadata = Metadata("system:bench", "system", "process", command, command).to_json()
    for number, event in enumerate(stream.collect_events(), position + 1):
        stored = mapper().to_stored_event(event)
        yield (
            str(stored.originator_id),
            stored.originator_version,
            stored.topic,
            stored.state,
            number,
            at,
            metadata,
        )


def _digest(*said: object) -> bytes:
    return sha256(repr(said).encode()).digest()[:10]


def _berth(number: int) -> str:
    return f"B-{number:05}"


def _zone(number: int) -> str:
    return f"Z-{number // 50:04}"


def _camera(number: int) -> str:
    return f"c-{number // A_CAMERA:04}"
