"""People over HTTP without a face: registered, found, agreed, known by a code or at a counter."""

import asyncio
from datetime import date
from typing import Any

import orjson
import pytest

from citybrain.errors import Unavailable
from tests.given.agreements import NOTICE
from tests.given.api import Answer, Api
from tests.given.faces import events, registered
from tests.given.failing import Broken, Switch
from tests.given.outbox import messages, newest_code
from tests.given.serving import before


async def test_a_citizen_is_found_by_number_and_registered_once(api: Api) -> None:
    citizen = await registered(api, id_number="410102199005011231")

    again = await api.call(
        "POST",
        "/v1/citizens",
        "clerk",
        json={"name": "x", "id_number": "410102199005011231", "birth_date": "1990-05-01"},
    )
    found = await api.call(
        "POST", "/v1/citizens/search", "clerk", json={"id_number": "410102199005011231"}
    )
    nobody = await api.call(
        "POST", "/v1/citizens/search", "clerk", json={"id_number": "410102199005019997"}
    )

    assert again.is_problem(409, "already-registered")
    assert found.json == {"citizen_id": citizen}
    assert nobody.is_problem(404, "citizen-not-found")


async def test_two_counters_register_one_person_once(api: Api) -> None:
    body = {"name": "x", "id_number": "410102199005011231", "birth_date": "1990-05-01"}
    answers = await asyncio.gather(
        *(api.call("POST", "/v1/citizens", "clerk", json=body) for _ in range(8))
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


async def test_a_registration_that_crashed_half_way_is_taken_up_again(api: Api) -> None:
    vault = api.runtime.services.vault
    claimed = "citizen-" + "9" * 32
    await vault.create_key(claimed)
    await vault.index(claimed, "id-number", "410102199005011231")
    assert await registered(api, id_number="410102199005011231") == claimed


def born(years_ago: int) -> str:
    """The birth date of somebody of that age, and of some months more."""
    today = date.today()
    return f"{today.year - years_ago - 1}-{today.month:02}-15"


async def test_a_child_needs_a_guardian_at_a_counter(api: Api) -> None:
    child = await registered(api, birth_date=born(6))
    guardian = await registered(api)
    path = f"/v1/citizens/{child}/face/consent"
    body = {"notice_sha256": NOTICE}

    alone = await api.call("POST", path, "citizen", subject=child, json=body)
    await before(api, "clerk-1", child)
    for impossible in (child, "citizen-" + "0" * 32, await registered(api, birth_date=born(14))):
        refused = await api.call("POST", path, "clerk", json=body | {"guardian": impossible})
        assert refused.is_problem(409, "not-a-guardian")
    absent = await api.call("POST", path, "clerk", json=body | {"guardian": guardian})
    assert absent.is_problem(403, "not-identified-here")
    await before(api, "clerk-1", guardian)
    with_guardian = await api.call("POST", path, "clerk", json=body | {"guardian": guardian})

    assert alone.is_problem(409, "guardian-required")
    assert with_guardian.json["face_consent"]


async def test_nobody_learns_about_others_by_naming_them(api: Api) -> None:
    child, adult = await registered(api, birth_date=born(11)), await registered(api)
    me = await registered(api)
    body = {"notice_sha256": NOTICE}
    for whose, guardian in ((child, adult), (child, child), (me, child), (me, adult)):
        answer = await api.call(
            "POST",
            f"/v1/citizens/{whose}/face/consent",
            "citizen",
            subject=me,
            json=body | {"guardian": guardian},
        )
        assert answer.is_problem(403, "not-your-own")
    nobody = "citizen-" + "e" * 32
    for whose in (child, nobody):
        shown = await api.call("GET", f"/v1/citizens/{whose}", "citizen", subject=me)
        assert shown.is_problem(403, "not-your-own")


async def test_a_one_time_code_and_an_officer_do_without_a_face(api: Api) -> None:
    citizen = await registered(api)
    base = f"/v1/citizens/{citizen}/identity"
    sent = await api.call(
        "POST",
        f"{base}/codes",
        "citizen",
        subject=citizen,
        json={"purpose": "housing-fund-repayment"},
    )
    assert sent.status == 201
    code = newest_code(api)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    body = {
        "purpose": "housing-fund-repayment",
        "document": "identity-card",
        "code_id": sent.json["code_id"],
    }

    async def confirm(role: str = "clerk", **fields: str) -> Answer:
        return await api.call("POST", f"{base}/confirmation", role, json=body | fields)

    assert (await confirm(code=wrong)).is_problem(409, "code-not-valid")
    elsewhere = await confirm(code=code, purpose="social-security-query")
    assert elsewhere.is_problem(409, "code-not-valid")
    assert (await confirm("kiosk", code=code)).status == 403
    assert (await confirm(code=code)).status == 200
    assert (await confirm(code=code)).is_problem(409, "code-not-valid")
    data = (await events(api, citizen))[-1]["data"]
    assert (data["method"], data["document"]) == ("one-time-code", "identity-card")
    assert code not in orjson.dumps(await events(api, citizen)).decode()


async def test_a_code_is_guessed_a_few_times_only(api: Api) -> None:
    citizen = await registered(api)
    base = f"/v1/citizens/{citizen}/identity"
    sent = await api.call(
        "POST", f"{base}/codes", "clerk", json={"purpose": "housing-fund-repayment"}
    )
    code = newest_code(api)
    body = {
        "purpose": "housing-fund-repayment",
        "document": "passport",
        "code_id": sent.json["code_id"],
    }
    for guess in range(6):
        told = f"{(int(code) + 1 + guess) % 1_000_000:06}"
        await api.call("POST", f"{base}/confirmation", "clerk", json=body | {"code": told})
    late = await api.call("POST", f"{base}/confirmation", "clerk", json=body | {"code": code})
    assert late.is_problem(409, "code-not-valid")

    asked = [
        api.call("POST", f"{base}/codes", "clerk", json={"purpose": "housing-fund-repayment"})
        for _ in range(12)
    ]
    statuses = [answer.status for answer in await asyncio.gather(*asked)]
    assert sorted(statuses) == [201] * 4 + [429] * 8
    more = await api.call(
        "POST", f"{base}/codes", "clerk", json={"purpose": "housing-fund-repayment"}
    )
    assert more.is_problem(429, "too-many-codes")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unavailable("the provider is away"), 503, "unavailable"),
        (ConnectionRefusedError(), 503, "code-not-sent"),
        (ValueError("no number: 138 0000 0000"), 409, "phone-not-reachable"),
    ],
    ids=["passing", "away", "lasting"],
)
async def test_a_code_that_cannot_be_sent_is_told_and_asked_for_again(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    citizen, services = await registered(api), api.runtime.services
    path, switch = f"/v1/citizens/{citizen}/identity/codes", Switch(on=True)
    asked: dict[str, Any] = {
        "json": {"purpose": "housing-fund-repayment"},
        "headers": {"Idempotency-Key": "one"},
    }
    broken = Broken(services.notifier, switch, lambda: error)
    monkeypatch.setattr(services, "notifier", broken)
    refused = await api.call("POST", path, "clerk", **asked)
    assert refused.is_problem(status, code)
    assert b"138" not in refused.body
    switch.on = False
    assert (await api.call("POST", path, "clerk", **asked)).status == 201


async def test_a_counter_needs_neither_face_nor_phone(api: Api) -> None:
    citizen = await registered(api, phone=None)
    base = f"/v1/citizens/{citizen}/identity"
    no_phone = await api.call(
        "POST", f"{base}/codes", "clerk", json={"purpose": "housing-fund-repayment"}
    )
    counter = await api.call(
        "POST",
        f"{base}/confirmation",
        "clerk",
        json={"purpose": "housing-fund-repayment", "document": "household-register"},
    )
    assert no_phone.is_problem(409, "no-phone-registered")
    half = await api.call(
        "POST",
        f"{base}/confirmation",
        "clerk",
        json={"purpose": "housing-fund-repayment", "document": "passport", "code": "123456"},
    )
    assert half.is_problem(422, "code-incomplete")
    assert counter.status == 200
    assert (await events(api, citizen))[-1]["data"]["method"] == "counter"


async def test_one_key_sends_one_code(api: Api) -> None:
    citizen, other = await registered(api), await registered(api)

    async def send(
        whose: str, key: str, purpose: str = "housing-fund-repayment", subject: str = ""
    ) -> Answer:
        return await api.call(
            "POST",
            f"/v1/citizens/{whose}/identity/codes",
            "clerk",
            subject=subject,
            headers={"Idempotency-Key": key},
            json={"purpose": purpose},
        )

    answers = await asyncio.gather(*(send(citizen, "one") for _ in range(4)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert len(messages(api)) == 1
    for reused in (await send(other, "one"), await send(citizen, "one", "living-allowance")):
        assert reused.is_problem(422, "idempotency-key-reused")
    assert (await send(citizen, "two")).json["code_id"] != answers[0].json["code_id"]
    of_somebody_else = await send(citizen, "one", subject="official-2")
    assert of_somebody_else.json["code_id"] != answers[0].json["code_id"]
    assert len(messages(api)) == 3


async def test_a_code_that_could_not_be_sent_is_sent_with_the_same_key(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen, notifier = await registered(api), api.runtime.services.notifier

    async def away(*_: object) -> None:
        raise Unavailable("the messages' provider is away")

    async def send() -> Answer:
        return await api.call(
            "POST",
            f"/v1/citizens/{citizen}/identity/codes",
            "clerk",
            headers={"Idempotency-Key": "k"},
            json={"purpose": "housing-fund-repayment"},
        )

    with monkeypatch.context() as patched:
        patched.setattr(notifier, "send", away)
        assert (await send()).status == 503
    assert (await send()).status == 201
    assert len(messages(api)) == 1
