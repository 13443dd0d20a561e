"""What the tests of faces do over HTTP: register, agree, enrol, verify."""

from datetime import date
from typing import Any

from ops.simulators.applications.identity_numbers import identity_number
from tests.given.agreements import NOTICE
from tests.given.api import Answer, Api
from tests.given.numbers import next_number
from tests.given.people import frames


async def registered(api: Api, **fields: Any) -> str:
    """A new citizen's id."""
    born = date.fromisoformat(fields.get("birth_date", "1990-05-01"))
    body = {
        "name": "張三",
        "id_number": identity_number(born, next_number("citizen")),
        "birth_date": str(born),
        "phone": "+86 371 5555 0123",
        "simulated": True,
    } | fields
    answer = await api.call("POST", "/v1/citizens", "clerk", json=body)
    assert answer.status == 201, answer.body
    return str(answer.json["citizen_id"])


async def agreed(api: Api, **fields: Any) -> str:
    """A citizen who has agreed to face recognition."""
    citizen = await registered(api, **fields)
    answer = await api.call(
        "POST",
        f"/v1/citizens/{citizen}/face/consent",
        "citizen",
        subject=citizen,
        json={"notice_sha256": NOTICE},
    )
    assert answer.status == 200, answer.body
    return citizen


async def enrolled(api: Api, person: int, **fields: Any) -> str:
    """A citizen with the face of a made-up person."""
    citizen = await agreed(api, **fields)
    answer = await enrol(api, citizen, person)
    assert answer.status == 200, answer.body
    return citizen


async def challenge(
    api: Api, citizen: str, purpose: str, role: str = "kiosk", subject: str = "kiosk-1"
) -> Any:
    """A fresh challenge."""
    answer = await api.call(
        "POST",
        f"/v1/citizens/{citizen}/face/challenges",
        role,
        subject=subject,
        json={"purpose": purpose},
    )
    assert answer.status == 201, answer.body
    return answer.json


def answered(challenge: Any, person: int, **fields: Any) -> dict[str, Any]:
    """The body that answers a challenge as it should be."""
    return {
        "challenge_id": challenge["challenge_id"],
        "nonce": challenge["nonce"],
        "frames": frames(challenge["steps"], person),
    } | fields


async def enrol(api: Api, citizen: str, person: int, **fields: Any) -> Answer:
    """Enrol a face."""
    asked = await challenge(api, citizen, "enrol", "citizen", citizen)
    return await api.call(
        "POST",
        f"/v1/citizens/{citizen}/face/enrolment",
        "citizen",
        subject=citizen,
        json=answered(asked, person, **fields),
    )


async def verify(
    api: Api,
    citizen: str,
    person: int,
    *,
    kiosk: str = "kiosk-1",
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> Answer:
    """Verify a face for the housing fund."""
    asked = await challenge(api, citizen, "housing-fund-repayment", subject=kiosk)
    body = {"purpose": "housing-fund-repayment"} | answered(asked, person) | fields
    return await send(api, citizen, body, kiosk=kiosk, headers=headers)


async def send(
    api: Api,
    citizen: str,
    body: Any,
    *,
    kiosk: str = "kiosk-1",
    headers: dict[str, str] | None = None,
) -> Answer:
    """Send an answer as it is."""
    return await api.call(
        "POST",
        f"/v1/citizens/{citizen}/face/verification",
        "kiosk",
        subject=kiosk,
        json=body,
        headers=headers,
    )


async def events(api: Api, citizen: str) -> list[Any]:
    """The citizen's stream, as an auditor reads it."""
    answer = await api.call("GET", f"/v1/streams/{citizen}/events?purpose=audit", "auditor")
    found: list[Any] = answer.json["events"]
    return found


async def topics(api: Api, citizen: str) -> list[str]:
    """What happened to a citizen."""
    return [event["topic"].removeprefix("citizen.") for event in await events(api, citizen)]
