"""Explanations over HTTP: the applicant sees all, others on the record, strangers nothing."""

from collections.abc import AsyncIterator

import pytest

from citybrain.settings import Settings
from tests.given.api import Api
from tests.given.applying import applied, applying, id_number, identified, until


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    async with applying(settings) as (started, _):
        yield started


async def paid(api: Api, number: str) -> tuple[str, str]:
    citizen = await identified(api, number)
    application = await applied(api, citizen)
    await until(api, application, "paid")
    return citizen, application


async def test_the_applicant_sees_what_was_decided_and_why(api: Api) -> None:
    number = id_number()
    citizen, application = await paid(api, number)
    answer = await api.call(
        "GET", f"/v1/applications/{application}/explanation", "citizen", subject=citizen
    )
    shown = answer.json
    assert shown["outcome"]["outcome"] == "approved"
    assert shown["recomputed"]["same"] is True
    assert {rule["finding"] for rule in shown["rules"]} == {"met", "not-applicable"}
    assert len(shown["inputs"]) == 7
    assert all(len(each["sha256"]) == 64 for each in shown["inputs"])
    assert shown["payments"][0]["state"] == "confirmed"
    assert shown["records"]["evidence"]["identity"]["person"] == number


async def test_others_see_no_personal_value_until_they_say_why(api: Api) -> None:
    number = id_number()
    _, application = await paid(api, number)
    path = f"/v1/applications/{application}"
    closed = await api.call("GET", f"{path}/explanation", "auditor")
    assert closed.status == 200
    assert number.encode() not in closed.body
    assert "records" not in closed.json
    opened = await api.call("POST", f"{path}/opening", "auditor", json={"purpose": "audit"})
    assert opened.json["records"]["evidence"]["identity"]["person"] == number
    events = await api.runtime.store.read(application)
    assert events[-1].topic == "application.opened"
    assert events[-1].data["reader"] == "auditor-1"
    assert events[-1].data["purpose"] == "audit"
    elsewhere = await api.call(
        "POST", f"{path}/opening", "official", department="police", json={"purpose": "review"}
    )
    assert elsewhere.is_problem(403, "not-your-department")


@pytest.mark.parametrize("what", ["explanation", "consent-receipt"])
async def test_strangers_learn_nothing_not_even_that_it_is_there(api: Api, what: str) -> None:
    _, application = await paid(api, id_number())
    for wanted in (application, "application-" + "0" * 32):
        answer = await api.call(
            "GET", f"/v1/applications/{wanted}/{what}", "citizen", subject="citizen-" + "9" * 32
        )
        assert answer.is_problem(403, "not-your-application")
        elsewhere = await api.call(
            "GET", f"/v1/applications/{wanted}/{what}", "official", department="police"
        )
        assert elsewhere.is_problem(403, "not-your-application")
    absent = await api.call("GET", f"/v1/applications/application-{'0' * 32}/{what}", "auditor")
    assert absent.is_problem(404, "stream-not-found")


async def test_a_refusal_says_what_would_have_changed_it(api: Api) -> None:
    citizen = await identified(api, id_number(6))
    application = await applied(api, citizen)
    await until(api, application, "refused")
    answer = await api.call(
        "GET", f"/v1/applications/{application}/explanation", "citizen", subject=citizen
    )
    changes = answer.json["changes"]["rules"]
    assert any(
        change["path"] == "account.status" and change["to"] == "normal" and change["approves"]
        for change in changes
    ), changes


async def test_the_receipt_names_all_who_are_asked(api: Api) -> None:
    number = id_number()
    citizen, application = await paid(api, number)
    answer = await api.call(
        "GET", f"/v1/applications/{application}/consent-receipt", "citizen", subject=citizen
    )
    asked = {party["party_id"] for party in answer.json["parties"]}
    assert {"police", "civil-affairs", "bank", "housing-fund"} <= asked
    assert answer.json["pii_principal_id"] == citizen
    assert number.encode() not in answer.body
