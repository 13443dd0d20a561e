"""The live board of berths: occupied, free, or unknown because nobody has spoken of them.

What a device says of any place shows that it works; what it does not say, it does not see. A sign
that happened before the one that is shown changes nothing; of two of one moment the berth is
occupied, in whichever order they come.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import asyncpg
from pydantic import AwareDatetime, BaseModel

from citybrain.columns import columns as columns_of
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.presence import OF_A_CHARGER, Sign
from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, fetch, fetch_planned

TABLES = """
CREATE TABLE places (
    stream_id text COLLATE "C" PRIMARY KEY,
    place_id  text COLLATE "C" NOT NULL UNIQUE,
    kind      text COLLATE "C" NOT NULL,
    simulated boolean NOT NULL
);
CREATE TABLE berths (
    place_id   text COLLATE "C" PRIMARY KEY,
    zone_id    text COLLATE "C",
    number     integer,
    state      text COLLATE "C",
    changed_at timestamptz,
    simulated  boolean NOT NULL
);
CREATE INDEX ON berths (zone_id, number);
CREATE TABLE devices (
    device_id text COLLATE "C" PRIMARY KEY,
    heard_at  timestamptz,
    lost_at   timestamptz
);
CREATE TABLE watched (
    device_id text COLLATE "C" NOT NULL,
    place_id  text COLLATE "C" NOT NULL,
    PRIMARY KEY (place_id, device_id)
);
CREATE INDEX ON watched (device_id);
"""

OPENED, DESCRIBED, DETECTED = (
    "parking.place_opened",
    "parking.place_described",
    "parking.detected",
)
# Of one moment the greater text is taken, here as in PostgreSQL.
STATE = {Sign.ARRIVED: "occupied", Sign.OCCUPIED: "occupied", Sign.LEFT: "free", Sign.EMPTY: "free"}
OPEN = """
INSERT INTO places (stream_id, place_id, kind, simulated)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) ON CONFLICT DO NOTHING
"""
NAMED = "SELECT * FROM places WHERE stream_id = ANY($1)"
PUT = """
INSERT INTO berths (place_id, zone_id, number, simulated)
SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::boolean[])
ON CONFLICT (place_id) DO UPDATE SET zone_id = excluded.zone_id, number = excluded.number
"""
RETIRE = "DELETE FROM berths WHERE place_id = ANY($1)"
WATCH_NO_MORE = "DELETE FROM watched WHERE device_id = ANY($1)"
WATCH = """
INSERT INTO watched (device_id, place_id) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT DO NOTHING
"""
CHANGE = """
UPDATE berths b SET state = n.state, changed_at = n.changed_at
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS n(place_id, state, changed_at)
WHERE b.place_id = n.place_id
  AND (b.changed_at IS NULL OR (b.changed_at, b.state) < (n.changed_at, n.state COLLATE "C"))
"""
HEAR = """
INSERT INTO devices AS d (device_id, heard_at, lost_at)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[])
ON CONFLICT (device_id) DO UPDATE SET
    heard_at = greatest(d.heard_at, excluded.heard_at),
    lost_at = greatest(d.lost_at, excluded.lost_at)
"""


class BerthRow(BaseModel):
    """A berth as it is known now. `heard_at`: when a device that watches it was last heard."""

    place_id: str
    zone_id: str | None
    number: int | None
    state: Literal["occupied", "free", "unknown"]
    changed_at: AwareDatetime | None
    heard_at: AwareDatetime | None
    simulated: bool


class ParkingBerths:
    """The read model `parking_berths`."""

    name = "parking_berths"
    version = 2
    topics = frozenset({OPENED, DESCRIBED, DETECTED})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Run by run: a berth that was retired and is used again begins anew."""
        for run in _runs(events):
            await self._apply(connection, run)

    async def _apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Places first: what is said of one came after it was described."""
        await _describe(connection, [event for event in events if event.topic != DETECTED])
        said = [
            event.data
            for event in events
            if event.topic == DETECTED and Sign(event.data["sign"]) not in OF_A_CHARGER
        ]
        newest: dict[str, tuple[datetime, str]] = {}
        for data in said:
            state = STATE.get(Sign(data["sign"]))
            if state is not None:
                at = data["occurred_at"], state
                newest[data["place_id"]] = max(newest.get(data["place_id"], at), at)
        if newest:
            rows = [(place, state, at) for place, (at, state) in sorted(newest.items())]
            await connection.execute(CHANGE, *columns_of(rows))
        heard: dict[str, tuple[datetime | None, datetime | None]] = {}
        for data in said:
            if data["by_hand"]:
                continue
            lost = Sign(data["sign"]) is Sign.LOST
            known, before = heard.get(data["device_id"], (None, None))
            at = data["occurred_at"]
            heard[data["device_id"]] = (
                _later(known, None if lost else at),
                _later(before, at if lost else None),
            )
        if heard:
            rows_heard = [(device, *times) for device, times in sorted(heard.items())]
            await connection.execute(HEAR, *columns_of(rows_heard))


def _runs(events: Sequence[RecordedEvent]) -> Iterator[Sequence[RecordedEvent]]:
    """The events in parts, in none of which a place is described again that was retired."""
    begin, retired = 0, set[str]()
    for number, event in enumerate(events):
        if event.topic != DESCRIBED:
            continue
        if event.stream_id in retired:
            yield events[begin:number]
            begin, retired = number, set()
        if event.data["retired"]:
            retired.add(event.stream_id)
    yield events[begin:]


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


async def _describe(connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]) -> None:
    opened = [event for event in events if event.topic == OPENED]
    if opened:
        rows = [
            (each.stream_id, each.data["place_id"], each.data["kind"], each.data["simulated"])
            for each in opened
        ]
        await connection.execute(OPEN, *columns_of(rows))
    described = {event.stream_id: event.data for event in events if event.topic == DESCRIBED}
    if not described:
        return
    named = await connection.fetch(NAMED, list(described))
    berths = [row for row in named if row["kind"] == PlaceKind.BERTH]
    put = [row for row in berths if not described[row["stream_id"]]["retired"]]
    if put:
        rows = [
            (
                row["place_id"],
                described[row["stream_id"]]["parent"],
                described[row["stream_id"]]["number"],
                row["simulated"],
            )
            for row in put
        ]
        await connection.execute(PUT, *columns_of(rows))
    gone = [row["place_id"] for row in berths if described[row["stream_id"]]["retired"]]
    if gone:
        await connection.execute(RETIRE, gone)
    devices = [row for row in named if row["kind"] == PlaceKind.DEVICE]
    await connection.execute(WATCH_NO_MORE, [row["place_id"] for row in devices])
    pairs = [
        (row["place_id"], place)
        for row in devices
        for place in described[row["stream_id"]]["watches"]
    ]
    if pairs:
        await connection.execute(WATCH, *columns_of(pairs))


KNOWN = """
SELECT b.*, d.heard_at,
       CASE WHEN b.state IS NULL OR d.heard_at IS NULL OR d.heard_at <= $1
                 OR d.lost_at >= d.heard_at THEN 'unknown' ELSE b.state END AS known
FROM parking_berths.berths b LEFT JOIN LATERAL (
    SELECT d.heard_at, d.lost_at FROM parking_berths.watched w
    JOIN parking_berths.devices d USING (device_id)
    WHERE w.place_id = b.place_id ORDER BY d.heard_at DESC NULLS LAST LIMIT 1
) d ON true
"""
PAGE = f"""
SELECT * FROM ({KNOWN}) k
WHERE ($2::text IS NULL OR zone_id = $2) AND ($3::text IS NULL OR known = $3)
  AND ($4::text IS NULL OR place_id > $4)
ORDER BY place_id LIMIT $5
"""  # noqa: S608
ONE = f"SELECT * FROM ({KNOWN}) k WHERE place_id = $2"  # noqa: S608
# The same of all berths at once: a device that was heard last of all decides, also if it is lost.
COUNTS = """
SELECT CASE WHEN b.state IS NULL OR h.heard_at IS NULL OR h.heard_at <= $1
                 OR h.lost_heard_at = h.heard_at THEN 'unknown' ELSE b.state END AS state,
       count(*) AS berths
FROM parking_berths.berths b LEFT JOIN (
    SELECT w.place_id, max(d.heard_at) AS heard_at,
           max(d.heard_at) FILTER (WHERE d.lost_at >= d.heard_at) AS lost_heard_at
    FROM parking_berths.watched w JOIN parking_berths.devices d USING (device_id)
    GROUP BY w.place_id
) h USING (place_id) GROUP BY 1
"""
FACES = f"""
SELECT zone_id, string_agg(left(known, 1), '' ORDER BY number, place_id) AS berths
FROM ({KNOWN}) k WHERE zone_id = ANY($2) GROUP BY zone_id
"""  # noqa: S608
# Of a past moment: berths of today, who stood there by the stays, and whether anything was heard.
STOOD = """
SELECT b.zone_id, b.number, CASE WHEN NOT EXISTS (
           SELECT FROM parking_berths.watched w
           WHERE w.place_id = b.place_id AND w.device_id <> ALL($3)) THEN 'u'
       WHEN s.left_at IS NULL AND s.arrived_at IS NOT NULL OR s.left_at >= $1 THEN 'o'
       ELSE 'f' END AS state, s.arrived_at
FROM parking_berths.berths b LEFT JOIN LATERAL (
    SELECT arrived_at, left_at FROM parking_sessions.sessions
    WHERE place_id = b.place_id AND arrived_at < $1 AND status <> 'voided'
    ORDER BY arrived_at DESC LIMIT 1
) s ON true
WHERE b.zone_id = ANY($2) ORDER BY b.zone_id, b.number, b.place_id
"""
WATCHING = """
SELECT w.device_id, d.heard_at
FROM parking_berths.watched w LEFT JOIN parking_berths.devices d USING (device_id)
WHERE w.place_id = $1
"""
SIMULATED = "SELECT EXISTS (SELECT 1 FROM parking_berths.places WHERE simulated)"


async def page(
    pool: Pool,
    *,
    now: datetime,
    silence: timedelta,
    zone_id: str | None = None,
    state: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[Row]:
    """Berths by id, as they are known now; after a silence so long they are unknown."""
    rows = await fetch_planned(pool, PAGE, now - silence, zone_id, state, after, limit)
    return [row | {"state": row.pop("known")} for row in rows]


async def one(pool: Pool, place_id: str, *, now: datetime, silence: timedelta) -> Row | None:
    """One berth as it is known now; None where there is none."""
    rows = await fetch(pool, ONE, now - silence, place_id)
    return rows[0] | {"state": rows[0].pop("known")} if rows else None


async def counts(pool: Pool, *, now: datetime, silence: timedelta) -> dict[str, int]:
    """How many berths are occupied, free and unknown."""
    return {row["state"]: row["berths"] for row in await fetch(pool, COUNTS, now - silence)}


async def by_face(
    pool: Pool, zone_ids: Sequence[str], *, now: datetime, silence: timedelta
) -> dict[str, str]:
    """The berths of block faces by number, a letter each: `o`, `f`, or `u` for unknown."""
    rows = await fetch(pool, FACES, now - silence, list(zone_ids))
    return {row["zone_id"]: row["berths"] for row in rows}


async def stood(
    pool: Pool, zone_ids: Sequence[str], at: datetime, silent: Sequence[str]
) -> dict[str, list[tuple[str, datetime | None]]]:
    """The berths of block faces by number at a past moment: the letter, and since when it is taken.

    By the stays as they are known today. `silent`: devices of which nothing was heard then; a berth
    that only they watch is unknown, and so is one that nothing watches.
    """
    found: dict[str, list[tuple[str, datetime | None]]] = {}
    for row in await fetch(pool, STOOD, at, list(zone_ids), list(silent)):
        since = row["arrived_at"] if row["state"] == "o" else None
        found.setdefault(row["zone_id"], []).append((row["state"], since))
    return found


async def watching(pool: Pool, place_id: str) -> list[tuple[str, datetime | None]]:
    """The devices that watch a place, and when each was last heard."""
    return [(row["device_id"], row["heard_at"]) for row in await fetch(pool, WATCHING, place_id)]


async def any_simulated(pool: Pool) -> bool:
    """Whether there are made-up places."""
    return bool((await fetch(pool, SIMULATED))[0]["exists"])
