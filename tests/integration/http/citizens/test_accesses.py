"""Who read my data is complete: each operation that shows it leaves an access, in plain words."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest

from citybrain.domain.citizens import Citizen
from citybrain.eventstore import EventStore, StoreBusy
from citybrain.settings import Settings
from citybrain.systems import SYSTEMS
from ops.simulators.applications.departments import Departments
from tests.given.accesses import READER, accesses, is_said, opening, read, reading_role
from tests.given.api import REPORT, Api
from tests.given.applying import (
    KIOSK,
    applied,
    applying,
    id_number,
    identified,
    identify,
    registered,
    state,
    until,
)
from tests.given.pdf_files import pdf
from tests.given.reach import COUNTER
from tests.given.read_models import caught_up
from tests.given.services import OPERATOR, context
from tests.given.serving import RECORD, before
from tests.given.waiting import PATIENCE_SECONDS

OF_OTHER_SYSTEMS = ("/v1/parking", "/v1/cases")
ELSEWHERE = frozenset(
    {
        "post_v1_citizens_citizen_id_face_challenges",  # in test_face_accesses
        "post_v1_citizens_citizen_id_face_verification",  # in test_refused_accesses
        "post_v1_citizens_citizen_id_identity_confirmation",
        "post_v1_citizens_citizen_id_identity_proof",
        "post_v1_citizens",
        "post_v1_citizens_citizen_id_documents",
        "post_v1_citizens_citizen_id_corrections",  # in test_records
        "post_v1_citizens_citizen_id_corrections_settlement",
        "get_v1_cases_case_id_timeline",
        "get_v1_citizens_citizen_id_consents_consent_id_receipt",  # in test_consents
        "get_v1_drafts_draft_id",  # in test_drafts
        "get_v1_applications_application_id_certificate",  # in test_certificates
        "get_v1_applications_application_id_certificate_page",
    }
)
"""Operations that show her data with tests of their own."""

OTHER = "citizen-" + "8" * 32
QUERIES = {
    "get_v1_citizens_citizen_id_record": "?purpose=support",
    "get_v1_streams_stream_id_events": "?purpose=complaint",
    "get_v1_streams_stream_id_state": "?purpose=complaint",
    "get_v1_events": "?purpose=complaint&limit=1000",
    "get_v1_applications_application_id_messages": "?purpose=review",
    "get_v1_applications_application_id_statements": "?purpose=review",
    "get_v1_applications_application_id_documents_document_id": "?purpose=review",
    "get_v1_log": "?purpose=complaint&after=0&category=application",
}


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings, at_work=SYSTEMS) as started:
        yield started


@pytest.fixture
def api(both: tuple[Api, Departments]) -> Api:
    return both[0]


async def referred(api: Api, departments: Departments, number: str) -> tuple[str, str]:
    """A citizen with a phone, and an application of hers that waits for an officer."""
    await departments.fault("police", "wrong-signature")
    citizen = await registered(api, number, phone="+86 371 5555 0123")
    await identify(api, citizen)
    application = await applied(api, citizen)
    await until(api, application, "referred")
    return citizen, application


async def document_of(api: Api, citizen: str, application: str) -> str:
    """A document that she has added."""
    path = f"/v1/applications/{application}/documents?kind=bill"
    headers = {"Content-Type": "application/pdf"}
    added = await api.call("POST", path, "citizen", subject=citizen, headers=headers, data=pdf())
    assert added.status == 200, added.body
    (document,) = (await state(api, application)).documents
    return document["document_id"]


async def suspect(store: EventStore, citizen: str) -> None:
    """Her face is another's, too."""
    found = await store.load(Citizen, citizen)
    found.suspect_duplicate(
        found.modified_on + timedelta(seconds=1),
        other=OTHER,
        score=0.9,
        threshold=0.6,
        enrolled=9,
        false_match_rate=1e-4,
        template_id="t1",
    )
    await store.save(found, metadata=context(OPERATOR).metadata())


async def to_be_settled(api: Api, citizen: str) -> None:
    """Somebody asked for a correction: whoever settles it reads the record."""
    body = {"what": "death", "died_on": "2026-01-01", "grounds": "a certificate"}
    answer = await api.call("POST", f"/v1/citizens/{citizen}/corrections", "clerk", json=body)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_each_operation_that_shows_her_data_leaves_an_access_in_her_words(
    api: Api, both: tuple[Api, Departments], language: str
) -> None:
    number = id_number()
    citizen, application = await referred(api, both[1], number)
    await before(api, READER, citizen)
    await suspect(api.runtime.store, citizen)
    document = await document_of(api, citizen, application)
    await to_be_settled(api, citizen)
    await caught_up(api.runtime.store)
    bodies: dict[str, Any] = {
        "post_v1_citizens_search": {"id_number": number},
        "post_v1_citizens_citizen_id_identity_codes": {"purpose": "housing-fund-repayment"},
    }
    for operation, route in opening(api).items():
        if operation in ELSEWHERE or route.path.startswith(OF_OTHER_SYSTEMS):  # in their tests
            continue
        answer = await read(
            api,
            route,
            QUERIES.get(operation, ""),
            bodies.get(operation),
            citizen_id=citizen,
            application_id=application,
            stream_id=application,
            document_id=document,
        )
        assert answer.status in (200, 201), (operation, answer.body)
        seen, *_ = await accesses(api, citizen, language, READER)
        assert route.opens is not None
        assert (seen["through"], seen["what"]) == (operation, route.opens.what)
        assert seen["role"] == reading_role(route)
        assert seen["about"] in (citizen, application)
        for member in ("what", "role", "purpose"):
            assert is_said(language, seen[f"{member}_text"], seen[member]), seen


async def test_her_own_reads_leave_nothing(api: Api) -> None:
    citizen = await identified(api)
    application = await applied(api, citizen)
    await until(api, application, "paid")
    before = await accesses(api, citizen)
    for path in (
        "/v1/applications",
        f"/v1/applications/{application}",
        f"/v1/applications/{application}/explanation",
        f"/v1/applications/{application}/consent-receipt",
        f"/v1/citizens/{citizen}",
    ):
        answer = await api.call("GET", path, "citizen", subject=citizen)
        assert answer.status == 200, answer.body
    assert await accesses(api, citizen) == before


async def test_a_page_of_many_people_is_one_event(api: Api) -> None:
    mine = [await applied(api, await identified(api)) for _ in range(3)]
    for application in mine:
        await until(api, application, "paid")
    await caught_up(api.runtime.store)
    before = await api.runtime.store.head()
    page = await api.call("GET", "/v1/applications", "auditor")
    assert len(page.json["applications"]) == 3
    (event,) = await api.runtime.store.read_all(before)
    assert (event.topic, sorted(event.data["about"])) == ("access.recorded", sorted(mine))
    assert event.data["purpose"] == "audit"


async def test_whom_a_search_of_applications_names_is_told_though_nothing_was_found(
    api: Api,
) -> None:
    citizen = await registered(api)
    page = await api.call("GET", f"/v1/applications?citizen_id={citizen}", "auditor")
    assert page.json["applications"] == []
    assert [row["what"] for row in await accesses(api, citizen, who="auditor-1")] == ["list"]


async def test_what_cannot_be_recorded_is_not_shown(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = await identified(api)
    application = await applied(api, citizen)
    await until(api, application, "paid")
    await caught_up(api.runtime.store)

    async def busy(*_: Any, **__: Any) -> None:
        raise StoreBusy("too many")

    monkeypatch.setattr(api.runtime.store, "append", busy)
    path = f"/v1/applications/{application}"
    refused = await api.call("GET", path, "auditor")
    assert refused.is_problem(503, "access-not-recorded")
    assert (await api.call("GET", path, "citizen", subject=citizen)).status == 200


async def test_an_answer_of_which_nobody_was_told_is_not_sent(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = await registered(api)

    async def forgets(*_: Any) -> None:
        """A handler that tells nobody."""

    monkeypatch.setattr("citybrain.http.applications.reading.opened", forgets)
    answer = await api.call("GET", f"/v1/applications?citizen_id={citizen}", "auditor")
    assert answer.is_problem(500, "internal")


async def test_what_a_kiosk_shows_of_an_application_that_it_holds_is_an_access(api: Api) -> None:
    citizen = await registered(api)
    application = await applied(api, citizen, channel="kiosk", role="kiosk", subject=KIOSK)
    await caught_up(api.runtime.store, "applications")
    answer = await api.call("GET", f"/v1/applications/{application}", "kiosk", subject=KIOSK)
    assert answer.status == 200, answer.body
    rows = await accesses(api, citizen, who=KIOSK)
    assert [row["what"] for row in rows] == ["application", "submitted"]
    assert {row["role_text"] for row in rows} == {"a kiosk"}


async def test_an_auditor_says_for_what_a_persons_stream_is_read(api: Api) -> None:
    citizen = await registered(api)
    path = f"/v1/streams/{citizen}/events"
    assert (await api.call("GET", path, "auditor")).is_problem(422, "purpose-needed")
    assert (await api.call("GET", f"{path}?purpose=curious", "auditor")).status == 400
    assert (await api.call("GET", "/v1/log", "auditor")).is_problem(422, "purpose-needed")
    assert await accesses(api, citizen, who="auditor-1") == []
    assert (await api.call("GET", f"{path}?purpose=audit", "auditor")).status == 200
    (row,) = await accesses(api, citizen, who="auditor-1")
    assert (row["purpose"], row["purpose_text"]) == ("audit", "To check how it was handled")


async def test_who_follows_the_log_does_not_follow_the_own_traces(api: Api) -> None:
    await registered(api)
    for _ in range(2):
        page = await api.call("GET", "/v1/events?purpose=audit&limit=1000", "auditor")
    head = await api.runtime.store.head()
    query = f"?purpose=audit&after={head - 1}"
    last = await api.call("GET", f"/v1/events{query}", "auditor")
    assert [event["topic"] for event in last.json["events"]] == ["access.recorded"]
    assert await api.runtime.store.head() == head
    assert len(page.json["events"]) == head - 1


async def test_an_opening_is_an_access_in_her_words(api: Api) -> None:
    citizen = await identified(api)
    application = await applied(api, citizen)
    await until(api, application, "paid")
    path = f"/v1/applications/{application}/opening"
    opened = await api.call("POST", path, "auditor", json={"purpose": "complaint"})
    assert opened.status == 200, opened.body
    (row,) = await accesses(api, citizen, "zh", "auditor-1")
    assert (row["what"], row["what_text"]) == ("explanation", "打开您申请中的密封内容")
    assert (row["purpose_text"], row["role_text"]) == ("处理投诉", "审计人员")
    assert row["by"] == "person"


async def test_what_departments_deliver_is_said_by_the_catalogues_names(api: Api) -> None:
    citizen = await identified(api)
    await until(api, await applied(api, citizen), "paid")
    (row,) = await accesses(api, citizen, who="credit-registry")
    assert (row["what_text"], row["role_text"]) == ("Loan contract", "the system, by rules")
    assert row["by"] == "process"
    assert row["purpose_text"].startswith("Housing provident fund withdrawal")


async def test_that_she_is_registered_is_learnt_by_trying_to_register_her(api: Api) -> None:
    number, other = id_number(), await registered(api)
    citizen = await registered(api, number)
    again = {"name": "張三", "id_number": number, "birth_date": "1995-05-01"}
    passport = {"document": "passport", "number": "E12345678", "country": "CHN"}
    await before(api, "clerk-1", citizen, purpose=RECORD)
    await before(api, READER, other, purpose=RECORD)
    known = await api.call("POST", f"/v1/citizens/{citizen}/documents", "clerk", json=passport)
    assert known.status == 200, known.body
    for path, body in (("/v1/citizens", again), (f"/v1/citizens/{other}/documents", passport)):
        refused = await api.call("POST", path, "clerk", subject=READER, json=body)
        assert refused.is_problem(409, "already-registered")
        assert citizen not in refused.body.decode()
        seen, *_ = await accesses(api, citizen, who=READER)
        assert (seen["what"], seen["purpose"]) == ("already-registered", "counter-service")
        assert (seen["role"], seen["counter"]) == ("clerk", COUNTER)
        assert seen["through"].startswith("post_v1_citizens")
    assert len(await accesses(api, citizen, who=READER)) == 2
    assert [row["what"] for row in await accesses(api, other, who=READER)] == ["document-seen"]


async def test_who_looks_at_the_history_of_a_case_looks_at_who_reported_it(api: Api) -> None:
    citizen = await registered(api)
    body = REPORT | {"source": "citizen", "confidence": None}
    case = await api.call("POST", "/v1/cases", "citizen", subject=citizen, json=body)
    assert case.status == 201, case.body
    path = f"/v1/cases/{case.json['case_id']}/timeline"
    await caught_up(api.runtime.store, "case_timeline")
    own = await api.call("GET", path, "citizen", subject=citizen)
    assert own.status == 200, own.body
    assert (await api.call("GET", path, "operator", subject=READER)).status == 200
    (seen,) = await accesses(api, citizen, who=READER)
    assert seen["what_text"] == "That you reported a problem in the street"


async def test_who_follows_the_log_is_noted_once_a_person(api: Api) -> None:
    citizen = await registered(api)
    url = f"{api.url}/v1/log?purpose=audit&after=0&category=citizen"
    headers = {"Authorization": f"Bearer {api.token('auditor', READER)}"}
    async with asyncio.timeout(PATIENCE_SECONDS), api.session.get(url, headers=headers) as log:
        seen = 0
        async for line in log.content:
            seen += line.startswith(b"data: ")
            if line.startswith(b"data: ") and seen < 3:
                await identify(api, citizen)
            if seen == 3:
                break
    assert [row["through"] for row in await accesses(api, citizen, who=READER)] == ["get_v1_log"]


async def test_the_front_page_does_not_say_of_whom_something_was_written(api: Api) -> None:
    citizen = await registered(api)
    async with asyncio.timeout(PATIENCE_SECONDS), api.session.get(f"{api.url}/live") as live:
        async for line in live.content:
            if line.startswith(b"data: ") and (told := orjson.loads(line[6:]))["head"]:
                assert told["newest"] == []  # nor that somebody was registered just now
                assert citizen.encode() not in line
                break
