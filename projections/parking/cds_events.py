"""What devices said, one row each, in the order in which it happened: the events of CDS.

A row is a sign with its session, as far as one follows from it; that a device is retired is one
as well. The plate is in it as it is in the event: sealed.
"""

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
import orjson

from citybrain.columns import columns
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.presence import OF_A_CHARGER
from citybrain.eventstore import RecordedEvent

TABLES = """
CREATE TABLE events (
    sign_id     text COLLATE "C" PRIMARY KEY,
    event_id    uuid NOT NULL,
    sign        text COLLATE "C" NOT NULL,
    device_id   text COLLATE "C" NOT NULL,
    place_id    text COLLATE "C",
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    session_id  text COLLATE "C",
    unmatched   boolean NOT NULL DEFAULT false,
    plate       jsonb,
    confidence  integer,
    by_hand     boolean NOT NULL,
    simulated   boolean NOT NULL
);
CREATE INDEX ON events (occurred_at DESC, sign_id DESC);
CREATE INDEX ON events (recorded_at);
CREATE INDEX ON events (place_id, occurred_at DESC) WHERE place_id IS NOT NULL;
CREATE INDEX ON events (device_id, occurred_at DESC);
CREATE INDEX ON events (device_id, occurred_at DESC) WHERE sign = 'lost';
CREATE INDEX ON events (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX ON events (occurred_at) WHERE unmatched;
CREATE TABLE devices (
    stream_id text COLLATE "C" PRIMARY KEY,
    device_id text COLLATE "C" NOT NULL,
    simulated boolean NOT NULL
);
"""

DETECTED, UNMATCHED = "parking.detected", "parking.detection_unmatched"
OPENED, DESCRIBED = "parking.place_opened", "parking.place_described"
SIGNED = frozenset({"parking.opened", "parking.left", "parking.times_corrected"})
VOIDED = "parking.voided"

RETIRED = "retired"
"""The sign of a device that is in use no more; it says that of itself by nobody's word."""
PUSHED = "cds:"
"""How the reference of an event begins that a client of CDS pushed; its own id follows."""

COLUMNS = (
    "sign_id",
    "event_id",
    "sign",
    "device_id",
    "place_id",
    "occurred_at",
    "recorded_at",
    "plate",
    "confidence",
    "by_hand",
    "simulated",
)
OPEN = """
INSERT INTO devices (stream_id, device_id, simulated)
SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[]) ON CONFLICT DO NOTHING
"""
KNOWN = "SELECT * FROM devices WHERE stream_id = ANY($1)"
BELONG = """
UPDATE events e SET session_id = n.session_id
FROM unnest($1::text[], $2::text[]) AS n(sign_id, session_id) WHERE e.sign_id = n.sign_id
"""
VOID = "UPDATE events SET session_id = NULL WHERE session_id = ANY($1)"
STRAY = "UPDATE events SET unmatched = true WHERE sign_id = ANY($1)"


class ParkingCdsEvents:
    """The read model `parking_cds_events`."""

    name = "parking_cds_events"
    version = 1
    topics = frozenset({DETECTED, UNMATCHED, OPENED, DESCRIBED, VOIDED, *SIGNED})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Signs first: what follows from one comes after it."""
        records = [
            _said(event)
            for event in events
            if event.topic == DETECTED and event.data["sign"] not in OF_A_CHARGER
        ]
        records += await _retired(connection, events)
        if records:
            await connection.copy_records_to_table("events", records=records, columns=COLUMNS)
        strays = [event.stream_id for event in events if event.topic == UNMATCHED]
        if strays:
            await connection.execute(STRAY, strays)
        await _let_belong(connection, events)


async def _let_belong(
    connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
) -> None:
    """Which session signs are of, by the last that says so; those of a void one are of none."""
    belong: dict[str, str] = {}
    void: list[str] = []
    for event in events:
        if event.topic in SIGNED:
            belong |= dict.fromkeys(event.data["detection_ids"], event.stream_id)
        elif event.topic == VOIDED:
            void.append(event.stream_id)
            belong = {sign: of for sign, of in belong.items() if of != event.stream_id}
    if void:
        await connection.execute(VOID, void)
    if belong:
        await connection.execute(BELONG, *columns(sorted(belong.items())))


def _said(event: RecordedEvent) -> tuple[Any, ...]:
    data = event.data
    plate = data["plate"]
    return (
        event.stream_id,
        event_id_of(event.stream_id, data["ref"]),
        data["sign"],
        data["device_id"],
        data["place_id"],
        data["occurred_at"],
        event.recorded_at,
        None if plate is None else orjson.dumps(plate).decode(),
        data["confidence"],
        data["by_hand"],
        data["simulated"],
    )


async def _retired(
    connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
) -> list[tuple[Any, ...]]:
    """The devices that are in use no more."""
    opened = [
        (event.stream_id, event.data["place_id"], event.data["simulated"])
        for event in events
        if event.topic == OPENED and event.data["kind"] == PlaceKind.DEVICE
    ]
    if opened:
        await connection.execute(OPEN, *columns(opened))
    retired = [event for event in events if event.topic == DESCRIBED and event.data["retired"]]
    if not retired:
        return []
    rows = await connection.fetch(KNOWN, [event.stream_id for event in retired])
    known = {row["stream_id"]: row for row in rows}
    return [
        (
            f"{event.stream_id}:{event.position}",
            uuid5(NAMESPACE_URL, f"{event.stream_id}:{event.position}"),
            RETIRED,
            known[event.stream_id]["device_id"],
            None,
            event.data["valid_from"],
            event.recorded_at,
            None,
            None,
            True,
            known[event.stream_id]["simulated"],
        )
        for event in retired
        if event.stream_id in known
    ]


def event_id_of(sign_id: str, ref: str) -> UUID:
    """What CDS calls a sign: as who pushed it did, else by our own id."""
    if ref.startswith(PUSHED):
        try:
            return UUID(ref.removeprefix(PUSHED))
        except ValueError:
            pass
    return UUID(hex=sign_id[-32:])
