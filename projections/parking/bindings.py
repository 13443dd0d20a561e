"""Bindings of plates: each citizen's, whose a plate is now, and who was named as a hirer.

A plate is in a row as it is in the events: sealed, with its random id.
"""

from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.parking.binding_events import LEADS_TO, OPEN, BindingStatus
from citybrain.domain.times import moment
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, columns, fetch

TABLES = """
CREATE TABLE bindings (
    binding_id          text COLLATE "C" PRIMARY KEY,
    citizen_id          text COLLATE "C" NOT NULL,
    plate_id            text COLLATE "C" NOT NULL,
    plate               jsonb NOT NULL,
    status              text COLLATE "C" NOT NULL,
    open                boolean NOT NULL,
    reason              text COLLATE "C",
    consent_id          text COLLATE "C" NOT NULL,
    per_debit_limit_fen bigint NOT NULL,
    per_day_limit_fen   bigint NOT NULL,
    registered_since    timestamptz,
    use                 text,
    held_until          timestamptz,
    transferred_on      text,
    transfer            text COLLATE "C",
    asked_at            timestamptz NOT NULL,
    active_since        timestamptz,
    ended_at            timestamptz,
    version             bigint NOT NULL
);
CREATE INDEX ON bindings (citizen_id, asked_at DESC, binding_id DESC);
CREATE INDEX ON bindings (plate_id, asked_at DESC, binding_id DESC);
CREATE INDEX ON bindings (citizen_id) WHERE open;
CREATE TABLE hires (
    hire_id    text COLLATE "C" PRIMARY KEY,
    binding_id text COLLATE "C" NOT NULL,
    hirer      text COLLATE "C",
    begins     timestamptz NOT NULL,
    ends       timestamptz NOT NULL,
    named_at   timestamptz NOT NULL
);
CREATE INDEX ON hires (hirer, begins DESC) WHERE hirer IS NOT NULL;
"""


class BindingRow(BaseModel):
    """A binding. What was debited by it is in the sessions."""

    binding_id: str
    status: str = Field(description="asked, unknown, proved, active, refused or ended")
    reason: str | None = Field(description="why it was refused, or ended: a code")
    consent_id: str
    per_debit_limit_fen: int
    per_day_limit_fen: int
    registered_since: AwareDatetime | None = Field(description="by the registry, theirs since")
    use: str | None = Field(description="what the vehicle is for, in the registry's word")
    held_until: AwareDatetime | None = Field(description="until when it was theirs, where known")
    transferred_on: str | None = Field(description="the day of a transfer that was shown")
    transfer: str | None = Field(description="shown, confirmed or refused")
    asked_at: AwareDatetime
    active_since: AwareDatetime | None
    ended_at: AwareDatetime | None
    version: int


class HireRow(BaseModel):
    """That somebody was named as who had a vehicle, by a contract."""

    hire_id: str
    begins: AwareDatetime
    ends: AwareDatetime
    named_at: AwareDatetime


COLUMNS = ("citizen_id", "plate_id", "plate", "open", *BindingRow.model_fields)
HIRE_COLUMNS = ("binding_id", "hirer", *HireRow.model_fields)
READ = f"SELECT {', '.join(COLUMNS)} FROM bindings WHERE binding_id = ANY($1)"  # noqa: S608
DROP = "DELETE FROM bindings WHERE binding_id = ANY($1)"

ASKED, HIRED = "parking.plate_binding_asked", "parking.plate_hired_out"
SILENT, ACTIVATED = "parking.plate_registry_silent", "parking.plate_binding_activated"
REFUSED, ENDED = "parking.plate_binding_refused", "parking.plate_binding_ended"


def _answered(row: Row, data: dict[str, Any]) -> None:
    if data["registered"]:
        row |= {"registered_since": moment(data["since"]), "use": data["use"]}


def _limits(row: Row, data: dict[str, Any]) -> None:
    row |= {f"{name}_limit_fen": data[f"{name}_fen"] for name in ("per_debit", "per_day")}


def _over(row: Row, data: dict[str, Any]) -> None:
    row |= {"reason": data["reason"], "ended_at": data["timestamp"]}


def _ended(row: Row, data: dict[str, Any]) -> None:
    _over(row, data)
    row["held_until"] = moment(data["held_until"])


def _shown(row: Row, data: dict[str, Any]) -> None:
    row |= {"transferred_on": data["transferred_on"], "transfer": "shown"}


def _confirmed(row: Row, data: dict[str, Any]) -> None:
    row |= {"held_until": moment(data["held_until"]), "transfer": "confirmed"}


def _denied(row: Row, _: dict[str, Any]) -> None:
    row["transfer"] = "refused"


def _activated(row: Row, data: dict[str, Any]) -> None:
    row["active_since"] = data["timestamp"]


STEPS: dict[str, Callable[[Row, dict[str, Any]], None]] = {
    "parking.plate_registry_answered": _answered,
    "parking.plate_limits_changed": _limits,
    "parking.plate_transfer_shown": _shown,
    "parking.plate_transfer_confirmed": _confirmed,
    "parking.plate_transfer_refused": _denied,
    ACTIVATED: _activated,
    REFUSED: _over,
    ENDED: _ended,
}
OTHERS = (
    "parking.plate_proof_requested",
    "parking.plate_debit_taken",
    "parking.plate_debit_given_back",
)
"""What changes nothing in a row but its version."""


class PlateBindingsModel:
    """The read model `plate_bindings`."""

    name = "plate_bindings"
    version = 1
    order = Order.STREAM
    topics = frozenset({ASKED, HIRED, *STEPS, *LEADS_TO, *OTHERS})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into its rows and write them anew."""
        hires = [_hire(event) for event in events if event.topic == HIRED]
        if hires:
            await connection.copy_records_to_table("hires", columns=HIRE_COLUMNS, records=hires)
        ours = [event for event in events if event.topic != HIRED]
        ids = list({event.stream_id for event in ours})
        known = await connection.fetch(READ, ids)
        rows = {row["binding_id"]: dict(row) for row in known}
        for event in ours:
            if event.topic == ASKED:
                rows[event.stream_id] = _asked(event)
            _follow(rows[event.stream_id], event)
        await connection.execute(DROP, ids)
        await connection.copy_records_to_table(
            "bindings",
            columns=COLUMNS,
            records=[[row[name] for name in COLUMNS] for row in rows.values()],
        )


def _asked(event: RecordedEvent) -> Row:
    data = event.data
    same = {name: data[name] for name in ("citizen_id", "consent_id")}
    row: Row = dict.fromkeys(COLUMNS) | same
    _limits(row, data)
    return row | {
        "binding_id": event.stream_id,
        "plate_id": data["plate"]["plate_id"],
        "plate": orjson.dumps(data["plate"]).decode(),
        "status": BindingStatus.ASKED.value,
        "asked_at": data["timestamp"],
    }


def _follow(row: Row, event: RecordedEvent) -> None:
    """Bring a row up to an event."""
    only_asked = row["status"] == BindingStatus.ASKED
    leads_to = LEADS_TO.get(event.topic)
    if leads_to is not None and (event.topic != SILENT or only_asked):
        row["status"] = leads_to.value
    if step := STEPS.get(event.topic):
        step(row, event.data)
    row["open"] = row["status"] in OPEN
    row["version"] = event.version


def _hire(event: RecordedEvent) -> list[Any]:
    data = event.data
    said = {
        **{name: data[name] for name in ("hire_id", "binding_id", "hirer")},
        **{name: moment(data[name]) for name in ("begins", "ends")},
        "named_at": data["timestamp"],
    }
    return [said[name] for name in HIRE_COLUMNS]


SHOWN = columns(BindingRow, "citizen_id", "plate_id", "plate")
OF_CITIZEN = f"""
SELECT {SHOWN} FROM plate_bindings.bindings WHERE citizen_id = $1
ORDER BY asked_at DESC, binding_id DESC LIMIT 200
"""  # noqa: S608
OF_PLATE = f"""
SELECT {SHOWN} FROM plate_bindings.bindings WHERE plate_id = $1
ORDER BY asked_at DESC, binding_id DESC LIMIT 200
"""  # noqa: S608
ONE = f"SELECT {SHOWN} FROM plate_bindings.bindings WHERE binding_id = $1"  # noqa: S608
WHOSE = "SELECT citizen_id FROM plate_bindings.bindings WHERE plate_id = $1 AND status = 'active'"
OF_HIRER = f"""
SELECT {columns(HireRow, "b.plate")} FROM plate_bindings.hires h
JOIN plate_bindings.bindings b USING (binding_id)
WHERE hirer = $1 ORDER BY begins DESC LIMIT 200
"""  # noqa: S608
OF_ERASED = """
SELECT b.binding_id FROM plate_bindings.bindings b
WHERE (b.citizen_id = ANY($1) OR b.plate_id = ANY($1)) AND b.open
"""


async def of_citizen(pool: Pool, citizen_id: str) -> list[Row]:
    """A citizen's bindings, the newest first, those that have ended too."""
    return [_read(row) for row in await fetch(pool, OF_CITIZEN, citizen_id)]


async def of_plate(pool: Pool, plate_id: str) -> list[Row]:
    """All bindings that a plate ever had, the newest first."""
    return [_read(row) for row in await fetch(pool, OF_PLATE, plate_id)]


async def one(pool: Pool, binding_id: str) -> Row | None:
    """One binding; None where there is none."""
    rows = await fetch(pool, ONE, binding_id)
    return _read(rows[0]) if rows else None


async def whose(pool: Pool, plate_id: str) -> str | None:
    """The citizen whose binding of a plate is active; to show it, never to decide by it."""
    rows = await fetch(pool, WHOSE, plate_id)
    return rows[0]["citizen_id"] if rows else None


async def of_hirer(pool: Pool, citizen_id: str) -> list[Row]:
    """For what times somebody was named as a hirer, the newest first."""
    return [_read(row) for row in await fetch(pool, OF_HIRER, citizen_id)]


async def of_erased(pool: Pool, erased: Sequence[str]) -> list[str]:
    """The bindings of people or plates that were erased that have not ended."""
    return [row["binding_id"] for row in await fetch(pool, OF_ERASED, erased)]


def _read(row: Row) -> Row:
    return row | {"plate": orjson.loads(row["plate"])}
