"""Real 311 records reported over Open311 and read back, by a client that knows only the
specification: nothing is lost, doubled or changed, in XML and in JSON."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from citybrain.definitions.inspection.imports_311 import Import311
from citybrain.definitions.loading import PACKAGE_FOLDER
from citybrain.domain.actor import Actor, Role
from citybrain.settings import Settings
from citybrain.systems import load_definitions
from commands.csv_rows import CsvRows
from commands.handling import CommandContext
from commands.inspection.case import (
    AcceptCase,
    CloseCase,
    HandleCase,
    ReportCase,
    StepCommand,
    VerifyCase,
    accept_case,
    close_case,
    handle_case,
    verify_case,
)
from commands.inspection.imports.record_311 import COLUMNS, BadRecord, Record, read_record
from tests.given.api import Api
from tests.given.open311_client import MOST, Found, Open311Client
from tests.given.read_models import caught_up
from tests.given.shared_data import RECORDS_311, needs_records_311
from tests.given.storm import STORM
from tests.given.waiting import PATIENCE_SECONDS

NEW_YORK = """{"type": "FeatureCollection", "valid_from": "2021-01-01", "source": "a box",
"features": [{"type": "Feature", "properties":
{"kind": "district", "code": "360000", "name": "紐約", "name_en": "New York"},
"geometry": {"type": "Polygon", "coordinates":
[[[-74.3, 40.45], [-73.65, 40.45], [-73.65, 40.95], [-74.3, 40.95], [-74.3, 40.45]]]}}]}"""
ANIMALS = "case/animals-2026-11-30.yaml"
AT_ONCE = 24
CLOSED_OF = 20  # of so many closed records one is taken to its closing
SYSTEM = Actor("import", frozenset({Role.SYSTEM}))
DIGEST = "ab" * 32


@pytest.fixture
def change_settings(tmp_path: Path) -> Callable[[Settings], None]:
    """The records' city, and as much at once as the client sends."""

    def change(settings: Settings) -> None:
        settings.definitions_dir = tmp_path / "definitions"
        (settings.definitions_dir / "area").mkdir(parents=True)
        (settings.definitions_dir / "case").mkdir()
        theirs = (PACKAGE_FOLDER / ANIMALS).read_text(encoding="utf-8")
        ours = theirs.replace("import_only: true", "import_only: false")
        (settings.definitions_dir / ANIMALS).write_text(ours, encoding="utf-8")
        (settings.definitions_dir / "area" / "2021-new-york.geojson").write_text(NEW_YORK)
        settings.open311_rate_per_second, settings.open311_rate_burst = 1e6, 1_000_000

    return change


@dataclass
class Reported:
    """A record and the id that it was given."""

    record: Record
    service_request_id: str
    closed: bool = False

    @property
    def report(self) -> ReportCase:
        return self.record.report


def usable_records() -> tuple[list[Record], int]:
    """The rows that say what they mean, once each, and how many rows there are."""
    mapping, records, rows = load_definitions().of(Import311), {}, 0
    with RECORDS_311.open("rb") as file:
        for row in CsvRows(file, RECORDS_311.name, COLUMNS):
            rows += 1
            try:
                record = read_record(row, mapping)
            except BadRecord:
                continue
            records[record.key] = record
    return list(records.values()), rows


def form_of(record: Record) -> dict[str, str]:
    report = record.report
    assert report.class_code
    fields = {
        "service_code": report.class_code,
        "lat": repr(report.latitude),
        "long": repr(report.longitude),
        "description": report.description,
    }
    return fields | ({"address_string": report.address} if report.address else {})


async def report_all(client: Open311Client, records: Sequence[Record]) -> list[Reported]:
    """So many at once, and no more."""
    places = asyncio.Semaphore(AT_ONCE)

    async def report(record: Record) -> Reported:
        async with places:
            return Reported(record, await client.report(form_of(record)))

    return list(await asyncio.gather(*map(report, records)))


async def close_some(api: Api, reported: Sequence[Reported]) -> int:
    """Take one of so many closed records to its closing, as the centre does."""
    closed = [each for each in reported if len(each.record.steps) > 3][::CLOSED_OF]
    for each in closed:
        lead = await api.runtime.store.pool.fetchval(
            "SELECT lead FROM case_desk.cases WHERE case_id = $1", each.service_request_id
        )
        steps: tuple[tuple[Any, StepCommand], ...] = (
            (accept_case, AcceptCase(department=lead)),
            (handle_case, HandleCase(department=lead, evidence_sha256=[DIGEST])),
            (verify_case, VerifyCase()),
            (close_case, CloseCase(public_answer="Taken away.")),
        )
        for handler, command in steps:
            context = CommandContext(SYSTEM, "test", uuid4(), uuid4())
            await handler(each.service_request_id, command, context, api.runtime.services)
        each.closed = True
    return len(closed)


def check_fields(found: Found, each: Reported, span: tuple[datetime, datetime]) -> None:
    """Everything that was sent, and what follows from it."""
    report = each.report
    assert found["service_code"] == report.class_code
    assert found["description"] == report.description
    assert found.get("address") == report.address
    assert (float(found["lat"]), float(found["long"])) == (report.latitude, report.longitude)
    assert found["status"] == ("closed" if each.closed else "open")
    assert found["agency_responsible"]
    if each.closed:
        assert found["status_notes"] == "Taken away."
    requested = datetime.fromisoformat(found["requested_datetime"])
    assert span[0] - timedelta(seconds=1) <= requested <= span[1]
    assert requested <= datetime.fromisoformat(found["updated_datetime"])


async def discovered(api: Api, records: Sequence[Record]) -> list[Open311Client]:
    """Clients of both formats, who have seen that all classes are offered."""
    clients = []
    for kind in ("xml", "json"):
        where = f"{api.url}/open311/v2/discovery.{kind}"
        client = Open311Client(api.session, where, kind, "development")
        await client.discover()
        codes = {service["service_code"] for service in await client.services()}
        assert {record.report.class_code for record in records} <= codes
        clients.append(client)
    return clients


async def read_back(
    client: Open311Client, reported: Sequence[Reported], span: tuple[datetime, datetime]
) -> None:
    """By ids, by dates, by class and status, and one by one: the same everywhere."""
    by_id = {each.service_request_id: each for each in reported}
    began = time.monotonic()
    listed = await client.requests_by_id(list(by_id))
    assert sorted(found["service_request_id"] for found in listed) == sorted(by_id)
    for found in listed:
        check_fields(found, by_id[found["service_request_id"]], span)
    lists = time.monotonic() - began

    began = time.monotonic()
    window = (span[0] - timedelta(seconds=1), span[1] + timedelta(seconds=1))
    dated = await client.requests_between(*window)
    assert dated.keys() == by_id.keys()
    assert all(dated[found["service_request_id"]] == found for found in listed)
    expected = expected_counts(reported)
    assert Counter((row["service_code"], row["status"]) for row in dated.values()) == expected
    for status in ("open", "closed"):
        for code in {code for code, _ in expected}:
            some = await client.requests_between(*window, service_code=code, status=status)
            assert len(some) == expected[code, status], (code, status)
    dates = time.monotonic() - began
    assert await client.requests(service_code="road_damage") == []
    first = reported[0].service_request_id
    assert await client.request(first) == dated[first]
    assert await client.id_of(first) == first
    print(f"{client.kind}: by ids {lists:.1f} s, by dates, codes and status {dates:.1f} s")


def expected_counts(reported: Sequence[Reported]) -> Counter[tuple[str, str]]:
    return Counter(
        (each.report.class_code, "closed" if each.closed else "open") for each in reported
    )


@pytest.mark.storm
@needs_records_311
async def test_shared_records_are_reported_and_read_back(api: Api) -> None:
    records, rows = usable_records()
    assert len(records) > 0.98 * rows
    if STORM == 1:
        records = records[::2]  # more than one answer holds
    assert len(records) > MOST
    clients = await discovered(api, records)

    began, started = time.monotonic(), datetime.now(UTC)
    half = len(records) // 2
    halves = (records[:half], records[half:])
    posted = await asyncio.gather(*map(report_all, clients, halves))
    span = (started, datetime.now(UTC))
    reported = [*posted[0], *posted[1]]
    assert len({each.service_request_id for each in reported}) == len(records)
    print(f"\n{rows} rows, {len(records)} reported in {time.monotonic() - began:.1f} s")

    began, store = time.monotonic(), api.runtime.store
    assert await store.wait_for(3 * len(records), 3 * PATIENCE_SECONDS)  # filed and dispatched
    for model in ("case_desk", "service_requests"):
        await caught_up(store, model)
    print(f"filed, dispatched and in the read models after {time.monotonic() - began:.1f} s")
    began = time.monotonic()
    closed = await close_some(api, reported)
    await caught_up(store, "service_requests")
    print(f"{closed} taken to their closing in {time.monotonic() - began:.1f} s")

    for client in clients:
        await read_back(client, reported, span)
    print(
        *(
            f"{code} {status}: {count}"
            for (code, status), count in sorted(expected_counts(reported).items())
        ),
        sep="\n",
    )


class TestTooMuchAtOnce:
    """The client is told to come later, and does."""

    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.open311_rate_per_second, settings.open311_rate_burst = 0.5, 1

        return change

    async def test_nothing_is_lost_or_doubled(self, api: Api) -> None:
        client = Open311Client(
            api.session, f"{api.url}/open311/v2/discovery.json", "json", "development"
        )
        await client.discover()
        hole = {"service_code": "road_damage", "lat": "34.7", "long": "113.6", "description": "x"}
        ids = await asyncio.gather(client.report(hole), client.report(hole))
        assert client.waits > 0
        assert await client.requests_by_id(ids) != []
        reported = await api.runtime.store.read_all(topics=["case.reported"])
        assert sorted(event.stream_id for event in reported) == sorted(ids)
