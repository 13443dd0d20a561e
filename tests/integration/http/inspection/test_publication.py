"""What people wrote of a case: sealed, public by rule, hidden, put in other words, erased."""

from collections.abc import Sequence
from typing import Any

import pytest

from citybrain.systems import SYSTEMS
from citybrain.systems.system import System
from tests.given.api import Answer, Api
from tests.given.read_models import caught_up

PLACE = {"latitude": 34.7466, "longitude": 113.6254, "class_code": "road_damage"}
WORDS = "a hole in front of Li Si's shop, 138 1234 5678"


@pytest.fixture
def at_work() -> Sequence[System]:
    return SYSTEMS


async def reported(api: Api, description: str = WORDS, **fields: Any) -> str:
    body = PLACE | {"source": "citizen", "description": description} | fields
    answer = await api.call("POST", "/v1/cases", "citizen", subject="anna", json=body)
    assert answer.status == 201, answer.body
    return str(answer.json["case_id"])


async def public(api: Api, case_id: str) -> Any:
    """What anybody reads: the words, or None where there is no such request."""
    await caught_up(api.runtime.store)
    one = await api.call("GET", f"/open311/v2/requests/{case_id}.json")
    listed = (await api.call("GET", "/open311/v2/requests.json")).json
    found = [each for each in listed if each["service_request_id"] == case_id]
    if one.status == 404:
        assert found == []
        return None
    assert found == one.json
    return found[0]["description"]


async def moderate(api: Api, case_id: str, visibility: str, **fields: Any) -> Answer:
    body = {"visibility": visibility, "reason": "a person's words"} | fields
    answer = await api.call("POST", f"/v1/cases/{case_id}/moderate", "operator", json=body)
    assert answer.status == 200, answer.body
    return answer


async def words_of(api: Api, case_id: str, role: str, subject: str = "") -> Any:
    answer = await api.call("GET", f"/v1/cases/{case_id}", role, subject=subject)
    return answer.json["description"]


async def test_words_are_sealed_flagged_put_otherwise_hidden_and_erased(api: Api) -> None:
    body = PLACE | {"source": "citizen", "description": WORDS, "class_code": "no_such_class"}
    refused = await api.call("POST", "/v1/cases", "citizen", subject="anna", json=body)
    assert refused.status == 422
    assert await api.runtime.store.pool.fetchval("SELECT count(*) FROM person_keys") == 0

    case_id = await reported(api)
    assert await public(api, case_id) == ""
    assert await words_of(api, case_id, "citizen", "anna") == WORDS
    flagged = (await api.call("GET", "/v1/cases?visibility=flagged", "operator")).json["cases"]
    assert [(each["case_id"], each["description"]) for each in flagged] == [(case_id, WORDS)]

    await moderate(api, case_id, "public", description="a hole in front of a shop")
    assert await public(api, case_id) == "a hole in front of a shop"
    assert (await api.call("GET", "/v1/cases?visibility=flagged", "operator")).json["cases"] == []
    await moderate(api, case_id, "hidden")
    assert await public(api, case_id) == ""
    await moderate(api, case_id, "private")
    assert await public(api, case_id) is None

    log = await api.call("GET", "/v1/events?limit=1000", "auditor")
    stored = await api.runtime.store.pool.fetchval(
        "SELECT string_agg(convert_from(state, 'utf8'), '') FROM stored_events"
    )
    assert "138 1234" not in stored
    path = f"/v1/cases/{case_id}/erase"
    refused = await api.call("POST", path, "operator", json={"reason": "asked for"})
    assert refused.is_problem(403, "role-missing")
    erased = await api.call("POST", path, "supervisor", json={"reason": "asked for"})
    assert erased.status == 200, erased.body
    assert await words_of(api, case_id, "operator") == ""
    await moderate(api, case_id, "public")
    assert await public(api, case_id) == ""
    again = await api.call("GET", "/v1/events?limit=1000", "auditor")
    assert again.json["events"][: len(log.json["events"])] == log.json["events"]


async def test_an_address_that_looks_personal_is_not_public_either(api: Api) -> None:
    said = {"address": "beside the shop, ask at 138 1234 5678"}
    case_id = await reported(api, "a hole", **said)
    assert await public(api, case_id) == ""
    path = f"/open311/v2/requests/{case_id}.json"
    (shown,) = (await api.call("GET", path)).json
    assert shown["address"] is None
    wanted = {"wanted": True}
    follow = f"/v1/cases/{case_id}/subscription"
    assert (await api.call("POST", follow, "citizen", subject="boris", json=wanted)).status == 200
    for subject, seen in (("anna", said), ("boris", dict.fromkeys(said))):
        case = (await api.call("GET", f"/v1/cases/{case_id}", "citizen", subject=subject)).json
        assert {name: case[name] for name in said} == seen
    await moderate(api, case_id, "public")
    (shown,) = (await api.call("GET", path)).json
    assert shown["address"] == said["address"]


async def test_a_private_report_and_one_that_names_nobody(api: Api) -> None:
    private = await reported(api, "a hole", private=True)
    plain = await reported(api, "a hole")
    assert await public(api, private) is None
    path, wanted = f"/v1/cases/{plain}", {"wanted": True}
    follow = f"{path}/subscription"
    followed = await api.call(
        "POST", f"{path}/subscription", "citizen", subject="boris", json=wanted
    )
    assert followed.status == 200, followed.body
    assert (await api.call("GET", path, "citizen", subject="boris")).status == 200
    await moderate(api, plain, "private")
    for gone in (
        await api.call("GET", path, "citizen", subject="boris"),
        await api.call("POST", follow, "citizen", subject="cora", json=wanted),
    ):
        assert gone.is_problem(404, "stream-not-found")
    await moderate(api, plain, "public")
    assert await public(api, plain) == "a hole"
    told = (await api.call("GET", "/open311/v2/servicerequestupdates.json")).json
    assert {row["service_request_id"] for row in told} == {plain}


async def test_a_reporter_reads_no_internal_word(api: Api) -> None:
    case_id = await reported(api, "a hole")
    await caught_up(api.runtime.store)
    state = await api.call("GET", f"/v1/cases/{case_id}", "operator")
    asked = await api.step(state, "requests", "operator", {"change": "void", "reason": "a crank"})
    within = {"request_id": asked.json["request_id"], "note": "calls each day"}
    unknown = await api.step(asked, "approve", "supervisor", within | {"answer": "solved"})
    assert unknown.is_problem(422, "unknown-answer")
    voided = await api.step(asked, "approve", "supervisor", within | {"answer": "not-found"})
    assert voided.status == 200, voided.body
    await caught_up(api.runtime.store)
    (one,) = (await api.call("GET", f"/open311/v2/requests/{case_id}.json")).json
    assert one["status_notes"].startswith("现场核查")
    path = f"/v1/cases/{case_id}/timeline"
    theirs = await api.call("GET", path, "citizen", subject="anna")
    for word in (b"crank", b"calls each day", b"operator-1", b"supervisor-1"):
        assert word not in theirs.body
    assert theirs.json["entries"][-1]["details"]["public_answer"] == one["status_notes"]
    mine = await api.call("GET", path, "operator")
    assert b"crank" in mine.body
    assert mine.json["entries"][0]["details"]["description"] == "a hole"
    state = await api.call("GET", f"/v1/cases/{case_id}", "citizen", subject="anna")
    assert (state.json["requests"], state.json["deadlines"]) == (None, None)
    answers = await api.call("GET", "/v1/answers", "official")
    assert "not-found" in {each["code"] for each in answers.json["answers"]}
