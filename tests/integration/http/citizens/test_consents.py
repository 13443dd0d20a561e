"""Consents over HTTP: to a text that is kept; receipts that a third party checks."""

import hashlib
from typing import Any

import jwt
import pytest

from tests.given.accesses import accesses
from tests.given.agreements import FACE, NOTICE
from tests.given.api import Api
from tests.given.faces import registered

AGREED = {"notice_sha256": NOTICE}


async def agree(api: Api, citizen: str) -> None:
    path = f"/v1/citizens/{citizen}/face/consent"
    answer = await api.call("POST", path, "citizen", subject=citizen, json=AGREED)
    assert answer.status == 200, answer.body


async def listed(api: Api, citizen: str) -> list[dict[str, Any]]:
    head = await api.runtime.store.head()
    path = f"/v1/citizens/{citizen}/consents?min_position={head}"
    answer = await api.call("GET", path, "citizen", subject=citizen)
    assert answer.status == 200, answer.body
    return list(answer.json["consents"])


async def test_the_text_is_served_and_its_digest_is_its_name(api: Api) -> None:
    agreements = (await api.call("GET", "/v1/agreements")).json["agreements"]
    (found,) = (each for each in agreements if each["code"] == FACE.code)
    whole = f"{found['text']}\n{found['text_en']}".encode()
    assert hashlib.sha256(whole).hexdigest() == found["sha256"] == NOTICE
    version = await api.call("GET", f"/v1/agreements/{found['code']}/{found['sha256']}")
    assert version.json == found
    gone = await api.call("GET", f"/v1/agreements/{found['code']}/{'0' * 64}")
    assert gone.is_problem(404, "no-such-agreement")


async def test_nobody_agrees_to_a_text_that_is_not_in_force(api: Api) -> None:
    citizen = await registered(api)
    path, body = f"/v1/citizens/{citizen}/face/consent", {"notice_sha256": "0" * 64}
    refused = await api.call("POST", path, "citizen", subject=citizen, json=body)
    assert refused.is_problem(422, "notice-not-in-force")
    assert refused.json["sha256"] == NOTICE
    assert await listed(api, citizen) == []


async def test_a_citizen_lists_what_they_agreed_to(api: Api) -> None:
    citizen = await registered(api)
    await agree(api, citizen)
    (consent,) = await listed(api, citizen)
    assert (consent["agreement"], consent["sha256"]) == (FACE.code, NOTICE)
    assert (consent["guardian"], consent["ended_at"]) == (False, None)
    path = f"/v1/citizens/{citizen}/face/consent/withdrawal"
    await api.call("POST", path, "citizen", subject=citizen, json={})
    await agree(api, citizen)
    again, before = await listed(api, citizen)
    assert (before["consent_id"], again["ended_at"]) == (consent["consent_id"], None)
    assert before["ended_at"] is not None


async def test_a_third_party_checks_a_receipt_without_an_account(api: Api) -> None:
    citizen = await registered(api)
    await agree(api, citizen)
    (consent,) = await listed(api, citizen)
    number = consent["consent_id"]
    path = f"/v1/citizens/{citizen}/consents/{number}/receipt"
    signed = (await api.call("GET", path, "citizen", subject=citizen)).json["signed"]
    keys = {
        key["kid"]: key for key in (await api.call("GET", "/v1/certificates/keys")).json["keys"]
    }
    header = jwt.get_unverified_header(signed)
    assert header["typ"] == "consent-receipt+jwt"
    key = jwt.PyJWK(keys[header["kid"]], algorithm="EdDSA")
    claims = jwt.decode(signed, key, algorithms=["EdDSA"])
    assert (claims["jti"], claims["agreement"]["sha256"]) == (number, NOTICE)
    asked = await api.call("GET", f"/v1/consents/{number}")
    assert asked.json["opt_in"] is True
    assert citizen not in asked.body.decode()
    withdrawal = f"/v1/citizens/{citizen}/face/consent/withdrawal"
    await api.call("POST", withdrawal, "citizen", subject=citizen, json={})
    head = await api.runtime.store.head()
    asked = await api.call("GET", f"/v1/consents/{number}?min_position={head}")
    assert (asked.json["opt_in"], asked.json["ended_at"] is None) == (False, False)
    assert (await api.call("GET", "/v1/consents/another")).is_problem(404, "no-such-consent")


@pytest.mark.parametrize("suffix", ["", "/{consent_id}/receipt"])
async def test_others_do_not_read_it_and_an_auditor_leaves_an_access(api: Api, suffix: str) -> None:
    citizen, other = await registered(api), await registered(api)
    await agree(api, citizen)
    (consent,) = await listed(api, citizen)
    rest = f"consents{suffix.format(**consent)}"
    refused = await api.call("GET", f"/v1/citizens/{citizen}/{rest}", "citizen", subject=other)
    assert refused.is_problem(403, "not-your-own")
    if suffix:
        own = await api.call("GET", f"/v1/citizens/{other}/{rest}", "citizen", subject=other)
        assert own.is_problem(404, "no-such-consent")
    assert (await api.call("GET", f"/v1/citizens/{citizen}/{rest}", "auditor")).status == 200
    (row,) = await accesses(api, citizen, who="auditor-1")
    assert row["what"] == "consents"


async def test_any_of_ones_own_consents_is_ended_and_nobody_elses(api: Api) -> None:
    citizen, other = await registered(api), await registered(api)
    await agree(api, citizen)
    (consent,) = await listed(api, citizen)
    path, body = (
        f"/v1/citizens/{citizen}/consents/withdrawal",
        {"consent_id": consent["consent_id"]},
    )
    by_another = await api.call("POST", path, "citizen", subject=other, json=body)
    assert by_another.is_problem(403, "not-your-own")
    of_another = f"/v1/citizens/{other}/consents/withdrawal"
    not_theirs = await api.call("POST", of_another, "citizen", subject=other, json=body)
    assert not_theirs.is_problem(404, "no-such-consent")
    ended = await api.call("POST", path, "citizen", subject=citizen, json=body)
    assert ended.status == 200, ended.body
    (consent,) = await listed(api, citizen)
    assert consent["ended_at"] is not None
    again = await api.call("POST", path, "citizen", subject=citizen, json=body)
    assert again.is_problem(404, "no-such-consent")
