"""The 311 import: real records in, each row accounted for, a repeat changes nothing."""

import csv
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from citybrain.systems.inspection import INSPECTION
from citybrain.systems.platform import PLATFORM
from commands.inspection.imports.csv311 import Import, ImportResult
from projections.inspection import case_days
from projections.inspection import case_desk_questions as desk
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
    (1500, 1483, 17, 224),
    (2981, 2936, 45, 445),
)
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
    reported = sum(day["reported"] for day in days)
    closed = sum(day["closed"] for day in days)
    still_open = sum(row["open"] for row in await desk.open_counts(store.pool))
    assert (reported, closed + still_open + merged) == (imported, imported)
    assert all(day["mean_seconds_to_closed"] >= 0 for day in days if day["closed"])
    for projection in MODELS:
        assert (await compare(store, projection)).equal, projection.name


@pytest.mark.fault
@needs_records_311
async def test_an_import_killed_half_way_goes_on(
    store: EventStore, settings: Settings, tmp_path: Path
) -> None:
    assert settings.database_url is not None
    records = beginning_of(RECORDS_311, 1000, tmp_path)
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
