"""Photos over HTTP: sent, named as evidence, shown to staff; and what is refused, by its name."""

import asyncio
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
from PIL import Image

from citybrain.photos import CheckedPhoto
from citybrain.settings import Settings
from tests.given.api import REPORT, Answer, Api
from tests.given.photos import (
    KINDS,
    SECRET,
    encoded,
    moving,
    opened,
    png_bomb,
    scan_bomb,
    scene,
    telling,
    webp_bomb,
)
from tests.given.waiting import holds

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def with_workers() -> bool:
    return False


@pytest.fixture
def change_settings() -> Callable[[Settings], None]:
    def change(settings: Settings) -> None:
        settings.photos_rate_per_second, settings.photos_rate_burst = 1e6, 1_000_000

    return change


async def send(api: Api, content: Any, role: str = "citizen", **options: Any) -> Answer:
    headers = JPEG | options.pop("headers", {})
    return await api.call("POST", "/v1/photos", role, data=content, headers=headers, **options)


async def sent(api: Api, content: bytes) -> dict[str, Any]:
    answer = await send(api, content)
    assert answer.status == 201, answer.body
    said: dict[str, Any] = answer.json
    return said


def stored_files(api: Api) -> list[bytes]:
    folder = api.runtime.settings.data_dir / "photos"
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("role", ["camera", "citizen", "official", "operator"])
async def test_a_photo_is_taken_and_shown_to_staff(api: Api, role: str) -> None:
    answer = await send(api, telling("JPEG"), role)
    assert answer.status == 201
    said = answer.json
    assert answer.headers["Location"] == f"/v1/photos/{said['sha256']}"
    assert (said["width"], said["height"], said["content_type"]) == (160, 90, "image/jpeg")
    for reader in ("official", "operator", "auditor"):
        shown = await api.call("GET", answer.headers["Location"], reader)
        assert shown.status == 200
        assert hashlib.sha256(shown.body).hexdigest() == said["sha256"]
        assert len(shown.body) == said["bytes"]
        assert shown.headers["Content-Type"] == "image/jpeg"
        assert shown.headers["ETag"] == f'"{said["sha256"]}"'
        assert shown.headers["Cache-Control"] == "private, no-cache"
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        name = f"{said['sha256'][:16]}.jpg"
        assert shown.headers["Content-Disposition"] == f'inline; filename="{name}"'
        assert "sandbox" in shown.headers["Content-Security-Policy"]


async def test_an_operator_has_a_photo_erased_and_that_is_on_the_record(api: Api) -> None:
    sha256 = (await sent(api, encoded(scene())))["sha256"]
    path = f"/v1/photos/{sha256}"
    reason = {"reason": "privacy"}
    refused = await api.call("POST", f"{path}/deletion", "official", json=reason)
    assert refused.is_problem(403, "role-missing")
    wrong = await api.call("POST", f"{path}/deletion", "operator", json={"reason": "ugly"})
    assert wrong.status == 422
    gone = await api.call("POST", f"{path}/deletion", "operator", json=reason)
    assert (gone.status, gone.json["sha256"]) == (200, sha256)
    assert (await api.call("GET", path, "auditor")).is_problem(404, "photo-not-found")
    assert stored_files(api) == []
    again = await api.call("POST", f"{path}/deletion", "operator", json=reason)
    assert again.is_problem(404, "photo-not-found")
    (event,) = await api.runtime.store.read(gone.json["deletion_id"])
    assert (event.topic, event.data["sha256"]) == ("photo.deleted", sha256)
    assert (event.data["reason"], event.data["deleted_by"]) == ("privacy", "operator-1")


async def test_its_digest_is_evidence_of_a_case(api: Api) -> None:
    digest = (await sent(api, encoded(scene())))["sha256"]
    case = await api.call(
        "POST", "/v1/cases", "camera", json=REPORT | {"evidence_sha256": [digest]}
    )
    shown = await api.call("GET", f"/v1/cases/{case.json['case_id']}", "operator")
    assert shown.json["evidence_sha256"] == [digest]


async def test_others_neither_see_nor_send(api: Api) -> None:
    path = f"/v1/photos/{(await sent(api, encoded(scene())))['sha256']}"
    for role in ("citizen", "camera"):
        assert (await api.call("GET", path, role)).is_problem(403, "role-missing")
    assert (await send(api, encoded(scene()), "auditor")).is_problem(403, "role-missing")
    assert (await api.call("GET", path)).is_problem(401, "unauthenticated")
    assert (await api.call("POST", "/v1/photos", data=b"")).is_problem(401, "unauthenticated")


@pytest.mark.parametrize("name", ["0" * 64, "x", "..%2F..%2Fkeys", "A" * 64, "incoming"])
async def test_what_is_not_there_is_not_found(api: Api, name: str) -> None:
    assert (await api.call("GET", f"/v1/photos/{name}", "auditor")).is_problem(
        404, "photo-not-found"
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_neither_place_nor_camera_are_stored(api: Api, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = SECRET.decode()
    flat = await sent(api, telling(kind))
    upright = await sent(api, encoded(scene(), kind, exif=exif))
    assert (flat["width"], flat["height"]) == (upright["height"], upright["width"]) == (160, 90)
    files = stored_files(api)
    assert len(files) == 2
    for file in files:
        assert SECRET not in file
        assert not dict(opened(file).getexif())


async def test_a_zip_behind_a_picture_is_cut_off(api: Api) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("evil.js", "alert(1)")
    for kind in KINDS:
        polyglot = encoded(scene(), kind) + archive.getvalue()
        assert zipfile.is_zipfile(io.BytesIO(polyglot))
        await sent(api, polyglot)
    assert len(stored_files(api)) == 3
    assert not any(zipfile.is_zipfile(io.BytesIO(file)) for file in stored_files(api))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unsupported-image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "unsupported-image"),
        (b"<!doctype html><script>alert(1)</script>", "unsupported-image"),
        (encoded(scene(), "GIF"), "unsupported-image"),
        (png_bomb(), "image-too-many-pixels"),
        (webp_bomb(), "image-too-many-pixels"),
        (scan_bomb(1000), "image-damaged"),
        (encoded(scene())[:-300], "image-damaged"),
        (encoded(scene(), "PNG")[:-300], "image-damaged"),
        (encoded(scene(), "WEBP")[:-300], "image-damaged"),
        (moving("WEBP"), "image-animated"),
        (moving("PNG"), "image-animated"),
    ],
    ids=range(12),
)
async def test_what_cannot_be_kept_is_refused_by_name(api: Api, content: bytes, code: str) -> None:
    answer = await send(api, content)
    assert answer.is_problem(422, code)
    assert stored_files(api) == []


async def test_the_type_is_in_the_bytes_and_the_header_only_says_picture(api: Api) -> None:
    answer = await send(api, encoded(scene(), "PNG"), headers={"Content-Type": "image/webp"})
    assert answer.json["content_type"] == "image/png"
    for other in ("application/json", "text/html", "multipart/form-data; boundary=x"):
        answer = await send(api, encoded(scene()), headers={"Content-Type": other})
        assert answer.is_problem(415, "unsupported-media-type")


async def test_a_hundred_megabytes_are_not_read(api: Api) -> None:
    taken = 0

    async def flood() -> AsyncIterator[bytes]:
        nonlocal taken
        yield b"\xff\xd8\xff"
        for _ in range(100):
            taken += 1
            yield bytes(1 << 20)

    with suppress(OSError):  # the server may close before all was sent
        assert (await send(api, flood())).is_problem(413, "image-too-large")
    assert taken < 40
    assert (await send(api, bytes(11_000_000))).is_problem(413, "image-too-large")
    assert stored_files(api) == []


async def test_the_same_upload_at_once_is_one_photo(api: Api) -> None:
    content = telling("JPEG")
    answers = await asyncio.gather(
        *(send(api, content, subject=f"citizen-{number}") for number in range(12))
    )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == len(stored_files(api)) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_thumbnail_is_small_and_known_by_its_tag(api: Api, kind: str) -> None:
    said = await sent(api, encoded(scene(900, 500), kind))
    path = f"/v1/photos/{said['sha256']}"
    small = await api.call("GET", f"{path}?size=thumbnail", "official")
    assert small.headers["Content-Type"] == "image/jpeg"
    assert opened(small.body).size == (320, 178)
    full = await api.call("GET", path, "official")
    assert full.headers["ETag"] != small.headers["ETag"]
    seen = {"If-None-Match": f'"other", W/{small.headers["ETag"]}'}
    again = await api.call("GET", f"{path}?size=thumbnail", "official", headers=seen)
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == small.headers["ETag"]
    assert (await api.call("GET", path, "official", headers=seen)).status == 200
    odd = await api.call("GET", f"{path}?size=huge", "official")
    assert odd.is_problem(400, "malformed-request")


async def test_an_erased_photo_is_gone_even_for_who_has_its_tag(api: Api) -> None:
    digest = (await sent(api, encoded(scene())))["sha256"]
    assert api.runtime.services.photos is not None
    await api.runtime.services.photos.store.delete(digest)
    seen = {"If-None-Match": f'"{digest}"'}
    answer = await api.call("GET", f"/v1/photos/{digest}", "auditor", headers=seen)
    assert answer.is_problem(404, "photo-not-found")


async def test_a_photo_that_was_changed_in_the_store_is_never_shown(api: Api) -> None:
    digest = (await sent(api, encoded(scene())))["sha256"]
    path = api.runtime.settings.data_dir / "photos" / digest[:2] / digest[2:4] / digest
    path.write_bytes(encoded(scene(seed=2)))
    for size in ("full", "thumbnail"):
        answer = await api.call("GET", f"/v1/photos/{digest}?size={size}", "auditor")
        assert answer.is_problem(500, "photo-damaged")


class TestSlow:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.photos_upload_seconds = 0.2

        return change

    async def test_a_slow_upload_ends(self, api: Api) -> None:
        told = asyncio.Event()
        answer = await send(api, begun(told))
        told.set()
        assert answer.json["code"] == "request-timeout"


class TestMany:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.photos_rate_per_second, settings.photos_rate_burst = 0.001, 6

        return change

    async def test_a_caller_has_so_many_uploads_at_once_and_so_many_in_all(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        photos, go_on = api.runtime.services.photos, asyncio.Event()
        assert photos is not None
        take = photos.take

        async def take_when_told(content: bytes) -> CheckedPhoto:
            await go_on.wait()
            return await take(content)

        monkeypatch.setattr(photos, "take", take_when_told)
        uploads = [asyncio.create_task(send(api, encoded(scene()))) for _ in range(4)]
        await holds(lambda: photos._uploads.total() == 4)
        for _ in range(2):
            assert (await send(api, encoded(scene()))).is_problem(503, "photos-busy")
        go_on.set()
        assert {(await upload).status for upload in uploads} == {201}
        often = await send(api, encoded(scene()))
        assert often.is_problem(429, "rate-limited")
        assert int(often.headers["Retry-After"]) >= 1
        assert (await send(api, encoded(scene()), subject="citizen-2")).status == 201


async def begun(go_on: asyncio.Event) -> AsyncIterator[bytes]:
    """An upload that stands still after its first bytes."""
    yield b"\xff\xd8\xff"
    await go_on.wait()
    yield b"\xff"
