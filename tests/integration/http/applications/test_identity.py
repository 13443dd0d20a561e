"""Each item says how surely it must be known who applies; less than that is not enough."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from citybrain.domain.applications.statuses import Status
from citybrain.settings import Settings
from tests.given.api import Answer, Api
from tests.given.applying import REPAYMENT, applied, applying, registered, state, submit, until
from tests.given.outbox import newest_code

SHIPPED = Path("src/citybrain/definitions/city/service/social-security-query-2026-11-30.yaml")
QUERY = "social-security-query"
PHONE, PASSCODE = "+86 371 5555 0123", "271828"
"""A passcode that is in no number of theirs."""


@pytest.fixture
async def api(settings: Settings, tmp_path: Path) -> AsyncIterator[Api]:
    """A city whose query asks for little; what pays asks for what is usual."""
    folder = tmp_path / "city" / "service"
    folder.mkdir(parents=True)
    text = SHIPPED.read_text().replace("\nsource:", "\nidentity_level: low\nsource:", 1)
    (folder / SHIPPED.name).write_text(text)

    def change(settings: Settings) -> None:
        settings.definitions_dir = folder.parent

    async with applying(settings, change) as (opened, _):
        yield opened


async def prove(
    api: Api, citizen: str, service: str, role: str = "citizen", **known: str
) -> Answer:
    subject = citizen if role == "citizen" else "kiosk-1"
    base = f"/v1/citizens/{citizen}/identity"
    sent = await api.call("POST", f"{base}/codes", role, subject=subject, json={"purpose": service})
    assert sent.status == 201, sent.body
    body = {"code_id": sent.json["code_id"], "code": newest_code(api)}
    answer = await api.call(
        "POST", f"{base}/proof", role, subject=subject, json={"purpose": service, **body, **known}
    )
    assert answer.status == 200, answer.body
    return answer


async def with_passcode(api: Api) -> tuple[str, str]:
    """A citizen with a phone and a passcode, and the end of their number."""
    citizen = await registered(api, phone=PHONE)
    for path, role, body in (
        ("identity/confirmation", "clerk", {"purpose": "record-change", "document": "passport"}),
        ("passcode", "citizen", {"passcode": PASSCODE}),
    ):
        answer = await api.call(
            "POST",
            f"/v1/citizens/{citizen}/{path}",
            role,
            subject=citizen if role == "citizen" else "",
            json=body,
        )
        assert answer.status == 200, answer.body
    record = await api.call("GET", f"/v1/citizens/{citizen}/record", "citizen", subject=citizen)
    return citizen, record.json["id_number"][-6:]


async def test_what_pays_wants_more_than_a_phone_and_a_number(api: Api) -> None:
    citizen, ending = await with_passcode(api)
    weak = await prove(api, citizen, REPAYMENT, document_ending=ending)
    assert weak.json["level"] == "low"
    application = await applied(api, citizen)
    await prove(api, citizen, REPAYMENT, document_ending=ending)
    assert (await state(api, application)).status == Status.SUBMITTED
    sure = await prove(api, citizen, REPAYMENT, passcode=PASSCODE)
    assert sure.json["level"] == "substantial"
    assert (await until(api, application)).status == Status.PAID
    events = await api.runtime.store.read(application)
    (known,) = [e.data for e in events if e.topic == "application.identity_verified"]
    assert (known["method"], known["level"]) == ("phone-and-passcode", "substantial")


async def test_an_item_that_says_so_takes_less(api: Api) -> None:
    citizen, ending = await with_passcode(api)
    await prove(api, citizen, QUERY, document_ending=ending)
    application = await applied(api, citizen, QUERY)
    found = await until(api, application, "approved", "refused", "referred")
    events = await api.runtime.store.read(application)
    (known,) = [e.data for e in events if e.topic == "application.identity_verified"]
    assert (known["level"], found.status) == ("low", Status.APPROVED)


async def test_a_kiosk_is_told_how_surely_somebody_must_be_known(api: Api) -> None:
    citizen, ending = await with_passcode(api)
    application = await applied(api, citizen)
    await prove(api, citizen, REPAYMENT, "kiosk", document_ending=ending)
    path = f"/v1/applications/{application}/takeover"
    body = {"channel": "kiosk"}
    weak = await api.call("POST", path, "kiosk", subject="kiosk-1", json=body)
    assert weak.is_problem(409, "identity-needed")
    assert weak.json["level"] == "substantial"
    await prove(api, citizen, REPAYMENT, "kiosk", passcode=PASSCODE)
    taken = await api.call("POST", path, "kiosk", subject="kiosk-1", json=body)
    assert taken.status == 200, taken.body


async def test_the_catalogue_says_what_each_item_accepts(api: Api) -> None:
    for code, level in ((REPAYMENT, "substantial"), (QUERY, "low")):
        shown = await api.call("GET", f"/v1/services/{code}")
        assert shown.json["item"]["identity_level"] == level


async def test_for_the_dead_nobody_applies(api: Api) -> None:
    citizen, _ = await with_passcode(api)
    asked = await api.call(
        "POST",
        f"/v1/citizens/{citizen}/corrections",
        "clerk",
        json={"what": "death", "died_on": "2026-01-01", "grounds": "a certificate"},
    )
    waiting = await applied(api, citizen)
    settled = await api.call(
        "POST",
        f"/v1/citizens/{citizen}/corrections/settlement",
        "supervisor",
        json={"correction_id": asked.json["correction_id"], "outcome": "confirmed"},
    )
    assert settled.status == 200, settled.body
    late = await submit(api, citizen)
    assert late.is_problem(409, "person-deceased")
    at_a_counter: dict[str, Any] = {"service": QUERY, "channel": "counter", "simulated": True}
    for path in ("/v1/applications", "/v1/drafts"):  # who did not identify them learns nothing
        told = await api.call("POST", path, "clerk", json=at_a_counter | {"citizen_id": citizen})
        assert told.is_problem(403, "not-identified-here"), told.body
    assert (await until(api, waiting, "expired")).status == Status.EXPIRED


async def test_a_kiosk_goes_on_with_a_draft_only_before_whom_it_is_of(api: Api) -> None:
    citizen, ending = await with_passcode(api)
    await prove(api, citizen, QUERY, "kiosk", document_ending=ending)
    kiosk: dict[str, Any] = {"subject": "kiosk-1"}
    body = {"service": QUERY, "channel": "kiosk", "citizen_id": citizen, "simulated": True}
    begun = await api.call("POST", "/v1/drafts", "kiosk", json=body, **kiosk)
    path = f"/v1/drafts/{begun.json['draft_id']}"
    assert (await api.call("GET", path, "kiosk", **kiosk)).status == 200
    clock = api.runtime.services.clock
    api.runtime.services.clock = lambda: clock() + timedelta(hours=20)
    read = await api.call("GET", path, "kiosk", **kiosk)
    assert read.is_problem(409, "identity-needed")
    sent: dict[str, Any] = {"content": {"form": {}}, "submission": {}, "discarding": {}}
    for what, said in sent.items():
        late = await api.call("POST", f"{path}/{what}", "kiosk", json=said, **kiosk)
        assert late.is_problem(409, "identity-needed")
    api.runtime.services.clock = clock
    submitted = await api.call("POST", f"{path}/submission", "kiosk", json={}, **kiosk)
    assert submitted.json["status"] == "submitted", submitted.body


async def test_a_kiosk_opens_what_is_sealed_only_before_whom_it_is_of(api: Api) -> None:
    citizen, ending = await with_passcode(api)
    kiosk: dict[str, Any] = {"role": "kiosk", "subject": "kiosk-1"}
    application = await applied(api, citizen, QUERY, channel="kiosk", **kiosk)
    base = f"/v1/applications/{application}"
    paths = (f"{base}/messages?purpose=support", f"{base}/documents")
    for path in paths:
        early = await api.call("GET", path, **kiosk)
        assert early.is_problem(409, "identity-needed")
    await prove(api, citizen, QUERY, "kiosk", document_ending=ending)
    for path in paths:
        assert (await api.call("GET", path, **kiosk)).status == 200
