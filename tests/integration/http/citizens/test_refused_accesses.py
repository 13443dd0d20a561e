"""What a refusal tells of somebody leaves an access, and what tells nothing leaves none."""

from typing import Any
from uuid import uuid4

import pytest

from tests.given.accesses import accesses, is_said
from tests.given.api import Answer, Api
from tests.given.applying import REPAYMENT
from tests.given.faces import registered
from tests.given.serving import before

KIOSK, CLERK = "kiosk-1", "clerk-9"
CODE = {"code_id": str(uuid4()), "code": "123456"}
PURPOSE = {"purpose": REPAYMENT}
PROOF = ("identity/proof", PURPOSE | CODE | {"passcode": "271828"})
CONFIRMATION = ("identity/confirmation", PURPOSE | {"document": "passport"})
CHALLENGE = ("face/challenges", PURPOSE)
VERIFICATION = (
    "face/verification",
    PURPOSE | {"challenge_id": str(uuid4()), "nonce": "n", "frames": ["AAAA"]},
)
DEATH = ("corrections", {"what": "death", "grounds": "seen", "died_on": "1980-01-01"})
NO_DEATH = ("corrections", {"what": "no-death", "grounds": "seen"})
STATES = ("identification-state", "face-state", "record-state", "phone")


@pytest.fixture
def with_faces() -> bool:
    return True


async def post(
    api: Api, citizen: str, role: str, subject: str, step: str, body: dict[str, Any]
) -> Answer:
    path = f"/v1/citizens/{citizen}/{step}"
    return await api.call("POST", path, role, subject=subject, json=body)


async def dead(api: Api) -> str:
    """Somebody whose death was noted, by two."""
    citizen = await registered(api)
    body = {"what": "death", "grounds": "seen", "died_on": "2026-01-01"}
    proposed = await post(api, citizen, "clerk", "clerk-1", "corrections", body)
    settled = await post(
        api,
        citizen,
        "clerk",
        "clerk-2",
        "corrections/settlement",
        {"correction_id": proposed.json["correction_id"], "outcome": "confirmed"},
    )
    assert settled.status == 200, settled.body
    return citizen


@pytest.mark.parametrize(
    ("alive", "role", "asked", "code", "what"),
    [
        (True, "kiosk", PROOF, "passcode-missing", "identification-state"),
        (False, "kiosk", PROOF, "person-deceased", "identification-state"),
        (False, "clerk", CONFIRMATION, "person-deceased", "identification-state"),
        (True, "kiosk", CHALLENGE, "face-consent-missing", "face-state"),
        (False, "clerk", CHALLENGE, "person-deceased", "face-state"),
        (True, "kiosk", VERIFICATION, "face-consent-missing", "face-state"),
        (True, "clerk", DEATH, "death-date-impossible", "record-state"),
        (True, "clerk", NO_DEATH, "nothing-to-correct", "record-state"),
    ],
)
async def test_what_a_refusal_tells_of_somebody_is_an_access(
    api: Api, alive: bool, role: str, asked: tuple[str, dict[str, Any]], code: str, what: str
) -> None:
    citizen = await (registered(api) if alive else dead(api))
    who = KIOSK if role == "kiosk" else CLERK
    answer = await post(api, citizen, role, who, *asked)
    assert answer.json["code"] == code
    for language in ("en", "zh"):
        (row,) = await accesses(api, citizen, language, who)
        assert (row["who"], row["what"], row["role"]) == (who, what, role)
        assert is_said(language, row["what_text"], what)


async def test_what_tells_nothing_of_somebody_leaves_no_access(api: Api) -> None:
    citizen, stranger = await registered(api), await registered(api)
    made_up = {"purpose": "call-8888-for-your-refund"}
    nobody = "citizen-" + "7" * 32
    for step, body in (("identity/codes", PURPOSE), PROOF, CHALLENGE, VERIFICATION):
        for whose in (citizen, nobody):
            answer = await post(api, whose, "citizen", stranger, step, body)
            assert answer.is_problem(403, "not-your-own"), step
        for role, who in (("kiosk", KIOSK), ("citizen", citizen)):
            refused = await post(api, citizen, role, who, step, body | made_up)
            assert refused.is_problem(422, "purpose-unknown"), step
    enrol = {"purpose": "enrol"}
    absent = await post(api, citizen, "clerk", CLERK, "face/challenges", enrol)
    assert absent.is_problem(403, "not-identified-here")
    at_a_kiosk = await post(api, citizen, "kiosk", KIOSK, "face/challenges", enrol)
    assert at_a_kiosk.is_problem(403, "not-your-own")
    assert [row["who"] for row in await accesses(api, citizen)] == ["clerk-1"]


async def test_what_is_done_is_told_once(api: Api) -> None:
    citizen = await registered(api)
    await before(api, CLERK, citizen, purpose=REPAYMENT)
    own = await post(api, citizen, "citizen", citizen, *PROOF)
    assert own.is_problem(409, "passcode-missing")
    rows = await accesses(api, citizen)
    assert [row["what"] for row in rows] == ["document-seen", "registered"]
