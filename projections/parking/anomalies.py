"""What is not as it should be: one row for each anomaly, from when until when, and of what.

Rows follow the events of sessions, claims, counters and devices, and end with them
(`anomaly_folding`). That a device says nothing is no event: it is seen by when it was last heard,
when somebody asks (`anomaly_list`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from typing import Any

import asyncpg

from citybrain.domain.parking.anomaly import AnomalyClosed, AnomalyKind, anomaly_id
from citybrain.domain.parking.place import stream_of
from citybrain.eventstore import RecordedEvent
from projections.parking.anomaly_folding import (
    STEPS,
    Case,
    Counter,
    Departure,
    Device,
    Known,
    Place,
    RaisedClaim,
    Session,
)

TABLES = """
CREATE TABLE cases (
    anomaly_id text COLLATE "C" PRIMARY KEY,
    kind       text COLLATE "C" NOT NULL,
    place_id   text COLLATE "C",
    device_id  text COLLATE "C",
    session_id text COLLATE "C",
    other_id   text COLLATE "C",
    claim_id   text COLLATE "C",
    evidence   text COLLATE "C",
    since      timestamptz NOT NULL,
    ended_at   timestamptz,
    closed_at  timestamptz,
    closed_by  text COLLATE "C",
    reason     text COLLATE "C",
    simulated  boolean NOT NULL
);
CREATE INDEX ON cases (since DESC, anomaly_id DESC);
CREATE INDEX ON cases (since DESC, anomaly_id DESC) WHERE ended_at IS NULL AND closed_at IS NULL;
CREATE INDEX ON cases (place_id, since DESC) WHERE place_id IS NOT NULL;
CREATE INDEX ON cases (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX ON cases (other_id) WHERE other_id IS NOT NULL;
CREATE INDEX ON cases (place_id) WHERE kind = 'no-sign' AND ended_at IS NULL;
CREATE TABLE places (
    stream_id text COLLATE "C" PRIMARY KEY,
    place_id  text COLLATE "C" NOT NULL UNIQUE,
    kind      text COLLATE "C" NOT NULL,
    simulated boolean NOT NULL
);
CREATE TABLE sessions (
    session_id text COLLATE "C" PRIMARY KEY,
    place_id   text COLLATE "C" NOT NULL,
    at_gates   boolean NOT NULL,
    simulated  boolean NOT NULL,
    tail       text COLLATE "C"
);
CREATE TABLE claims (
    claim_id text COLLATE "C" PRIMARY KEY,
    subject  text COLLATE "C" NOT NULL
);
CREATE TABLE departures (
    sign_id     text COLLATE "C" PRIMARY KEY,
    place_id    text COLLATE "C",
    device_id   text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    simulated   boolean NOT NULL
);
CREATE TABLE counters (
    place_id   text COLLATE "C" PRIMARY KEY,
    read_at    timestamptz NOT NULL,
    anomaly_id text COLLATE "C"
);
CREATE TABLE devices (
    device_id       text COLLATE "C" PRIMARY KEY,
    watches         text[] NOT NULL,
    heard_at        timestamptz NOT NULL,
    lost_at         timestamptz,
    silence_seconds integer,
    in_use          boolean NOT NULL,
    anomaly_id      text COLLATE "C" NOT NULL,
    simulated       boolean NOT NULL
);
"""

CASES = """
SELECT * FROM cases WHERE anomaly_id = ANY($1) OR session_id = ANY($2) OR other_id = ANY($2)
    OR (kind = 'no-sign' AND ended_at IS NULL AND place_id = ANY($3))
"""
PLACES = "SELECT * FROM places WHERE stream_id = ANY($1)"
SESSIONS = "SELECT * FROM sessions WHERE session_id = ANY($1)"
CLAIMS = "SELECT * FROM claims WHERE claim_id = ANY($1)"
DEPARTURES = "SELECT * FROM departures WHERE sign_id = ANY($1)"
COUNTERS = "SELECT * FROM counters WHERE place_id = ANY($1)"
DEVICES = "SELECT * FROM devices WHERE device_id = ANY($1)"
KEPT: dict[str, tuple[str, type[Any]]] = {
    "cases": ("DELETE FROM cases WHERE anomaly_id = ANY($1)", Case),
    "places": ("DELETE FROM places WHERE stream_id = ANY($1)", Place),
    "sessions": ("DELETE FROM sessions WHERE session_id = ANY($1)", Session),
    "claims": ("DELETE FROM claims WHERE claim_id = ANY($1)", RaisedClaim),
    "departures": ("DELETE FROM departures WHERE sign_id = ANY($1)", Departure),
    "counters": ("DELETE FROM counters WHERE place_id = ANY($1)", Counter),
    "devices": ("DELETE FROM devices WHERE device_id = ANY($1)", Device),
}
"""How each table loses what has changed, and what its rows are."""


class ParkingAnomalies:
    """The read model `parking_anomalies`."""

    name = "parking_anomalies"
    version = 3
    topics = frozenset(STEPS)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Take each event in the order of the log, and write what has changed."""
        known = await _known(connection, events)
        before = {table: dict(getattr(known, table)) for table in KEPT}
        for event in events:
            known.take(event)
        for table, (drop, row) in KEPT.items():
            await _write(connection, table, drop, row, before[table], getattr(known, table))


async def _write(
    connection: "asyncpg.Connection[Any]",
    table: str,
    drop: str,
    row: type[Any],
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    """Let what has changed or is gone go, and put in what there is now."""
    gone = [key for key, known in before.items() if after.get(key) != known]
    if gone:
        await connection.execute(drop, gone)
    new = [astuple(now) for key, now in after.items() if before.get(key) != now]
    names = [each.name for each in fields(row)]
    await connection.copy_records_to_table(table, records=new, columns=names)


async def _known(connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]) -> Known:
    """All that the batch may be about."""
    streams = list({event.stream_id for event in events})
    said = [event.data for event in events]
    named = _said(said, "place_id")
    known = Known()
    for row in await connection.fetch(PLACES, [*streams, *map(stream_of, named)]):
        known.places[row["stream_id"]] = Place(**row)
    described = [place.place_id for place in known.places.values()]
    devices = [*_said(said, "device_id"), *described]
    for row in await connection.fetch(DEVICES, devices):
        known.devices[row["device_id"]] = Device(**row)
    for row in await connection.fetch(COUNTERS, named):
        known.counters[row["place_id"]] = Counter(**row)
    for row in await connection.fetch(CLAIMS, streams):
        known.claims[row["claim_id"]] = RaisedClaim(**row)
    subjects = [*(each.subject for each in known.claims.values()), *_said(said, "subject")]
    for row in await connection.fetch(SESSIONS, [*streams, *subjects]):
        known.sessions[row["session_id"]] = Session(**row)
    signs = {sign for data in said for sign in data.get("detection_ids", ())}
    for row in await connection.fetch(DEPARTURES, [*streams, *signs]):
        known.departures[row["sign_id"]] = Departure(**row)
    await _cases(connection, known, events)
    return known


async def _cases(
    connection: "asyncpg.Connection[Any]", known: Known, events: Sequence[RecordedEvent]
) -> None:
    """The cases that may begin or end."""
    said = [event.data for event in events]
    ids = [event.stream_id for event in events if event.topic == AnomalyClosed.TOPIC]
    ids += [each.anomaly_id for each in known.devices.values()]
    ids += [each.anomaly_id for each in known.counters.values() if each.anomaly_id is not None]
    kind = AnomalyKind.PAYMENT_MISMATCHED
    ids += [anomaly_id(kind, payment_id) for payment_id in _said(said, "payment_id")]
    streams = list({event.stream_id for event in events})
    for row in await connection.fetch(CASES, ids, streams, _said(said, "place_id")):
        known.cases[row["anomaly_id"]] = Case(**dict(row) | {"kind": AnomalyKind(row["kind"])})


def _said(said: Iterable[dict[str, Any]], name: str) -> list[str]:
    """What events name so."""
    found = {data.get(name) for data in said}
    return [each for each in found if isinstance(each, str)]
