"""Open311 as its large clients speak it: more, less and other than the specification says."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import aiohttp
import orjson

from citybrain.domain.actor import system_actor
from citybrain.domain.inspection.case_events import CaseSource
from commands.handling import CommandContext
from commands.inspection.case import ReportCase, report_case
from tests.given.api import Answer, Api
from tests.given.open311 import BASE, FORM, HOLE, KEY, Client, post, reported
from tests.given.photos import encoded, scene
from tests.given.read_models import caught_up


def jpeg(seed: int = 1) -> bytes:
    return encoded(scene(seed=seed))


Pairs = Sequence[tuple[str, str]]

MORE: dict[str, Pairs] = {
    "fields that nobody here asks for": [("deviceid", "7"), ("service_name", "Road damage")],
    "a title and a time of their own": [
        ("title", "A hole"),
        ("requested_datetime", "2026-01-01T00:00:00Z"),
    ],
    "attributes of another system": [("attribute[uprn]", "10"), ("attribute[easting]", "1.5")],
    "attributes with an index": [("attribute[depth_cm][0]", "3"), ("attribute[x][y][]", "1")],
    "several pictures": [("media_url", "https://a/1"), ("media_url", "https://a/2")],
    "the same twice": [("lat", HOLE["lat"]), ("api_key", KEY)],
    "odd names": [("", "x"), ("attribute[]", "x"), ("attribute", "x"), ("x" * 9000, "x")],
}


async def report(api: Api, pairs: Pairs, **headers: str) -> Answer:
    return await api.call(
        "POST",
        f"{BASE}/requests.json",
        data=urlencode(pairs).encode(),
        headers={"Content-Type": FORM} | headers,
    )


def id_of(answer: Answer) -> str:
    assert answer.status == 201, answer.body
    return str(answer.json[0]["service_request_id"])


async def sealed(api: Api, case_id: str, kind: str) -> dict[str, Any]:
    """What is kept sealed beside a case."""
    pool, vault = api.runtime.store.pool, api.runtime.services.vault
    blob_id = await pool.fetchval(
        "SELECT blob_id FROM sealed_blobs WHERE person_id = $1 AND kind = $2", case_id, kind
    )
    found: dict[str, Any] = orjson.loads(await vault.fetch(case_id, kind, UUID(str(blob_id))))
    return found


async def test_more_than_is_asked_for_is_taken_and_what_may_matter_is_kept(api: Api) -> None:
    for what, more in MORE.items():
        id_of(await report(api, [*HOLE.items(), *more, ("description", HOLE["description"])]))
        assert what
    water = HOLE | {"service_code": "Standing_WATER", "attribute[Depth_CM][0]": "3"}
    case_id = id_of(await report(api, [*water.items(), ("attribute[uprn]", "10"), ("title", "A")]))
    (first, *_) = await api.runtime.store.read(case_id)
    assert first.data["class_code"] == "standing_water"
    assert first.data["attributes"] == {"depth_cm": ["3"]}
    kept = await sealed(api, case_id, "open311-contact")
    assert kept == {"other:title": "A", "other:attribute[uprn]": "10"}
    without = {name: value for name, value in HOLE.items() if name != "api_key"}
    answer = await api.call(
        "POST",
        f"{BASE}/requests.json?api_key={KEY}&jurisdiction_id=Zhengzhou.gov.cn",
        data=urlencode(without | {"description": "key in the query"}).encode(),
        headers={"Content-Type": FORM},
    )
    assert id_of(answer)


async def test_what_contradicts_itself_is_named(api: Api) -> None:
    answer = await report(api, [*HOLE.items(), ("lat", "34.8")])
    assert (answer.status, answer.json[0]["description"]) == (400, "lat is given twice")
    for query, named in (("q=hole", "q "), ("radius=5", "lat"), ("bbox=1", "bbox")):
        answer = await api.call("GET", f"{BASE}/requests.json?{query}")
        assert answer.status == 400
        assert named in answer.json[0]["description"]


async def test_the_same_report_is_one_case_for_a_minute_and_for_a_key(api: Api) -> None:
    pairs = list(HOLE.items())
    first = id_of(await report(api, pairs))
    assert id_of(await report(api, pairs)) == first
    assert id_of(await report(api, [*pairs, ("email", "me@example.org")])) != first
    clock = api.runtime.services.clock
    object.__setattr__(api.runtime.services, "clock", lambda: clock() + timedelta(minutes=2))
    assert id_of(await report(api, pairs)) != first
    keyed = id_of(await report(api, pairs, **{"Idempotency-Key": "7"}))
    assert id_of(await report(api, pairs, **{"Idempotency-Key": "7"})) == keyed
    assert id_of(await report(api, pairs, **{"Idempotency-Key": "8"})) != keyed
    other = [*pairs[:-1], ("address_string", "elsewhere")]
    answer = await report(api, other, **{"Idempotency-Key": "7"})
    assert answer.status == 422
    reports = await api.runtime.store.read_all(topics=["case.reported"])
    assert len(reports) == 5


def form_of(fields: Mapping[str, str], *photos: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData(fields)
    for number, content in enumerate(photos):
        form.add_field("media", content, filename=f"{number}.jpg", content_type="image/jpeg")
    return form


async def one_is_shown_and_withdrawn(api: Api, case_id: str, digests: list[str]) -> None:
    """A person lets everybody see the first photo, and then not any more."""
    path = f"/v1/cases/{case_id}/public-photos"

    async def media() -> str | None:
        await caught_up(api.runtime.store, "service_requests")
        (shown,) = (await api.call("GET", f"{BASE}/requests/{case_id}.json")).json
        return shown["media_url"] and str(shown["media_url"]).removeprefix(api.url)

    said = {"sha256": digests[0], "reason": "looked at: a hole and asphalt"}
    for role, status in (("official", 403), ("citizen", 403), ("operator", 200)):
        assert (await api.call("POST", path, role, json=said)).status == status
    other = await api.call("POST", path, "operator", json=said | {"sha256": "cd" * 32})
    assert other.is_problem(409, "nothing-to-publish")
    assert await media() == f"{path}/{digests[0]}"
    state = await api.call("GET", f"/v1/cases/{case_id}", "operator")
    assert state.json["public_photos"] == digests[:1]
    for digest, status in ((digests[0], 200), (digests[1], 404)):
        assert (await api.call("GET", f"{path}/{digest}")).status == status
    moderate = {"visibility": "hidden", "reason": "a name"}
    for visibility, status in (("hidden", 404), ("public", 200)):
        moderate["visibility"] = visibility
        await api.call("POST", f"/v1/cases/{case_id}/moderate", "operator", json=moderate)
        assert (await api.call("GET", f"{path}/{digests[0]}")).status == status
        assert (await media() is None) is (status == 404)
    withdrawn = await api.call("POST", f"{path}/withdrawal", "supervisor", json=said)
    assert withdrawn.status == 200, withdrawn.body
    assert (await api.call("GET", f"{path}/{digests[0]}")).status == 404
    assert await media() is None


async def test_photos_come_with_a_form(api: Api) -> None:
    form = form_of(HOLE, jpeg(), jpeg(2))
    case_id = id_of(await api.call("POST", f"{BASE}/requests.json", data=form))
    (first, *_) = await api.runtime.store.read(case_id)
    digests = first.data["evidence_sha256"]
    assert len(digests) == 2
    photos = api.runtime.services.photos
    assert photos is not None
    for digest in digests:
        assert (await photos.get(digest)).startswith(b"\xff\xd8")
    for who, status in ((None, 401), ("citizen", 403), ("operator", 200)):
        assert (await api.call("GET", f"/v1/photos/{digests[0]}", who)).status == status, who
    (public,) = (await api.call("GET", f"{BASE}/requests/{case_id}.json")).json
    assert public["media_url"] is None  # nobody has looked whether a face or a plate is on it
    await one_is_shown_and_withdrawn(api, case_id, digests)
    said = {"api_key": KEY, "service_request_id": case_id, "status": "CANCELLED"}
    answer = await api.call(
        "POST", f"{BASE}/servicerequestupdates.json", data=form_of(said, jpeg())
    )
    assert answer.status == 201, answer.body
    kept = await sealed(api, case_id, "case-comment")
    assert kept["media"] in digests
    before = await api.runtime.store.head()
    for bad in (form_of(HOLE, b"no picture"), form_of(HOLE, *[jpeg()] * 6)):
        answer = await api.call("POST", f"{BASE}/requests.json", data=bad)
        assert answer.status == 400
        assert answer.json[0]["description"].startswith("media: ")
    huge = form_of(HOLE, b"\xff\xd8\xff" + bytes(17 << 20))
    assert (await api.call("POST", f"{BASE}/requests.json", data=huge)).status == 413
    assert await api.runtime.store.head() >= before
    assert len(await api.runtime.store.read_all(topics=["case.reported"])) == 1


async def test_updates_say_less_and_more(api: Api) -> None:
    case_id = await reported(Client(api, "json"))
    here = {"api_key": KEY, "service_request_id": case_id}
    for fields in (
        {"status": "CANCELLED"},
        {"description": "still there", "attribute[depth_cm]": "3", "nonsense": "1"},
        {"description": "it is gone", "status": "Läuft noch!"},
    ):
        answer = await post(api, "json", here | fields, "servicerequestupdates")
        assert answer.status == 201, answer.body
    events = await api.runtime.store.read(case_id)
    stated = [event.data["stated"] for event in events if event.topic == "case.commented"]
    assert stated == ["CANCELLED", None, None]


async def test_discovery_is_where_clients_look_and_says_what_the_settings_say(api: Api) -> None:
    api.runtime.settings.open311_contact = "Mrs Li, 0371-12345"
    for path, accept, kind in (
        ("/open311/discovery", "*/*", "text/xml"),
        ("/open311/discovery", "application/json", "application/json"),
        ("/open311/discovery.json", "*/*", "application/json"),
        (f"{BASE}/discovery", "text/xml", "text/xml"),
    ):
        answer = await api.call("GET", path, headers={"Accept": accept})
        assert answer.status == 200, path
        assert answer.headers["Content-Type"].startswith(kind)
        assert b"Mrs Li, 0371-12345" in answer.body
    assert answer.body.count(b"<changeset>2026-11-30T00:00:00+08:00</changeset>") == 2


async def test_names_come_in_the_language_that_is_asked_for(api: Api) -> None:
    for locale, name, group in (
        ("zh-CN", "道路破损", "市政工程处"),
        ("en", "Road damage", "Municipal works"),
        ("xx", "Road damage", "Municipal works"),
    ):
        _, services = await Client(api, "json").get("services", locale=locale)
        by_code = {each["service_code"]: each for each in services}
        assert by_code["road_damage"]["service_name"] == name
        assert by_code["road_damage"]["group"] == group


async def test_made_up_cases_say_so(api: Api) -> None:
    command = ReportCase(
        source=CaseSource.CITIZEN,
        class_code="road_damage",
        latitude=34.7,
        longitude=113.6,
        simulated=True,
        occurred_at=datetime.now(UTC),
    )
    context = CommandContext(system_actor("test"), "test", UUID(int=1), UUID(int=2))
    made_up = (await report_case(command, context, api.runtime.services)).stream_id
    real = await reported(Client(api, "json"))
    await caught_up(api.runtime.store, "service_requests")
    _, found = await Client(api, "json").get("requests")
    marks = {each["service_request_id"]: each.get("simulated") for each in found}
    assert marks == {made_up: True, real: None}
