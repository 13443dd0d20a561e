"""A row of a 311 extract as what it says about a case: its report and the steps after it.

Nothing is guessed: a row that contradicts itself is refused with the reason, and what a case
cannot express is kept in the note of its handling and remarked on.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from citybrain.definitions.calendars import TimeKind
from citybrain.definitions.inspection.imports_311 import Import311, SourceStatus
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.deadlines import Deadline, Stage
from commands.csv_rows import Row
from commands.inspection.case import (
    AcceptCase,
    CloseCase,
    DispatchCase,
    FileCase,
    HandleCase,
    ReportCase,
    StepCommand,
    VerifyCase,
)

V = TypeVar("V")

CREATED, CLOSED, UPDATED = "Created Date", "Closed Date", "Resolution Action Updated Date"
DUE = "Due Date"  # not every extract has it
PARENT = "Parent Unique Key"  # hardly any extract has it: the record that it was merged into
WARN_SHARE = 0.75  # of the time until then
COLUMNS = frozenset(
    {
        "Unique Key",
        CREATED,
        CLOSED,
        UPDATED,
        "Agency",
        "Complaint Type",
        "Descriptor",
        "Incident Address",
        "City",
        "Status",
        "Latitude",
        "Longitude",
    }
)
WANTED = frozenset({DUE, PARENT})
KEY_DIGITS = 14  # what fits the 48 bits of a stream id's first part

UPDATED_LATER = f"{UPDATED} lies after {CLOSED}: it is kept in the note of the handling"
REPEATED_HOUR = (
    "a date lies in the hour that the clocks repeat: the first that keeps the order is taken"
)


class BadRecord(ValueError):
    """The row cannot become a case; the message says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """A readable row: the id of its case, its report and what happened afterwards, in order.

    `deadline` is that of the handling, where the record names one; `remarks` say what the case
    could not express; `merged_into` is the key of the record in which its source lets it go on.
    """

    case_id: str
    key: str
    report: ReportCase
    steps: tuple[StepCommand, ...]
    deadline: Deadline | None
    remarks: tuple[str, ...]
    department: str
    dates: "Dates"
    status: SourceStatus
    merged_into: str | None = None

    @property
    def is_closed(self) -> bool:
        """Whether its source says that it is over."""
        return self.status == "closed"

    @property
    def is_open_again(self) -> bool:
        """Whether its source says when it was closed, and that it is open."""
        return self.dates.closed is not None and not self.is_closed


@dataclass(frozen=True, slots=True)
class Dates:
    """When it was created, closed and last updated, and was to be done, in UTC."""

    created: datetime
    closed: datetime | None
    updated: datetime | None
    due: datetime | None
    remarks: tuple[str, ...]


def read_record(row: Row, mapping: Import311) -> Record:
    """What the row says; raises `BadRecord`, or pydantic's `ValidationError` on odd values."""
    if row.problem is not None:
        raise BadRecord(row.problem)
    fields = row.fields
    key = _required(fields, "Unique Key")
    if not (key.isascii() and key.isdigit() and len(key) <= KEY_DIGITS):
        raise BadRecord(f"Unique Key is not a number of at most {KEY_DIGITS} digits")
    status = _mapped(fields, "Status", mapping.statuses)
    dates = _dates(fields, mapping)
    _check_order(dates, is_closed=status == "closed")
    department = _mapped(fields, "Agency", mapping.departments)
    report = _report(fields, mapping, dates.created, f"{mapping.source}:{key}")
    evidence = hashlib.sha256(row.raw).hexdigest()
    steps = _steps(status, department, dates, evidence)
    return Record(
        case_id_of(mapping.source, key),
        key,
        report,
        steps,
        _deadline(dates),
        dates.remarks,
        department,
        dates,
        status,
        _merged_into(fields, key),
    )


def _merged_into(fields: Mapping[str, str], key: str) -> str | None:
    parent = fields.get(PARENT, "").strip()
    if not parent or parent == key:
        return None
    if not (parent.isascii() and parent.isdigit() and len(parent) <= KEY_DIGITS):
        raise BadRecord(f"{PARENT} is not a number of at most {KEY_DIGITS} digits")
    return parent


def case_id_of(source: str, key: str) -> str:
    """The case of a record: a function of its key alone, in the order of the keys.

    The key stands where other stream ids have milliseconds, so a record whose dates are
    corrected at its source is still found.
    """
    digest = hashlib.sha256(f"{source}:{key}".encode()).digest()
    return InspectionCase.new_id(int(key), digest[:10])


def _report(
    fields: Mapping[str, str], mapping: Import311, created: datetime, external_ref: str
) -> ReportCase:
    complaint, descriptor = _required(fields, "Complaint Type"), fields["Descriptor"].strip()
    try:
        class_code = mapping.class_of(complaint, descriptor)
    except KeyError:
        raise BadRecord(f"Complaint Type {complaint[:60]!r} is not in the mapping") from None
    latitude, longitude = _coordinate(fields, "Latitude"), _coordinate(fields, "Longitude")
    if not mapping.bounds.hold(latitude, longitude):
        raise BadRecord("Latitude and Longitude lie outside the city")
    where = (fields["Incident Address"].strip(), fields["City"].strip())
    return ReportCase(
        occurred_at=created,
        source=CaseSource.CITIZEN,
        class_code=class_code,
        description=": ".join(filter(None, (complaint, descriptor))),
        latitude=latitude,
        longitude=longitude,
        address=", ".join(filter(None, where)) or None,
        confidence=None,
        external_ref=external_ref,
    )


def _steps(
    status: str, department: str, dates: Dates, evidence_sha256: str
) -> tuple[StepCommand, ...]:
    steps: list[StepCommand] = [
        FileCase(occurred_at=dates.created),
        DispatchCase(occurred_at=dates.created, departments=[department], lead=department),
    ]
    if status == "dispatched" and dates.closed is None:
        return tuple(steps)
    # The extract does not say when an agency took a case on: the first sign of its work does.
    worked = min(filter(None, (dates.updated, dates.closed)), default=dates.created)
    steps.append(AcceptCase(occurred_at=worked, department=department))
    if dates.closed is None:
        return tuple(steps)
    note = f"resolution last updated {dates.updated.isoformat()}" if dates.updated else ""
    return (
        *steps,
        HandleCase(
            occurred_at=worked, department=department, note=note, evidence_sha256=[evidence_sha256]
        ),
        VerifyCase(occurred_at=dates.closed, note="closed in the imported record"),
        CloseCase(occurred_at=dates.closed, resolution="closed in the imported record"),
    )


def _dates(fields: Mapping[str, str], mapping: Import311) -> Dates:
    moments = {
        column: _moments(fields, column, mapping) for column in (CREATED, CLOSED, UPDATED, DUE)
    }
    if not moments[CREATED]:
        raise BadRecord(f"{CREATED} is missing")
    created = moments[CREATED][0]
    closed, updated, due = (
        # Of two readings of a repeated hour the one that keeps the order.
        next((at for at in moments[column] if at >= created), next(iter(moments[column]), None))
        for column in (CLOSED, UPDATED, DUE)
    )
    remarks = []
    if any(len(readings) > 1 for readings in moments.values()):
        remarks.append(REPEATED_HOUR)
    if closed is not None and updated is not None and updated > closed:
        remarks.append(UPDATED_LATER)
    return Dates(created, closed, updated, due, tuple(remarks))


def _check_order(dates: Dates, *, is_closed: bool) -> None:
    if is_closed and dates.closed is None:
        raise BadRecord(f"the status is Closed and {CLOSED} is missing")
    if dates.closed is not None and dates.closed < dates.created:
        raise BadRecord(f"{CLOSED} lies before {CREATED}")
    if dates.updated is not None and dates.updated < dates.created:
        raise BadRecord(f"{UPDATED} lies before {CREATED}")
    if dates.due is not None and dates.due <= dates.created:
        raise BadRecord(f"{DUE} does not lie after {CREATED}")


def _deadline(dates: Dates) -> Deadline | None:
    """The source's own deadline, counted round the clock from the dispatch on."""
    if dates.due is None:
        return None
    time = dates.due - dates.created
    return {
        "code": "handling",
        "stage": Stage.HANDLING.value,
        "until": Stage.HANDLING.value,
        "unit": TimeKind.HOURS.value,
        "amount": round(time / timedelta(hours=1), 2),
        "begun_at": dates.created.isoformat(),
        "due_at": dates.due.isoformat(),
        "warn_at": (dates.created + time * WARN_SHARE).isoformat(),
    }


def _moments(fields: Mapping[str, str], column: str, mapping: Import311) -> tuple[datetime, ...]:
    """The moments that a local time can mean: none where it is empty, two in autumn's hour."""
    text = fields.get(column, "").strip()
    if not text:
        return ()
    local = _local_time(text, column, mapping)
    zone = ZoneInfo(mapping.zone)
    readings = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    real = [at for at in readings if at.astimezone(zone).replace(tzinfo=None) == local]
    if not real:
        raise BadRecord(f"{column} is a time that the clocks of {mapping.zone} skipped")
    return tuple(sorted(real))


def _local_time(text: str, column: str, mapping: Import311) -> datetime:
    for date_format in mapping.date_formats:
        try:
            return datetime.strptime(text, date_format)  # its zone is that of the mapping
        except ValueError:
            continue
    raise BadRecord(f"{column} is not a date like 1/31/2025 7:52")


def _required(fields: Mapping[str, str], column: str) -> str:
    value = fields[column].strip()
    if not value:
        raise BadRecord(f"{column} is missing")
    return value


def _mapped(fields: Mapping[str, str], column: str, names: Mapping[str, V]) -> V:
    value = _required(fields, column)
    found = names.get(value)
    if found is None:
        found = next((each for name, each in names.items() if _alike(name, value)), None)
    if found is None:
        raise BadRecord(f"{column} {value[:60]!r} is not in the mapping")
    return found


def _alike(one: str, other: str) -> bool:
    return one.casefold() == " ".join(other.split()).casefold()


def _coordinate(fields: Mapping[str, str], column: str) -> float:
    value = _required(fields, column)
    try:
        return float(value)
    except ValueError:
        raise BadRecord(f"{column} is not a number") from None
