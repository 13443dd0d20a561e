"""Identified online without a face: a code on the phone, and what one knows."""

import asyncio
from typing import Any

import orjson
import pytest

from citybrain.domain.citizens.proving import PROOFS_ALLOWED
from tests.given.api import Answer, Api
from tests.given.applying import REPAYMENT
from tests.given.faces import events, registered
from tests.given.outbox import newest_code

NUMBER = "410102199005011231"
PASSCODE = "271828"


@pytest.fixture
def with_workers() -> bool:
    return False


async def post(
    api: Api, citizen: str, what: str, role: str = "citizen", subject: str = "", **body: Any
) -> Answer:
    subject = subject or (citizen if role == "citizen" else "")
    path = f"/v1/citizens/{citizen}/{what}"
    return await api.call("POST", path, role, subject=subject, json=body)


async def code_for(api: Api, citizen: str, purpose: str = REPAYMENT) -> dict[str, str]:
    """A code that came to the phone, and its id."""
    sent = await post(api, citizen, "identity/codes", purpose=purpose)
    assert sent.status == 201, sent.body
    return {"code_id": sent.json["code_id"], "code": newest_code(api)}


async def prove(api: Api, citizen: str, purpose: str = REPAYMENT, **known: Any) -> Answer:
    code = await code_for(api, citizen, purpose)
    return await post(api, citizen, "identity/proof", purpose=purpose, **code, **known)


async def with_passcode(api: Api) -> str:
    citizen = await registered(api, id_number=NUMBER)
    seen = await post(
        api,
        citizen,
        "identity/confirmation",
        "clerk",
        purpose="record-change",
        document="identity-card",
    )
    assert seen.status == 200, seen.body
    chosen = await post(api, citizen, "passcode", passcode=PASSCODE)
    assert chosen.status == 200, chosen.body
    return citizen


async def test_phone_and_document_are_a_low_and_phone_and_passcode_a_substantial_proof(
    api: Api,
) -> None:
    citizen = await with_passcode(api)
    low = await prove(api, citizen, document_ending="01123 1")
    substantial = await prove(api, citizen, passcode=PASSCODE)
    assert (low.status, low.json["level"]) == (200, "low")
    assert (substantial.json["level"], substantial.json["purpose"]) == ("substantial", REPAYMENT)
    said = [event["data"] for event in (await events(api, citizen))[-2:]]
    assert [each["method"] for each in said] == ["phone-and-document", "phone-and-passcode"]
    assert [each["level"] for each in said] == ["low", "substantial"]
    stored = orjson.dumps(await events(api, citizen))
    assert PASSCODE.encode() not in stored
    assert NUMBER.encode() not in stored


async def test_a_kiosk_takes_a_proof_for_who_stands_there(api: Api) -> None:
    citizen = await with_passcode(api)
    sent = await post(api, citizen, "identity/codes", "kiosk", purpose=REPAYMENT)
    code = newest_code(api)
    proof = await post(
        api,
        citizen,
        "identity/proof",
        "kiosk",
        purpose=REPAYMENT,
        code_id=sent.json["code_id"],
        code=code,
        passcode=PASSCODE,
    )
    assert proof.status == 200


async def test_a_code_counts_once_whatever_was_known(api: Api) -> None:
    citizen = await with_passcode(api)
    code = await code_for(api, citizen)
    right: dict[str, Any] = {"purpose": REPAYMENT, **code, "passcode": PASSCODE}
    wrong = await post(api, citizen, "identity/proof", **right | {"passcode": "000000"})
    assert wrong.is_problem(409, "identity-not-proven")
    again = await post(api, citizen, "identity/proof", **right)
    assert again.is_problem(409, "code-not-valid")
    code = await code_for(api, citizen)
    right |= code
    for other in (
        {"purpose": "living-allowance"},
        {"code": f"{(int(code['code']) + 1) % 10**6:06}"},
    ):
        refused = await post(api, citizen, "identity/proof", **right | other)
        assert refused.is_problem(409, "code-not-valid")
    answers = await asyncio.gather(
        *(post(api, citizen, "identity/proof", **right) for _ in range(4))
    )
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]


async def test_only_who_has_the_phone_uses_up_what_may_be_wrong(api: Api) -> None:
    citizen, stranger = await with_passcode(api), await registered(api)
    code = await code_for(api, citizen)
    for role, subject in (("kiosk", "kiosk-9"), ("citizen", citizen)):
        guess = {"purpose": REPAYMENT, "code_id": code["code_id"], "passcode": "000000"}
        for _ in range(2):
            await post(api, citizen, "identity/proof", role, subject, **guess, code="000000")
    other = await post(
        api,
        citizen,
        "identity/proof",
        "citizen",
        stranger,
        purpose=REPAYMENT,
        **code,
        passcode="1" * 6,
    )
    assert other.is_problem(403, "not-your-own")
    kinds = [event["topic"] for event in await events(api, citizen)]
    assert "citizen.proof_failed" not in kinds
    proof = await post(api, citizen, "identity/proof", purpose=REPAYMENT, **code, passcode=PASSCODE)
    assert proof.status == 200


async def test_what_is_known_is_guessed_a_few_times_only(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.citizens.identity.CODES_OF_ONE", 100)
    citizen = await with_passcode(api)
    for guess in range(PROOFS_ALLOWED):
        wrong = await prove(api, citizen, passcode=f"00000{guess}")
        assert wrong.is_problem(409, "identity-not-proven")
    for known in ({"passcode": PASSCODE}, {"document_ending": "011231"}):
        late = await prove(api, citizen, **known)
        assert late.is_problem(429, "too-many-proofs")
        assert int(late.headers["Retry-After"]) > 80_000


async def test_neither_or_both_are_no_proof(api: Api) -> None:
    citizen = await with_passcode(api)
    for known in ({}, {"passcode": PASSCODE, "document_ending": "011231"}):
        answer = await prove(api, citizen, **known)
        assert answer.is_problem(422, "proof-incomplete")


async def test_a_passcode_takes_an_identification_and_is_not_guessable(api: Api) -> None:
    citizen = await registered(api, id_number=NUMBER)
    first = await post(api, citizen, "passcode", passcode=PASSCODE)
    assert first.is_problem(409, "identification-needed")
    assert first.json["level"] == "substantial"
    assert (await prove(api, citizen, "record-change", document_ending="011231")).status == 200
    weak = await post(api, citizen, "passcode", passcode=PASSCODE)
    assert weak.is_problem(409, "identification-needed")
    await post(
        api, citizen, "identity/confirmation", "clerk", purpose="record-change", document="passport"
    )
    guessable = await post(api, citizen, "passcode", passcode="900501")
    assert guessable.is_problem(422, "passcode-guessable")
    none = await prove(api, citizen, passcode=PASSCODE)
    assert none.is_problem(409, "passcode-missing")


async def test_a_passcode_is_no_part_of_any_registered_documents_number(api: Api) -> None:
    citizen = await with_passcode(api)
    added = await post(
        api, citizen, "documents", "clerk", document="passport", number="E31415926", country="CHN"
    )
    assert added.status == 200, added.body
    guessable = await post(api, citizen, "passcode", passcode="314159")
    assert guessable.is_problem(422, "passcode-guessable")


async def test_whether_a_passcode_is_a_birthday_is_told_to_who_identified_its_person(
    api: Api,
) -> None:
    citizen = await registered(api, id_number=NUMBER)
    for passcode in ("900501", PASSCODE):
        answer = await post(api, citizen, "passcode", "clerk", passcode=passcode)
        assert answer.is_problem(409, "identification-needed")


async def test_one_key_is_one_proof(api: Api) -> None:
    citizen = await with_passcode(api)
    code = await code_for(api, citizen)
    answers = [
        await api.call(
            "POST",
            f"/v1/citizens/{citizen}/identity/proof",
            "citizen",
            subject=citizen,
            headers={"Idempotency-Key": "k"},
            json={"purpose": REPAYMENT, **code, "passcode": PASSCODE},
        )
        for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body
    assert answers[1].headers["Idempotency-Replayed"] == "true"
