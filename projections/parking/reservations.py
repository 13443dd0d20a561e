"""Reservations, one row each, and who has which berth when.

A plate is in a row as it is in the events: sealed. What is free is a hint: the berth's calendar
decides. A hold that has run out is left in its row and not counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.reservation import CANCELLABLE, ParkingReservation
from citybrain.domain.parking.reservation_events import (
    ENDS_CONFLICT,
    EVENTS,
    ReservationStatus,
    fee_after,
    status_after,
)
from citybrain.domain.stream import category_of
from citybrain.eventstore import RecordedEvent
from projections.parking import places
from projections.reading import Pool, Row, fetch, fetch_planned
from projections.reading import columns as shown

TABLES = """
CREATE TABLE reservations (
    reservation_id text COLLATE "C" PRIMARY KEY,
    citizen_id     text COLLATE "C" NOT NULL,
    berth          text COLLATE "C" NOT NULL,
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    made_at        timestamptz NOT NULL,
    hold_until     timestamptz NOT NULL,
    no_show_at     timestamptz NOT NULL,
    status         text COLLATE "C" NOT NULL,
    rules_version  text NOT NULL,
    deposit_fen    bigint NOT NULL,
    fee_fen        bigint NOT NULL,
    paid_fen       bigint NOT NULL,
    refunded_fen   bigint NOT NULL,
    claim_id       text COLLATE "C",
    conflict       text COLLATE "C",
    conflict_since timestamptz,
    offered        text[] NOT NULL,
    plate          jsonb NOT NULL,
    other_plate    jsonb,
    simulated      boolean NOT NULL,
    version        bigint NOT NULL
);
CREATE INDEX ON reservations (citizen_id, starts_at DESC, reservation_id DESC);
CREATE INDEX ON reservations (starts_at, reservation_id);
CREATE INDEX ON reservations (berth, starts_at);
CREATE INDEX ON reservations (starts_at, reservation_id) WHERE conflict IS NOT NULL;
CREATE INDEX ON reservations (claim_id) WHERE claim_id IS NOT NULL;
CREATE TABLE entries (
    entry_id  text COLLATE "C" PRIMARY KEY,
    berth     text COLLATE "C" NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL,
    until     timestamptz
);
CREATE INDEX ON entries (berth, ends_at);
"""


class ReservationRow(BaseModel):
    """A reservation. `fee_fen` is kept of the deposit, or will be."""

    reservation_id: str
    berth: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    made_at: AwareDatetime
    hold_until: AwareDatetime
    no_show_at: AwareDatetime
    status: str
    rules_version: str
    deposit_fen: int
    fee_fen: int
    paid_fen: int
    refunded_fen: int
    claim_id: str | None
    conflict: str | None = Field(description="why an officer looks, or the citizen may move")
    conflict_since: AwareDatetime | None
    offered: list[str] = Field(description="berths that were free when this one was lost")
    simulated: bool
    version: int


class BusySpan(BaseModel):
    """A span in which somebody has a berth, [start, end)."""

    berth: str
    start: AwareDatetime
    end: AwareDatetime


HIDDEN = ("citizen_id", "plate", "other_plate")
COLUMNS = (*ReservationRow.model_fields, *HIDDEN)
KNOWN = f"SELECT {', '.join(COLUMNS)} FROM reservations WHERE reservation_id = ANY($1)"  # noqa: S608
OF_CLAIMS = "SELECT claim_id, reservation_id FROM reservations WHERE claim_id = ANY($1)"
DROP = "DELETE FROM reservations WHERE reservation_id = ANY($1)"
DROP_ENTRIES = "DELETE FROM entries WHERE entry_id = ANY($1)"

HELD, MOVED = "parking.reservation_held", "parking.reservation_moved"
LOST, RAISED = "parking.reservation_lost", "parking.reservation_conflict_raised"
CLAIMED, CAPTURED = "parking.claim_raised", "parking.payment_captured"
REFUNDED = "parking.refunded"
CALENDAR = frozenset({"parking.calendar_held", "parking.calendar_kept"})
FREED = "parking.calendar_freed"
OF_RESERVATION = frozenset(event.__dict__["TOPIC"] for event in EVENTS)
OF_MONEY = frozenset({CLAIMED, CAPTURED, REFUNDED})


class ParkingReservations:
    """The read model `parking_reservations`."""

    name = "parking_reservations"
    version = 1
    topics = OF_RESERVATION | OF_MONEY | CALENDAR | {FREED}
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into its rows."""
        claims = await _claims(connection, events)
        ids = {each.stream_id for each in events if each.topic in OF_RESERVATION}
        ids |= set(claims.values())
        found = await connection.fetch(KNOWN, list(ids)) if ids else []
        rows: dict[str, Row] = {row["reservation_id"]: dict(row) for row in found}
        for event in events:
            if event.topic == HELD:
                rows[event.stream_id] = _held(event)
            elif event.topic in OF_RESERVATION:
                _change(rows[event.stream_id], event)
            elif event.topic in OF_MONEY and event.stream_id in claims:
                _money(rows[claims[event.stream_id]], event)
        if rows:
            await connection.execute(DROP, list(rows))
            records = [[row[name] for name in COLUMNS] for row in rows.values()]
            await connection.copy_records_to_table("reservations", records=records, columns=COLUMNS)
        await _enter(connection, events)


async def _claims(
    connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
) -> dict[str, str]:
    """The claims of reservations among those that money was moved for."""
    of_money = {event.stream_id for event in events if event.topic in OF_MONEY}
    if not of_money:
        return {}
    rows = await connection.fetch(OF_CLAIMS, list(of_money))
    return dict(map(tuple, rows)) | {
        event.stream_id: event.data["subject"]
        for event in events
        if event.topic == CLAIMED
        and category_of(event.data["subject"]) == ParkingReservation.category
    }


def _held(event: RecordedEvent) -> Row:
    data = event.data
    same = ("citizen_id", "berth", "hold_until", "no_show_at", "rules_version", "deposit_fen")
    return {name: data[name] for name in (*same, "simulated")} | {
        "reservation_id": event.stream_id,
        "starts_at": data["start"],
        "ends_at": data["end"],
        "made_at": data["timestamp"],
        "status": ReservationStatus.HELD.value,
        "fee_fen": 0,
        "paid_fen": 0,
        "refunded_fen": 0,
        "claim_id": None,
        "conflict": None,
        "conflict_since": None,
        "offered": [],
        "plate": _json(data["plate"]),
        "other_plate": None,
        "version": event.version,
    }


def _change(row: Row, event: RecordedEvent) -> None:
    topic, data = event.topic, event.data
    row["status"] = status_after(topic, ReservationStatus(row["status"])).value
    row["fee_fen"] = fee_after(topic, data, row["fee_fen"])
    row["version"] = event.version
    if topic in ENDS_CONFLICT:
        row |= {"conflict": None, "conflict_since": None, "other_plate": None}
    elif topic == RAISED:
        other = None if data["plate"] is None else _json(data["plate"])
        row |= {"conflict": data["kind"], "conflict_since": data["at"], "other_plate": other}
    if topic == MOVED:
        row |= {"berth": data["berth"], "no_show_at": data["no_show_at"]}
    elif topic == LOST:
        row["offered"] = data["offered"]


def _money(row: Row, event: RecordedEvent) -> None:
    if event.topic == CLAIMED:
        row["claim_id"] = event.stream_id
    else:
        name = "paid_fen" if event.topic == CAPTURED else "refunded_fen"
        row[name] += event.data["amount_fen"]


async def _enter(connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]) -> None:
    """The last of each entry in a calendar: there, or given up."""
    entries: dict[str, list[Any] | None] = {}
    for event in events:
        data = event.data
        if event.topic in CALENDAR:
            berth = event.stream_id.partition("-")[2]
            entries[data["claim_id"]] = [berth, data["start"], data["end"], data.get("until")]
        elif event.topic == FREED:
            entries[data["claim_id"]] = None
    if entries:
        await connection.execute(DROP_ENTRIES, list(entries))
        records = [[name, *entry] for name, entry in entries.items() if entry is not None]
        await connection.copy_records_to_table("entries", records=records)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


# --- questions ----------------------------------------------------------------------------

SHOWN = shown(ReservationRow, *HIDDEN)
ONE = f"SELECT {SHOWN} FROM parking_reservations.reservations WHERE reservation_id = $1"  # noqa: S608
OWN = f"""
SELECT {SHOWN} FROM parking_reservations.reservations
WHERE citizen_id = $1 AND ($2::timestamptz IS NULL OR (starts_at, reservation_id) < ($2, $3::text))
ORDER BY starts_at DESC, reservation_id DESC LIMIT $4
"""  # noqa: S608
DESK = f"""
SELECT {SHOWN} FROM parking_reservations.reservations
WHERE ($1::text IS NULL OR berth = $1) AND ($2::text IS NULL OR status = $2)
  AND (NOT $3 OR conflict IS NOT NULL)
  AND ($4::timestamptz IS NULL OR ends_at > $4) AND ($5::timestamptz IS NULL OR starts_at < $5)
  AND ($6::timestamptz IS NULL OR (starts_at, reservation_id) > ($6, $7::text))
ORDER BY starts_at, reservation_id LIMIT $8
"""  # noqa: S608
BUSY = """
SELECT berth, starts_at AS start, ends_at AS "end" FROM parking_reservations.entries
WHERE berth = ANY($1) AND starts_at < $3 AND ends_at > $2 AND (until IS NULL OR until > $4)
ORDER BY berth, starts_at
"""
OF_ERASED = """
SELECT r.reservation_id FROM parking_reservations.reservations r
WHERE r.citizen_id = ANY($1) AND r.status = ANY($2)
"""
MOST_BESIDE = 500
OFFERED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which reservations a desk looks at; all where nothing is said. The span is [since, until)."""

    berth: str | None = None
    status: str | None = None
    conflicts: bool = False
    since: datetime | None = None
    until: datetime | None = None


async def one(pool: Pool, reservation_id: str) -> Row | None:
    """A row, if it is there yet."""
    rows = _read(await fetch(pool, ONE, reservation_id))
    return rows[0] if rows else None


async def of_citizen(
    pool: Pool, citizen_id: str, *, after: tuple[datetime, str] | None, limit: int
) -> list[Row]:
    """Somebody's own, the last to begin first; `after` is (starts_at, id) of the last seen."""
    return _read(await fetch(pool, OWN, citizen_id, *(after or (None, None)), limit))


async def desk(
    pool: Pool, wanted: Wanted, *, after: tuple[datetime, str] | None, limit: int
) -> list[Row]:
    """Those that are wanted, the first to begin first."""
    found = await fetch_planned(
        pool,
        DESK,
        wanted.berth,
        wanted.status,
        wanted.conflicts,
        wanted.since,
        wanted.until,
        *(after or (None, None)),
        limit,
    )
    return _read(found)


async def busy(
    pool: Pool, berths: Iterable[str], start: datetime, end: datetime, now: datetime
) -> list[BusySpan]:
    """When somebody has one of the berths within a span."""
    rows = await fetch(pool, BUSY, list(berths), start, end, now)
    return [BusySpan(**row) for row in rows]


async def of_erased(pool: Pool, erased: Sequence[str]) -> list[str]:
    """The reservations of people who were erased that can still be given up."""
    open_ = [status.value for status in CANCELLABLE]
    return [row["reservation_id"] for row in await fetch(pool, OF_ERASED, erased, open_)]


async def free_beside(
    pool: Pool, berth: str, start: datetime, end: datetime, now: datetime
) -> list[str]:
    """A few berths of the same zone that are free in a span, the next ones by number first."""
    zone, number = await _zone_of(pool, berth, start)
    if zone is None:
        return []
    found = await berths_of(pool, zone, start, after=None, limit=MOST_BESIDE)
    taken = {
        each.berth for each in await busy(pool, [row["place_id"] for row in found], start, end, now)
    }
    free = [row for row in found if row["place_id"] not in {*taken, berth}]
    free.sort(key=lambda row: (abs((row["number"] or 0) - number), row["place_id"]))
    return [row["place_id"] for row in free[:OFFERED]]


async def berths_of(
    pool: Pool, zone: str, at: datetime, *, after: str | None, limit: int
) -> list[Row]:
    """The berths of a zone that are in use at a moment, by id."""
    wanted = places.WantedPlaces(kinds=[PlaceKind.BERTH.value], parent=zone)
    return await places.page(pool, at, wanted, after=after, limit=limit)


async def _zone_of(pool: Pool, berth: str, at: datetime) -> tuple[str | None, int]:
    for version in reversed(await places.versions(pool, [berth])):
        if version["valid_from"] <= at:
            return version["parent"], version["number"] or 0
    return None, 0


def _read(rows: list[Row]) -> list[Row]:
    """Rows with their plates as events have them."""
    for row in rows:
        for name in ("plate", "other_plate"):
            row[name] = None if row[name] is None else orjson.loads(row[name])
    return rows
