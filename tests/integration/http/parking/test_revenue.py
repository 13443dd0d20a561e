"""Revenue over HTTP: the office's and auditors', as JSON and as CSV."""

import csv
from collections.abc import AsyncIterator
from io import StringIO

import pytest

from citybrain.settings import Settings
from tests.given.api import Api
from tests.given.applying import applying, id_number, registered
from tests.given.at_work import FOR_PARKING
from tests.given.parking.world import parked

REVENUE = "/v1/parking/revenue"


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    async with applying(settings, at_work=FOR_PARKING) as (api, _):
        yield api


async def test_lines_and_their_sum_as_json_and_as_csv(api: Api) -> None:
    first, second = [await registered(api, id_number()) for _ in range(2)]
    await parked(api.runtime.services, first, second)
    head = await api.runtime.store.head()
    path = f"{REVENUE}?from=2026-09-14&to=2026-09-14&min_position={head}"
    for role, department in (("official", "parking"), ("supervisor", "parking"), ("auditor", None)):
        answer = await api.call("GET", path, role, department=department)
        assert answer.status == 200, answer.body
        (row,) = answer.json["rows"]
        assert (row["day"], row["charged_fen"], row["open_fen"]) == ("2026-09-14", 800, 800)
        assert answer.json["total"]["charged_fen"] == 800
    headers = {"Accept": "text/csv, application/json;q=0.5"}
    answer = await api.call("GET", path, "auditor", headers=headers)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    (line,) = csv.DictReader(StringIO(answer.body.decode()))
    assert {name: line[name] or None for name in line} == {
        name: None if value is None else str(value) for name, value in row.items()
    }
    headers = {"Accept": "application/json, text/csv"}
    assert (await api.call("GET", path, "auditor", headers=headers)).json["rows"] == [row]


async def test_it_is_nobodys_elses(api: Api) -> None:
    answer = await api.call("GET", REVENUE, "official", department="sanitation")
    assert answer.is_problem(403, "role-not-allowed")
    assert (await api.call("GET", REVENUE)).status == 401


@pytest.mark.parametrize(
    "query", ["from=2026-09-15&to=2026-09-14", "from=2020-01-01&to=2026-01-01", "since=2026-01-01"]
)
async def test_days_that_make_no_sense_are_refused(api: Api, query: str) -> None:
    answer = await api.call("GET", f"{REVENUE}?{query}", "auditor")
    assert answer.status == 400, answer.body
