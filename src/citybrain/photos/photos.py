"""Photos as the rest of the system has them: taken, shown, shown small.

Decoding takes seconds and hundreds of megabytes for the largest photo, so it runs on few threads
of its own, never on the event loop. Who would have to wait too long is told to come again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from citybrain.ending import end
from citybrain.errors import CitybrainError, InvalidInput, Unavailable
from citybrain.photos.checking import CheckedPhoto, Limits, check, thumbnail
from citybrain.photos.store import PhotoStore, open_store
from citybrain.settings import Settings

T = TypeVar("T")

UPLOADS_A_CALLER = 4


class PhotosBusy(Unavailable):
    """More photos at once than there is room for."""

    code = "photos-busy"


class EvidenceNotFound(InvalidInput):
    """Evidence names a photo that nobody has uploaded."""

    code = "evidence-not-found"


class Photos:
    """The store of photos, and the threads that check them.

    `evidence_is_kept`: what people name as evidence has to be here.

    `threads` decode at the same time, 8 bytes of memory a pixel each; `pending` uploads
    may be worked on, and as many pictures wait for a thread.
    """

    def __init__(
        self,
        store: PhotoStore,
        limits: Limits,
        threads: int,
        pending: int,
        *,
        evidence_is_kept: bool = False,
    ) -> None:
        self.store = store
        self._evidence_is_kept = evidence_is_kept
        self.limits = limits
        self._pending = pending
        self._uploads: Counter[str] = Counter()
        self._waiting = 0
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="photos")
        self._look: asyncio.Task[bool] | None = None

    @contextmanager
    def admitted(self, caller: str) -> Iterator[None]:
        """A place for one photo of `caller`, once its bytes are here; raises `PhotosBusy`."""
        full = self._uploads.total() >= self._pending
        if full or self._uploads[caller] >= UPLOADS_A_CALLER:
            raise PhotosBusy("too many photos at once", retry_after_seconds=2)
        self._uploads[caller] += 1
        try:
            yield
        finally:
            self._uploads[caller] -= 1
            self._uploads += Counter()  # forget who has none

    async def take(self, content: bytes) -> CheckedPhoto:
        """Check an upload and keep it; raises what `check` raises, and `PhotosBusy`."""
        photo = await self.checked(content)
        await self.store.put(photo.sha256, photo.content, photo.content_type)
        return photo

    async def checked(self, content: bytes) -> CheckedPhoto:
        """Check an upload that somebody else keeps; raises what `check` raises, `PhotosBusy`."""
        return await self._in_thread(lambda: check(content, self.limits))

    async def get(self, digest: str) -> bytes:
        """The bytes of a kept photo; raises `PhotoNotFound` and `PhotoDamaged`."""
        return await self.store.get(digest)

    async def require(self, digests: Sequence[str]) -> None:
        """Raise `EvidenceNotFound` where a photo is named that is not kept, if it has to be."""
        if not self._evidence_is_kept:
            return
        kept = await asyncio.gather(*(self.store.has(digest) for digest in digests))
        missing = [digest for digest, there in zip(digests, kept, strict=True) if not there]
        if missing:
            raise EvidenceNotFound("upload the photos first", missing=missing)

    async def kept_now(self, seconds: float) -> bool:
        """Whether a photo could be kept now, as far as the store says so in time.

        One look at a time: a file system that hangs holds the thread that looks.
        """
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._answers())
        await asyncio.wait({self._look}, timeout=seconds)
        return self._look.done() and self._look.result()

    async def _answers(self) -> bool:
        try:
            await self.store.check()
        except CitybrainError:
            return False
        return True

    async def thumbnail(self, content: bytes) -> bytes:
        """A small JPEG of a kept photo; raises `PhotosBusy`."""
        return await self._in_thread(lambda: thumbnail(content))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Run on a thread of ours; who gives up waiting leaves a place free when it has ended."""
        if self._waiting >= self._pending:
            raise PhotosBusy("too many photos at once", retry_after_seconds=2)
        loop, running = asyncio.get_running_loop(), self._threads.submit(work)
        self._waiting += 1
        running.add_done_callback(lambda _: loop.call_soon_threadsafe(self._ended))
        return await asyncio.wrap_future(running)

    def _ended(self) -> None:
        self._waiting -= 1

    async def close(self) -> None:
        """End the threads; what has begun is finished first."""
        if self._look is not None:
            await end(self._look)
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)


@asynccontextmanager
async def open_photos(settings: Settings) -> AsyncIterator[Photos]:
    """The photos of the settings; their threads end with the context."""
    limits = Limits(settings.photos_limit_bytes, settings.photos_limit_pixels)
    store = await asyncio.to_thread(open_store, settings)
    kept = settings.evidence_is_kept
    photos = Photos(
        store,
        limits,
        settings.photos_threads,
        settings.photos_pending_limit,
        evidence_is_kept=settings.mode == "production" if kept is None else kept,
    )
    try:
        yield photos
    finally:
        await photos.close()
