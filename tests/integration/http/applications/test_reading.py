"""Reading applications over HTTP: one's own, the queue, statistics, live steps."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from citybrain.domain.actor import Role
from citybrain.domain.applications.reading_rights import READERS
from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments
from projections.applications import applications
from tests.given.api import Api
from tests.given.applying import (
    KIOSK,
    REPAYMENT,
    applied,
    applying,
    command,
    id_number,
    identified,
    registered,
    review,
    until,
)
from tests.given.server_sent import Message, all_of, following
from tests.given.waiting import holds

NOBODY = "application-" + "0" * 32
STRANGERS = (
    ("citizen", "citizen-" + "9" * 32),
    ("kiosk", "kiosk-9"),
    ("clerk", "clerk-9"),
    ("official", ""),  # of another department
)
QUIET_SECONDS = 1.0  # of a stream that would look twenty times a second


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings) as started:
        yield started


@pytest.fixture
def api(both: tuple[Api, Departments]) -> Api:
    return both[0]


def live_of(application: str) -> str:
    return f"/v1/applications/{application}/live"


async def events(api: Api, application: str, subject: str) -> list[Message]:
    """The whole live stream, until the server ends it."""
    answer = await api.call("GET", live_of(application), "citizen", subject=subject)
    assert answer.status == 200, answer.body
    return all_of(answer.body)


async def test_live_steps_from_the_scan_to_the_money(api: Api) -> None:
    number = id_number()
    citizen = await identified(api, number)
    application = await applied(api, citizen)
    found = await events(api, application, citizen)
    assert [name for name, _ in found[:-1]] == ["step"] * 13
    assert found[-1] == ("end", {"status": "paid"})
    assert found[-2][1]["topic"] == "application.payout_confirmed"
    milliseconds = [step["milliseconds"] for name, step in found if name == "step"]
    assert milliseconds == sorted(milliseconds)
    assert number not in str(found)
    path = f"/v1/applications/{application}/live"
    for last, seen in (("11", 2), ("13", 0), ("999", 0)):
        again = await api.call(
            "GET", path, "citizen", subject=citizen, headers={"Last-Event-ID": last}
        )
        assert again.body.count(b"event: step") == seen
        assert again.body.count(b"event: end") == 1
        assert b"id: 1\n" not in again.body
    over = await api.call(
        "GET", path, "citizen", subject=citizen, headers={"Last-Event-ID": "13-end"}
    )
    assert (over.status, over.body) == (204, b"")
    wrong = await api.call("GET", path, "citizen", subject=citizen, headers={"Last-Event-ID": "x"})
    assert wrong.is_problem(400, "malformed-request")


async def test_live_waits_for_an_officer_and_asks_for_nothing_meanwhile(
    api: Api, both: tuple[Api, Departments], monkeypatch: pytest.MonkeyPatch
) -> None:
    await both[1].fault("police", "wrong-signature")
    citizen = await identified(api)
    application = await applied(api, citizen)
    await until(api, application, "referred")
    looks: list[float] = []
    ask = applications.steps

    async def counting(*arguments: Any) -> list[dict[str, Any]]:
        looks.append(time.monotonic())
        return await ask(*arguments)

    monkeypatch.setattr(applications, "steps", counting)
    async with following(api, live_of(application), "citizen", subject=citizen) as steps:
        async for _, step in steps:
            if step["topic"] == "application.decided":
                break
        await holds(lambda: time.monotonic() - looks[-1] > QUIET_SECONDS)
        decided = await review(api, application, outcome="refused", reasons=["conditions-not-met"])
        assert decided.status == 200, decided.body
        topics = [step.get("topic") or step["status"] async for _, step in steps]
    assert topics == ["application.reviewed", "refused"]


async def test_a_kiosk_follows_only_what_it_holds(api: Api) -> None:
    citizen = await registered(api)
    application = await applied(api, citizen, channel="kiosk", role="kiosk", subject=KIOSK)
    async with following(api, live_of(application), "kiosk", subject=KIOSK) as steps:
        assert (await anext(steps))[1]["topic"] == "application.submitted"
        taken = await command(
            api, application, "takeover", "citizen", {"channel": "app"}, subject=citizen
        )
        assert taken.status == 200, taken.body
        assert [name async for name, _ in steps] == []
    path = f"/v1/applications/{application}"
    for kiosk in (f"{path}/live", f"{path}?min_position={taken.headers['X-Position']}"):
        gone = await api.call("GET", kiosk, "kiosk", subject=KIOSK)
        assert gone.is_problem(403, "not-your-application")
    own = await api.call("GET", path, "citizen", subject=citizen)
    assert own.json["application"]["channels"] == ["kiosk", "app"]


@pytest.mark.parametrize("role", [*(role for role in Role if role != Role.SYSTEM), None])
async def test_who_reads_what(api: Api, role: str | None) -> None:
    office = role in ("official", "auditor")
    paths = {
        "/v1/applications": office or role == "citizen",
        "/v1/applications/queue": office,
        "/v1/statistics/applications": role in ("auditor", "supervisor"),
        "/v1/statistics/sources": office or role == "supervisor",
        "/v1/statistics/refusals": role in ("auditor", "supervisor"),
        f"/v1/citizens/citizen-{'9' * 32}/accesses": role == "auditor",
    }
    for path, allowed in paths.items():
        answer = await api.call("GET", path, role)
        assert answer.status == (200 if allowed else 401 if role is None else 403), path
    for absent in (NOBODY, "application-1", f"{NOBODY}0", "case-" + "0" * 32):
        for path in (f"/v1/applications/{absent}", f"/v1/applications/{absent}/live"):
            answer = await api.call("GET", path, role)
            if role == "auditor":
                assert answer.is_problem(404, "stream-not-found")
            elif role in READERS:
                assert answer.status == (403 if absent == NOBODY else 404)
            else:
                assert answer.status == (401 if role is None else 403)


async def test_one_with_its_steps_for_whom_it_concerns(api: Api) -> None:
    citizen = await identified(api)
    application = await applied(api, citizen)
    await until(api, application, "paid")
    head = await api.runtime.store.head()
    path = f"/v1/applications/{application}?min_position={head}"
    own = await api.call("GET", path, "citizen", subject=citizen)
    assert own.json["application"]["status"] == "paid"
    assert own.headers["ETag"] == '"13"'
    assert len(own.json["steps"]) == 13
    assert (await api.call("GET", path, "auditor")).status == 200
    fund = await api.call("GET", path, "official", department="housing-fund")
    assert fund.status == 200
    for role, subject in STRANGERS:
        for wanted in (application, NOBODY):
            answer = await api.call("GET", f"/v1/applications/{wanted}", role, subject=subject)
            assert answer.is_problem(403, "not-your-application")
    absent = await api.call("GET", f"/v1/applications/{NOBODY}", "auditor")
    assert absent.is_problem(404, "stream-not-found")


async def test_lists_are_ones_own_and_paged(api: Api) -> None:
    citizen = await identified(api)
    mine = []
    for _ in range(3):
        mine.append(await applied(api, citizen))
        await until(api, mine[-1])
    await until(api, await applied(api, await identified(api)))
    head = await api.runtime.store.head()
    seen: list[str] = []
    cursor = ""
    while True:
        page = await api.call(
            "GET",
            f"/v1/applications?limit=2&min_position={head}{cursor}",
            "citizen",
            subject=citizen,
        )
        seen += [row["application_id"] for row in page.json["applications"]]
        if page.json["next"] is None:
            break
        cursor = f"&after={page.json['next']}"
    assert seen == mine[::-1]
    others = await api.call(
        "GET", f"/v1/applications?citizen_id=citizen-{'9' * 32}", "citizen", subject=citizen
    )
    assert others.is_problem(403, "not-your-application")
    listed = "/v1/applications?department=housing-fund"
    fund = await api.call("GET", listed, "official", department="housing-fund")
    assert len(fund.json["applications"]) == 4
    police = await api.call("GET", "/v1/applications", "official", department="police")
    assert police.json["applications"] == []
    asked = await api.call("GET", listed, "official", department="police")
    assert asked.is_problem(403, "not-your-application")
    paid = await api.call("GET", f"/v1/applications?status=paid&service={REPAYMENT}", "auditor")
    assert len(paid.json["applications"]) == 2


async def test_the_queue_of_a_department(api: Api, both: tuple[Api, Departments]) -> None:
    await both[1].fault("police", "wrong-signature")
    application = await applied(api, await identified(api))
    await until(api, application, "referred")
    head = await api.runtime.store.head()
    path = f"/v1/applications/queue?min_position={head}"
    own = await api.call("GET", path, "official", department="housing-fund")
    (waiting,) = own.json["applications"]
    assert waiting["application_id"] == application
    assert waiting["overdue"] is False
    assert waiting["legal_due_on"] is not None
    assert (await api.call("GET", path, "auditor")).json == own.json
    assert (await api.call("GET", path, "official", department="police")).json["applications"] == []
    other = await api.call(
        "GET", f"{path}&department=housing-fund", "official", department="police"
    )
    assert other.is_problem(403, "not-your-application")


async def test_figures_that_a_dashboard_shows(api: Api) -> None:
    citizen = await identified(api)
    await until(api, await applied(api, citizen), "paid")
    refused = await identified(api, id_number(6))
    await until(api, await applied(api, refused), "refused")
    await applied(api, await registered(api))
    head = await api.runtime.store.head()
    shown = (
        await api.call("GET", f"/v1/statistics/applications?min_position={head}", "supervisor")
    ).json
    assert shown["totals"]["submitted"] == 3
    assert shown["now"] == {
        "person": 1,
        "moving": 0,
        "officer": 0,
        "bank": 0,
        "overdue": 0,
        "stranded": 0,
    }
    metrics = (await api.call("GET", "/metrics", "")).body.decode()
    assert 'citybrain_applications_waiting{waits_for="person"} 1.0' in metrics
    assert 'citybrain_applications_waiting{waits_for="stranded"} 0.0' in metrics
    assert shown["seconds_to_money"]["count"] == 1
    assert 0 < shown["seconds_to_money"]["p50"] <= shown["seconds_to_money"]["p99"]
    assert shown["savings"] == {
        "materials": {"before": 6, "now": 0, "saved": 6, "saved_share": 1.0},
        "steps": {"before": 4, "now": 1, "saved": 3, "saved_share": 0.75},
        "trips": {"before": 1, "now": 0, "saved": 1, "saved_share": 1.0},
    }
    assert (shown["automatic_share"], shown["online_share"]) == (1.0, 1.0)
    assert shown["online_availability"] == 1.0
    sources = (
        await api.call("GET", f"/v1/statistics/sources?min_position={head}", "auditor")
    ).json["days"]
    police = [day for day in sources if day["department"] == "police"]  # two around midnight
    assert {day["availability"] for day in police} == {1.0}
    assert sum(day["counts"]["requested"] for day in police) == 2
    refusals = (
        await api.call("GET", f"/v1/statistics/refusals?min_position={head}", "auditor")
    ).json["refusals"]
    assert [(row["by"], row["reason"]) for row in refusals] == [("rules", "account-normal")]
    assert (await api.call("GET", "/v1/statistics/applications", "citizen")).status == 403


async def test_an_official_counts_those_of_their_own_service_alone(api: Api) -> None:
    await applied(api, await registered(api))
    head = await api.runtime.store.head()
    for service, department, waiting in (
        ("housing-fund-purchase", "housing-fund", 0),
        (REPAYMENT, "housing-fund", 1),
    ):
        path = f"/v1/statistics/applications?service={service}&min_position={head}"
        shown = await api.call("GET", path, "official", department=department)
        assert shown.json["now"]["person"] == waiting


async def test_who_read_my_data(api: Api) -> None:
    citizen = await identified(api)
    await until(api, await applied(api, citizen), "paid")
    head = await api.runtime.store.head()
    path = f"/v1/citizens/{citizen}/accesses?min_position={head}"
    shown = (await api.call("GET", path, "citizen", subject=citizen)).json["accesses"]
    assert {row["who"] for row in shown} >= {"police", "bank", "credit-registry", "clerk-1"}
    assert len(shown) == 11  # with who registered her, and what the rules opened
    stranger = await api.call("GET", path, "citizen", subject="citizen-" + "9" * 32)
    assert stranger.is_problem(403, "not-your-own")
