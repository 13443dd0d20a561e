"""At a counter over HTTP: who is absent is not served; a stranger uses nothing up; purposes."""

from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.citizens import Citizen
from tests.given.agreements import NOTICE
from tests.given.api import Answer, Api
from tests.given.applying import REPAYMENT, applied, command, submit
from tests.given.citizens import own, saved, use
from tests.given.faces import registered
from tests.given.outbox import messages
from tests.given.serving import before
from tests.given.waiting import holds

PURPOSE = {"purpose": REPAYMENT}


async def test_an_absent_adult_is_neither_enrolled_nor_agreed_for_nor_applied_for(api: Api) -> None:
    citizen = await registered(api)
    base = f"/v1/citizens/{citizen}"
    acts = {
        f"{base}/face/consent": {"notice_sha256": NOTICE},
        f"{base}/face/consent/withdrawal": {},
        f"{base}/face/revocation": {"reason": "error"},
        f"{base}/face/enrolment/approval": {"clerk": "clerk-2"},
        f"{base}/documents": {"document": "passport", "number": "E1234567", "country": "CHN"},
        "/v1/applications": {"service": REPAYMENT, "channel": "counter", "citizen_id": citizen},
    }
    head = await api.runtime.store.head()
    for path, body in acts.items():
        answer = await api.call("POST", path, "clerk", json=body)
        assert answer.is_problem(403, "not-identified-here"), path
    assert (await api.call("GET", base, "clerk")).is_problem(403, "not-identified-here")
    assert await api.runtime.store.head() == head


async def test_a_clerk_acts_on_an_application_of_who_stands_before_them_for_it(api: Api) -> None:
    citizen = await registered(api)
    application = await applied(api, citizen)
    await before(api, "clerk-1", citizen, purpose="living-allowance")
    counter = {"channel": "counter"}
    elsewhere = await command(api, application, "takeover", "clerk", counter)
    assert elsewhere.is_problem(403, "not-identified-here")
    await before(api, "clerk-1", citizen, purpose=REPAYMENT)
    taken = await command(api, application, "takeover", "clerk", counter)
    assert taken.status == 200, taken.body
    other = await command(api, application, "withdrawal", "clerk", subject="clerk-2")
    assert other.is_problem(403, "not-identified-here")
    path = f"/v1/applications/{application}?min_position={taken.headers['X-Position']}"
    assert (await api.call("GET", path, "clerk")).status == 200
    assert (await api.call("GET", path, "clerk", subject="clerk-2")).status == 403


async def test_what_is_done_with_a_face_at_a_counter_is_told_to_the_person(api: Api) -> None:
    citizen = await registered(api, phone="+86 371 5555 0177")
    await before(api, "clerk-1", citizen)
    body = {"notice_sha256": NOTICE}
    agreed = await api.call("POST", f"/v1/citizens/{citizen}/face/consent", "clerk", json=body)
    assert agreed.status == 200, agreed.body

    def told() -> bool:
        return any("face recognition" in text for _, text in messages(api))

    await holds(told)


@pytest.mark.parametrize("purpose", ["refund-waiting-call-8888", "fund", "audit"])
async def test_a_made_up_purpose_texts_nobody(api: Api, purpose: str) -> None:
    citizen = await registered(api)
    for role in ("kiosk", "clerk", "citizen"):
        answer = await api.call(
            "POST",
            f"/v1/citizens/{citizen}/identity/codes",
            role,
            subject=citizen if role == "citizen" else "",
            json={"purpose": purpose},
        )
        assert answer.is_problem(422, "purpose-unknown"), role
    confirmed = await api.call(
        "POST",
        f"/v1/citizens/{citizen}/identity/confirmation",
        "clerk",
        json={"purpose": purpose, "document": "passport"},
    )
    assert confirmed.is_problem(422, "purpose-unknown")


async def test_codes_that_strangers_ask_for_do_not_use_up_her_own(api: Api) -> None:
    citizen = await registered(api)
    path = f"/v1/citizens/{citizen}/identity/codes"

    async def ask(role: str, subject: str) -> int:
        return (await api.call("POST", path, role, subject=subject, json=PURPOSE)).status

    assert [await ask("kiosk", "kiosk-1") for _ in range(6)] == [201] * 5 + [429]
    assert [await ask("kiosk", f"kiosk-{n}") for n in (2, 3)] == [201] * 2
    more = [await ask("clerk", f"clerk-{n}") for n in range(9)]
    assert more == [201] * 8 + [429]  # her phone does not ring for ever
    assert [await ask("citizen", citizen) for _ in range(6)] == [201] * 5 + [429]


async def test_an_official_and_an_operator_do_nothing_for_citizens(api: Api) -> None:
    citizen = await registered(api)
    for role in ("official", "operator", "supervisor", "auditor"):
        answer = await submit(api, citizen, channel="counter", role=role)
        assert answer.is_problem(403, "role-missing")


@pytest.mark.parametrize("step", ["consent", "consent/withdrawal", "revocation", "approval"])
async def test_a_key_gets_its_answer_after_the_person_has_left_the_counter(
    api: Api, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    citizen = await registered(api)
    await before(api, "clerk-1", citizen)
    path, key = f"/v1/citizens/{citizen}/face", {"Idempotency-Key": step}

    async def send(step: str, body: dict[str, Any], key: dict[str, str] | None = None) -> Answer:
        return await api.call("POST", f"{path}/{step}", "clerk", json=body, headers=key)

    if step != "consent":
        assert (await send("consent", {"notice_sha256": NOTICE})).status == 200
    if step == "revocation":
        await with_a_template(api, citizen)
    which, body = {
        "consent": (step, {"notice_sha256": NOTICE}),
        "revocation": (step, {"reason": "error"}),
        "approval": ("enrolment/approval", {"clerk": "clerk-2"}),
    }.get(step, (step, {}))
    first = await send(which, body, key)
    assert first.status == 200, first.body
    later = api.runtime.services.clock() + timedelta(minutes=11)
    monkeypatch.setattr(api.runtime.services, "clock", lambda: later)
    again = await send(which, body, key)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await send(which, body)).is_problem(403, "not-identified-here")


async def with_a_template(api: Api, citizen_id: str) -> None:
    """A face is enrolled; which one, nobody looks at."""
    store, services = api.runtime.store, api.runtime.services
    citizen = await store.load(Citizen, citizen_id, fresh=True)
    citizen.enrol_face(own(citizen), services.clock(), template_id="t1", duplicates=[], **use())
    await saved(store, citizen)
