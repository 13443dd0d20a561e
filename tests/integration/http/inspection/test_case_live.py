"""Following a case: each step as it comes, for whom it concerns, until it is over."""

from typing import Any

from tests.given.api import Api
from tests.given.cases_over_http import act, at_status
from tests.given.server_sent import all_of, following
from tests.given.waiting import eventually

REPORT = {
    "source": "citizen",
    "class_code": "overflowing_bin",
    "description": "behind the school",
    "latitude": 34.7466,
    "longitude": 113.6253,
}
NOBODYS = "case-" + "0" * 32
ANNA: dict[str, Any] = {"subject": "anna"}


async def reported(api: Api) -> str:
    """Anna's case, with the department."""
    case = await api.call("POST", "/v1/cases", "citizen", json=REPORT, **ANNA)
    assert case.status == 201, case.body
    case_id = str(case.json["case_id"])
    await eventually(lambda: at_status(api, case_id, "dispatched"))
    return case_id


async def solved(api: Api, case_id: str) -> None:
    shown = {"evidence_sha256": ["ab" * 32], "note": "a word within"}
    await act(api, case_id, "accept", "official", "sanitation")
    await act(api, case_id, "handle", "official", "sanitation", **shown)
    await act(api, case_id, "verify", "operator")
    closed = await act(api, case_id, "close", "operator", resolution="emptied")
    assert closed.status == 200, closed.body


async def test_who_reported_follows_to_the_closing_and_beyond(api: Api) -> None:
    case_id = await reported(api)
    path, seen = f"/v1/cases/{case_id}/live", list[dict[str, Any]]()
    async with following(api, path, "citizen", **ANNA) as steps:
        async for _, entry in steps:
            seen.append(entry)
            if entry["topic"] == "case.dispatched":
                break
        await solved(api, case_id)
        found = [each async for each in steps]
    assert found.pop() == ("end", {"status": "closed"})
    seen += [entry for _, entry in found]
    assert [entry["topic"].removeprefix("case.") for entry in seen] == [
        *("reported", "filed", "dispatched", "accepted", "handled", "verified", "closed")
    ]
    assert {entry["actor"] for entry in seen} == {None}
    assert "a word within" not in str(seen)

    last = seen[-1]["version"]
    again = await api.call("GET", path, "citizen", headers={"Last-Event-ID": "3"}, **ANNA)
    assert [entry.get("version") for _, entry in all_of(again.body)] == [4, 5, 6, 7, None]
    over = {"Last-Event-ID": f"{last}-end"}
    assert (await api.call("GET", path, "citizen", headers=over, **ANNA)).status == 204
    body = {"text": "half of it is there"}
    await api.call("POST", f"/v1/cases/{case_id}/not-solved", "citizen", json=body, **ANNA)
    token = {"Authorization": f"Bearer {api.token('citizen', **ANNA)}"}
    async with api.session.get(f"{api.url}{path}", headers=token | over) as goes_on:
        assert goes_on.status == 200
    wrong = await api.call("GET", path, "citizen", headers={"Last-Event-ID": "x"}, **ANNA)
    assert wrong.is_problem(400, "malformed-request")


async def test_strangers_do_not_follow_and_a_department_sees_what_its_history_has(api: Api) -> None:
    case_id = await reported(api)
    path = f"/v1/cases/{case_id}/live"
    strangers: tuple[tuple[str, dict[str, Any]], ...] = (
        ("citizen", {"subject": "berta"}),
        ("camera", {"subject": "camera-9"}),
        ("official", {"department": "landscape"}),
    )
    for role, who in strangers:
        answer = await api.call("GET", path, role, **who)
        assert answer.is_problem(404, "stream-not-found"), role
    absent = await api.call("GET", f"/v1/cases/{NOBODYS}/live", "operator")
    assert absent.is_problem(404, "stream-not-found")
    await solved(api, case_id)
    theirs = await api.call("GET", path, "official", department="sanitation")
    history = await api.call(
        "GET", path.replace("live", "timeline"), "official", department="sanitation"
    )
    entries = [entry for name, entry in all_of(theirs.body) if name == "step"]
    assert entries == history.json["entries"]
    assert entries[0]["details"]["description"] == REPORT["description"]
