"""Parking sessions over HTTP: who reads one leaves an access in the citizen's words."""

from typing import Any

import pytest

from tests.given.accesses import READER, accesses, is_said, opening, read, reading_role
from tests.given.api import Api
from tests.given.applying import registered
from tests.given.at_work import FOR_PARKING, models
from tests.given.parking.world import PLATE, parked
from tests.given.read_models import caught_up

BASE = "v1_parking_sessions"
READ = {
    f"get_{BASE}": None,
    f"post_{BASE}_search": {"plate": PLATE},
    f"get_{BASE}_session_id": None,
    f"get_{BASE}_session_id_explanation": None,
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
