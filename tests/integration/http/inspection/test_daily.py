"""A day of the centre over HTTP: corrections, people, checks, reporters, notices."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from citybrain.systems import SYSTEMS, projection_named
from citybrain.systems.system import System
from projections.rebuild import compare
from tests.given.api import Answer, Api
from tests.given.applying import registered
from tests.given.open311 import HOLE as HOLE_311
from tests.given.open311 import Client
from tests.given.outbox import messages
from tests.given.read_models import caught_up
from tests.given.waiting import eventually, holds

DIGEST = "ab" * 32
HOLE = {
    "source": "citizen",
    "class_code": "road_damage",
    "description": "a hole",
    "address": "花園路 1",
    "latitude": 34.7466,
    "longitude": 113.6254,
}
WORKS = "municipal-works"
PLACED = {"latitude": 34.75, "longitude": 113.63, "address": "經三路 8"}


@pytest.fixture
def at_work() -> Sequence[System]:
    return SYSTEMS


async def reported(api: Api, citizen: str, **fields: Any) -> str:
    answer = await api.call("POST", "/v1/cases", "citizen", subject=citizen, json=HOLE | fields)
    assert answer.status == 201, answer.body
    case_id = str(answer.json["case_id"])
    await eventually(lambda: at(api, case_id, "dispatched"))
    return case_id


async def state(api: Api, case_id: str, role: str = "operator", subject: str = "") -> Answer:
    return await api.call("GET", f"/v1/cases/{case_id}", role, subject=subject)


async def at(api: Api, case_id: str, status: str) -> bool:
    return bool((await state(api, case_id)).json["status"] == status)


async def does(
    api: Api,
    case_id: str,
    step: str,
    role: str,
    body: dict[str, Any] | None = None,
    *,
    status: int = 200,
    **who: Any,
) -> Answer:
    answer = await api.step(await state(api, case_id), step, role, body, **who)
    assert answer.status == status, answer.body
    return answer


async def closed(api: Api, case_id: str, **said: Any) -> None:
    lead = (await state(api, case_id)).json["lead"]
    mine = {"department": lead}
    if not await at(api, case_id, "reopened"):
        await does(api, case_id, "accept", "official", mine, department=lead)
    shown = mine | {"evidence_sha256": [DIGEST]}
    await does(api, case_id, "handle", "official", shown, department=lead)
    await does(api, case_id, "verify", "operator")
    await does(api, case_id, "close", "operator", said)


async def listed(api: Api, query: str) -> list[str]:
    await caught_up(api.runtime.store)
    answer = await api.call("GET", f"/v1/cases?{query}", "operator")
    assert answer.status == 200, answer.body
    return [each["case_id"] for each in answer.json["cases"]]


async def test_what_was_wrong_is_put_right_and_people_are_sent(api: Api) -> None:
    case_id = await reported(api, "anna")
    before = {
        each["code"]: each["due_at"] for each in (await state(api, case_id)).json["deadlines"]
    }
    body = {"class_code": "displaced_manhole_cover", "reason": "a cover is missing"}
    await does(api, case_id, "reclassify", "operator", body)
    found = (await state(api, case_id)).json
    after = {each["code"]: each["due_at"] for each in found["deadlines"]}
    assert (found["class_code"], "made-safe" in after) == ("displaced_manhole_cover", True)
    assert after["handling"] < before["handling"]
    await does(api, case_id, "relocate", "operator", PLACED | {"reason": "a slip"})
    await does(api, case_id, "prioritise", "supervisor", {"priority": "urgent"})
    who = {"department": WORKS, "assignee": "worker-1"}
    await does(api, case_id, "assign", "official", who, department=WORKS)
    for query in (
        "priority=urgent",
        "assignee=worker-1",
        "q=經三路",
        f"q={case_id}",
        "class=displaced_manhole_cover",
    ):
        assert await listed(api, query) == [case_id], query
    for query in ("priority=high", "assignee=worker-2", "q=花園路", "class=road_damage"):
        assert await listed(api, query) == [], query
    (public,) = (await api.call("GET", f"/open311/v2/requests/{case_id}.json")).json
    assert (public["service_code"], public["address"]) == ("displaced_manhole_cover", "經三路 8")

    other = await reported(api, "boris", **{**PLACED, "class_code": "displaced_manhole_cover"})
    await caught_up(api.runtime.store)
    near = await api.call("GET", f"/v1/cases/{case_id}/duplicates", "operator")
    assert [each["case_id"] for each in near.json["cases"]] == [other]

    await does(api, case_id, "accept", "official", {"department": WORKS}, department=WORKS)
    shown = {"department": WORKS, "evidence_sha256": [DIGEST]}
    await does(api, case_id, "handle", "official", shown, department=WORKS)
    await does(api, case_id, "check-orders", "operator", {"inspector": "operator-9"})
    early = await does(api, case_id, "verify", "operator", status=409)
    assert early.json["code"] == "check-missing"
    await does(api, case_id, "checks", "operator", {"solved": True}, status=409)
    await does(api, case_id, "checks", "operator", {"solved": True}, subject="operator-9")
    await does(api, case_id, "verify", "operator")
    await caught_up(api.runtime.store)
    for model in ("case_desk", "case_officials", "service_requests", "evaluation_days"):
        assert (await compare(api.runtime.store, projection_named(model))).equal, model


async def test_whom_to_give_a_case_to_is_who_has_lately_acted_for_the_department(api: Api) -> None:
    """Process managers, the centre and who was only named are not among them."""
    case_id = await reported(api, "anna", class_code="road_damage")
    mine = {"department": WORKS}
    first: dict[str, Any] = {"subject": "works-1", **mine}
    second: dict[str, Any] = {"subject": "works-2", **mine}
    await does(api, case_id, "accept", "official", mine, **first)
    await does(api, case_id, "assign", "official", mine | {"assignee": "works-9"}, **second)
    await does(api, case_id, "prioritise", "operator", {"priority": "urgent"})
    await does(api, case_id, "handle", "official", mine | {"evidence_sha256": [DIGEST]}, **first)
    await caught_up(api.runtime.store)

    async def officials(of: str, role: str, **who: Any) -> Answer:
        return await api.call("GET", f"/v1/departments/{of}/officials", role, **who)

    found = (await officials(WORKS, "official", **second)).json["officials"]
    assert [(each["subject"], each["steps"]) for each in found] == [("works-1", 2), ("works-2", 1)]
    assert (await officials(WORKS, "supervisor")).json["officials"] == found
    assert (await officials("sanitation", "operator")).json["officials"] == []
    other = await officials(WORKS, "official", subject="sanitation-1", department="sanitation")
    assert other.status == 403
    assert (await officials("nobody", "operator")).is_problem(404, "department-not-found")
    real = api.runtime.services.clock
    api.runtime.services.clock = lambda: real() + timedelta(days=181)
    assert (await officials(WORKS, "operator")).json["officials"] == []


async def test_an_address_alone_waits_for_a_person_who_finds_its_place(api: Api) -> None:
    client, bare = Client(api, "xml"), {k: HOLE_311[k] for k in ("api_key", "service_code")}
    ids = []
    for address in ({"address_string": "經三路 8"}, {"address_id": "A-7"}):
        status, (answer,) = await client.post(bare | address)
        assert status == 201, answer
        ids.append(answer["service_request_id"])
    for nowhere in ({}, {"address_string": " \u3000"}, {"address_id": "-"}, {"lat": "34.7"}):
        status, (error,) = await client.post(bare | nowhere | {"description": "a hole"})
        assert (status, "lat and long" in error["description"]) == (400, True), nowhere

    waiting, other = ids
    assert await listed(api, "placed=false") == ids
    assert await listed(api, "placed=true") == []
    found = (await state(api, waiting)).json
    assert (found["status"], found["address"]) == ("reported", "經三路 8")
    assert (found["latitude"], found["longitude"], found["place"]) == (None, None, None)
    _, (public,) = await client.get(f"requests/{waiting}")
    assert (public["status"], public["lat"], public["long"]) == ("open", None, None)
    assert "waits until a person has found where it is" in public["status_notes"]
    assert (await client.get("requests", lat="34.75", long="113.63", radius="9000"))[1] == []
    near = await api.call("GET", f"/v1/cases/{waiting}/duplicates", "operator")
    assert near.json == {"cases": []}
    early = await does(api, waiting, "file", "operator", status=409)
    assert early.json["code"] == "place-missing"

    outside = {"latitude": 0, "longitude": 0, "reason": "found"}
    refused = await does(api, waiting, "relocate", "operator", outside, status=400)
    assert refused.json["code"] == "outside-the-city"
    inside = {"latitude": 34.75, "longitude": 113.63, "reason": "found"}
    await does(api, waiting, "relocate", "operator", inside)
    await eventually(lambda: at(api, waiting, "dispatched"))
    assert await listed(api, "placed=false") == [other]
    found = (await state(api, waiting)).json
    assert (found["address"], found["latitude"], found["lead"]) == ("經三路 8", 34.75, WORKS)
    _, (public,) = await client.get(f"requests/{waiting}")
    assert (public["lat"], "waits" in public["status_notes"]) == ("34.75", False)
    heat = await api.call("GET", "/v1/statistics/heat?class=road_damage", "operator")
    assert [each["properties"]["reported"] for each in heat.json["features"]] == [1]
    assert (await api.call("GET", "/v1/cases/export.csv", "operator")).body.count(b"case-") == 2
    for model in ("case_desk", "service_requests", "evaluation_days", "heat_grid"):
        assert (await compare(api.runtime.store, projection_named(model))).equal, model


async def test_a_reporter_is_told_says_it_is_not_solved_and_rates(api: Api) -> None:
    anna = await registered(api, phone="+86 371 5555 0150")
    boris = await registered(api, phone="+86 371 5555 0160")
    case_id, same = await reported(api, anna), await reported(api, boris, description="mine")
    cora = await registered(api, phone="+86 371 5555 0170")
    await does(api, case_id, "subscription", "citizen", subject=cora)
    await does(api, same, "merge", "operator", {"into_case_id": case_id, "reason": "one hole"})
    await eventually(lambda: at(api, same, "merged"))
    await closed(api, case_id, answer="solved", resolution="cold asphalt")

    mine = await api.call("GET", "/v1/cases/mine", "citizen", subject=anna)
    assert [(each["case_id"], each["news"]) for each in mine.json["cases"]] == [(case_id, True)]
    path = f"/v1/cases/mine?seen={mine.json['newest']}"
    await does(api, case_id, "rating", "citizen", {"stars": 2}, subject=anna)
    await does(api, case_id, "rating", "citizen", {"stars": 5}, subject=anna, status=409)
    await does(api, case_id, "rating", "citizen", {"stars": 5}, subject=boris, status=404)
    words = "half of it is still there"
    await does(api, case_id, "not-solved", "citizen", {"text": words}, subject=anna)
    await caught_up(api.runtime.store)
    again = (await api.call("GET", path, "citizen", subject=anna)).json["cases"]
    assert [(each["status"], each["news"], each["rating"]) for each in again] == [
        ("reopened", True, 2)
    ]
    await does(api, same, "comments", "citizen", {"text": "deeper on my side"}, subject=boris)
    await caught_up(api.runtime.store)
    said = await api.call("GET", f"/v1/cases/{case_id}/comments", "operator")
    assert [each["text"] for each in said.json["comments"]] == [words, "deeper on my side"]
    theirs = await state(api, case_id, "citizen", boris)
    assert (theirs.json["status"], theirs.json["evidence_sha256"]) == ("reopened", None)
    stranger = await state(api, case_id, "citizen", "dora")
    assert stranger.is_problem(404, "stream-not-found")

    await holds(lambda: told(api, "重新处置") == {"0150", "0160", "0170"})
    assert told(api, "问题已处置并核查") == {"0150", "0160", "0170"}
    assert told(api, "合并办理") == {"0160"}
    assert told(api, "cold asphalt") == set()
    assert len(messages(api)) == len(set(messages(api)))


async def holds_found(api: Api, path: str, body: dict[str, Any], wanted: set[str]) -> None:
    async def is_so() -> bool:
        answer = await api.call("POST", path, "operator", json=body)
        return {each["case_id"] for each in answer.json["cases"]} == wanted

    await eventually(is_so)


def told(api: Api, words: str) -> set[str]:
    """The ends of the telephones that were told this."""
    return {phone[-4:] for phone, text in messages(api) if words in text}


async def test_how_to_reach_a_reporter_is_opened_for_a_purpose_and_on_record(api: Api) -> None:
    anna = await registered(api, phone="+86 371 5555 0150")
    case_id = await reported(api, anna)
    form = {"api_key": "development", "service_code": "road_damage", "lat": "34.7", "long": "113.6"}
    sent = await api.call(
        "POST",
        "/open311/v2/requests.json",
        data=form | {"email": "b@example.org", "phone": "0371 5555"},
    )
    over = sent.json[0]["service_request_id"]
    path = "/v1/cases/{}/reporter{}"
    purpose = "?purpose=street-case"
    unsaid = await api.call("GET", path.format(case_id, ""), "operator")
    assert unsaid.status == 400
    other = await api.call(
        "GET", path.format(case_id, purpose), "official", department="sanitation"
    )
    assert other.is_problem(403, "forbidden")
    opened = await api.call("GET", path.format(case_id, purpose), "official", department=WORKS)
    assert [each["phone"] for each in opened.json["contacts"]] == ["+86 371 5555 0150"]
    found = "/v1/cases/search"
    for body, wanted in (
        ({"phone": "(0371) 5555-0150"}, {case_id}),
        ({"phone": "+8603715555"}, set()),
        ({"phone": "037155550150", "text": "A HOLE"}, {case_id}),
        ({"text": "hole"}, {case_id}),
        ({"text": "a crater"}, set()),
        ({"text": "hole", "open": False}, set()),
    ):
        await holds_found(api, found, body, wanted)
    theirs = await api.call(
        "POST", found, "official", department="sanitation", json={"text": "hole"}
    )
    assert theirs.json["cases"] == []
    erase = f"/v1/cases/{case_id}/erase"
    assert (await api.call("POST", erase, "supervisor", json={"reason": "asked"})).status == 200
    await holds_found(api, found, {"text": "hole"}, set())
    kept = await api.runtime.store.pool.fetchval("SELECT count(*) FROM case_words")
    assert kept == 1
    given = await api.call("GET", path.format(over, purpose), "operator")
    (contact,) = given.json["contacts"]
    assert (contact["email"], contact["phone"]) == ("b@example.org", "0371 5555")
    await caught_up(api.runtime.store)
    accesses = await api.call("GET", f"/v1/citizens/{anna}/accesses", "citizen", subject=anna)
    assert "reporter-contact" in {each["what"] for each in accesses.json["accesses"]}
    about = await api.runtime.store.pool.fetch(
        "SELECT state FROM stored_events WHERE topic = 'access.recorded'"
    )
    assert any(over.encode() in row["state"] for row in about)


async def test_many_cases_take_one_step_each_for_itself_and_come_as_a_file(api: Api) -> None:
    ids = [await reported(api, "anna", address=f"=HYPERLINK({n})") for n in range(2)]
    many = {"case_ids": [*ids, "case-" + "0" * 32], "body": {"priority": "high"}}
    path = "/v1/cases/bulk/{}"
    for _ in range(2):
        headers = {"Idempotency-Key": "monday"}
        answer = await api.call(
            "POST", path.format("prioritise"), "operator", json=many, headers=headers
        )
        assert (answer.json["done"], answer.json["refused"]) == (2, 1), answer.body
        assert [each["version"] for each in answer.json["cases"]] == [4, 4, None]
        assert answer.json["cases"][-1]["code"] == "stream-not-found"
    assert await listed(api, "priority=high") == ids
    theirs = await api.call("POST", path.format("prioritise"), "official", json=many)
    assert {each["code"] for each in theirs.json["cases"]} == {
        "role-not-allowed",
        "stream-not-found",
    }
    nowhere = await api.call("POST", path.format("erase"), "operator", json=many)
    assert nowhere.is_problem(404, "no-such-step")
    wrong = await api.call(
        "POST", path.format("prioritise"), "operator", json=many | {"body": {"priority": "soon"}}
    )
    assert wrong.is_problem(422, "invalid-input")
    file = await api.call("GET", "/v1/cases/export.csv?priority=high", "operator")
    rows = list(csv.DictReader(io.StringIO(file.body.decode("utf-8-sig"))))
    assert [row["case_id"] for row in rows] == ids
    assert rows[0]["address"] == "'=HYPERLINK(0)"
    assert b"a hole" not in file.body
    months = await api.call("GET", "/v1/statistics/evaluation?by=month", "operator")
    assert sum(row["counts"]["reported"] for row in months.json["rows"]) == 2
