"""A made-up history of inspection cases, as the log would hold it, at any size.

Thousands of cases run side by side, so that steps of different cases interleave as in a city.
Most cases are closed, every tenth is returned once, every twenty-fifth stays open. The same
count gives the same events.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from citybrain.definitions.inspection.cases import CaseDefinitions, cases_at
from citybrain.domain.inspection.case import InspectionCase
from citybrain.eventstore import Metadata
from citybrain.eventstore.codec import transcoder
from citybrain.systems import load_definitions

BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
SECONDS_BETWEEN_REPORTS = 20
TICKS_BETWEEN_STEPS = 400  # about two hours
COPY_ROWS = 10_000

USUAL = ("reported", "filed", "dispatched", "accepted", "handled", "verified", "closed")
RETURNED = (*USUAL[:5], "returned", "handled", "verified", "closed")
STAYS_OPEN = USUAL[:4]
OFFICIAL_STEPS = {"accepted", "handled"}

COLUMNS = (
    "originator_id",
    "originator_version",
    "topic",
    "state",
    "notification_id",
    "recorded_at",
    "metadata",
)

Row = tuple[str, int, str, bytes, int, datetime, str]


def case_rows(events: int) -> Iterator[Row]:
    """`events` rows of `stored_events` in log order, from position 1."""
    definitions = cases_at(load_definitions(), BEGINNING)
    position, tick = 0, 0
    while True:
        for step in range(len(RETURNED)):
            number = tick - step * TICKS_BETWEEN_STEPS
            steps = steps_of(number)
            if number < 0 or step >= len(steps):
                continue
            position += 1
            yield _row(definitions, number, steps, step, position, tick)
            if position == events:
                return
        tick += 1


def steps_of(number: int) -> Sequence[str]:
    """The steps that case `number` takes."""
    if number % 25 == 24:
        return STAYS_OPEN
    return RETURNED if number % 10 == 9 else USUAL


def case_id(number: int) -> str:
    """The stream id of case `number`: time-ordered, and always the same."""
    at = BEGINNING + timedelta(seconds=number * SECONDS_BETWEEN_REPORTS)
    return InspectionCase.new_id(int(at.timestamp() * 1000), number.to_bytes(10, "big"))


async def load_history(url: str, events: int) -> None:
    """COPY a history into an empty, migrated database, and let PostgreSQL settle."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        batch: list[Row] = []
        for row in case_rows(events):
            batch.append(row)
            if len(batch) == COPY_ROWS:
                await _copy(connection, batch)
                batch.clear()
        if batch:
            await _copy(connection, batch)
        await connection.execute("VACUUM (ANALYZE, FREEZE) stored_events")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _copy(connection: "asyncpg.Connection[Any]", rows: list[Row]) -> None:
    await connection.copy_records_to_table("stored_events", records=rows, columns=COLUMNS)


def _row(
    definitions: CaseDefinitions,
    number: int,
    steps: Sequence[str],
    step: int,
    position: int,
    tick: int,
) -> Row:
    at = BEGINNING + timedelta(seconds=tick * SECONDS_BETWEEN_REPORTS)
    fields = _fields(definitions, number, steps[step], at)
    state = transcoder().encode({"timestamp": at, **fields, "occurred_at": at})
    role = "gateway" if step == 0 else "official" if steps[step] in OFFICIAL_STEPS else "operator"
    command = UUID(int=(position << 64) | (0x4 << 76) | (0x8 << 60))
    metadata = Metadata(f"{role}:{number % 97}", role, "http", command, command)
    topic = f"case.{steps[step]}"
    return (case_id(number), step + 1, topic, state, position, at, metadata.to_json())


def _fields(definitions: CaseDefinitions, number: int, step: str, at: datetime) -> dict[str, Any]:
    """The fields of a step beside its times, in the order of the event classes."""
    classes = list(definitions.classes.values())
    case_class = classes[number % len(classes)]
    route = case_class.route
    evidence = [f"{number:064x}"]
    match step:
        case "reported":
            return {
                "originator_topic": InspectionCase.TOPIC,
                "source": "camera",
                "class_code": case_class.code,
                "description": f"Camera {number % 900} sees: {case_class.name_en}",
                "latitude": round(34.7466 + (number % 1000) / 10_000, 6),
                "longitude": round(113.6254 + (number // 1000 % 1000) / 10_000, 6),
                "address": f"花园路 {number % 500} 号",
                "confidence": 50 + number % 50,
                "evidence_sha256": evidence,
                "simulated": True,
                "external_ref": None,
            }
        case "filed":
            return {"definitions_version": definitions.version}
        case "dispatched":
            return {
                "departments": list(route.departments),
                "lead": route.lead,
                "definitions_version": definitions.version,
            }
        case "accepted":
            return {"department": route.lead}
        case "handled":
            return {"department": route.lead, "note": "cleared", "evidence_sha256": evidence}
        case "returned":
            return {"reason": "still visible in the photo"}
        case "verified":
            return {"note": "checked by photo"}
        case _:
            return {"resolution": "solved"}
