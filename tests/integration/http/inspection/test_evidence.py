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
    digest = await sent(api, "JPEG")
    shown = official | {"evidence_sha256": [digest]}
    handled = await api.step(case, "handle", "official", shown, department="sanitation")
    assert handled.json["status"] == "handled"
    await caught_up(api.runtime.store)
    path = f"/v1/photos/{digest}"
    for role, department, status in (
        ("official", "sanitation", 200),
        ("official", "landscape", 404),
        ("supervisor", None, 200),
        ("operator", None, 200),
        ("auditor", None, 200),
    ):
        seen = await api.call("GET", path, role, department=department)
        assert seen.status == status, (role, department)


async def test_who_reported_sees_the_photo_of_the_work_and_everybody_that_it_was_reported(
    api: Api,
) -> None:
    said = REPORT | {"source": "citizen", "confidence": None}
    before, after = [await sent(api, kind) for kind in ("JPEG", "PNG")]
    case = await api.call("POST", "/v1/cases", "citizen", json=said | {"evidence_sha256": [before]})
    await caught_up(api.runtime.store)
    latitude, longitude = (float(str(REPORT[name])) for name in ("latitude", "longitude"))
    around = f"/v1/cases/nearby?latitude={latitude + 0.0004}&longitude={longitude}"
    (near,) = (await api.call("GET", around)).json["cases"]
    assert (near["case_id"], near["status"]) == (case.json["case_id"], "reported")
    assert 30 < near["distance_m"] < 60
    assert near["latitude"] == round(latitude, 4)
    assert not {"description", "evidence_sha256", "source"} & set(near)
    other = await api.call("GET", f"{around}&class=road_damage")
    assert other.json == {"cases": []}
    for step, role in (("file", "operator"), ("dispatch", "operator")):
        case = await api.step(case, step, role)
    mended = {"department": "sanitation", "evidence_sha256": [after]}
    official = {"department": "sanitation"}
    case = await api.step(case, "accept", "official", official, department="sanitation")
    case = await api.step(case, "handle", "official", mended, department="sanitation")
    photos = f"/v1/cases/{case.json['case_id']}/photos"
    for digest in (before, after):
        shown = await api.call("GET", f"{photos}/{digest}?size=thumbnail", "citizen")
        assert (shown.status, shown.headers["Content-Type"]) == (200, "image/jpeg")
    hers = await api.call("GET", f"{photos}/{NOWHERE}", "citizen")
    assert hers.is_problem(404, "photo-not-found")
    stranger = await api.call("GET", f"{photos}/{after}", "citizen", subject="citizen-2")
    assert stranger.is_problem(404, "stream-not-found")


async def sent(api: Api, kind: str) -> str:
    """The digest of a photo that was taken in."""
    photo = await api.call(
        "POST",
        "/v1/photos",
        "official",
        department="sanitation",
        data=encoded(scene(), kind),
        headers={"Content-Type": f"image/{kind.lower()}"},
    )
    assert photo.status == 201, photo.body
    return str(photo.json["sha256"])
