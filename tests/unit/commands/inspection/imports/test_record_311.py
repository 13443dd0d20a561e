"""A row of a 311 extract: what it says about a case, or why it cannot become one."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from citybrain.definitions.inspection.imports_311 import Import311
from citybrain.systems import load_definitions
from commands.csv_rows import Row
from commands.inspection.imports.record_311 import (
    REPEATED_HOUR,
    UPDATED_LATER,
    BadRecord,
    Record,
    case_id_of,
    read_record,
)

MAPPING = load_definitions().of(Import311)
GOOD = {
    "Unique Key": "63594352",
    "Created Date": "1/1/2025 7:52",
    "Closed Date": "1/3/2025 12:08",
    "Resolution Action Updated Date": "1/2/2025 7:37",
    "Agency": "DSNY",
    "Complaint Type": "Dead Animal",
    "Descriptor": "Bird",
    "Incident Address": "113-45 FRANCIS LEWIS BOULEVARD",
    "City": "QUEENS VILLAGE",
    "Status": "Closed",
    "Latitude": "40.70204715",
    "Longitude": "-73.74883863",
}


def read(**changes: str) -> Record:
    fields = GOOD | {name.replace("_", " "): value for name, value in changes.items()}
    return read_record(Row(2, 100, b"the row", fields), MAPPING)


def times(record: Record) -> list[datetime | None]:
    return [step.occurred_at for step in (record.report, *record.steps)]


def utc(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_a_closed_record_keeps_created_updated_and_closed() -> None:
    record = read()
    created, updated, closed = (
        utc(2025, 1, 1, 12, 52),
        utc(2025, 1, 2, 12, 37),
        utc(2025, 1, 3, 17, 8),
    )
    assert times(record) == [created, created, created, updated, updated, closed, closed]
    assert record.report.class_code == "dead_animal"
    assert record.report.description == "Dead Animal: Bird"
    assert record.report.external_ref == "nyc311:63594352"
    handled: Any = record.steps[3]
    assert handled.evidence_sha256 == [hashlib.sha256(b"the row").hexdigest()]
    assert record.remarks == ()


def test_an_open_record_ends_where_its_status_says() -> None:
    progress = read(Status="In Progress", Closed_Date="")
    assert [type(step).__name__ for step in progress.steps] == [
        "FileCase",
        "DispatchCase",
        "AcceptCase",
    ]
    assert progress.steps[-1].occurred_at == utc(2025, 1, 2, 12, 37)
    assert len(read(Status="Open", Closed_Date="").steps) == 2


def test_the_case_follows_from_the_key_alone() -> None:
    assert read().case_id == read(Created_Date="1/1/2025 7:00").case_id
    assert read().case_id != read(Unique_Key="63594353").case_id
    assert case_id_of("nyc311", "1") < case_id_of("nyc311", "2") < case_id_of("nyc311", "30")


def test_a_descriptor_can_say_more_than_its_complaint() -> None:
    record = read(Complaint_Type="Animal in a Park", Descriptor="Dead Animal", Agency="DPR")
    assert record.report.class_code == "dead_animal"
    dispatch: Any = record.steps[1]
    assert (dispatch.departments, dispatch.lead) == (["dpr"], "dpr")


def test_an_update_after_the_closing_is_kept_in_the_note_and_remarked_on() -> None:
    record = read(Resolution_Action_Updated_Date="1/9/2025 8:00")
    handled: Any = record.steps[3]
    assert record.remarks == (UPDATED_LATER,)
    assert handled.occurred_at == utc(2025, 1, 3, 17, 8)
    assert "2025-01-09T13:00:00+00:00" in handled.note


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Closed_Date": "1/1/2025 7:51"}, "Closed Date lies before Created Date"),
        ({"Closed_Date": ""}, "the status is Closed and Closed Date is missing"),
        ({"Resolution_Action_Updated_Date": "12/31/2024 1:00"}, "Updated Date lies before Created"),
        ({"Created_Date": ""}, "Created Date is missing"),
        ({"Created_Date": "yesterday"}, "Created Date is not a date like"),
        ({"Created_Date": "2/30/2025 1:00"}, "Created Date is not a date like"),
        ({"Created_Date": "3/9/2025 2:30"}, "skipped"),
        ({"Latitude": ""}, "Latitude is missing"),
        ({"Latitude": "north"}, "Latitude is not a number"),
        ({"Latitude": "nan"}, "outside the city"),
        ({"Latitude": "inf"}, "outside the city"),
        ({"Latitude": "0", "Longitude": "0"}, "outside the city"),
        ({"Latitude": "-73.7", "Longitude": "40.7"}, "outside the city"),
        ({"Agency": "FBI"}, "Agency 'FBI' is not in the mapping"),
        ({"Status": "Lost"}, "Status 'Lost' is not in the mapping"),
        ({"Complaint_Type": "Noise"}, "Complaint Type 'Noise' is not in the mapping"),
        ({"Unique_Key": "12a"}, "Unique Key is not a number"),
        ({"Unique_Key": "1" * 15}, "Unique Key is not a number"),
        ({"Unique_Key": "٣"}, "Unique Key is not a number"),
        ({"Unique_Key": " "}, "Unique Key is missing"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_reason(
    changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(BadRecord, match=reason):
        read(**changes)


@pytest.mark.parametrize(
    "text", ["7/4/2025 13:05", "07/04/2025 01:05:00 PM", "2025-07-04T13:05:00.000"]
)
def test_the_dates_of_every_form_of_the_extract_are_new_york_time(text: str) -> None:
    record = read(
        Created_Date=text, Status="Open", Closed_Date="", Resolution_Action_Updated_Date=""
    )
    assert record.report.occurred_at == utc(2025, 7, 4, 17, 5)


def test_the_hour_that_the_clocks_repeat_is_read_so_that_the_order_holds() -> None:
    record = read(
        Created_Date="11/2/2025 1:50",
        Closed_Date="11/2/2025 1:10",
        Resolution_Action_Updated_Date="",
    )
    assert record.report.occurred_at == utc(2025, 11, 2, 5, 50)
    assert record.steps[-1].occurred_at == utc(2025, 11, 2, 6, 10)
    assert record.remarks == (REPEATED_HOUR,)
