"""Imports that repeat, meet each other, meet changed records, or lose their store."""

import asyncio
import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citybrain.cli.import_ import app
from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.case import InspectionCase
from citybrain.eventstore import EventStore, StoreUnavailable
from commands.inspection.case import HandleCase, ReturnCase, handle_case, return_case
from commands.inspection.imports.csv311 import SEEN_AGAIN, Import, ImportResult
from commands.inspection.imports.record_311 import UPDATED_LATER, case_id_of
from commands.inspection.merging import UnmergeCase, unmerge_case
from tests.given.services import DIGEST, OPERATOR, context, services_over
from tests.given.shared_data import RECORDS_311, beginning_of, needs_records_311

HEADER = (
    "Unique Key",
    "Created Date",
    "Closed Date",
    "Agency",
    "Complaint Type",
    "Descriptor",
    "Incident Address",
    "City",
    "Status",
    "Resolution Action Updated Date",
    "Latitude",
    "Longitude",
)
CLOSED = (
    "1001",
    "1/1/2025 7:52",
    "1/3/2025 12:08",
    "DSNY",
    "Dead Animal",
    "Bird",
    "1 A ST",
    "QUEENS",
    "Closed",
    "1/2/2025 7:37",
    "40.7",
    "-73.7",
)
OPEN = (*CLOSED[:2], "", *CLOSED[3:8], "In Progress", *CLOSED[9:])


def extract(folder: Path, *rows: Iterable[str]) -> Path:
    path = folder / "extract.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


async def bring_in(store: EventStore, path: Path, *, dry_run: bool = False) -> ImportResult:
    work = Import(services_over(store), dry_run=dry_run)
    await work.run(path)
    return work.result


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    """Imported, continued, unchanged and rejected rows; no row is in none of them."""
    found = (result.imported, result.continued, result.unchanged, len(result.rejected))
    assert sum(found) == result.rows
    return found


@needs_records_311
async def test_what_the_real_records_cannot_say_is_reported(store: EventStore) -> None:
    result = await bring_in(store, RECORDS_311, dry_run=True)
    assert counts(result) == (2936, 0, 0, 45)
    assert Counter(rejected.reason for rejected in result.rejected) == {
        "Latitude is missing": 41,
        "Resolution Action Updated Date lies before Created Date": 4,
    }
    assert {remark: len(lines) for remark, lines in result.remarks.items()} == {
        UPDATED_LATER: 262,
        SEEN_AGAIN: 220,
    }
    assert (result.events, await store.head()) == (0, 0)


@needs_records_311
async def test_two_imports_at_once_do_not_disturb_each_other(
    store: EventStore, tmp_path: Path
) -> None:
    records = beginning_of(RECORDS_311, 800, tmp_path)
    first, second = await asyncio.gather(bring_in(store, records), bring_in(store, records))
    assert counts(first)[3] == counts(second)[3] == 7
    assert first.events + second.events == await store.head()
    assert first.merged + second.merged == 73


async def test_each_step_has_its_own_time_and_command(store: EventStore, tmp_path: Path) -> None:
    await bring_in(store, extract(tmp_path, CLOSED))
    events = await store.read(case_id_of("nyc311", "1001"))
    assert [event.data["occurred_at"].isoformat() for event in events] == [
        *["2025-01-01T12:52:00+00:00"] * 3,
        *["2025-01-02T12:37:00+00:00"] * 2,
        *["2025-01-03T17:08:00+00:00"] * 2,
    ]
    assert {(event.metadata["actor"], event.metadata["channel"]) for event in events} == {
        ("system:import", "import")
    }
    assert len({event.metadata["command_id"] for event in events}) == 7
    assert len({event.metadata["correlation_id"] for event in events}) == 1


async def test_an_older_extract_does_not_take_a_case_back(
    store: EventStore, tmp_path: Path
) -> None:
    assert counts(await bring_in(store, extract(tmp_path, OPEN))) == (1, 0, 0, 0)
    assert counts(await bring_in(store, extract(tmp_path, CLOSED))) == (0, 1, 0, 0)
    assert counts(await bring_in(store, extract(tmp_path, OPEN))) == (0, 0, 1, 0)
    case = await store.load(InspectionCase, case_id_of("nyc311", "1001"))
    assert case.status == "closed"


LEFT = "changed at its source and left as it was imported"
DUE_HEADER = (*HEADER, "Due Date")


def with_due(folder: Path, *rows: Iterable[str]) -> Path:
    path = extract(folder)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([DUE_HEADER, *rows])
    return path


@pytest.mark.parametrize(("due", "in_time"), [("1/3/2025 7:52", True), ("1/1/2025 9:52", False)])
async def test_a_due_date_is_the_deadline_of_the_handling(
    store: EventStore, tmp_path: Path, due: str, in_time: bool
) -> None:
    path = with_due(tmp_path, (*CLOSED, due))
    assert counts(await bring_in(store, path)) == (1, 0, 0, 0)
    events = {each.topic: each for each in await store.read(case_id_of("nyc311", "1001"))}
    (begun,) = events["case.dispatched"].data["begun"]
    assert (begun["unit"], begun["amount"]) == ("hours", 48 if in_time else 2)
    assert begun["begun_at"] == "2025-01-01T12:52:00+00:00"
    (ended,) = events["case.handled"].data["ended"]
    assert (ended["code"], ended["met"], ended["in_time"]) == ("handling", True, in_time)
    assert counts(await bring_in(store, path)) == (0, 0, 1, 0)
    changed = await bring_in(store, with_due(tmp_path, (*CLOSED, "1/9/2025 7:52")))
    assert (counts(changed), changed.remarks) == ((0, 0, 1, 0), {f"{LEFT}: due date": [2]})


async def test_a_due_date_before_the_report_is_refused(store: EventStore, tmp_path: Path) -> None:
    result = await bring_in(store, with_due(tmp_path, (*CLOSED, "1/1/2025 7:52")))
    assert [each.reason for each in result.rejected] == ["Due Date does not lie after Created Date"]


def again(
    key: str, day: int, north: str = "40.7", kind: str = "Dead Animal", closed: int = 13
) -> tuple[str, ...]:
    """Another report, of the same place unless said otherwise."""
    at = f"1/{day}/2025 7:52"
    return (
        key,
        at,
        f"1/{closed}/2025 12:08",
        *CLOSED[3:4],
        kind,
        *CLOSED[5:9],
        at,
        north,
        *CLOSED[11:],
    )


async def statuses(store: EventStore, *keys: str) -> list[str]:
    cases = [await store.load(InspectionCase, case_id_of("nyc311", key)) for key in keys]
    return [str(case.status) for case in cases]


async def test_rows_of_one_problem_are_merged_into_the_earliest(
    store: EventStore, tmp_path: Path
) -> None:
    rows = [
        again("1", 8),
        again("2", 5),
        again("3", 3),
        again("4", 12),
        again("5", 3, "40.8"),
        again("6", 3, kind="Pet Shop"),
    ]
    result = await bring_in(store, extract(tmp_path, *rows))
    assert (counts(result), result.merged) == ((6, 0, 0, 0), 2)
    assert result.events == await store.head() == 2 * (3 + 2) + 4 * 7
    keys = ("1", "2", "3", "4", "5", "6")
    assert await statuses(store, *keys) == ["merged", "merged", *["closed"] * 4]
    first = await store.load(InspectionCase, case_id_of("nyc311", "3"))
    assert first.absorbed == [case_id_of("nyc311", "1"), case_id_of("nyc311", "2")]
    *_, merged = await store.read(case_id_of("nyc311", "1"))
    assert merged.metadata["channel"] == "import"
    assert merged.data["reason"] == (
        "the same problem was reported as nyc311:3; its own record was closed at "
        "2025-01-13T17:08:00+00:00"
    )
    repeated = await bring_in(store, extract(tmp_path, *rows))
    assert (counts(repeated), repeated.merged, repeated.events) == ((0, 0, 6, 0), 0, 0)
    alone = await bring_in(store, extract(tmp_path, rows[0]))
    assert (counts(alone), await store.head()) == ((0, 0, 1, 0), result.events)


async def test_what_went_its_own_way_or_was_taken_apart_is_not_merged(
    store: EventStore, tmp_path: Path
) -> None:
    rows = [again("1", 3), again("2", 4), again("3", 5)]
    await bring_in(store, extract(tmp_path, rows[0]))
    result = await bring_in(store, extract(tmp_path, *rows))
    assert (counts(result), result.merged) == ((2, 0, 1, 0), 0)  # the first one is closed here
    assert await statuses(store, "1", "2", "3") == ["closed"] * 3


async def test_a_merge_that_a_person_undid_stays_undone(store: EventStore, tmp_path: Path) -> None:
    rows = [
        (*again("1", 3)[:2], "", *again("1", 3)[3:8], "Open", *again("1", 3)[9:]),
        again("2", 4),
    ]
    assert (await bring_in(store, extract(tmp_path, *rows))).merged == 1
    case_id = case_id_of("nyc311", "2")
    await unmerge_case(
        case_id, UnmergeCase(reason="another bird"), context(OPERATOR), services_over(store)
    )
    result = await bring_in(store, extract(tmp_path, *rows))
    assert (counts(result), result.merged) == ((0, 1, 1, 0), 0)
    assert await statuses(store, "1", "2") == ["dispatched", "closed"]


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [(5, "Cat", "description"), (10, "40.8", "latitude"), (1, "1/1/2025 7:51", "occurred_at")],
)
async def test_what_no_event_changes_any_more_is_remarked_on_and_left_alone(
    store: EventStore, tmp_path: Path, column: int, value: str, named: str
) -> None:
    await bring_in(store, extract(tmp_path, CLOSED))
    changed = [*CLOSED[:column], value, *CLOSED[column + 1 :]]
    result = await bring_in(store, extract(tmp_path, changed))
    assert (counts(result), result.remarks) == ((0, 0, 1, 0), {f"{LEFT}: {named}": [2]})
    assert await store.head() == 7


async def test_the_same_record_in_another_form_of_export_changes_nothing(
    store: EventStore, tmp_path: Path
) -> None:
    await bring_in(store, extract(tmp_path, CLOSED))
    api = [*CLOSED]
    api[1], api[9] = "2025-01-01T07:52:00.000", "01/02/2025 07:37:00 AM"
    assert counts(await bring_in(store, extract(tmp_path, api))) == (0, 0, 1, 0)


async def test_a_case_that_went_another_way_here_is_left_alone(
    store: EventStore, tmp_path: Path
) -> None:
    services, case_id = services_over(store), case_id_of("nyc311", "1001")
    await bring_in(store, extract(tmp_path, OPEN))
    official = Actor("official-1", frozenset({Role.OFFICIAL}), "dsny")
    handling = HandleCase(department="dsny", evidence_sha256=[DIGEST])
    await handle_case(case_id, handling, context(official), services)
    await return_case(case_id, ReturnCase(reason="still there"), context(OPERATOR), services)
    result = await bring_in(store, extract(tmp_path, CLOSED))
    assert [rejected.reason for rejected in result.rejected] == [
        "the case was imported and has gone another way since: left as it is"
    ]


async def test_rejected_rows_are_written_as_they_stood_with_line_and_reason(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYBRAIN_DATABASE_URL", database_url)
    monkeypatch.setenv("CITYBRAIN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CITYBRAIN_MODE", "development")
    path = extract(tmp_path, CLOSED, ("1002", *CLOSED[1:3], "FBI", *CLOSED[4:]), CLOSED)
    with path.open("ab") as file:
        file.write(b'1003,"open\r\n1004\r\n' + b",".join(b"1005 \xff" for _ in HEADER) + b"\r\n")
    command = ["311-csv", str(path), "--rejects", str(tmp_path)]
    ran = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert ran.exit_code == 1
    assert "6 rows: 1 imported, 0 continued, 0 unchanged, 5 rejected" in ran.output
    written = (tmp_path / "extract.rejects.csv").read_bytes().split(b"\r\n")
    assert [line.split(b",")[:3] for line in written[:-1]] == [
        [b"Line", b"Reason", b"Unique Key"],
        [b"3", b"Agency 'FBI' is not in the mapping", b"1002"],
        [b"4", b"Unique Key stands in line 2 already", b"1001"],
        [b"5", b"a quotation mark is not closed", b"1003"],
        [b"6", b'"it has 1 columns', b' the header 12"'],
        [b"7", b"it is not UTF-8", b"1005 \xff"],
    ]


async def test_a_store_that_stays_away_stops_the_import_and_blames_no_row(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("PostgreSQL cannot be reached")

    work = Import(services_over(store))
    with monkeypatch.context() as patched:
        patched.setattr("commands.inspection.imports.bringing.RETRY_SECONDS", 0)
        patched.setattr(store, "save", away)
        with pytest.raises(StoreUnavailable):
            await work.run(extract(tmp_path, CLOSED))
    assert work.result.rejected == []
    assert counts(await bring_in(store, extract(tmp_path, CLOSED))) == (1, 0, 0, 0)
