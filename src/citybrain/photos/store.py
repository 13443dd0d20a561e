"""Where photos are kept: a port, a folder behind it, and a bucket that speaks S3.

A photo is named by the SHA-256 of its bytes, so it never changes and storing it again is the
same as storing it once. What is read is checked against its name: a changed file is an error,
never a picture. Nothing here looks into a photo.
"""

import asyncio
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from uuid import uuid4

import structlog
from obstore.exceptions import BaseError
from obstore.store import S3Store

from citybrain.errors import CitybrainError, NotFound, Unavailable
from citybrain.settings import Settings

if TYPE_CHECKING:  # that is the only place where these are
    from obstore.store import S3Config

log = structlog.get_logger(__name__)

DIGEST: Final = re.compile(r"[0-9a-f]{64}")
FOLDER = "photos"
INCOMING = "incoming"
LEFTOVER_SECONDS = 3600.0
NOBODYS: Final = "0" * 64
NO_BUCKET = "<Code>NoSuchBucket</Code>"  # of S3's error documents
S3_REQUEST_SECONDS = 10.0  # of one attempt; a request has 15 in all


class PhotoNotFound(NotFound):
    """There is no photo of this digest, or no more."""

    code = "photo-not-found"


class PhotoDamaged(CitybrainError):
    """The bytes are not those that the digest names: the store was tampered with, or is broken."""

    code = "photo-damaged"


class PhotosUnavailable(Unavailable):
    """The store of photos cannot be reached, or does not let us in."""

    code = "photos-unavailable"


class PhotoStore(Protocol):
    """Photos by digest: SHA-256 of the bytes, 64 lower-case hex digits.

    All methods are safe to repeat, and at the same time from several processes. They raise
    `PhotosUnavailable` where the store does not answer, has no room or does not let us in.
    """

    async def put(self, digest: str, content: bytes, content_type: str) -> None:
        """Keep a photo: all of it and durable, or not at all. A damaged one is replaced.

        Raises `PhotoDamaged` where `content` is not what `digest` names.
        """

    async def get(self, digest: str) -> bytes:
        """The bytes; raises `PhotoNotFound` and `PhotoDamaged`."""

    async def has(self, digest: str) -> bool:
        """Whether there is a photo of this digest."""

    async def delete(self, digest: str) -> None:
        """Erase a photo; nothing happens where there is none."""

    async def check(self) -> None:
        """Raise `PhotosUnavailable` where no photo can be kept now."""


def open_store(settings: Settings) -> PhotoStore:
    """The bucket that the settings name, else the folder `photos` in `data_dir`."""
    if settings.photos_s3_url is None:
        return FolderPhotoStore(settings.data_dir / FOLDER)
    return S3PhotoStore(settings)


class FolderPhotoStore:
    """A file for each photo, in `ab/cd/` by the first digits of its digest.

    A file is written under another name in `incoming/`, synced and renamed. What a crash leaves
    there is never read; opening the store sweeps out what is older than an hour.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sweep()

    async def put(self, digest: str, content: bytes, content_type: str) -> None:
        """See `PhotoStore`; the type is in the content."""
        try:
            with _said_as_ours():
                await asyncio.to_thread(self._put, digest, content)
        except PhotoNotFound:
            raise PhotosUnavailable("the folder of photos went away") from None

    async def get(self, digest: str) -> bytes:
        """See `PhotoStore`."""
        with _said_as_ours():
            return await asyncio.to_thread(self._get, digest)

    async def has(self, digest: str) -> bool:
        """See `PhotoStore`."""
        known = DIGEST.fullmatch(digest) is not None
        with _said_as_ours():
            return known and await asyncio.to_thread(self._path(digest).is_file)

    async def delete(self, digest: str) -> None:
        """See `PhotoStore`."""
        if DIGEST.fullmatch(digest):
            with _said_as_ours():
                await asyncio.to_thread(self._delete, self._path(digest))

    async def check(self) -> None:
        """See `PhotoStore`. Only who writes finds out that there is no room."""
        with _said_as_ours():
            await asyncio.to_thread(self._try)

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest[2:4] / digest

    def _put(self, digest: str, content: bytes) -> None:
        _check(digest, content)
        path, temporary = self._path(digest), self._folder / INCOMING / uuid4().hex
        temporary.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(
                os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as f:
                f.write(content)
                f.flush()
                os.fsync(f.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        for folder in (path.parent, path.parent.parent, self._folder):
            _sync(folder)

    def _try(self) -> None:
        tried = self._folder / INCOMING / uuid4().hex
        tried.parent.mkdir(parents=True, exist_ok=True)
        try:
            tried.write_bytes(b"room?")
        finally:
            tried.unlink(missing_ok=True)

    def _get(self, digest: str) -> bytes:
        if not DIGEST.fullmatch(digest):
            raise PhotoNotFound("there is no such photo")
        content = self._path(digest).read_bytes()
        _check(digest, content)
        return content

    def _delete(self, path: Path) -> None:
        try:
            path.unlink()
        except FileNotFoundError:
            return
        _sync(path.parent)

    def _sweep(self) -> None:
        before = time.time() - LEFTOVER_SECONDS
        for leftover in (self._folder / INCOMING).glob("*"):
            try:
                if leftover.stat().st_mtime < before:
                    leftover.unlink()
            except FileNotFoundError:
                continue  # another process swept it


class S3PhotoStore:
    """An object for each photo, `<prefix>/<digest>`, in a bucket that speaks S3.

    Credentials come from the settings, else from where AWS clients look: environment variables
    (`AWS_ACCESS_KEY_ID`, …), a web identity, the instance. A bucket that keeps versions has to
    expire them, or nothing is ever erased.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.photos_s3_url is not None
        attempt = timedelta(seconds=S3_REQUEST_SECONDS)
        endpoint = settings.photos_s3_endpoint or ""
        self._bucket = S3Store.from_url(
            settings.photos_s3_url,
            config=_s3_config(settings),
            client_options={"timeout": attempt, "allow_http": endpoint.startswith("http://")},
            retry_config={"max_retries": 5, "retry_timeout": attempt},
        )

    async def put(self, digest: str, content: bytes, content_type: str) -> None:
        """See `PhotoStore`. One request, not several parts: an object is there wholly or not."""
        _check(digest, content)
        try:
            with _said_as_ours():
                await self._bucket.put_async(
                    digest, content, attributes={"Content-Type": content_type}, use_multipart=False
                )
        except PhotoNotFound:
            raise PhotosUnavailable("there is no such bucket") from None

    async def get(self, digest: str) -> bytes:
        """See `PhotoStore`."""
        if not DIGEST.fullmatch(digest):
            raise PhotoNotFound("there is no such photo")
        with _said_as_ours():
            found = await self._bucket.get_async(digest)
            content = bytes(await found.bytes_async())
        _check(digest, content)
        return content

    async def has(self, digest: str) -> bool:
        """See `PhotoStore`."""
        if not DIGEST.fullmatch(digest):
            return False
        try:
            with _said_as_ours():
                await self._bucket.head_async(digest)
        except PhotoNotFound:
            return False
        return True

    async def delete(self, digest: str) -> None:
        """See `PhotoStore`."""
        if not DIGEST.fullmatch(digest):
            return
        try:
            with _said_as_ours():
                await self._bucket.delete_async(digest)
        except PhotoNotFound:
            return  # some servers say so

    async def check(self) -> None:
        """See `PhotoStore`. A question for a photo that there is not.

        It asks for the body, of which only the refusal comes: that names a bucket that is missing.
        """
        with _said_as_ours():
            try:
                await self._bucket.get_async(NOBODYS)
            except FileNotFoundError as refusal:
                if NO_BUCKET in str(refusal):
                    raise PhotosUnavailable("there is no such bucket") from None


def _s3_config(settings: Settings) -> "S3Config":
    """What the settings say; what they do not, obstore takes from the environment."""
    config: S3Config = {}
    if settings.photos_s3_endpoint:
        config["endpoint"] = settings.photos_s3_endpoint
    if settings.photos_s3_region:
        config["region"] = settings.photos_s3_region
    if settings.photos_s3_access_key_id:
        config["access_key_id"] = settings.photos_s3_access_key_id
    if settings.photos_s3_secret_access_key:
        config["secret_access_key"] = settings.photos_s3_secret_access_key.get_secret_value()
    return config


@contextmanager
def _said_as_ours() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise PhotoNotFound("there is no such photo") from None
    except (BaseError, OSError) as error:
        log.warning("photos_unavailable", error=type(error).__name__)
        raise PhotosUnavailable("photos cannot be reached now", retry_after_seconds=5) from error


def _check(digest: str, content: bytes) -> None:
    if hashlib.sha256(content).hexdigest() != digest:
        log.error("photo_damaged", sha256=digest)
        raise PhotoDamaged("the stored photo is not what its digest names")


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
