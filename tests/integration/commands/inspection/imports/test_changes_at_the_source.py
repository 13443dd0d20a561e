"""A file imported again after its source has gone on: each change is followed by an event."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.domain.inspection.case import InspectionCase
from citybrain.eventstore import EventStore
from commands.inspection.imports.bringing import APART, NOT_HERE
from commands.inspection.imports.csv311 import SEEN_AGAIN, Import, ImportResult
from commands.inspection.imports.following import AGENCY_LATER, CLOSED_BEFORE, OLDER
from commands.inspection.imports.record_311 import case_id_of
from tests.given.services import services_over

Row = Mapping[str, str]

CLOSED: Row = {
    "Unique Key": "1001",
    "Created Date": "1/1/2025 7:52",
    "Closed Date": "1/3/2025 12:08",
    "Agency": "DSNY",
    "Complaint Type": "Dead Animal",
    "Descriptor": "Bird",
    "Incident Address": "1 A ST",
    "City": "QUEENS",
    "Status": "Closed",
    "Resolution Action Updated Date": "1/2/2025 7:37",
    "Latitude": "40.7",
    "Longitude": "-73.7",
}
OPEN: Row = {**CLOSED, "Status": "In Progress", "Closed Date": ""}
LATER: Row = {**CLOSED, "Unique Key": "1002", "Created Date": "1/9/2025 7:52", "Latitude": "40.8"}
LATER = {**LATER, "Closed Date": "1/10/2025 9:00", "Resolution Action Updated Date": ""}


def extract(folder: Path, *rows: Row, delimiter: str = ",", header: str | None = None) -> Path:
    path = folder / "extract.csv"
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [header or delimiter.join(names)]
    lines += [delimiter.join(row.get(name, "") for name in names) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


async def bring_in(
    store: EventStore, folder: Path, *rows: Row, dry_run: bool = False
) -> ImportResult:
    work = Import(services_over(store), dry_run=dry_run)
    await work.run(extract(folder, *rows))
    return work.result


async def twice(
    store: EventStore, folder: Path, before: list[Row], after: list[Row]
) -> ImportResult:
    """Import, import what has changed: the dry run says what the run does, and nothing twice."""
    await bring_in(store, folder, *before)
    head = await store.head()
    said = await bring_in(store, folder, *after, dry_run=True)
    assert (await store.head(), said.events) == (head, 0)
    done = await bring_in(store, folder, *after)
    assert said.summary() | {"events": 0} == done.summary() | {"events": 0}
    assert done.events == await store.head() - head
    repeated = await bring_in(store, folder, *after)
    assert (repeated.unchanged, repeated.events) == (done.rows - len(done.rejected), 0)
    return done


async def case_of(store: EventStore, key: str = "1001") -> InspectionCase:
    return await store.load(InspectionCase, case_id_of("nyc311", key))


async def topics(store: EventStore, key: str = "1001") -> list[str]:
    found = await store.read(case_id_of("nyc311", key))
    return [each.topic.removeprefix("case.") for each in found]


@pytest.mark.parametrize(
    ("changed", "at"),
    [
        ({"Status": "Open", "Closed Date": "", "Resolution Action Updated Date": "1/5/2025 8:00"},
         datetime(2025, 1, 5, 13, tzinfo=UTC)),
        ({"Status": "Open", "Closed Date": ""}, datetime(2025, 1, 10, 14, tzinfo=UTC)),
        ({"Status": "In Progress"}, datetime(2025, 1, 10, 14, tzinfo=UTC)),
    ],
    ids=["updated", "by a file of later", "with its old closing"],
)  # fmt: skip
async def test_what_is_open_again_is_reopened_and_closed_again(
    store: EventStore, tmp_path: Path, changed: Row, at: datetime
) -> None:
    done = await twice(store, tmp_path, [CLOSED], [{**CLOSED, **changed}, LATER])
    assert (done.continued, done.imported, done.rejected) == (1, 1, [])
    case = await case_of(store)
    assert (case.status, case.times_reopened, case.last_occurred_at) == ("reopened", 1, at)
    (*_, reopened) = await store.read(case.id)
    assert reopened.data["reason"] == "open again at its source"
    await bring_in(store, tmp_path, {**CLOSED, "Closed Date": "1/12/2025 9:00"}, LATER)
    case = await case_of(store)
    assert (case.status, case.times_reopened) == ("closed", 1)
    assert case.last_occurred_at == datetime(2025, 1, 12, 14, tzinfo=UTC)


async def test_what_was_closed_again_was_open_between(store: EventStore, tmp_path: Path) -> None:
    done = await twice(store, tmp_path, [CLOSED], [{**CLOSED, "Closed Date": "1/4/2025 9:00"}])
    assert (done.continued, done.rejected) == (1, [])
    assert (await topics(store))[7:] == ["reopened", "handled", "verified", "closed"]
    earlier = await bring_in(store, tmp_path, CLOSED)
    assert (earlier.unchanged, list(earlier.remarks)) == (1, [CLOSED_BEFORE])


async def test_an_older_file_takes_nothing_back(store: EventStore, tmp_path: Path) -> None:
    done = await twice(store, tmp_path, [CLOSED], [OPEN])
    assert (done.unchanged, list(done.remarks)) == (1, [OLDER])


async def test_another_agency_has_it(store: EventStore, tmp_path: Path) -> None:
    now = {"Agency": "DOHMH", "Resolution Action Updated Date": "1/2/2025 9:00"}
    done = await twice(store, tmp_path, [OPEN], [{**OPEN, **now}])
    assert (done.continued, done.rejected) == (1, [])
    case = await case_of(store)
    assert (case.status, case.lead, case.accepted_by) == ("accepted", "dohmh", ["dohmh"])
    assert (await topics(store))[4:] == ["handed_back", "dispatched", "accepted"]
    await bring_in(store, tmp_path, {**CLOSED, **now})
    assert (await case_of(store)).status == "closed"
    again = await bring_in(store, tmp_path, CLOSED)
    assert (again.unchanged, list(again.remarks)) == (1, [AGENCY_LATER])


async def test_it_is_called_something_else(store: EventStore, tmp_path: Path) -> None:
    now = {"Complaint Type": "Pet Shop", "Descriptor": "Smell"}
    done = await twice(store, tmp_path, [OPEN], [{**CLOSED, **now}])
    assert (done.continued, done.rejected, done.remarks) == (1, [], {})
    case = await case_of(store)
    assert (case.status, case.class_code) == ("closed", "pet_shop")
    (event,) = (each for each in await store.read(case.id) if each.topic == "case.reclassified")
    assert event.data["reason"] == "its source calls it Pet Shop: Smell"


async def test_it_was_merged_there(store: EventStore, tmp_path: Path) -> None:
    other = {**OPEN, "Unique Key": "1002", "Latitude": "40.8"}
    parent = {"Parent Unique Key": "1001"}
    done = await twice(store, tmp_path, [OPEN, {**other, **parent, "Parent Unique Key": ""}],
                       [{**OPEN, "Parent Unique Key": ""}, {**other, **parent}])  # fmt: skip
    assert done.merged == 1
    assert (await case_of(store, "1002")).merged_into == case_id_of("nyc311", "1001")
    alone = {**other, "Unique Key": "1003", **parent}
    assert (await bring_in(store, tmp_path, alone)).merged == 1
    lost = {**other, "Unique Key": "1004", "Parent Unique Key": "7"}
    assert list((await bring_in(store, tmp_path, lost)).remarks) == [NOT_HERE]
    late = {**LATER, "Unique Key": "1005", "Parent Unique Key": "1006"}
    closed = {**CLOSED, "Unique Key": "1006", "Parent Unique Key": ""}
    result = await bring_in(store, tmp_path, late, closed)
    assert (result.merged, list(result.remarks)) == (0, [APART])


async def test_nothing_is_merged_across_a_closing(store: EventStore, tmp_path: Path) -> None:
    def seen(key: str, created: str, closed: str) -> Row:
        status = {"Status": "Closed" if closed else "Open", "Closed Date": closed}
        return {**CLOSED, "Unique Key": key, "Created Date": created, **status,
                "Resolution Action Updated Date": ""}  # fmt: skip

    rows = [
        seen("1", "1/1/2025 8:00", "1/1/2025 12:00"),
        seen("2", "1/1/2025 21:00", "1/3/2025 8:00"),  # nine hours after the closing
        seen("3", "1/2/2025 8:00", "1/2/2025 9:00"),  # while the second is open
        seen("4", "1/2/2025 9:00", ""),  # open at its source
    ]
    result = await bring_in(store, tmp_path, *rows)
    assert (result.imported, result.merged) == (4, 1)
    assert {remark: sorted(lines) for remark, lines in result.remarks.items()} == {
        SEEN_AGAIN: [3, 4, 5]
    }
    found = [str((await case_of(store, row["Unique Key"])).status) for row in rows]
    assert found == ["closed", "closed", "merged", "dispatched"]


async def test_a_row_is_checked_to_its_end_before_its_first_event(
    store: EventStore, tmp_path: Path
) -> None:
    bad = {**LATER, "Closed Date": "2/15/3025 9:00"}
    for dry_run in (True, False):
        result = await bring_in(store, tmp_path, CLOSED, bad, dry_run=dry_run)
        assert (result.imported, len(result.rejected)) == (1, 1)
    assert await topics(store, "1002") == []
    assert await store.head() == 7


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_columns_are_called_as_the_api_or_a_spreadsheet_calls_them(
    store: EventStore, tmp_path: Path, delimiter: str
) -> None:
    names = [name.lower().replace(" ", "_") for name in CLOSED]
    names[5], names[4] = " DESCRIPTOR ", "Problem (formerly Complaint Type)"
    path = extract(tmp_path, CLOSED, delimiter=delimiter, header=delimiter.join(names))
    work = Import(services_over(store))
    await work.run(path)
    assert (work.result.imported, work.result.rejected) == (1, [])
