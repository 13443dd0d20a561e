"""Cases over HTTP: the whole way, and who may see and do what."""

import asyncio
import re

import pytest

from citybrain.city_day import CITY_ZONE
from citybrain.eventstore.incarnations import begin_incarnation
from citybrain.systems import PROJECTIONS
from tests.given.api import REPORT, Answer, Api
from tests.given.waiting import PATIENCE_SECONDS, eventually


async def reported_and_dispatched(api: Api) -> Answer:
    case = await api.call("POST", "/v1/cases", "gateway", json=REPORT)
    assert case.status == 201, case.body
    case_id = case.json["case_id"]

    async def dispatched() -> Answer | None:
        state = await api.call("GET", f"/v1/cases/{case_id}", "operator")
        return state if state.json["status"] == "dispatched" else None

    return await eventually(dispatched)


async def test_a_case_from_report_to_closed(api: Api) -> None:
    state = await reported_and_dispatched(api)
    official = {"department": "sanitation"}
    accepted = await api.step(state, "accept", "official", official, department="sanitation")
    assert accepted.json["status"] == "accepted"
    body = official | {"note": "emptied", "evidence_sha256": ["ef" * 32]}
    handled = await api.step(accepted, "handle", "official", body, department="sanitation")
    returned = await api.step(handled, "return", "operator", {"reason": "half full"})
    assert returned.json["status"] == "returned"
    handled = await api.step(returned, "handle", "official", body, department="sanitation")
    verified = await api.step(handled, "verify", "operator")
    closed = await api.step(verified, "close", "operator", {"resolution": "clean"})
    assert closed.json["status"] == "closed"
    assert closed.headers["ETag"] == '"9"'
    position = closed.headers["X-Position"]
    path = f"/v1/cases/{closed.json['case_id']}/timeline?min_position={position}"
    timeline = await api.call("GET", path, "operator")
    assert [entry["topic"].removeprefix("case.") for entry in timeline.json["entries"]] == [
        "reported",
        "filed",
        "dispatched",
        "accepted",
        "handled",
        "returned",
        "handled",
        "verified",
        "closed",
    ]
    entries, after = [], 0
    while after is not None:
        page = (await api.call("GET", f"{path}&limit=4&after={after}", "operator")).json
        entries += page["entries"]
        after = page["next"]
    assert entries == timeline.json["entries"]
    open_cases = await api.call("GET", f"/v1/cases?min_position={position}", "operator")
    assert open_cases.json == {"cases": [], "next": None}
    days = await api.call(
        "GET", f"/v1/statistics/days?since=2026-03-01&min_position={position}", "operator"
    )
    total = {name: sum(day[name] for day in days.json["days"]) for name in ("reported", "closed")}
    assert total == {"reported": 1, "closed": 1}


async def test_auditors_read_streams_and_log_byte_for_byte(api: Api) -> None:
    state = await reported_and_dispatched(api)
    case_id = state.json["case_id"]
    stream = await api.call("GET", f"/v1/streams/{case_id}/events", "auditor")
    assert [event["version"] for event in stream.json["events"]] == [1, 2, 3]
    first = await api.call("GET", f"/v1/streams/{case_id}/events?limit=1", "auditor")
    assert first.json["next"] == 1
    then = await api.call("GET", f"/v1/streams/{case_id}/events?up_to_version=2", "auditor")
    assert len(then.json["events"]) == 2
    log = await api.call("GET", "/v1/events?after=1&category=case&topic=case.filed", "auditor")
    assert [event["position"] for event in log.json["events"]] == [2]
    for role in ("operator", "official", "citizen", "gateway"):
        assert (await api.call("GET", "/v1/events", role)).is_problem(403, "role-missing")


async def test_the_log_is_followed_and_resumed_by_server_sent_events(api: Api) -> None:
    await reported_and_dispatched(api)
    headers = {"Authorization": f"Bearer {api.token('auditor')}", "Last-Event-ID": "1"}
    ids: list[int] = []
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        api.session.get(f"{api.url}/v1/log?purpose=audit", headers=headers) as log,
    ):
        assert log.headers["Content-Type"] == "text/event-stream"
        reported = False
        async for line in log.content:
            if line.startswith(b"id: "):
                ids.append(int(line[4:]))
            if len(ids) == 2 and not reported:
                reported = True
                await api.call("POST", "/v1/cases", "gateway", json=REPORT)
            if len(ids) == 5:
                break
    assert ids == [2, 3, 4, 5, 6]


async def test_who_follows_a_log_that_was_restored_is_told(api: Api) -> None:
    await reported_and_dispatched(api)
    head = await api.runtime.store.head()
    begun = await begin_incarnation(api.runtime.store.pool)
    url = f"{api.url}/v1/log?purpose=audit"
    headers = {"Authorization": f"Bearer {api.token('auditor')}", "Last-Event-ID": str(head + 1000)}
    async with api.session.get(url, headers=headers) as refused:
        assert refused.status == 409
        said = await refused.json()
    assert (said["code"], said["began_after"]) == ("log-ends-before", begun.began_after)
    headers["Last-Event-ID"] = str(head)
    lines: list[bytes] = []
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        api.session.get(url, headers=headers) as log,
        api.session.get(f"{api.url}/live") as live,
    ):
        async for line in log.content:
            lines.append(line)
            if line.startswith(b"data: "):
                break
        async for line in live.content:
            if line.startswith(b"data: "):
                assert f'"incarnation":"{begun.incarnation}"'.encode() in line
                break
    assert lines[-2:] == [
        b"event: log\n",
        b'data: {"incarnation":"%s","began_after":%d}\n'
        % (str(begun.incarnation).encode(), begun.began_after),
    ]


async def test_the_front_page_numbers_are_public_and_hold_no_text(api: Api) -> None:
    secret = "text that only staff may see"
    await api.call("POST", "/v1/cases", "gateway", json=REPORT | {"description": secret})
    async with asyncio.timeout(PATIENCE_SECONDS), api.session.get(f"{api.url}/live") as live:
        async for line in live.content:
            if line.startswith(b"data: "):
                assert b'"head":' in line
                assert f'"city_zone":"{CITY_ZONE.key}"'.encode() in line
                assert secret.encode() not in line
                break


@pytest.mark.parametrize(
    ("role", "step"),
    [
        (role, step)
        for step, allowed in {
            "file": "operator",
            "dispatch": "operator",
            "accept": "official",
            "handle": "official",
            "return": "operator",
            "verify": "operator",
            "close": "operator",
        }.items()
        for role in ("citizen", "gateway", "official", "operator", "auditor")
        if role != allowed
    ],
)
async def test_each_step_by_its_role_only(api: Api, role: str, step: str) -> None:
    answer = await api.call(
        "POST", f"/v1/cases/case-1/{step}", role, json={}, headers={"If-Match": '"1"'}
    )
    assert answer.is_problem(403, "role-missing")


async def test_people_see_their_own_cases_and_officials_their_departments(api: Api) -> None:
    report = REPORT | {"source": "citizen", "confidence": None}
    case = await api.call("POST", "/v1/cases", "citizen", subject="anna", json=report)
    path = f"/v1/cases/{case.json['case_id']}"
    assert (await api.call("GET", path, "citizen", subject="anna")).status == 200
    other = await api.call("GET", path, "citizen", subject="boris")
    assert other.is_problem(404, "stream-not-found")
    assert (await api.call("GET", "/v1/cases", "citizen")).is_problem(403, "role-missing")
    position = case.headers["X-Position"]
    query = f"/v1/cases?department=sanitation&min_position={position}"
    mine = await api.call("GET", query, "official", department="sanitation")
    assert mine.status == 200
    theirs = await api.call("GET", query, "official", department="landscape")
    assert theirs.is_problem(403, "forbidden")


async def test_lists_are_paged(api: Api) -> None:
    for _ in range(5):
        last = await api.call("POST", "/v1/cases", "gateway", json=REPORT)
    path = f"/v1/cases?limit=2&min_position={last.headers['X-Position']}"
    seen: list[str] = []
    page = await api.call("GET", path, "operator")
    while True:
        seen += [case["case_id"] for case in page.json["cases"]]
        if page.json["next"] is None:
            break
        page = await api.call("GET", f"/v1/cases?limit=2&after={page.json['next']}", "operator")
    assert len(seen) == len(set(seen)) == 5


async def test_health_readiness_metrics_and_documents(api: Api) -> None:
    for path in (
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/docs.css",
        "/v1/classes",
        "/v1/departments",
        "/.well-known/jwks.json",
    ):
        answer = await api.call("GET", path)
        assert answer.status == 200, path
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
        kept = path.startswith(("/openapi", "/docs"))
        assert answer.headers["Cache-Control"] == ("public, no-cache" if kept else "no-store")
    page = await api.call("GET", "/board/")
    assert page.headers["Cache-Control"] == "no-cache"
    assets = re.findall(rb"/static/[^\"]+", page.body)
    assert assets
    for path in assets:
        asset = await api.call("GET", path.decode())
        assert (asset.status, "immutable" in asset.headers["Cache-Control"]) == (200, True)
    status = await api.call("GET", "/v1/projections", "auditor")
    shown = {row["projection"] for row in status.json["projections"]}
    assert shown == {projection.name for projection in PROJECTIONS}
