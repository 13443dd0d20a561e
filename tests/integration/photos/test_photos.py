"""Photos in use: on their own threads, with a bound on how many."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from citybrain.photos import Photos, open_photos
from citybrain.photos.checking import CheckedPhoto, ImageDamaged, Limits, check
from citybrain.photos.photos import UPLOADS_A_CALLER, PhotosBusy
from citybrain.settings import Settings
from tests.given.photos import encoded, scene, telling
from tests.given.waiting import PATIENCE_SECONDS, holds


@pytest.fixture
async def photos(tmp_path: Path) -> AsyncIterator[Photos]:
    settings = Settings(data_dir=tmp_path, photos_threads=1, photos_pending_limit=6)
    async with open_photos(settings) as photos:
        yield photos


async def test_the_same_upload_many_times_at_once_is_one_photo(
    photos: Photos, tmp_path: Path
) -> None:
    content = telling("JPEG")
    taken = await asyncio.gather(*(photos.take(content) for _ in range(6)))
    assert len({photo.sha256 for photo in taken}) == 1
    assert await photos.get(taken[0].sha256) == taken[0].content
    assert len([path for path in (tmp_path / "photos").rglob("*") if path.is_file()]) == 1


async def test_what_is_refused_is_not_kept(photos: Photos, tmp_path: Path) -> None:
    with pytest.raises(ImageDamaged):
        await photos.take(encoded(scene())[:-500])
    assert not (tmp_path / "photos").exists()


async def test_the_loop_goes_on_while_a_large_photo_is_decoded(photos: Photos) -> None:
    content = await asyncio.to_thread(encoded, scene(7000, 5000))
    took = asyncio.create_task(photos.take(content))
    beats = 0
    while not took.done():
        await asyncio.sleep(0.002)
        beats += 1
    assert (await took).width == 7000
    assert beats > 2, "the loop stood still for the second or so that this takes"


async def test_who_would_wait_too_long_is_told_so_and_there_is_room_again(photos: Photos) -> None:
    content = await asyncio.to_thread(encoded, scene(3000, 2000))
    results = await asyncio.gather(
        *(photos.take(content) for _ in range(10)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, BaseException)]
    assert [type(each) for each in refused] == [PhotosBusy] * 4
    await photos.take(content)


async def test_who_gives_up_leaves_a_place_only_when_the_work_has_ended(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, begun = threading.Event(), threading.Event()

    def slow(content: bytes, limits: Limits) -> CheckedPhoto:
        begun.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return check(content, limits)

    monkeypatch.setattr("citybrain.photos.photos.check", slow)
    taken = [asyncio.create_task(photos.take(encoded(scene()))) for _ in range(6)]
    await holds(begun.is_set)
    for task in taken:
        task.cancel()
    await asyncio.gather(*taken, return_exceptions=True)
    await holds(lambda: photos._waiting == 1)  # one is on its thread, and the rest gone
    go_on.set()
    await holds(lambda: photos._waiting == 0)
    assert (await photos.take(encoded(scene()))).width == 160


async def test_uploads_have_places(photos: Photos) -> None:
    uploads = [photos.admitted("anna") for _ in range(UPLOADS_A_CALLER)]
    for upload in uploads:
        upload.__enter__()
    with pytest.raises(PhotosBusy), photos.admitted("anna"):
        pass
    with photos.admitted("boris"), photos.admitted("carla"), pytest.raises(PhotosBusy):
        photos.admitted("dora").__enter__()
    for upload in uploads:
        upload.__exit__(None, None, None)
    with photos.admitted("anna"):
        pass
    assert not photos._uploads
