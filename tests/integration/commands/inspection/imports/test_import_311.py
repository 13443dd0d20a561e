"""The 311 import: real records in, each row accounted for, a repeat changes nothing."""

import csv
import os
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import fmean
from zoneinfo import ZoneInfo

import pytest

from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from citybrain.systems.inspection import INSPECTION
from citybrain.systems.platform import PLATFORM
from commands.inspection.imports.csv311 import Import, ImportResult
from commands.inspection.imports.record_311 import case_id_of
from projections.inspection import case_days
from projections.rebuild import compare
from tests.given.read_models import caught_up, running
from tests.given.services import services_over
from tests.given.shared_data import RECORDS_311, beginning_of, needs_records_311
from tests.given.storm import STORM
from tests.given.waiting import eventually
from tests.given.warm import Warm

GOOD = {
    "Unique Key": "1",
    "Created Date": "1/1/2025 7:52",
    "Closed Date": "1/3/2025 12:08",
    "Agency": "DSNY",
    "Complaint Type": "Dead Animal",
    "Descriptor": "Bird",
    "Incident Address": "1 MAIN STREET",
    "City": "QUEENS",
    "Status": "Closed",
    "Resolution Action Updated Date": "1/2/2025 7:37",
    "Latitude": "40.7",
    "Longitude": "-73.7",
}
MODELS = (*PLATFORM.projections, *INSPECTION.projections)
REAL = (  # rows, imported, rejected, merged
    (1500, 1483, 17, 136),
    (2981, 2936, 45, 273),
)
NEW_YORK = ZoneInfo("America/New_York")
OPEN = GOOD | {"Status": "In Progress", "Closed Date": ""}


def write(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(GOOD))
        writer.writeheader()
        writer.writerows(rows)
    return path


async def import_file(store: EventStore, path: Path, *, dry_run: bool = False) -> ImportResult:
    work = Import(services_over(store), dry_run=dry_run)
    await work.run(path)
    assert work.result.rows == (
        work.result.imported
        + work.result.continued
        + work.result.unchanged
        + len(work.result.rejected)
    ), "each row is in exactly one count"
    return work.result


async def test_rows_keep_their_times_and_bad_ones_their_line(
    store: EventStore, tmp_path: Path
) -> None:
    rows = [
        GOOD,
        OPEN | {"Unique Key": "2"},
        GOOD | {"Latitude": ""},
        GOOD,
        GOOD | {"Unique Key": "5", "Latitude": "95"},
    ]
    path = write(tmp_path / "rows.csv", *rows)
    dry = await import_file(store, path, dry_run=True)
    assert (dry.imported, await store.head()) == (2, 0)
    result = await import_file(store, path)
    assert (result.imported, len(result.rejected)) == (2, 3)
    reasons = sorted((rejected.line, rejected.reason.split(" ")[0]) for rejected in result.rejected)
    assert reasons == [(4, "Latitude"), (5, "Unique"), (6, "Latitude")]
    events = await store.read_all()
    closed = next(event for event in events if event.topic == "case.closed")
    assert closed.data["occurred_at"] == datetime(2025, 1, 3, 17, 8, tzinfo=UTC)
    assert closed.recorded_at > datetime(2026, 1, 1, tzinfo=UTC)
    handled = next(event for event in events if event.topic == "case.handled")
    assert handled.data["occurred_at"] == datetime(2025, 1, 2, 12, 37, tzinfo=UTC)
    assert {event.metadata["channel"] for event in events} == {"import"}


async def test_a_later_file_continues_what_was_open(store: EventStore, tmp_path: Path) -> None:
    await import_file(store, write(tmp_path / "monday.csv", OPEN))
    assert await store.head() == 4
    tuesday = write(tmp_path / "tuesday.csv", GOOD)
    assert (await import_file(store, tuesday)).continued == 1
    assert (await import_file(store, tuesday)).unchanged == 1
    assert await store.head() == 7


async def test_a_file_of_another_kind_is_a_clear_error(store: EventStore, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(Exception, match="has no column Agency, City"):
        await import_file(store, tmp_path / "other.csv")


@pytest.mark.storm
@needs_records_311
async def test_real_records_go_in_once_and_come_out_of_the_read_models(
    store: EventStore, tmp_path: Path
) -> None:
    rows, imported, rejected, merged = REAL[0 if STORM == 1 else 1]
    records = beginning_of(RECORDS_311, rows, tmp_path)
    result = await import_file(store, records)
    assert (result.rows, result.imported, len(result.rejected)) == (rows, imported, rejected)
    assert (result.merged, result.events) == (merged, await store.head())
    head = await store.head()
    again = await import_file(store, records)
    assert (again.unchanged, again.merged, await store.head()) == (imported, 0, head)
    async with running(store, *MODELS):
        await caught_up(store, *(model.name for model in MODELS))
        days = await case_days.days(store.pool, since=date(2024, 1, 1), until=date(2026, 1, 1))
        apart = await merged_keys(store, records)
        assert sum(day["reported"] for day in days) == imported
        told = [row for row in usable(records) if row["Unique Key"] not in apart]
        seconds = [taken(row) for row in told if row["Status"] == "Closed"]
        assert sum(day["closed"] for day in days) == len(seconds)
        total = sum(day["mean_seconds_to_closed"] * day["closed"] for day in days if day["closed"])
        assert float(total) / len(seconds) == pytest.approx(fmean(seconds))

        changed = changed_at_its_source(records, apart)
        followed = await import_file(store, changed)
        assert followed.rejected == again.rejected
        assert followed.continued == sum(1 for row in usable(changed) if row["Landmark"] == CHANGED)
        await caught_up(store, *(model.name for model in MODELS))
        told = [row for row in usable(changed) if row["Unique Key"] not in apart]
        assert await figures_of(store) == figures_in(told)
    for projection in MODELS:
        assert (await compare(store, projection)).equal, projection.name


CHANGED = "changed since"
Figures = dict[tuple[str, str], tuple[int, int, float | None]]


def usable(path: Path) -> list[dict[str, str]]:
    """The rows that say where and when, read by nothing of ours."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = []
    for row in rows:
        updated = row["Resolution Action Updated Date"]
        if row["Latitude"] and not (updated and at(updated) < at(row["Created Date"])):
            found.append(row)
    return found


def at(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y %H:%M").replace(tzinfo=NEW_YORK).astimezone(UTC)


def taken(row: dict[str, str]) -> float:
    return (at(row["Closed Date"]) - at(row["Created Date"])).total_seconds()


async def merged_keys(store: EventStore, path: Path) -> set[str]:
    """The keys of what goes on in another; none of it was reported after that was closed."""
    merged = await store.read_all(topics=["case.merged"])
    key_of = {case_id_of("nyc311", row["Unique Key"]): row for row in usable(path)}
    for event in merged:
        part, into = key_of[event.stream_id], key_of[event.data["into_case_id"]]
        if into["Status"] == "Closed":
            assert at(part["Created Date"]) < at(into["Closed Date"])
            assert part["Status"] == "Closed"
    return {key_of[event.stream_id]["Unique Key"] for event in merged}


def changed_at_its_source(path: Path, apart: set[str]) -> Path:
    """The same file after its source has gone on: open again, with others, called otherwise."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept = {row["Unique Key"] for row in usable(path)} - apart
    last = max(at(row["Closed Date"]) for row in rows if row["Closed Date"])
    number = 0
    for row in rows:
        if row["Unique Key"] not in kept or ((closed := row["Closed Date"]) and at(closed) == last):
            continue
        number += 1
        if closed and number % 20 == 0:
            row |= {"Status": "In Progress", "Closed Date": "", "Landmark": CHANGED}
        elif not closed and number % 2 == 0:
            agency = "DPR" if row["Agency"] != "DPR" else "DOHMH"
            row |= {"Agency": agency, "Landmark": CHANGED}
        elif number % 30 == 1 and row["Complaint Type"] != "Pet Shop":
            row |= {"Complaint Type": "Pet Shop", "Descriptor": "", "Landmark": CHANGED}
    changed = path.with_name("changed.csv")
    with changed.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return changed


CLASSES = {  # ours of theirs
    "Dead Animal": "dead_animal",
    "Animal-Abuse": "animal_abuse",
    "Animal in a Park": "animal_in_park",
    "Unsanitary Animal Pvt Property": "unsanitary_animal_property",
    "Illegal Animal Kept as Pet": "illegal_pet",
    "Pet Shop": "pet_shop",
    "Animal Facility - No Permit": "animal_facility_no_permit",
    "Illegal Animal Sold": "illegal_animal_sold",
    "Unsanitary Animal Facility": "unsanitary_animal_facility",
}


def figures_in(rows: list[dict[str, str]]) -> Figures:
    """Open, closed and the mean time to closing, by class and agency, straight from the rows."""
    open_: Counter[tuple[str, str]] = Counter()
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        code = CLASSES[row["Complaint Type"]]
        if code == "animal_in_park" and row["Descriptor"] == "Dead Animal":
            code = "dead_animal"
        key = code, row["Agency"].lower()
        if row["Status"] == "Closed":
            seconds[key].append(taken(row))
        else:
            open_[key] += 1
    return {
        key: (
            open_[key],
            len(seconds[key]),
            round(fmean(seconds[key]), 3) if seconds[key] else None,
        )
        for key in sorted(open_.keys() | seconds.keys())
    }


async def figures_of(store: EventStore) -> Figures:
    """The same from the desk."""
    rows = await store.pool.fetch(
        "SELECT class_code, lead, count(*) FILTER (WHERE open) AS still,"
        " count(*) FILTER (WHERE NOT open) AS over,"
        " avg(extract(epoch FROM closed_at - reported_at)) FILTER (WHERE NOT open) AS mean"
        " FROM case_desk.cases WHERE status <> 'merged' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return {
        (row["class_code"], row["lead"]): (
            row["still"],
            row["over"],
            None if row["mean"] is None else round(float(row["mean"]), 3),
        )
        for row in rows
    }


@pytest.mark.fault
@needs_records_311
async def test_an_import_killed_half_way_goes_on(
    store: EventStore, settings: Settings, tmp_path: Path
) -> None:
    assert settings.database_url is not None
    records = beginning_of(RECORDS_311, 600, tmp_path)
    usable = (await import_file(store, records, dry_run=True)).imported
    process = Warm(
        settings.data_dir / "said",
        "citybrain",
        "import",
        "311-csv",
        str(records),
        environment={
            **os.environ,
            "CITYBRAIN_DATABASE_URL": settings.database_url.get_secret_value(),
            "CITYBRAIN_DATA_DIR": str(settings.data_dir),
            "CITYBRAIN_MODE": "development",
        },
    )

    async def half_way() -> bool:
        return await store.head() >= 2 * usable

    await eventually(half_way)
    await process.kill()
    half = await store.head()
    result = await import_file(store, records)
    assert result.continued + result.imported > 0
    assert half < await store.head()
    counts = await store.pool.fetch("SELECT topic, count(*) FROM stored_events GROUP BY topic")
    by_topic = {row["topic"]: row["count"] for row in counts}
    assert by_topic["case.reported"] == by_topic["case.dispatched"] == usable
    assert by_topic["case.closed"] == by_topic["case.handled"]
