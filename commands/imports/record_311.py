"""A row of a 311 extract as what it says about a case: its report and the steps after it.

Nothing is guessed: a row that contradicts itself is refused with the reason, and the record's
own dates travel in the note of its handling.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from citybrain.definitions.imports_311 import Import311
from citybrain.domain.case import CaseSource, InspectionCase
from commands.case import (
    AcceptCase,
    CloseCase,
    DispatchCase,
    FileCase,
    HandleCase,
    ReportCase,
    StepCommand,
    VerifyCase,
)

DATE_FORMAT = "%m/%d/%Y %H:%M"
COLUMNS = frozenset(
    {
        "Unique Key", "Created Date", "Closed Date", "Agency", "Complaint Type", "Descriptor",
        "Incident Address", "City", "Status", "Resolution Action Updated Date", "Latitude",
        "Longitude",
    }
)  # fmt: skip


class BadRecord(ValueError):
    """The row cannot become a case; the message says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """A readable row: the id of its case, its report and what happened afterwards, in order."""

    case_id: str
    key: str
    report: ReportCase
    steps: tuple[StepCommand, ...]


def read_record(row: dict[str, str], mapping: Import311) -> Record:
    """What the row says; raises `BadRecord`, or pydantic's `ValidationError` on odd values."""
    key = _required(row, "Unique Key")
    created = _time(row, "Created Date", mapping.zone)
    if created is None:
        raise BadRecord("Created Date is missing")
    closed = _time(row, "Closed Date", mapping.zone)
    updated = _time(row, "Resolution Action Updated Date", mapping.zone)
    status = _mapped(row, "Status", mapping.statuses)
    if status == "closed" and closed is None:
        raise BadRecord("the status is Closed and Closed Date is missing")
    if status != "closed" and closed is not None:
        raise BadRecord("there is a Closed Date and the status is not Closed")
    if closed is not None and closed < created:
        raise BadRecord("Closed Date lies before Created Date")
    if updated is not None and updated < created:
        raise BadRecord("Resolution Action Updated Date lies before Created Date")
    department = _mapped(row, "Agency", mapping.departments)
    report = ReportCase(
        occurred_at=created,
        source=CaseSource.CITIZEN,
        class_code=_mapped(row, "Complaint Type", mapping.classes),
        description=row["Descriptor"],
        latitude=_coordinate(row, "Latitude"),
        longitude=_coordinate(row, "Longitude"),
        address=", ".join(filter(None, (row["Incident Address"], row["City"]))) or None,
        confidence=None,
        external_ref=f"nyc311:{key}",
    )
    steps = _steps(row, status, department, created, updated, closed)
    return Record(case_id_of(key, created), key, report, steps)


def case_id_of(key: str, created: datetime) -> str:
    """The case of a record: a function of its key and creation, so a repeat finds it again."""
    digest = hashlib.sha256(f"nyc311:{key}".encode()).digest()
    return InspectionCase.new_id(int(created.timestamp() * 1000), digest[:10])


def _steps(
    row: dict[str, str],
    status: str,
    department: str,
    created: datetime,
    updated: datetime | None,
    closed: datetime | None,
) -> tuple[StepCommand, ...]:
    steps: list[StepCommand] = [
        FileCase(occurred_at=created),
        DispatchCase(occurred_at=created, departments=[department], lead=department),
    ]
    if status == "dispatched":
        return tuple(steps)
    # The extract does not say when an agency took a case on: the first sign of its work does.
    worked = min(at for at in (updated, closed, datetime.max.replace(tzinfo=UTC)) if at is not None)
    if status == "accepted" and updated is None:
        worked = created
    steps.append(AcceptCase(occurred_at=worked, department=department))
    if closed is None:
        return tuple(steps)
    evidence = hashlib.sha256("\x1f".join(row.values()).encode()).hexdigest()
    note = f"resolution last updated {updated.isoformat()}" if updated is not None else ""
    handled = HandleCase(
        occurred_at=worked, department=department, note=note, evidence_sha256=[evidence]
    )
    verified = VerifyCase(occurred_at=closed, note="closed in the imported record")
    return (*steps, handled, verified, CloseCase(occurred_at=closed, resolution="imported"))


def _required(row: dict[str, str], column: str) -> str:
    value = row[column].strip()
    if not value:
        raise BadRecord(f"{column} is missing")
    return value


def _mapped(row: dict[str, str], column: str, names: Mapping[str, str]) -> str:
    value = _required(row, column)
    try:
        return names[value]
    except KeyError:
        raise BadRecord(f"{column} {value!r} is not in the mapping") from None


def _coordinate(row: dict[str, str], column: str) -> float:
    value = _required(row, column)
    try:
        return float(value)
    except ValueError:
        raise BadRecord(f"{column} is not a number") from None


def _time(row: dict[str, str], column: str, zone: str) -> datetime | None:
    text = row[column].strip()
    if not text:
        return None
    try:
        local = datetime.strptime(text, DATE_FORMAT).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        raise BadRecord(f"{column} is not a date like 1/31/2025 7:52") from None
    moment = local.astimezone(UTC)
    if moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise BadRecord(f"{column} is a time that the clocks of {zone} skipped")
    return moment
