"""The contract of a store of photos, on a folder and on S3; then what only one of them has."""

import asyncio
import hashlib
import os
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pydantic import SecretStr, ValidationError

from citybrain.photos.store import (
    INCOMING,
    FolderPhotoStore,
    PhotoDamaged,
    PhotoNotFound,
    PhotoStore,
    PhotosUnavailable,
    S3PhotoStore,
    open_store,
)
from citybrain.settings import Settings

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 40_000  # 10 MB
DIGEST = hashlib.sha256(PHOTO).hexdigest()
ODD_NAMES = [
    "",
    "0",
    "../../etc/passwd",
    DIGEST.upper(),
    DIGEST[:-1] + "/",
    DIGEST + "\n",
    "é" * 64,
]


class Contract:
    """What every store promises. `damage` changes the stored bytes behind its back."""

    async def test_what_was_put_is_got(self, photos: PhotoStore) -> None:
        await photos.check()
        await photos.put(DIGEST, PHOTO, "image/jpeg")
        assert await photos.get(DIGEST) == PHOTO

    async def test_putting_again_changes_nothing(self, photos: PhotoStore) -> None:
        await asyncio.gather(*(photos.put(DIGEST, PHOTO, "image/jpeg") for _ in range(4)))
        await photos.put(DIGEST, PHOTO, "image/jpeg")
        assert await photos.get(DIGEST) == PHOTO

    async def test_what_is_not_there_is_not_found(self, photos: PhotoStore) -> None:
        for digest in ("0" * 64, *ODD_NAMES):
            with pytest.raises(PhotoNotFound):
                await photos.get(digest)

    async def test_a_name_that_is_not_of_the_bytes_is_not_taken(self, photos: PhotoStore) -> None:
        for digest in ("0" * 64, *ODD_NAMES):
            with pytest.raises(PhotoDamaged):
                await photos.put(digest, PHOTO, "image/jpeg")

    async def test_what_was_erased_is_gone_and_erasing_again_is_nothing(
        self, photos: PhotoStore
    ) -> None:
        await photos.put(DIGEST, PHOTO, "image/jpeg")
        for digest in (DIGEST, DIGEST, "0" * 64, *ODD_NAMES):
            await photos.delete(digest)
        with pytest.raises(PhotoNotFound):
            await photos.get(DIGEST)

    @pytest.mark.parametrize("bad", [b"", PHOTO[:-1], PHOTO[:-1] + b"!", PHOTO + b"PK"])
    async def test_changed_bytes_are_an_error_until_put_again(
        self, photos: PhotoStore, damage: Any, bad: bytes
    ) -> None:
        await photos.put(DIGEST, PHOTO, "image/jpeg")
        damage(bad)
        with pytest.raises(PhotoDamaged):
            await photos.get(DIGEST)
        await photos.put(DIGEST, PHOTO, "image/jpeg")
        assert await photos.get(DIGEST) == PHOTO


class TestFolder(Contract):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "photos"

    @pytest.fixture
    def photos(self, folder: Path) -> PhotoStore:
        return FolderPhotoStore(folder)

    @pytest.fixture
    def damage(self, folder: Path) -> Any:
        return (folder / DIGEST[:2] / DIGEST[2:4] / DIGEST).write_bytes

    async def test_a_photo_is_a_file_that_only_its_owner_reads(
        self, photos: PhotoStore, folder: Path
    ) -> None:
        await photos.put(DIGEST, PHOTO, "image/jpeg")
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files == [folder / DIGEST[:2] / DIGEST[2:4] / DIGEST]
        assert files[0].stat().st_mode & 0o777 == 0o600

    async def test_a_write_that_fails_leaves_nothing(
        self, photos: PhotoStore, folder: Path
    ) -> None:
        with patch("os.fsync", side_effect=OSError("disk full")), pytest.raises(PhotosUnavailable):
            await photos.put(DIGEST, PHOTO, "image/jpeg")
        assert not [path for path in folder.rglob("*") if path.is_file()]
        with pytest.raises(PhotoNotFound):
            await photos.get(DIGEST)

    async def test_what_a_crash_left_is_never_read_and_swept_out_when_old(
        self, photos: PhotoStore, folder: Path
    ) -> None:
        await photos.put(DIGEST, PHOTO, "image/jpeg")
        old, fresh = folder / INCOMING / "old", folder / INCOMING / DIGEST
        for leftover in (old, fresh):
            leftover.write_bytes(PHOTO[:1000])
        os.utime(old, (0, time.time() - 7200))
        again = FolderPhotoStore(folder)
        assert await again.get(DIGEST) == PHOTO
        assert (old.exists(), fresh.exists()) == (False, True)  # another process may be writing
        with pytest.raises(PhotoNotFound):
            await again.get(INCOMING)


def s3_settings(url: str, bucket: str, prefix: str = "/evidence/2026") -> Settings:
    secret = SecretStr("not-checked")
    return Settings(
        photos_s3_url=f"s3://{bucket}{prefix}",
        photos_s3_endpoint=url,
        photos_s3_region="eu-west-1",
        photos_s3_access_key_id="somebody",
        photos_s3_secret_access_key=secret,
    )


class TestS3(Contract):
    @pytest.fixture
    def photos(self, s3_url: str, bucket: str) -> PhotoStore:
        store = open_store(s3_settings(s3_url, bucket))
        assert isinstance(store, S3PhotoStore)
        return store

    @pytest.fixture
    def damage(self, photos: S3PhotoStore) -> Any:
        return lambda content: photos._bucket.put(DIGEST, content, use_multipart=False)

    async def test_an_object_has_the_prefix_and_its_type(
        self, photos: PhotoStore, s3_url: str, bucket: str
    ) -> None:
        await photos.put(DIGEST, PHOTO, "image/jpeg")
        whole = S3PhotoStore(s3_settings(s3_url, bucket, prefix=""))
        found = await whole._bucket.get_async(f"evidence/2026/{DIGEST}")
        assert found.attributes["Content-Type"] == "image/jpeg"
        assert bytes(await found.bytes_async()) == PHOTO

    async def test_credentials_come_from_the_environment_as_well(
        self, s3_url: str, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-checked")
        settings = Settings(photos_s3_url=f"s3://{bucket}", photos_s3_endpoint=s3_url)
        photos = open_store(settings)
        await photos.put(DIGEST, PHOTO, "image/jpeg")
        assert await photos.get(DIGEST) == PHOTO

    async def test_a_store_that_is_away_or_has_no_such_bucket_is_said_so(self, s3_url: str) -> None:
        away = open_store(s3_settings("http://127.0.0.1:9", "photos"))
        put = away.put(DIGEST, PHOTO, "image/jpeg")
        for work in (away.get(DIGEST), put, away.delete(DIGEST), away.check()):
            with pytest.raises(PhotosUnavailable):
                await work
        nowhere = open_store(s3_settings(s3_url, "nowhere"))
        for work in (nowhere.put(DIGEST, PHOTO, "image/jpeg"), nowhere.check()):
            with pytest.raises(PhotosUnavailable):
                await work


def test_settings_choose_the_store_and_hide_the_secret(tmp_path: Path) -> None:
    assert isinstance(open_store(Settings(data_dir=tmp_path)), FolderPhotoStore)
    assert "not-checked" not in repr(s3_settings("http://127.0.0.1:9", "photos"))
    for wrong in ("photos", "http://photos", "s3://", "s3://Bucket/x y"):
        with pytest.raises(ValidationError):
            Settings(photos_s3_url=wrong)
