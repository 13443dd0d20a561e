"""The board over HTTP: what waits for a person, how all stands, and as it was."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp import StreamReader

from tests.given.api import REPORT_NOW, Api
from tests.given.cases_over_http import act, at_status, dispatched
from tests.given.read_models import caught_up
from tests.given.waiting import eventually


async def read_events(content: StreamReader) -> AsyncIterator[tuple[str, Any]]:
    """Each event's name and data."""
    name = ""
    async for line in content:
        field, _, value = line.decode().strip().partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, orjson.loads(value)


async def test_what_waits_is_said_in_codes_and_its_time_is_found_when_asked(api: Api) -> None:
    reported = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
    case, runtime = reported.json["case_id"], api.runtime
    path = f"/v1/board?min_position={reported.headers['X-Position']}"
    await eventually(lambda: at_status(api, case, "dispatched"))
    await caught_up(runtime.store, "case_desk", "inspection_board")
    before = (await api.call("GET", path, "operator")).json
    assert (before["live"], before["now"], before["limited"]) == (True, 0, 0)
    assert before["systems"]["inspection"]["open"] == 1
    assert before["position"] >= int(reported.headers["X-Position"])
    real, later = runtime.services.clock, timedelta(days=30)
    runtime.services.clock = lambda: real() + later
    found = (await api.call("GET", "/v1/board", "operator")).json
    (exception,) = found["exceptions"]
    assert exception["id"] == f"case-deadline:{case}"
    assert exception["severity"] == "now"
    assert exception["due_at"] == exception["since"]
    assert exception["about"] == REPORT_NOW["class_code"]
    assert exception["place"]["latitude"] == REPORT_NOW["latitude"]
    assert exception["place"]["name"].endswith("社区")
    assert exception["place"]["name_en"].startswith("Zhongyuan Street")
    assert exception["simulated"] is found["simulated"] is True
    assert found["systems"]["inspection"]["overdue"] >= 1
    same = (await api.call("GET", "/v1/board/exceptions", "auditor")).json
    assert same["exceptions"] == found["exceptions"]
    assert (await api.call("GET", "/v1/board", "official")).is_problem(403, "role-missing")
    await looked_back_to(api, real())


async def looked_back_to(api: Api, now: datetime) -> None:
    """The minute after a case was reported has it, the one before begins no history."""
    minute = (now + timedelta(minutes=2)).replace(second=30)
    past = (await api.call("GET", "/v1/board", "operator", params={"at": text(minute)})).json
    assert (past["live"], past["at"]) == (False, text(minute.replace(second=0, microsecond=0)))
    assert past["systems"]["inspection"]["reported"] == 1
    assert past["systems"]["parking"]["stays"] == 0
    assert past["exceptions"] == []
    assert 0 < past["position"] <= past["head"]
    before = text(now - timedelta(minutes=10))
    earlier = (await api.call("GET", "/v1/board", "operator", params={"at": before})).json
    assert (earlier["position"], earlier["systems"]) == (None, {})
    span = {"from": before, "to": text(minute)}
    track = (await api.call("GET", "/v1/board/minutes", "operator", params=span)).json
    assert track["step_minutes"] == 1
    assert sum(step["events"] for step in track["steps"]) >= past["position"]
    series = {"to": text(minute), "apart_minutes": 12, "number": 2}
    found = (await api.call("GET", "/v1/board/series", "operator", params=series)).json["moments"]
    assert found[1]["at"] == past["at"]
    assert [each["systems"] for each in found] == [{}, past["systems"]]
    assert found[0]["usual"]["inspection"]["open"] is None
    usual = (await api.call("GET", "/v1/board/usual", "operator", params={"at": before})).json
    assert usual["systems"]["inspection"]["open"] is None
    for path, params in (
        ("/v1/board", {"at": "2999-01-01T00:00:00Z"}),
        ("/v1/board/series", {"to": "2999-01-01T00:00:00Z"}),
        ("/v1/board/minutes", {"from": text(minute), "to": before}),
        ("/v1/board/minutes", {"from": "2026-01-01T00:00:00Z", "to": text(minute)}),
    ):
        answer = await api.call("GET", path, "operator", params=params)
        assert answer.is_problem(400, "malformed-request"), path


def text(at: datetime) -> str:
    """As clients write it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def test_a_map_is_told_what_has_changed_since(api: Api) -> None:
    case = await dispatched(api)
    head = await api.runtime.store.head()
    box = "/v1/cases/map?south=34.74&west=113.62&north=34.749&east=113.628"
    first = (await api.call("GET", f"{box}&min_position={head}", "operator")).json
    (shown,) = first["cases"]
    assert (first["whole"], shown["case_id"], shown["due_at"] is None) == (True, case, False)
    since = f"&since_position={first['position']}"
    nothing = (await api.call("GET", box + since, "operator")).json
    assert (nothing["whole"], nothing["cases"], nothing["removed"]) == (False, [], [])
    moved = await act(
        api, case, "relocate", "operator", latitude=34.75, longitude=113.64, reason="a slip"
    )
    assert moved.status == 200, moved.body
    since += f"&min_position={moved.headers['X-Position']}"
    gone = (await api.call("GET", box + since, "operator")).json
    assert (gone["whole"], gone["cases"], gone["removed"]) == (False, [], [case])
    there = "/v1/cases/map?south=34.74&west=113.63&north=34.76&east=113.65"
    come = (await api.call("GET", there + since, "operator")).json
    assert [each["case_id"] for each in come["cases"]] == [case]
    others = (await api.call("GET", there, "official", department="sanitation")).json
    assert (others["whole"], others["cases"]) == (True, [])
    for wrong in ("south=35&west=1&north=34&east=2", "south=1"):
        answer = await api.call("GET", f"/v1/cases/map?{wrong}", "operator")
        assert answer.is_problem(400, "malformed-request")


async def test_who_follows_has_all_of_it_and_then_what_has_changed(api: Api) -> None:
    token = {"Authorization": f"Bearer {api.token('auditor')}"}
    async with api.session.get(f"{api.url}/v1/board/live", headers=token) as live:
        messages = read_events(live.content)
        event, whole = await anext(messages)
        assert (event, whole["systems"]["inspection"]["open"]) == ("snapshot", 0)
        reported = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
        assert reported.status == 201
        async for event, changes in messages:
            assert event == "changes"
            if "inspection" in changes.get("systems", {}):
                break
        assert changes["systems"]["inspection"]["open"] == 1
        assert "parking" not in changes["systems"]
