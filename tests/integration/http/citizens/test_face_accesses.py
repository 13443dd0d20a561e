"""What an official or a kiosk does with a face leaves an access in the person's words."""

import pytest

from tests.given.accesses import accesses
from tests.given.agreements import NOTICE
from tests.given.api import Api
from tests.given.faces import agreed, answered, registered
from tests.given.people import ANNA, in_base64, jpeg
from tests.given.serving import approved, before


@pytest.fixture
def with_faces() -> bool:
    return True


async def test_a_challenge_that_somebody_else_asks_for_is_an_access(api: Api) -> None:
    citizen = await agreed(api)
    await before(api, "clerk-1", citizen)
    await approved(api, citizen, "clerk-1")
    for role, subject in (("citizen", citizen), ("clerk", "clerk-1")):
        answer = await api.call(
            "POST",
            f"/v1/citizens/{citizen}/face/challenges",
            role,
            subject=subject,
            json={"purpose": "enrol"},
        )
        assert answer.status == 201, answer.body
    (row, *_) = await accesses(api, citizen)
    assert (row["who"], row["what"], row["purpose"]) == ("clerk-1", "face-state", "enrol")
    assert row["purpose_text"] == "To enrol your face"


async def test_what_a_clerk_and_a_kiosk_do_with_her_face_is_in_her_words(api: Api) -> None:
    citizen = await registered(api)
    await before(api, "clerk-1", citizen)
    path = f"/v1/citizens/{citizen}/face"
    agreed = await api.call("POST", f"{path}/consent", "clerk", json={"notice_sha256": NOTICE})
    assert agreed.status == 200, agreed.body
    await approved(api, citizen, "clerk-1")
    asked = await api.call("POST", f"{path}/challenges", "clerk", json={"purpose": "enrol"})
    body = answered(asked.json, ANNA)
    enrolment = await api.call("POST", f"{path}/enrolment", "clerk", json=body)
    assert enrolment.status == 200, enrolment.body
    found = await api.call(
        "POST", "/v1/faces/identification", "kiosk", json={"frame": in_base64(jpeg(ANNA))}
    )
    assert found.json["candidates"] == [citizen]
    rows = await accesses(api, citizen)
    assert [(row["role"], row["what"], row["purpose"]) for row in rows] == [
        ("kiosk", "face-searched", "identification"),
        ("clerk", "face-enrolled", "enrol"),
        ("clerk", "face-state", "enrol"),
        ("supervisor", "face-enrolment-approved", "enrol"),
        ("clerk", "face-consent", "face-recognition"),
        ("clerk", "document-seen", "face-recognition"),
        ("clerk", "registered", "counter-service"),
    ]
    said = [row["what_text"] for row in await accesses(api, citizen, "zh")]
    assert said[:2] == ["在已录入的人脸中检索您", "录入您的人脸"]
