"""What people name as evidence has to be here, where a city says so."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from citybrain.settings import Settings
from citybrain.systems import SYSTEMS
from citybrain.systems.system import System
from tests.given.api import REPORT, Api
from tests.given.photos import encoded, scene
from tests.given.read_models import caught_up

NOWHERE = "0" * 64


@pytest.fixture
def at_work() -> Sequence[System]:
    """The read models, and no process manager that would take a step first."""
    return [replace(system, processes=()) for system in SYSTEMS]


@pytest.fixture
def change_settings() -> Callable[[Settings], None]:
    def change(settings: Settings) -> None:
        settings.evidence_is_kept = True

    return change


async def test_only_uploaded_photos_are_evidence(api: Api) -> None:
    official = {"department": "sanitation"}
    body = REPORT | {"evidence_sha256": [NOWHERE]}
    case = await api.call("POST", "/v1/cases", "gateway", json=body)
    assert case.status == 201, case.body
    by_people = body | {"source": "citizen", "confidence": None}
    refused = await api.call("POST", "/v1/cases", "citizen", json=by_people)
    assert refused.is_problem(422, "evidence-not-found")
    assert refused.json["missing"] == [NOWHERE]
    for step, role in (("file", "operator"), ("dispatch", "operator")):
        case = await api.step(case, step, role)
    case = await api.step(case, "accept", "official", official, department="sanitation")
    made_up = official | {"evidence_sha256": [NOWHERE]}
    refused = await api.step(case, "handle", "official", made_up, department="sanitation")
    assert refused.is_problem(422, "evidence-not-found")
    photo = await api.call(
        "POST",
        "/v1/photos",
        "official",
        department="sanitation",
        data=encoded(scene(), "JPEG"),
        headers={"Content-Type": "image/jpeg"},
    )
    assert photo.status == 201, photo.body
    shown = official | {"evidence_sha256": [photo.json["sha256"]]}
    handled = await api.step(case, "handle", "official", shown, department="sanitation")
    assert handled.json["status"] == "handled"
    await caught_up(api.runtime.store)
    path = f"/v1/photos/{photo.json['sha256']}"
    for role, department, status in (
        ("official", "sanitation", 200),
        ("official", "landscape", 404),
        ("supervisor", None, 200),
        ("operator", None, 200),
        ("auditor", None, 200),
    ):
        seen = await api.call("GET", path, role, department=department)
        assert seen.status == status, (role, department)
