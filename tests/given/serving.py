"""At a counter over HTTP: a clerk identifies somebody, another approves what the first will do."""

from tests.given.api import Api

FACE, RECORD = "face-recognition", "record-change"


async def before(api: Api, clerk: str, *citizens: str, purpose: str = FACE) -> None:
    """They stand before the clerk, who looks at their documents."""
    for citizen in citizens:
        answer = await api.call(
            "POST",
            f"/v1/citizens/{citizen}/identity/confirmation",
            "clerk",
            subject=clerk,
            json={"purpose": purpose, "document": "identity-card"},
        )
        assert answer.status == 200, answer.body


async def approved(api: Api, citizen: str, clerk: str, by: str = "supervisor-1") -> None:
    """A second person lets the clerk enrol their face."""
    role = by.partition("-")[0]
    path = f"/v1/citizens/{citizen}/face/enrolment/approval"
    answer = await api.call("POST", path, role, subject=by, json={"clerk": clerk})
    assert answer.status == 200, answer.body
