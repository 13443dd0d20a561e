"""Parking sessions, one row each: where they stand, what they cost, and whose they are.

A plate is in a row as it is in the events: sealed, with its random id. Who reads a row shows a
pseudonym, or opens the plate and records that. `state` is text that PostgreSQL keeps as it is: the
order of what was read and asked for decides.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel

from citybrain.domain.parking import session_claims
from citybrain.domain.parking.judging import PLATE_MEMBERS, judged, status_of
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, columns, fetch, fetch_planned

TABLES = """
CREATE TABLE sessions (
    session_id      text COLLATE "C" PRIMARY KEY,
    place_id        text COLLATE "C" NOT NULL,
    zone_id         text COLLATE "C",
    area_id         text COLLATE "C",
    tariff_zone     text COLLATE "C" NOT NULL,
    status          text COLLATE "C" NOT NULL,
    arrived_at      timestamptz NOT NULL,
    left_at         timestamptz,
    ending          text COLLATE "C",
    plate_id        text COLLATE "C",
    plate           jsonb,
    doubt           jsonb,
    price_fen       bigint,
    prepaid_fen     bigint NOT NULL,
    tariff_versions text[] NOT NULL,
    held            text COLLATE "C",
    payer           text COLLATE "C",
    claim_id        text COLLATE "C",
    due_at          timestamptz,
    deferred        text COLLATE "C",
    reminders       integer NOT NULL,
    disputed        boolean NOT NULL,
    simulated       boolean NOT NULL,
    state           json NOT NULL
);
CREATE INDEX ON sessions (arrived_at DESC, session_id);
CREATE INDEX ON sessions (status, arrived_at, session_id);
CREATE INDEX ON sessions (payer, arrived_at DESC, session_id) WHERE payer IS NOT NULL;
CREATE INDEX ON sessions (plate_id, arrived_at DESC) WHERE plate_id IS NOT NULL;
CREATE INDEX ON sessions (place_id, arrived_at DESC);
CREATE TABLE dispute_photos (sha256 text COLLATE "C" PRIMARY KEY);
"""

COLUMNS = (
    "session_id",
    "place_id",
    "zone_id",
    "area_id",
    "tariff_zone",
    "status",
    "arrived_at",
    "left_at",
    "ending",
    "plate_id",
    "plate",
    "doubt",
    "price_fen",
    "prepaid_fen",
    "tariff_versions",
    "held",
    "payer",
    "claim_id",
    "due_at",
    "deferred",
    "reminders",
    "disputed",
    "simulated",
    "state",
)
KNOWN = "SELECT session_id, state FROM sessions WHERE session_id = ANY($1)"
ADD_PHOTOS = "INSERT INTO dispute_photos SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"
DROP = "DELETE FROM sessions WHERE session_id = ANY($1)"

State = dict[str, Any]
"""What a row follows from; times are as the events have them."""


class SessionRow(BaseModel):
    """A parking session. `plate` is sealed: who shows it opens it, or shows a pseudonym."""

    session_id: str
    place_id: str
    zone_id: str | None
    area_id: str | None
    tariff_zone: str
    status: str
    arrived_at: AwareDatetime
    left_at: AwareDatetime | None
    ending: str | None
    doubt: dict[str, Any] | None
    price_fen: int | None
    prepaid_fen: int
    tariff_versions: list[str]
    held: str | None
    claim_id: str | None
    due_at: AwareDatetime | None
    deferred: str | None
    reminders: int
    disputed: bool
    simulated: bool


def _opened(state: State, data: dict[str, Any]) -> None:
    for name in ("place_id", "zone_id", "area_id", "tariff_zone", "arrived_at", "simulated"):
        state[name] = data[name]


def _read(state: State, data: dict[str, Any]) -> None:
    reading = {name: data[name] for name in (*PLATE_MEMBERS, "doubt")}
    state["readings"][data["detection_id"]] = reading


def _moved(state: State, data: dict[str, Any]) -> None:
    moved = data["detection_id"]
    del state["readings"][moved]
    state["completed"] = [part for part in state["completed"] if part != moved]


def _completed(state: State, data: dict[str, Any]) -> None:
    state["completed"].append(data["part"])


def _corrected(state: State, data: dict[str, Any]) -> None:
    state["corrected"] = {name: data[name] for name in PLATE_MEMBERS}
    state["settled"] = False


def _left(state: State, data: dict[str, Any]) -> None:
    state |= {"left_at": data["left_at"], "ending": data["ending"]}


def _times(state: State, data: dict[str, Any]) -> None:
    _left(state, data)
    state["arrived_at"] = data["arrived_at"]


def _priced(state: State, data: dict[str, Any]) -> None:
    state |= {"price_fen": data["amount_fen"], "tariff_versions": data["tariff_versions"]}


def _held(state: State, data: dict[str, Any]) -> None:
    state["held"] = data["reason"]


def _released(state: State, _: dict[str, Any]) -> None:
    state["held"] = None


def _claimed(state: State, data: dict[str, Any]) -> None:
    state["claims"][data["claim_id"]] = _claim(state, data, None)
    state |= {"due_at": data["due_at"], "settled": False, "deferred": None}
    state |= {"reminders": 0, "overdue": False}


def _payer_corrected(state: State, data: dict[str, Any]) -> None:
    state["claims"][data["claim_id"]]["amount_fen"] = 0
    state["settled"] = False


def _claim(state: State, data: dict[str, Any], stands: str | None) -> dict[str, Any]:
    """A claim as `citybrain.domain.parking.session_claims` has it."""
    return {
        "plate_id": _plate_id(state),
        "amount_fen": data["amount_fen"],
        "payer": data["payer"],
        "settled": False,
        "prepaid": None if stands is None else {"stands": stands},
    }


def _asked(state: State, data: dict[str, Any]) -> None:
    state["claims"][data["claim_id"]] = _claim(state, data, session_claims.ASKED)


def _prepaid(state: State, data: dict[str, Any]) -> None:
    state["claims"][data["claim_id"]] |= {
        "settled": True,
        "prepaid": {"stands": session_claims.PAID},
    }


def _stray_decided(state: State, data: dict[str, Any]) -> None:
    if data["its"]:
        said = data | {"payer": None}
        state["claims"][data["claim_id"]] = _claim(state, said, session_claims.PAID) | {
            "settled": True
        }


def _not_prepaid(state: State, data: dict[str, Any]) -> None:
    state["claims"][data["claim_id"]]["prepaid"] = {"stands": session_claims.OVER}


def _lowered(state: State, data: dict[str, Any]) -> None:
    state["claims"][data["claim_id"]]["amount_fen"] = data["amount_fen"]


def _deferred(state: State, data: dict[str, Any]) -> None:
    state["deferred"] = data["reason"]


def _reminded(state: State, data: dict[str, Any]) -> None:
    state["reminders"] = data["number"]


def _overdue(state: State, _: dict[str, Any]) -> None:
    state["overdue"] = True


def _settled(state: State, data: dict[str, Any]) -> None:
    if data["claim_id"] is not None:
        state["claims"][data["claim_id"]]["settled"] = True
    settled = session_claims.all_settled(state["claims"], _plate_id(state))
    state |= {"settled": settled, "overdue": False}


def _reopened(state: State, data: dict[str, Any]) -> None:
    state["claims"][data["claim_id"]]["settled"] = False
    state |= {"settled": False, "due_at": data["due_at"]}


def _disputed(state: State, _: dict[str, Any]) -> None:
    state["disputed"] = True


def _decided(state: State, data: dict[str, Any]) -> None:
    state["disputed"] = False
    if data["upheld"]:
        state["price_fen"] = data["amount_fen"]


def _voided(state: State, _: dict[str, Any]) -> None:
    state["voided"] = True


STEPS: dict[str, Callable[[State, dict[str, Any]], None]] = {
    "parking.opened": _opened,
    "parking.plate_read": _read,
    "parking.reading_moved": _moved,
    "parking.plate_completed": _completed,
    "parking.plate_corrected": _corrected,
    "parking.left": _left,
    "parking.times_corrected": _times,
    "parking.priced": _priced,
    "parking.repriced": _priced,
    "parking.held": _held,
    "parking.released": _released,
    "parking.claimed": _claimed,
    "parking.payer_corrected": _payer_corrected,
    "parking.claim_lowered": _lowered,
    "parking.prepayment_asked": _asked,
    "parking.prepaid": _prepaid,
    "parking.prepayment_ended": _not_prepaid,
    "parking.stray_decided": _stray_decided,
    "parking.deferred": _deferred,
    "parking.reminded": _reminded,
    "parking.overdue": _overdue,
    "parking.settled": _settled,
    "parking.reopened": _reopened,
    "parking.disputed": _disputed,
    "parking.dispute_decided": _decided,
    "parking.voided": _voided,
}


class ParkingSessionsModel:
    """The read model `parking_sessions`."""

    name = "parking_sessions"
    version = 3
    order = Order.STREAM
    topics = frozenset(STEPS)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the events of each session onto what is known of it."""
        ids = list({event.stream_id for event in events})
        rows = await connection.fetch(KNOWN, ids)
        states = {row["session_id"]: orjson.loads(row["state"]) for row in rows}
        for event in events:
            state = states.setdefault(event.stream_id, new_state())
            STEPS[event.topic](state, dict(event.data))
        photos = sorted({sha256 for event in events for sha256 in event.data.get("photos", ())})
        if photos:
            await connection.execute(ADD_PHOTOS, photos)
        if rows:
            await connection.execute(DROP, [row["session_id"] for row in rows])
        records = [row_of(session_id, state) for session_id, state in states.items()]
        await connection.copy_records_to_table("sessions", records=records, columns=COLUMNS)


def new_state() -> State:
    """Before the first event."""
    return {
        "readings": {},
        "completed": [],
        "corrected": None,
        "left_at": None,
        "ending": None,
        "price_fen": None,
        "tariff_versions": [],
        "held": None,
        "claims": {},
        "due_at": None,
        "deferred": None,
        "reminders": 0,
        "overdue": False,
        "settled": False,
        "disputed": False,
        "voided": False,
    }


def _plate_id(state: State) -> str | None:
    plate, _ = judged(state["readings"], state["completed"], state["corrected"])
    return None if plate is None else plate["plate_id"]


def row_of(session_id: str, state: State) -> tuple[Any, ...]:
    """The row that a state comes to."""
    plate, doubt = judged(state["readings"], state["completed"], state["corrected"])
    plate_id = None if plate is None else plate["plate_id"]
    claims = state["claims"]
    claim_id = session_claims.claim_on(claims, plate_id)
    payer = None if claim_id is None else claims[claim_id]["payer"]
    status = status_of(
        voided=state["voided"],
        left=state["left_at"] is not None,
        disputed=state["disputed"],
        settled=state["settled"],
        held=state["held"] is not None,
        overdue=state["overdue"],
        deferred=state["deferred"] is not None,
        claimed=claim_id is not None,
        priced=state["price_fen"] is not None,
    )
    sealed = None if plate is None else {name: plate[name] for name in PLATE_MEMBERS}
    return (
        session_id,
        state["place_id"],
        state["zone_id"],
        state["area_id"],
        state["tariff_zone"],
        status.value,
        _moment(state["arrived_at"]),
        _moment(state["left_at"]),
        state["ending"],
        plate_id,
        _json(sealed),
        _json(doubt),
        state["price_fen"],
        session_claims.prepaid_fen(claims, plate_id),
        state["tariff_versions"],
        state["held"],
        payer,
        claim_id,
        _moment(state["due_at"]),
        state["deferred"],
        state["reminders"],
        state["disputed"],
        state["simulated"],
        orjson.dumps(state).decode(),
    )


def _moment(at: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(at) if isinstance(at, str) else at


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


SHOWN = f"{columns(SessionRow)}, plate, plate_id, payer"
PAGE = f"""
SELECT {SHOWN} FROM parking_sessions.sessions
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::text IS NULL OR place_id = $2)
  AND ($3::text IS NULL OR zone_id = $3)
  AND ($4::text[] IS NULL OR plate_id = ANY($4))
  AND ($5::timestamptz IS NULL OR (arrived_at, session_id) < ($5, $6::text))
ORDER BY arrived_at DESC, session_id DESC LIMIT $7
"""  # noqa: S608
OWN = f"""
SELECT {SHOWN} FROM parking_sessions.sessions
WHERE payer = $1 AND ($2::timestamptz IS NULL OR (arrived_at, session_id) < ($2, $3::text))
ORDER BY arrived_at DESC, session_id DESC LIMIT $4
"""  # noqa: S608
ONE = f"SELECT {SHOWN} FROM parking_sessions.sessions WHERE session_id = $1"  # noqa: S608
COUNTS = "SELECT status, count(*) AS sessions FROM parking_sessions.sessions GROUP BY status"

After = tuple[datetime, str] | None


async def page(
    pool: Pool,
    *,
    status: str | None,
    place_id: str | None,
    zone_id: str | None,
    plate_ids: Sequence[str] | None,
    after: After,
    limit: int,
) -> list[Row]:
    """Sessions that fit, the newest arrivals first."""
    at, session_id = after or (None, None)
    plates = None if plate_ids is None else list(plate_ids)
    rows = await fetch_planned(pool, PAGE, status, place_id, zone_id, plates, at, session_id, limit)
    return [_read_row(row) for row in rows]


async def of_citizen(pool: Pool, citizen_id: str, *, after: After, limit: int) -> list[Row]:
    """The sessions that a citizen owes or has paid, the newest first."""
    at, session_id = after or (None, None)
    return [_read_row(row) for row in await fetch(pool, OWN, citizen_id, at, session_id, limit)]


async def one(pool: Pool, session_id: str) -> Row | None:
    """One session."""
    rows = await fetch(pool, ONE, session_id)
    return _read_row(rows[0]) if rows else None


async def counts(pool: Pool) -> dict[str, int]:
    """How many sessions stand where."""
    return {row["status"]: row["sessions"] for row in await fetch(pool, COUNTS)}


def _read_row(row: Row) -> Row:
    for name in ("plate", "doubt"):
        if row[name] is not None:
            row[name] = orjson.loads(row[name])
    return row


NAMED = "SELECT EXISTS (SELECT 1 FROM parking_sessions.dispute_photos WHERE sha256 = $1)"


async def came_with_a_dispute(pool: Pool, sha256: str) -> bool:
    """Whether a dispute names this photo."""
    return bool((await fetch(pool, NAMED, sha256))[0]["exists"])


ORIGINS = "SELECT session_id, simulated FROM parking_sessions.sessions WHERE session_id = ANY($1)"


async def origins(pool: Pool, session_ids: Sequence[str]) -> list[Row]:
    """Which of these are sessions, and whether they are made up."""
    return await fetch(pool, ORIGINS, list(session_ids))
