"""What auditors ask: what a stream was at a moment, and which events belong together."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from citybrain.systems.inspection import INSPECTION
from citybrain.systems.platform import PLATFORM
from citybrain.systems.system import System
from tests.given.api import REPORT, Answer, Api
from tests.given.waiting import eventually


@pytest.fixture
def at_work() -> Sequence[System]:
    return (PLATFORM, INSPECTION)


async def dispatched(api: Api) -> list[Answer]:
    """The report of a case, and the page of its three events, by itself dispatched."""
    case = await api.call("POST", "/v1/cases", "gateway", json=REPORT)
    path = f"/v1/streams/{case.json['case_id']}/events"

    async def there() -> Answer | None:
        page = await api.call("GET", path, "auditor")
        return page if len(page.json["events"]) == 3 else None

    return [case, await eventually(there)]


async def test_a_state_at_a_version_a_position_and_a_time(api: Api) -> None:
    case, page = await dispatched(api)
    path, events = f"/v1/streams/{case.json['case_id']}/state", page.json["events"]

    async def asked(query: str) -> Answer:
        return await api.call("GET", path + query, "auditor")

    now, filed = await asked(""), await asked("?version=2")
    assert (now.json["version"], now.json["state"]["status"]) == (3, "dispatched")
    assert (filed.json["version"], filed.json["last_version"]) == (2, 3)
    assert filed.json["state"]["status"] == "filed"
    for member in ("position", "recorded_at", "topic"):
        assert filed.json[member] == events[1][member]
    then = await asked(f"?position={events[1]['position']}")
    assert then.json == filed.json
    at_time = await asked(f"?at={events[0]['recorded_at']}")
    assert at_time.json["version"] >= 1  # what was stored together has one time

    for query, status, code in (
        ("?version=4", 404, "moment-not-reached"),
        ("?position=999999", 404, "moment-not-reached"),
        ("?at=2099-01-01T00:00:00Z", 404, "moment-not-reached"),
        ("?at=2020-01-01T00:00:00Z", 404, "stream-not-found"),
        ("?version=1&position=1", 400, "malformed-request"),
        ("?version=0", 400, "malformed-request"),
    ):
        problem = await asked(query)
        assert (problem.status, problem.json["code"]) == (status, code), query
    assert (await asked("?version=4")).json["last_version"] == 3
    other = await api.call("GET", f"/v1/streams/case-{'0' * 32}/state", "auditor")
    assert (other.status, other.json["code"]) == (404, "stream-not-found")
    assert (await api.call("GET", path, "operator")).status == 403


async def test_what_belongs_together_is_found_page_by_page(api: Api) -> None:
    _, page = await dispatched(api)
    await dispatched(api)
    events = page.json["events"]
    correlation = events[0]["metadata"]["correlation_id"]
    path = f"/v1/events?correlation={correlation}&min_position={events[2]['position']}&limit=2"
    first = await api.call("GET", path, "auditor")
    rest = await api.call("GET", f"{path}&after={first.json['next']}", "auditor")
    assert first.json["events"] + rest.json["events"] == events
    assert rest.json["next"] is None
    nobodys = await api.call("GET", f"/v1/events?correlation={'0' * 32}", "auditor")
    assert nobodys.json == {"events": [], "next": None}
    for wrong in ("correlation=here", f"correlation={correlation}&category=case"):
        assert (await api.call("GET", f"/v1/events?{wrong}", "auditor")).status == 400


async def test_the_log_is_read_from_a_time_on(api: Api) -> None:
    _, page = await dispatched(api)
    store = api.runtime.store
    stored = await store.read_all()
    for event in stored:
        before = await store.position_before(event.recorded_at)
        assert [each.position for each in stored if each.recorded_at < event.recorded_at] == [
            *range(1, before + 1)
        ]
    last = stored[-1].recorded_at
    assert await store.position_before(last + timedelta(seconds=1)) == len(stored)
    recorded_at = page.json["events"][0]["recorded_at"]
    since = await api.call("GET", f"/v1/events?since={recorded_at}&limit=1", "auditor")
    assert since.json["events"][0]["recorded_at"] == recorded_at
