"""Faces over HTTP with the real models: enrolment, verification, search, replacement."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import aiohttp
import onnx
import pytest

from citybrain.app import open_runtime
from citybrain.audit.citizens.face import NotAFaceDecision, OtherModels, explain
from citybrain.faces.calibration import CALIBRATION
from citybrain.faces.gallery import TEMPLATE
from citybrain.faces.importing import import_pack
from citybrain.faces.pack import DEVELOPMENT_PACK, load_pack
from citybrain.http.server import serving
from citybrain.settings import Settings
from tests.given.api import Api
from tests.given.faces import (
    agreed,
    answered,
    challenge,
    enrol,
    enrolled,
    events,
    send,
    topics,
    verify,
)
from tests.given.people import ANNA, BORIS, CHEN, in_base64, jpeg
from tests.given.serving import approved, before
from tests.given.waiting import eventually


@pytest.fixture
def with_faces() -> bool:
    return True


async def test_the_right_person_is_matched_and_another_is_not(api: Api) -> None:
    citizen = await enrolled(api, ANNA)

    right = await verify(api, citizen, ANNA)
    wrong = await verify(api, citizen, BORIS)

    assert (right.status, right.json["matched"], right.json["purpose"]) == (
        200,
        True,
        "housing-fund-repayment",
    )
    assert (wrong.status, wrong.json["matched"]) == (200, False)
    assert "score" not in right.json
    assert await topics(api, citizen) == [
        "registered",
        "face_consent_given",
        "face_enrolled",
        "face_verified",
        "face_verified",
    ]


async def test_a_decision_says_all_that_it_rests_on(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    await verify(api, citizen, ANNA)

    data = (await events(api, citizen))[-1]["data"]

    pack = load_pack(None, production=False)
    point = pack.calibration.at(1e-4)
    assert data["models"] == pack.digests
    assert data["template_version"] == pack.template_version
    assert data["threshold"] == point.threshold
    assert data["false_match_rate"] == 1e-4
    assert data["impostor_pairs"] == pack.calibration.impostor_pairs
    assert data["matched"] is (data["score"] >= data["threshold"])
    assert data["runtime"]["provider"] == "cpu"
    assert data["quality"]["eye_distance_px"] > 24
    assert data["attack_detector"] is None
    UUID(data["challenge_id"])
    UUID(data["sample_id"])
    assert len(data["sample_sha256"]) == 64


async def test_a_decision_is_recomputed_from_the_sealed_sample(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    await verify(api, citizen, ANNA)
    await verify(api, citizen, BORIS)
    services = api.runtime.services
    assert services.faces is not None
    models = services.faces.engine.models

    for version in (4, 5):
        found = await explain(services.store, services.vault, models, citizen, version)
        assert found.same
        assert found.difference == 0.0
        assert found.same_runtime
    with pytest.raises(NotAFaceDecision):
        await explain(services.store, services.vault, models, citizen, 3)


async def test_one_face_under_two_identities_waits_for_an_officer(api: Api) -> None:
    first = await enrolled(api, ANNA)
    second = await enrolled(api, ANNA)
    assert (await topics(api, second))[-1] == "duplicate_suspected"

    refused = await api.call(
        "POST",
        f"/v1/citizens/{second}/face/challenges",
        "kiosk",
        json={"purpose": "housing-fund-repayment"},
    )
    assert refused.is_problem(409, "face-under-review")
    position = (await events(api, second))[-1]["position"]
    path = f"/v1/faces/duplicates?min_position={position}"
    (row,) = (await api.call("GET", path, "supervisor")).json["duplicates"]
    assert (row["citizen_id"], row["other"]) == (second, first)
    assert row["score"] >= row["threshold"]
    for role in ("citizen", "clerk", "official"):  # never who enrols
        assert (await api.call("GET", path, role)).is_problem(403, "role-missing")

    resolved = await api.call(
        "POST",
        f"/v1/citizens/{second}/face/duplicates/resolution",
        "supervisor",
        json={"other": first, "verdict": "same-person"},
    )
    assert (resolved.status, resolved.json["face_enrolled"]) == (200, False)
    path = f"/v1/faces/duplicates?min_position={resolved.headers['X-Position']}"
    assert (await api.call("GET", path, "supervisor")).json["duplicates"] == []
    assert (await verify(api, first, ANNA)).json["matched"]


async def test_one_face_enrolled_twice_at_the_same_time_is_flagged_too(api: Api) -> None:
    citizens = [await agreed(api) for _ in range(3)]
    answers = await asyncio.gather(*(enrol(api, citizen, ANNA) for citizen in citizens))
    assert [answer.status for answer in answers] == [200] * 3
    flagged = ["duplicate_suspected" in await topics(api, citizen) for citizen in citizens]
    assert sum(flagged) >= 2


async def test_a_face_is_replaced_by_the_same_face_or_at_a_counter(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    assert (await enrol(api, citizen, BORIS)).is_problem(409, "other-face-enrolled")
    assert (await enrol(api, citizen, ANNA)).status == 200
    await before(api, "clerk-1", citizen)
    await approved(api, citizen, "clerk-1")
    asked = await challenge(api, citizen, "enrol", "clerk", "clerk-1")
    counter = await api.call(
        "POST", f"/v1/citizens/{citizen}/face/enrolment", "clerk", json=answered(asked, BORIS)
    )
    assert counter.status == 200
    assert (await verify(api, citizen, BORIS)).json["matched"]


async def test_nobody_replaces_or_enrols_their_own_face_anew_alone(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    assert api.runtime.development is not None
    token = api.runtime.development.token(citizen, ["citizen", "clerk"], counter="counter-1")
    headers, path = {"Authorization": f"Bearer {token}"}, f"/v1/citizens/{citizen}/face"
    asked = await challenge(api, citizen, "enrol", "citizen", citizen)
    body = answered(asked, BORIS)
    replaced = await api.call("POST", f"{path}/enrolment", json=body, headers=headers)
    assert replaced.is_problem(409, "other-face-enrolled")
    gone = await api.call("POST", f"{path}/revocation", json={"reason": "error"}, headers=headers)
    assert gone.status == 200
    again = await api.call(
        "POST", f"{path}/challenges", "citizen", subject=citizen, json={"purpose": "enrol"}
    )
    assert again.is_problem(409, "face-removed-before")
    await before(api, "clerk-1", citizen)
    await approved(api, citizen, "clerk-1")
    asked = await challenge(api, citizen, "enrol", "clerk", "clerk-1")
    at_a_counter = await api.call("POST", f"{path}/enrolment", "clerk", json=answered(asked, BORIS))
    assert at_a_counter.status == 200


async def test_a_face_that_is_several_peoples_is_compared_with_all(api: Api) -> None:
    first, second, third = [await enrolled(api, ANNA) for _ in range(3)]
    duplicates = [
        event["data"]["other"]
        for event in await events(api, third)
        if event["topic"] == "citizen.duplicate_suspected"
    ]
    assert sorted(duplicates) == sorted([first, second])
    path = f"/v1/citizens/{third}/face/duplicates/resolution"
    verdict = {"other": first, "verdict": "different-people"}
    assert (await api.call("POST", path, "supervisor", json=verdict)).status == 200
    still = await api.call(
        "POST",
        f"/v1/citizens/{third}/face/challenges",
        "kiosk",
        json={"purpose": "housing-fund-repayment"},
    )
    assert still.is_problem(409, "face-under-review")


async def test_a_kiosk_shortlists_who_somebody_may_be(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    await enrolled(api, BORIS)

    found = await api.call(
        "POST", "/v1/faces/identification", "kiosk", json={"frame": in_base64(jpeg(ANNA))}
    )
    nobody = await api.call(
        "POST", "/v1/faces/identification", "kiosk", json={"frame": in_base64(jpeg(CHEN))}
    )

    assert found.json == {"candidates": [citizen], "enrolled": 2}
    assert nobody.json == {"candidates": [], "enrolled": 2}
    assert (await topics(api, citizen))[-1] == "face_identified"
    refused = await api.call(
        "POST", "/v1/faces/identification", "citizen", json={"frame": in_base64(jpeg(ANNA))}
    )
    assert refused.is_problem(403, "role-missing")


async def test_revocation_and_withdrawal_destroy_templates(api: Api) -> None:
    vault = api.runtime.services.vault
    for path, body in (("revocation", {"reason": "compromised"}), ("consent/withdrawal", {})):
        citizen = await enrolled(api, ANNA)
        template = UUID((await events(api, citizen))[2]["data"]["template_id"])
        assert len(await vault.fetch(citizen, TEMPLATE, template)) == 512 * 4

        ended = await api.call(
            "POST", f"/v1/citizens/{citizen}/face/{path}", "citizen", subject=citizen, json=body
        )

        assert (ended.status, ended.json["face_enrolled"]) == (200, False)

        async def gone(citizen: str = citizen, template: UUID = template) -> bool:
            return await vault.fetch_many(TEMPLATE, [(citizen, template)]) == [None]

        await eventually(gone)
        found = await api.call(
            "POST", "/v1/faces/identification", "kiosk", json={"frame": in_base64(jpeg(ANNA))}
        )
        assert found.json["candidates"] == []
        refused = await api.call(
            "POST",
            f"/v1/citizens/{citizen}/face/challenges",
            "kiosk",
            json={"purpose": "housing-fund-repayment"},
        )
        assert refused.status == 409


async def test_with_the_consent_go_samples_and_traces(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    await verify(api, citizen, ANNA)
    path = f"/v1/citizens/{citizen}/face/consent/withdrawal"
    assert (await api.call("POST", path, "citizen", subject=citizen, json={})).status == 200

    async def nothing_left() -> bool:
        count = await api.runtime.store.pool.fetchval(
            "SELECT (SELECT count(*) FROM sealed_blobs WHERE person_id = $1) "
            "+ (SELECT count(*) FROM face_samples_seen WHERE person_id = $1)",
            citizen,
        )
        return bool(count == 0)

    await eventually(nothing_left)


async def test_a_new_enrolment_destroys_the_template_it_replaces(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    assert (await enrol(api, citizen, ANNA)).status == 200
    first, second = [
        UUID(event["data"]["template_id"])
        for event in await events(api, citizen)
        if event["topic"] == "citizen.face_enrolled"
    ]
    vault = api.runtime.services.vault

    async def replaced() -> bool:
        kept = await vault.fetch_many(TEMPLATE, [(citizen, first), (citizen, second)])
        return kept[0] is None and kept[1] is not None

    await eventually(replaced)
    assert (await verify(api, citizen, ANNA)).json["matched"]


async def test_a_repeated_request_gets_its_first_answer(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    asked = await challenge(api, citizen, "housing-fund-repayment")
    body = {"purpose": "housing-fund-repayment"} | answered(asked, ANNA)
    key = {"Idempotency-Key": "one-scan"}

    first = await send(api, citizen, body, headers=key)
    again = await send(api, citizen, body, headers=key)

    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await topics(api, citizen)).count("face_verified") == 1


async def test_parallel_requests_with_one_key_are_one(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    asked = await challenge(api, citizen, "housing-fund-repayment")
    body = {"purpose": "housing-fund-repayment"} | answered(asked, ANNA)
    key = {"Idempotency-Key": "one-scan"}

    answers = await asyncio.gather(*(send(api, citizen, body, headers=key) for _ in range(5)))

    assert sorted(answer.status for answer in answers) == [200] + [409] * 4
    for answer in answers:
        assert answer.status == 200 or answer.is_problem(409, "idempotency-key-in-flight")
    assert (await send(api, citizen, body, headers=key)).json["matched"]


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (lambda: b"not a picture", "image-format-refused"),
        (lambda: jpeg(ANNA)[:900], "image-broken"),
        (lambda: jpeg(ANNA, head_share=0.12), "face-too-small"),
        (lambda: jpeg(ANNA, gain=0.35, gamma=1.3), "face-too-dark"),
    ],
    ids=["no picture", "cut off", "small", "dark"],
)
async def test_a_poor_picture_is_refused_with_its_code(
    api: Api, picture: Callable[[], bytes], code: str
) -> None:
    found = await api.call(
        "POST", "/v1/faces/identification", "kiosk", json={"frame": in_base64(picture())}
    )
    assert found.is_problem(422, code)
    if code.startswith("face-"):
        assert found.json["advice"]


async def test_the_days_say_how_people_were_identified(api: Api) -> None:
    noon = datetime.now(UTC).replace(hour=4)  # in the city, so that nothing falls on another day
    api.runtime.services.clock = lambda: noon
    citizen = await enrolled(api, ANNA)
    for person in (ANNA, BORIS, ANNA):
        await verify(api, citizen, person)
    asked = await challenge(api, citizen, "housing-fund-repayment")
    body = {"purpose": "housing-fund-repayment"} | answered(asked, ANNA)
    await send(api, citizen, body | {"frames": body["frames"][:2]})
    last = await api.call(
        "POST",
        f"/v1/citizens/{citizen}/identity/confirmation",
        "clerk",
        json={"purpose": "housing-fund-repayment", "document": "passport"},
    )

    path = f"/v1/statistics/identity?min_position={last.headers['X-Position']}"
    (day,) = (await api.call("GET", path, "auditor")).json["days"]

    assert day["purpose"] == "housing-fund-repayment"
    assert day["outcomes"] == {
        "face-matched": 2,
        "face-not-matched": 1,
        "face-wrong-number-of-pictures": 1,
        "counter": 1,
    }
    assert (day["face_success_rate"], day["fallback_rate"]) == (2 / 4, 1 / 3)
    for role in ("citizen", "clerk", "official"):  # never who enrols
        assert (await api.call("GET", path, role)).is_problem(403, "role-missing")
    assert (await api.call("GET", path + "&purpose=other", "auditor")).json == {"days": []}
    assert (await api.call("GET", path + "&since=2030-01-01", "auditor")).status == 400


async def test_citizens_act_for_themselves_only(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/face/consent/withdrawal", {}),
        ("POST", "/face/revocation", {"reason": "error"}),
        ("POST", "/face/challenges", {"purpose": "enrol"}),
        ("POST", "/face/challenges", {"purpose": "housing-fund-repayment"}),
        ("POST", "/identity/codes", {"purpose": "housing-fund-repayment"}),
    ):
        answer = await api.call(
            method,
            f"/v1/citizens/{citizen}{path}",
            "citizen",
            subject="citizen-" + "1" * 32,
            json=body,
        )
        assert answer.is_problem(403, "not-your-own"), path


async def test_a_second_pack_takes_over_while_people_come_by(
    settings: Settings, tmp_path: Path
) -> None:
    """Each accepted verification enrols with the next pack, too; then the settings change."""
    folder = another_pack(tmp_path / "next")
    settings.http_port = 0
    settings.faces_next_pack = folder
    async with (
        open_runtime(settings) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as s,
    ):
        api = Api(url, runtime, s)
        citizen, absent = await enrolled(api, ANNA), await enrolled(api, BORIS)
        assert (await verify(api, citizen, CHEN)).json["matched"] is False
        assert (await topics(api, citizen)).count("face_enrolled") == 1
        assert (await verify(api, citizen, ANNA)).json["matched"]
        assert (await topics(api, citizen))[-2:] == ["face_verified", "face_enrolled"]
        assert (await verify(api, citizen, ANNA)).json["matched"]
        assert (await topics(api, citizen)).count("face_enrolled") == 2

    settings.faces_pack, settings.faces_next_pack = folder, None
    async with (
        open_runtime(settings) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as s,
    ):
        api = Api(url, runtime, s)
        assert (await verify(api, citizen, ANNA)).json["matched"]
        refused = await api.call(
            "POST",
            f"/v1/citizens/{absent}/face/challenges",
            "kiosk",
            json={"purpose": "housing-fund-repayment"},
        )
        assert refused.is_problem(409, "face-not-enrolled")
        faces = runtime.services.faces
        assert faces is not None
        with pytest.raises(OtherModels):
            await explain(runtime.store, runtime.services.vault, faces.engine.models, citizen, 4)


def another_pack(folder: Path) -> Path:
    """The same models in other files: other digests, so another template version."""
    model = onnx.load(DEVELOPMENT_PACK / "rec_dev.onnx")
    model.doc_string = "another training"
    onnx.save(model, folder.with_suffix(".onnx"))
    import_pack(
        folder,
        pack_id="next-1",
        display_name="next",
        detector=DEVELOPMENT_PACK / "det_dev.onnx",
        recogniser=folder.with_suffix(".onnx"),
        licence=DEVELOPMENT_PACK / "MODEL.LICENSE",
    )
    digests = json.loads((folder / "manifest.json").read_text())["tasks"]
    calibration = json.loads((DEVELOPMENT_PACK / CALIBRATION).read_text())
    calibration["recognition_sha256"] = digests["recognition"]["sha256"]
    (folder / CALIBRATION).write_text(json.dumps(calibration))
    return folder


async def test_the_picture_of_who_was_not_matched_is_kept_for_hours(api: Api) -> None:
    citizen = await enrolled(api, ANNA)
    kept = {}
    for person in (ANNA, BORIS):
        matched = (await verify(api, citizen, person)).json["matched"]
        sample = UUID((await events(api, citizen))[-1]["data"]["sample_id"])
        kept[matched] = await api.runtime.store.pool.fetchval(
            "SELECT delete_after - created_at FROM sealed_blobs WHERE blob_id = $1", sample
        )
    assert kept[False] <= timedelta(hours=12, minutes=1)
    assert kept[True] > timedelta(days=29)
