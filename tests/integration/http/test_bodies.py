"""Bodies that never end: nobody holds more than a share, and devices are served meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from citybrain.domain.citizens.citizen import Citizen
from citybrain.http.bodies import BodyRoom
from citybrain.http.citizens.citizen import PICTURES_BYTES
from citybrain.settings import Settings
from tests.given.api import Api
from tests.given.photos import encoded, scene
from tests.given.waiting import holds

PHOTO_BYTES = Settings().photos_limit_bytes
FORM = "application/x-www-form-urlencoded"
KINDS = {"/v1/photos": "image/jpeg", "/open311/v2/requests.json": FORM}


@pytest.fixture
def with_workers() -> bool:
    return False


@pytest.fixture(autouse=True)
def rooms(monkeypatch: pytest.MonkeyPatch) -> list[BodyRoom]:
    """The rooms of the servers that start."""
    made: list[BodyRoom] = []

    def make(limit: int) -> BodyRoom:
        made.append(BodyRoom(limit))
        return made[-1]

    monkeypatch.setattr("citybrain.http.server.BodyRoom", make)
    return made


class Slow:
    """A request whose body was announced and never comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def answer(self) -> tuple[int, str]:
        """Status and what else the answer says."""
        status = int((await self._reader.readline()).split()[1])
        return status, (await self._reader.read(4096)).decode()


@asynccontextmanager
async def slow(api: Api, path: str, role: str, subject: str, size: int) -> AsyncIterator[Slow]:
    """Send the head of a request, and nothing more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    kind = KINDS.get(path, "application/json")
    token = api.token(role, subject)
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode()
    )
    try:
        yield Slow(reader, writer)
    finally:
        writer.close()


async def test_forty_unfinished_bodies_of_one_caller_hold_the_share_of_one(
    api: Api, rooms: list[BodyRoom]
) -> None:
    path, subject = f"/v1/citizens/{Citizen.new_id()}/face/verification", Citizen.new_id()
    async with slow(api, path, "citizen", subject, PICTURES_BYTES):
        await holds(lambda: rooms[0].held == PICTURES_BYTES)
        for _ in range(39):
            async with slow(api, path, "citizen", subject, PICTURES_BYTES) as refused:
                status, text = await refused.answer()
                assert (status, '"too-many-bodies"' in text) == (429, True)
                assert "Retry-After: " in text
        assert rooms[0].held == PICTURES_BYTES
        other = await api.call("POST", path, "citizen", subject=Citizen.new_id(), json={})
        assert other.is_problem(422, "invalid-input")
    await holds(lambda: rooms[0].held == 0)  # who goes away leaves the place free


async def test_eight_people_with_slow_photos_keep_nobody_from_sending_one(
    api: Api, rooms: list[BodyRoom]
) -> None:
    people = [slow(api, "/v1/photos", "citizen", f"citizen-{n}", PHOTO_BYTES) for n in range(8)]
    for person in people:
        await person.__aenter__()
    await holds(lambda: rooms[0].held == 8 * PHOTO_BYTES)
    photos = api.runtime.services.photos
    assert photos is not None
    assert photos._uploads.total() == 0, "a photo that has not come takes no place of one that has"
    for role in ("citizen", "camera"):
        sent = await api.call(
            "POST",
            "/v1/photos",
            role,
            subject=f"{role}-9",
            data=encoded(scene()),
            headers={"Content-Type": "image/jpeg"},
        )
        assert sent.status == 201
    for person in people:
        await person.__aexit__(None, None, None)


class TestFull:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.bodies_limit_bytes = 4 * PHOTO_BYTES

        return change

    async def test_a_share_is_kept_for_devices(self, api: Api, rooms: list[BodyRoom]) -> None:
        people = [slow(api, "/v1/photos", "citizen", f"citizen-{n}", PHOTO_BYTES) for n in range(3)]
        for person in people:
            await person.__aenter__()
        await holds(lambda: rooms[0].held == 3 * PHOTO_BYTES)
        async with slow(api, "/v1/photos", "citizen", "citizen-4", PHOTO_BYTES) as refused:
            status, text = await refused.answer()
            assert (status, '"bodies-full"' in text) == (503, True)
            assert "Retry-After: " in text
        async with slow(api, "/v1/photos", "camera", "camera-1", PHOTO_BYTES):
            await holds(lambda: rooms[0].held == 4 * PHOTO_BYTES)
        for person in people:
            await person.__aexit__(None, None, None)


class TestSlow:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.body_seconds = 0.1

        return change

    @pytest.mark.parametrize(
        ("path", "role"),
        [("/v1/cases", "camera"), ("/v1/photos", "citizen"), ("/open311/v2/requests.json", "")],
    )
    async def test_a_body_that_does_not_come_is_not_waited_for(
        self, api: Api, rooms: list[BodyRoom], path: str, role: str
    ) -> None:
        async with slow(api, path, role or "citizen", "somebody-1", 1000) as late:
            status, text = await late.answer()
            assert status == 503
            assert "took longer than 0.1 s" in text
            assert "Retry-After: " in text
        await holds(lambda: rooms[0].held == 0)
