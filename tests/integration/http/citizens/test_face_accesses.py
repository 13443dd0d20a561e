"""What an official or a kiosk does with a face leaves an access in the person's words."""

import pytest

from tests.given.accesses import accesses
from tests.given.api import Api
from tests.given.faces import agreed


@pytest.fixture
def with_faces() -> bool:
    return True


async def test_a_challenge_that_somebody_else_asks_for_is_an_access(api: Api) -> None:
    citizen = await agreed(api)
    for role, subject in (("citizen", citizen), ("official", "official-1")):
        answer = await api.call(
            "POST",
            f"/v1/citizens/{citizen}/face/challenges",
            role,
            subject=subject,
            json={"purpose": "enrol"},
        )
        assert answer.status == 201, answer.body
    (row, *_) = await accesses(api, citizen)
    assert (row["who"], row["what"], row["purpose"]) == ("official-1", "face-state", "enrol")
    assert row["purpose_text"] == "To enrol your face"
