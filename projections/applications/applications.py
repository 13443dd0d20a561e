"""Applications as people look at them: one row each, and one entry a step.

What is sealed in an event stays there: no sealed field is ever copied. Times of steps are those
of the decisions; `milliseconds` count from the submission.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import orjson
from pydantic import BaseModel, ConfigDict, Field

from citybrain.domain.applications import application_events
from citybrain.domain.applications.application_events import (
    DECIDED_BY,
    awaited_after,
    status_after,
    verdict_of,
)
from citybrain.domain.applications.message_events import unanswered_after
from citybrain.domain.applications.statuses import FOR_AN_OFFICER, Status, waits_for_officer
from citybrain.domain.applications.waiting import Waits, appeal_day, due_after, legal_day, waits_for
from citybrain.domain.money import bank_refusal
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, columns, fetch, reached

TABLES = """
CREATE TABLE applications (
    application_id  text COLLATE "C" PRIMARY KEY,
    citizen_id      text COLLATE "C" NOT NULL,
    service         text COLLATE "C" NOT NULL,
    department      text COLLATE "C" NOT NULL,
    item_version    text NOT NULL,
    status          text COLLATE "C" NOT NULL,
    channel         text NOT NULL,
    channels        text[] NOT NULL,
    held_by         text NOT NULL,
    guardian        text COLLATE "C",
    simulated       boolean NOT NULL,
    pays            boolean NOT NULL,
    submitted_at    timestamptz NOT NULL,
    promised_at     timestamptz,
    legal_due_on    date NOT NULL,
    identified_at   timestamptz,
    identity_method text,
    decided_at      timestamptz,
    decided_by      text,
    outcome         text,
    reasons         text[] NOT NULL DEFAULT '{}',
    amount_fen      bigint,
    paid_at         timestamptz,
    payout_delayed  boolean NOT NULL DEFAULT false,
    appealed        boolean NOT NULL DEFAULT false,
    reviews         integer NOT NULL DEFAULT 0,
    waiting         boolean NOT NULL DEFAULT false,
    correction_due_at timestamptz,
    unanswered      boolean NOT NULL DEFAULT false,
    claimed_by      text COLLATE "C",
    claimed_until   timestamptz,
    compensated     boolean NOT NULL DEFAULT true,
    waits_for       text COLLATE "C" NOT NULL,
    due_at          timestamptz,
    awaited         text[] NOT NULL DEFAULT '{}',
    updated_at      timestamptz NOT NULL,
    version         bigint NOT NULL,
    position        bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON applications (citizen_id, submitted_at DESC, application_id DESC);
CREATE INDEX ON applications (guardian, submitted_at DESC, application_id DESC)
    WHERE guardian IS NOT NULL;
CREATE INDEX ON applications (submitted_at DESC, application_id DESC);
CREATE INDEX ON applications (status, submitted_at DESC, application_id DESC);
CREATE INDEX ON applications (service, submitted_at DESC, application_id DESC);
CREATE INDEX ON applications
    (department, legal_due_on, submitted_at, application_id)
    WHERE waiting;
CREATE INDEX ON applications (waits_for, due_at) WHERE waits_for <> 'ended';
CREATE TABLE steps (
    application_id text COLLATE "C" NOT NULL,
    version        bigint NOT NULL,
    position       bigint NOT NULL,
    topic          text COLLATE "C" NOT NULL,
    at             timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    milliseconds   bigint NOT NULL,
    actor          text,
    role           text,
    channel        text,
    details        jsonb NOT NULL,
    PRIMARY KEY (application_id, version)
);
"""


class ApplicationRow(BaseModel):
    """An application as its read model has it."""

    model_config = ConfigDict(extra="ignore")
    application_id: str
    citizen_id: str
    service: str
    department: str
    item_version: str
    status: str
    channel: str
    channels: list[str]
    simulated: bool
    pays: bool
    submitted_at: datetime
    promised_at: datetime | None
    legal_due_on: date = Field(description="the law's day to decide it, or its appeal")
    identified_at: datetime | None
    identity_method: str | None
    decided_at: datetime | None
    decided_by: str | None = Field(description="rules or officer")
    outcome: str | None
    reasons: list[str]
    amount_fen: int | None
    paid_at: datetime | None
    payout_delayed: bool
    appealed: bool
    reviews: int
    correction_due_at: datetime | None = Field(
        description="until when the applicant can correct what was sent back"
    )
    unanswered: bool = Field(description="the applicant wrote, and nobody has answered")
    waits_for: Waits = Field(description="whom or what it waits for")
    due_at: datetime | None = Field(description="by when somebody is woken for it")
    version: int
    position: int


class Undelivered(BaseModel):
    """A record that a department did not deliver when it was asked last."""

    material: str
    department: str
    reason: str
    attempts: int


class QueueRow(ApplicationRow):
    """One that waits for an officer."""

    undelivered: list[Undelivered] = Field(description="in the order of the answers")

    overdue: bool = Field(description="the legal day to decide has passed")
    claimed_by: str | None = Field(description="the officer who has it now")
    claimed_until: datetime | None


class StepRow(BaseModel):
    """One step; what is sealed is not in its details."""

    version: int
    position: int
    topic: str
    at: datetime
    recorded_at: datetime
    milliseconds: int = Field(description="since the submission")
    actor: str | None
    role: str | None
    channel: str | None
    details: dict[str, Any]


COLUMNS = (
    *ApplicationRow.model_fields,
    *("held_by", "guardian", "waiting", "compensated", "awaited", "updated_at"),
    *("claimed_by", "claimed_until"),
)
STEP_COLUMNS = ("application_id", *StepRow.model_fields)
SHOWN = columns(ApplicationRow, "held_by", "guardian", "claimed_by", "claimed_until")
READ = f"SELECT {', '.join(COLUMNS)} FROM applications WHERE application_id = ANY($1)"  # noqa: S608
DELETE = "DELETE FROM applications WHERE application_id = ANY($1)"

SUBMITTED, PAYOUT_FAILED = "application.submitted", "application.payout_failed"
COMPENSATED_BY = {PAYOUT_FAILED: False, "application.compensated": True}
NOT_SHOWN = ("timestamp", "originator_topic", "bank_reference")


class Applications:
    """The read model `applications`."""

    name = "applications"
    version = 6
    order = Order.STREAM
    topics = application_events.TOPICS
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into its rows, and add its steps."""
        ids = list({event.stream_id for event in events})
        found = await connection.fetch(READ, ids)
        rows: dict[str, Row] = {row["application_id"]: dict(row) for row in found}
        steps = []
        for event in events:
            if event.topic == SUBMITTED:
                rows[event.stream_id] = _submitted(event)
            row = rows[event.stream_id]
            _change(row, event)
            steps.append(_step(event, row["submitted_at"]))
        await connection.execute(DELETE, ids)
        await connection.copy_records_to_table(
            "applications",
            columns=COLUMNS,
            records=[[row[name] for name in COLUMNS] for row in rows.values()],
        )
        await connection.copy_records_to_table("steps", columns=STEP_COLUMNS, records=steps)


def _submitted(event: RecordedEvent) -> Row:
    data = event.data
    same = (
        "citizen_id",
        "service",
        "department",
        "item_version",
        "channel",
        "held_by",
        "simulated",
        "pays",
        "promised_at",
    )
    return (
        dict.fromkeys(COLUMNS)
        | {name: data[name] for name in same}
        | {
            "application_id": event.stream_id,
            "guardian": data.get("guardian"),
            "channels": [data["channel"]],
            "submitted_at": data["timestamp"],
            "legal_due_on": legal_day(data["legal_due_on"], data["timestamp"]),
            "reasons": [],
            "payout_delayed": False,
            "appealed": False,
            "reviews": 0,
            "waiting": False,
            "unanswered": False,
            "compensated": True,
            "awaited": [],
        }
    )


def _change(row: Row, event: RecordedEvent) -> None:
    data, topic = event.data, event.topic.partition(".")[2]
    row["awaited"] = awaited_after(event.topic, data, row["awaited"])
    if status := status_after(event.topic, data, row["awaited"], row["status"]):
        row["status"] = status.value
    row["updated_at"] = data["timestamp"]
    row["version"], row["position"] = event.version, event.position
    if verdict := verdict_of(event.topic, data):
        row["outcome"], row["reasons"] = verdict.outcome.value, verdict.reasons
        row["amount_fen"] = verdict.amount_fen
    if topic in ("decided", "reviewed"):
        row["decided_at"], row["decided_by"] = data["timestamp"], DECIDED_BY[event.topic]
        row["reviews"] += topic == "reviewed"
    elif topic == "identity_verified":
        row["identified_at"], row["identity_method"] = data["identified_at"], data["method"]
    elif topic == "payout_confirmed":
        row["paid_at"], row["payout_delayed"] = data["timestamp"], False
    elif topic in ("payout_delayed", "payout_failed"):
        row["payout_delayed"] = topic == "payout_delayed"
    elif topic == "expired" and data.get("paid_fen"):
        row["amount_fen"] = data["paid_fen"]
    elif topic == "appealed":
        row["appealed"], row["legal_due_on"] = True, appeal_day(data["timestamp"])
    elif topic == "resubmitted" and data["legal_due_on"] is not None:
        row["legal_due_on"] = legal_day(data["legal_due_on"], data["timestamp"])
    elif topic == "taken_over":
        row["channel"], row["held_by"] = data["channel"], data["held_by"]
        row["channels"] = [*row["channels"], data["channel"]]
    _change_task(row, event)
    row["unanswered"] = unanswered_after(event.topic, data, row["unanswered"])
    row["waiting"] = waits_for_officer(
        row["status"], payout_delayed=row["payout_delayed"], unanswered=row["unanswered"]
    )
    _await(row, event)


def _change_task(row: Row, event: RecordedEvent) -> None:
    """Who has to act: the applicant, until when; or which officer."""
    topic = event.topic.partition(".")[2]
    if row["status"] != Status.SENT_BACK:
        row["correction_due_at"] = None
    if row["status"] not in FOR_AN_OFFICER or topic == "task_released":
        row["claimed_by"] = row["claimed_until"] = None
    if topic == "sent_back":
        row["correction_due_at"] = event.data["due_at"]
    elif topic == "task_claimed":
        row["claimed_by"], row["claimed_until"] = event.data["officer"], event.data["until"]


def _await(row: Row, event: RecordedEvent) -> None:
    """Whom it waits for now, and until when."""
    if event.topic in COMPENSATED_BY:
        row["compensated"] = COMPENSATED_BY[event.topic]
    was, status = row["waits_for"], row["status"]
    waits = waits_for(status, pays=row["pays"], compensated=row["compensated"])
    row["due_at"] = due_after(event.topic, event.data, was, waits, row["due_at"])
    row["waits_for"] = waits.value


def _step(event: RecordedEvent, submitted_at: datetime) -> tuple[Any, ...]:
    """A row of `steps`, in the order of `STEP_COLUMNS`."""
    metadata, at = event.metadata, event.data["timestamp"]
    return (
        event.stream_id,
        event.version,
        event.position,
        event.topic,
        at,
        event.recorded_at,
        round((at - submitted_at).total_seconds() * 1000),
        metadata.get("actor"),
        metadata.get("role"),
        metadata.get("channel"),
        orjson.dumps(details_of(event)).decode(),
    )


def details_of(event: RecordedEvent) -> dict[str, Any]:
    """What a step shows: everything but what is sealed, and what a bank once said in its words."""
    shown = {
        name: value
        for name, value in event.data.items()
        if not name.endswith("_sealed") and name not in NOT_SHOWN
    }
    if event.topic == PAYOUT_FAILED:
        shown["reason"] = bank_refusal(shown["reason"])
    return shown


PAGE = f"""
SELECT {SHOWN} FROM applications.applications
WHERE ($1::text IS NULL OR citizen_id = $1 OR guardian = $8::text)
  AND ($2::text IS NULL OR status = $2)
  AND ($3::text IS NULL OR service = $3) AND ($4::text IS NULL OR department = $4)
  AND ($5::timestamptz IS NULL OR (submitted_at, application_id) < ($5, $6::text))
ORDER BY submitted_at DESC, application_id DESC LIMIT $7
"""  # noqa: S608
QUEUE = f"""
SELECT {SHOWN} FROM applications.applications
WHERE waiting AND ($1::text IS NULL OR department = $1)
  AND ($2::timestamptz IS NULL
       OR (legal_due_on, submitted_at, application_id) > (
           (SELECT last.legal_due_on
            FROM applications.applications last WHERE last.application_id = $3::text),
           $2, $3::text))
ORDER BY legal_due_on, submitted_at, application_id LIMIT $4
"""  # noqa: S608
UNDELIVERED = """
SELECT application_id, details->>'material' AS material, details->>'department' AS department,
       details->>'reason' AS reason, (details->>'attempts')::int AS attempts
FROM applications.steps s
WHERE application_id = ANY($1) AND topic = 'application.evidence_failed'
  AND version > (
      SELECT max(asked.version) FROM applications.steps asked
      WHERE asked.application_id = s.application_id
        AND asked.topic = 'application.evidence_requested')
ORDER BY application_id, version
"""
ONE = f"""
SELECT {SHOWN} FROM applications.applications WHERE application_id = $1
"""  # noqa: S608
STEPS = f"""
SELECT {columns(StepRow)} FROM applications.steps
WHERE application_id = $1 AND version > $2 ORDER BY version
"""  # noqa: S608

WAITING = "SELECT count(*) FROM applications.applications WHERE waiting"
ANY_SIMULATED = "SELECT EXISTS (SELECT FROM applications.applications WHERE simulated) AS found"
SERVICES_OF = """
SELECT application_id, service, simulated
FROM applications.applications WHERE application_id = ANY($1)
"""
OF_ERASED = """
SELECT a.application_id FROM applications.applications a
WHERE a.citizen_id = ANY($1) AND a.waits_for <> 'ended'
"""
OF_CITIZEN = "SELECT application_id FROM applications.applications WHERE citizen_id = $1"


async def of_citizen(pool: Pool, citizen_id: str, min_position: int) -> list[str] | None:
    """All applications of a citizen; None where the model has not reached the position."""
    if not await reached(pool, Applications.name, min_position):
        return None
    return [row["application_id"] for row in await fetch(pool, OF_CITIZEN, citizen_id)]


async def of_erased(pool: Pool, erased: Sequence[str]) -> list[str]:
    """Those of people who were erased that have not ended."""
    return [row["application_id"] for row in await fetch(pool, OF_ERASED, erased)]


async def page(
    pool: Pool,
    *,
    citizen_id: str | None = None,
    guardian: str | None = None,
    status: str | None = None,
    service: str | None = None,
    department: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Applications, newest first; `after` is (submitted_at, application_id) of the last seen.

    With those of a citizen, those that `guardian` has applied with.
    """
    at, application_id = after or (None, None)
    return await fetch(
        pool, PAGE, citizen_id, status, service, department, at, application_id, limit, guardian
    )


async def queue(
    pool: Pool,
    *,
    department: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """What waits for an officer, by legal day, then longest waiting first.

    `after` is (submitted_at, application_id) of the last seen; its legal day changes only with
    a correction or an appeal, when it has left the queue.
    """
    at, application_id = after or (None, None)
    return await fetch(pool, QUEUE, department, at, application_id, limit)


async def undelivered(pool: Pool, application_ids: Sequence[str]) -> dict[str, list[Undelivered]]:
    """What departments did not deliver when they were asked last, by application."""
    found: dict[str, list[Undelivered]] = {}
    for row in await fetch(pool, UNDELIVERED, application_ids):
        found.setdefault(row["application_id"], []).append(Undelivered.model_validate(row))
    return found


async def one(pool: Pool, application_id: str) -> Row | None:
    """One application; None where the read model does not have it."""
    rows = await fetch(pool, ONE, application_id)
    return rows[0] if rows else None


async def steps(pool: Pool, application_id: str, after: int = 0) -> list[Row]:
    """The steps behind a version, in order; `details` decoded."""
    rows = await fetch(pool, STEPS, application_id, after)
    return [row | {"details": orjson.loads(row["details"])} for row in rows]


async def count_waiting(pool: Pool) -> int:
    """How many wait for an officer."""
    (row,) = await fetch(pool, WAITING)
    return int(row["count"])


async def any_simulated(pool: Pool) -> bool:
    """Whether an application of made-up people is among them."""
    (row,) = await fetch(pool, ANY_SIMULATED)
    return bool(row["found"])


async def services_of(pool: Pool, application_ids: Sequence[str]) -> list[Row]:
    """The services of these applications, and which are made up."""
    return await fetch(pool, SERVICES_OF, list(application_ids))
