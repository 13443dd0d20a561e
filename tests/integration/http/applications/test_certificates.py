"""Certificates over HTTP: signed for the applicant, checked by anybody without an account."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest

from citybrain.certificates import (
    CertificateKeyWrong,
    CertificatesNotSetUp,
    open_certificates,
    thumbprint,
)
from citybrain.eventstore import EventStore
from citybrain.exchange.signing import make_key_once
from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments
from tests.given.accesses import accesses, is_said
from tests.given.api import Api
from tests.given.applying import (
    applied,
    applying,
    command,
    id_number,
    identified,
    registered,
    until,
)

PERMIT = "residence-permit"


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings) as started:
        yield started


@pytest.fixture
def api(both: tuple[Api, Departments]) -> Api:
    return both[0]


async def paid(api: Api, number: str) -> tuple[str, str]:
    citizen = await identified(api, number)
    application = await applied(api, citizen)
    await until(api, application, "paid")
    return citizen, application


async def certified(api: Api, citizen: str, application: str) -> dict[str, Any]:
    issued = await command(api, application, "certificate", "citizen", subject=citizen)
    assert issued.status == 200, issued.body
    path = f"/v1/applications/{application}/certificate"
    answer = await api.call("GET", path, "citizen", subject=citizen)
    assert answer.status == 200, answer.body
    return dict(answer.json)


async def checked(api: Api, signed: str) -> dict[str, Any]:
    """What a third party makes of a certificate: with the published keys, and no account."""
    keys = {
        key["kid"]: key for key in (await api.call("GET", "/v1/certificates/keys")).json["keys"]
    }
    header = jwt.get_unverified_header(signed)
    assert header["typ"] == "certificate+jwt"
    key = jwt.PyJWK(keys[header["kid"]], algorithm="EdDSA")
    claims: dict[str, Any] = jwt.decode(signed, key, algorithms=["EdDSA"])
    return claims


async def test_a_third_party_checks_a_certificate_without_an_account(api: Api) -> None:
    number = id_number()
    citizen, application = await paid(api, number)
    certificate = await certified(api, citizen, application)
    claims = await checked(api, certificate["signed"])
    assert claims["holder"] == {"name": "張三", "id_number": "*" * 14 + number[-4:]}
    assert (claims["outcome"], claims["jti"]) == ("paid", certificate["certificate_id"])
    assert claims["amount_fen"] > 0
    asked = await api.call("GET", f"/v1/certificates/{claims['jti']}")
    digest = hashlib.sha256(certificate["signed"].encode()).hexdigest()
    assert asked.json == {
        "certificate_id": claims["jti"],
        "standing": "valid",
        "issued_at": certificate["issued_at"],
        "sha256": digest,
    }
    assert certificate["sha256"] == digest


async def test_it_stays_the_same_and_is_sealed(api: Api) -> None:
    citizen, application = await paid(api, id_number())
    first = await certified(api, citizen, application)
    assert await certified(api, citizen, application) == first
    raw = b"".join(event.state for event in await api.runtime.store.read(application))
    assert first["signed"].encode() not in raw
    assert "張三".encode() not in raw


async def test_a_changed_certificate_is_found_out(api: Api) -> None:
    citizen, application = await paid(api, id_number())
    header, payload, signature = (await certified(api, citizen, application))["signed"].split(".")
    claims = orjson.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["amount_fen"] += 1
    other = base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=").decode()
    with pytest.raises(jwt.InvalidSignatureError):
        await checked(api, f"{header}.{other}.{signature}")


async def test_an_approval_without_money_is_certified_and_printed(api: Api) -> None:
    citizen = await registered(api, name="<b>張三</b>")
    await api.call(
        "POST",
        f"/v1/citizens/{citizen}/identity/confirmation",
        "clerk",
        json={"purpose": PERMIT, "document": "identity-card"},
    )
    application = await applied(api, citizen, PERMIT, form={"ground": "job"})
    await until(api, application, "approved")
    certificate = await certified(api, citizen, application)
    path = f"/v1/applications/{application}/certificate/page"
    page = await api.call("GET", path, "citizen", subject=citizen)
    text = page.body.decode()
    assert page.headers["Content-Type"].startswith("text/html")
    assert "&lt;b&gt;張三&lt;/b&gt;" in text
    assert "<script" not in text
    assert "金额" not in text
    assert certificate["certificate_id"] in text
    (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_look_of_others_is_found_by_the_applicant(api: Api, language: str) -> None:
    citizen, application = await paid(api, id_number())
    await certified(api, citizen, application)
    path = f"/v1/applications/{application}/certificate"
    who: dict[str, Any] = {"subject": "official-fund-1", "department": "housing-fund"}
    for page in (path, f"{path}/page"):
        unsaid = await api.call("GET", page, "official", **who)
        assert unsaid.is_problem(422, "purpose-needed")
        said = await api.call("GET", f"{page}?purpose=support", "official", **who)
        assert said.status == 200, said.body
    rows = await accesses(api, citizen, language, "official-fund-1")
    assert [(row["what"], row["purpose"]) for row in rows] == [("certificate", "support")] * 2
    assert is_said(language, rows[0]["what_text"], "certificate")
    other = await api.call("GET", path, "citizen", subject=await registered(api))
    assert other.is_problem(403, "not-your-application")


async def test_what_has_no_result_is_not_certified(api: Api) -> None:
    citizen = await identified(api, id_number(7))
    application = await applied(api, citizen)
    await until(api, application, "refused")
    refused = await command(api, application, "certificate", "citizen", subject=citizen)
    assert refused.is_problem(409, "no-result")
    path = f"/v1/applications/{application}/certificate"
    missing = await api.call("GET", path, "citizen", subject=citizen)
    assert missing.is_problem(404, "no-such-certificate")
    for wanted in (f"certificate-{'0' * 32}-1", "certificate-1"):
        asked = await api.call("GET", f"/v1/certificates/{wanted}")
        assert asked.is_problem(404, "no-such-certificate")


def test_a_key_of_its_own_signs_and_former_keys_stay_published(
    settings: Settings, tmp_path: Path
) -> None:
    before = open_certificates(settings)
    former = tmp_path / "former.json"
    former.write_bytes(orjson.dumps({"keys": before.public_keys()}))
    settings.certificate_key_file = tmp_path / "certificates.pem"
    settings.certificate_former_keys_file = former
    make_key_once(settings.certificate_key_file)
    after = open_certificates(settings)
    assert [key["kid"] for key in after.public_keys()] == [after.key_id, before.key_id]
    assert after.key_id != before.key_id == thumbprint(before.public_keys()[0])


async def test_a_key_that_did_not_sign_here_before_is_found_at_start(
    store: EventStore, settings: Settings, tmp_path: Path
) -> None:
    before = open_certificates(settings)
    for _ in range(2):
        await before.fit(store.pool)
    settings.certificate_key_file = tmp_path / "certificates.pem"
    make_key_once(settings.certificate_key_file)
    with pytest.raises(CertificateKeyWrong, match=before.key_id):
        await open_certificates(settings).fit(store.pool)
    settings.certificate_former_keys_file = former = tmp_path / "former.json"
    (public,) = before.public_keys()
    for listed in (public, {"kid": before.key_id, "withdrawn": True}):
        former.write_bytes(orjson.dumps({"keys": [listed]}))
        after = open_certificates(settings)
        await after.fit(store.pool)
    assert [key["kid"] for key in after.public_keys()] == [after.key_id]
    with pytest.raises(CertificateKeyWrong, match=after.key_id):
        await before.fit(store.pool)


def test_production_without_a_key_issues_none(settings: Settings) -> None:
    settings.mode = "production"
    certificates = open_certificates(settings)
    assert certificates.public_keys() == []
    with pytest.raises(CertificatesNotSetUp):
        certificates.sign({})
