"""Parking sessions over HTTP: who reads one leaves an access in the citizen's words."""

from datetime import datetime
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.looking import decide_dispute
from citybrain.domain.parking.session import ParkingSession
from commands.parking.session import change_session
from tests.given.accesses import READER, accesses, is_said, opening, read, reading_role
from tests.given.api import Api
from tests.given.applying import registered
from tests.given.at_work import FOR_PARKING, models
from tests.given.parking.city import at
from tests.given.parking.world import PLATE, parked
from tests.given.photos import encoded, scene
from tests.given.read_models import caught_up

BASE = "v1_parking_sessions"
READ = {
    f"get_{BASE}": None,
    f"post_{BASE}_search": {"plate": PLATE},
    f"get_{BASE}_session_id": None,
    f"get_{BASE}_session_id_explanation": None,
    f"get_{BASE}_session_id_seen": None,
}


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_each_look_at_her_session_is_an_access_in_her_words(api: Api, language: str) -> None:
    citizen, other = await registered(api), await registered(api)
    (session_id, _), _ = await parked(api.runtime.services, citizen, other)
    await caught_up(api.runtime.store, *models(FOR_PARKING))
    routes = opening(api)
    for operation, body in READ.items():
        route = routes[operation]
        sent: dict[str, Any] | None = body
        answer = await read(api, route, body=sent, session_id=session_id)
        assert answer.status == 200, (operation, answer.body)
        seen, *_ = await accesses(api, citizen, language, READER)
        assert route.opens is not None
        assert (seen["through"], seen["what"]) == (operation, route.opens.what)
        assert seen["role"] == reading_role(route)
        for member in ("what", "role", "purpose"):
            assert is_said(language, seen[f"{member}_text"], seen[member]), seen


async def test_strangers_and_other_departments_see_none(api: Api) -> None:
    citizen, other = await registered(api), await registered(api)
    (session_id, _), _ = await parked(api.runtime.services, citizen, other)
    await caught_up(api.runtime.store, *models(FOR_PARKING))
    path = f"/v1/parking/sessions/{session_id}"
    assert (await api.call("GET", path, "citizen", subject=citizen)).status == 200
    assert (await api.call("GET", path, "citizen", subject=other)).is_problem(
        403, "not-your-parking-session"
    )
    refused = await api.call("GET", path, "official", department="housing-fund")
    assert refused.is_problem(403, "role-not-allowed")


async def test_a_dispute_is_read_again_with_its_photo_by_whose_it_is_and_the_office(
    api: Api,
) -> None:
    citizen, other = await registered(api), await registered(api)
    (session_id, _), _ = await parked(api.runtime.services, citizen, other)
    path = f"/v1/parking/sessions/{session_id}/dispute"
    assert (await api.call("GET", path, "citizen", subject=citizen)).is_problem(
        404, "no-parking-dispute"
    )
    kept = await api.call(
        "POST",
        "/v1/photos",
        "citizen",
        subject=citizen,
        data=encoded(scene()),
        headers={"Content-Type": "image/jpeg"},
    )
    said = {"grounds": "I left at ten", "evidence_sha256": [kept.json["sha256"]]}
    done = await api.call("POST", path, "citizen", subject=citizen, json=said)
    assert done.status == 200, done.body
    await caught_up(api.runtime.store, *models(FOR_PARKING))
    photo = f"{path}/photos/{kept.json['sha256']}"
    office: dict[str, Any] = {
        "json": {"purpose": "review"},
        "subject": READER,
        "department": "parking",
    }
    for role, subject in (("citizen", citizen), ("official", READER)):
        if role == "citizen":
            read_again = await api.call("GET", path, role, subject=subject)
        else:
            read_again = await api.call("POST", f"{path}/opening", role, **office)
        assert read_again.json["grounds"] == said["grounds"]
        assert read_again.json["photos"] == said["evidence_sha256"]
        assert (
            await api.call("GET", photo, role, subject=subject, department="parking")
        ).status == 200
    assert (await api.call("GET", path, "citizen", subject=other)).status == 404
    assert (await api.call("GET", photo, "citizen", subject=other)).status == 404
    anybodys = f"/v1/photos/{kept.json['sha256']}"
    elsewhere = await api.call("GET", anybodys, "official", department="housing-fund")
    assert elsewhere.is_problem(404, "photo-not-found")
    looks = await accesses(api, citizen, "en", READER)
    assert {(look["what"], look["purpose"]) for look in looks} == {
        ("parking-dispute", "review"),
        ("parking-dispute", "parking"),  # its photo
    }
    office["json"] = {"purpose": "curiosity"}
    refused = await api.call("POST", f"{path}/opening", "official", **office)
    assert refused.is_problem(422, "invalid-input")
    office |= {"json": {"purpose": "review"}, "department": "housing-fund"}
    refused = await api.call("POST", f"{path}/opening", "official", **office)
    assert refused.is_problem(403, "role-not-allowed")


def half_by_the_first(session: ParkingSession, now: datetime) -> None:
    """More than one may let go back alone."""
    decide_dispute(
        session,
        Actor("official-1", frozenset({Role.OFFICIAL}), department="parking"),
        now,
        upheld=True,
        amount_fen=200,
        reason="goodwill",
        note_sealed=None,
        departments={"parking"},
        limit_fen=100,
    )


async def test_a_second_officer_sees_what_the_first_proposed(api: Api) -> None:
    citizen, other = await registered(api), await registered(api)
    (session_id, _), _ = await parked(api.runtime.services, citizen, other)
    await caught_up(api.runtime.store, *models(FOR_PARKING))
    path = f"/v1/parking/sessions/{session_id}"
    grounds = {"grounds": "I left at eight"}
    disputed = await api.call("POST", f"{path}/dispute", "citizen", subject=citizen, json=grounds)
    assert disputed.status == 200, disputed.body
    await change_session(session_id, api.runtime.services, half_by_the_first)
    shown = await api.call("GET", path, "official", department="parking")
    assert shown.json["proposed_decision"] == {"amount_fen": 200, "proposed_by": "official-1"}
    hers = await api.call("GET", path, "citizen", subject=citizen)
    assert hers.json["proposed_decision"] is None, "what waits is the office's"


async def test_what_a_stay_would_cost_is_said_before_it(api: Api) -> None:
    await parked(api.runtime.services, await registered(api), await registered(api))
    asked = {"place": "Z1-001", "start": at("10:00").isoformat(), "end": at("12:30").isoformat()}
    said = await api.call("GET", "/v1/parking/quote", params=asked)
    assert said.status == 200, said.body
    assert said.json["steps"][-1]["price_fen"] == said.json["price_fen"] > 0
    assert said.json["steps"] == sorted(said.json["steps"], key=lambda each: each["at"])
    nowhere = await api.call("GET", "/v1/parking/quote", params=asked | {"place": "nowhere"})
    assert nowhere.is_problem(422, "parking-place-unknown")
