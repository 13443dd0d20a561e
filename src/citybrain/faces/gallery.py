"""1:N search: who of all enrolled looks most like this face. In memory and incremental.

A search shortlists and never authorises: among a million people even a tiny false-match rate
finds strangers. Templates are read from the vault as the log says who was enrolled or revoked.

Few templates are compared one by one. Among many, the signs of the numbers (one bit each) make
a shortlist by Hamming distance, and only that is compared exactly: a score is always exact.
`citybrain bench faces` measures both, and how often the shortlist has the right person.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from citybrain.errors import Unavailable
from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.faces.engine import Embedding
from citybrain.vault import Vault

ENROLLED, REVOKED = "citizen.face_enrolled", "citizen.face_revoked"
TEMPLATE, SAMPLE = "face-template", "face-sample"  # kinds of what the vault keeps
FIRST_CAPACITY = 1024
EXACT_UP_TO = 50_000  # templates: some milliseconds
SHORTLIST = 100  # of each thread


class GalleryLoading(Unavailable):
    """This process has just started and does not know all who are enrolled."""

    code = "face-gallery-loading"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled citizen and the cosine similarity of their template."""

    citizen_id: str
    template_id: str
    score: float


class Gallery:
    """Templates as rows of one matrix of unit vectors; the last row fills a gap."""

    def __init__(self, dimension: int) -> None:
        self._rows: NDArray[np.float32] = np.zeros((FIRST_CAPACITY, dimension), np.float32)
        self._signs: NDArray[np.uint8] = np.zeros((FIRST_CAPACITY, dimension // 8), np.uint8)
        self._owners: list[tuple[str, str]] = []
        self._row_of: dict[str, int] = {}
        import faiss  # 50 MB that only who searches needs

        cores = os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(
            cores, "gallery", initializer=faiss.omp_set_num_threads, initargs=(1,)
        )
        self._parts = cores

    def __len__(self) -> int:
        return len(self._owners)

    @property
    def matrix(self) -> NDArray[np.float32]:
        """The templates, n x dimension."""
        return self._rows[: len(self)]

    def put(self, citizen_id: str, template_id: str, embedding: Embedding) -> None:
        """Add a citizen's template, in place of an earlier one."""
        row = self._row_of.get(citizen_id)
        if row is None:
            row = self._row_of[citizen_id] = len(self._owners)
            self._owners.append((citizen_id, template_id))
            if row == len(self._rows):
                self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
                self._signs = np.concatenate([self._signs, np.zeros_like(self._signs)])
        self._owners[row] = (citizen_id, template_id)
        self._rows[row] = embedding
        self._signs[row] = _signs(embedding)

    def remove(self, citizen_id: str) -> None:
        """Forget a citizen's template."""
        row = self._row_of.pop(citizen_id, None)
        if row is None:
            return
        last = len(self._owners) - 1
        if row != last:
            self._owners[row] = self._owners[last]
            self._rows[row] = self._rows[last]
            self._signs[row] = self._signs[last]
            self._row_of[self._owners[row][0]] = row
        self._owners.pop()
        self._rows[last] = 0

    def search(self, embedding: Embedding, most: int) -> list[Candidate]:
        """The `most` most alike, best first."""
        if len(self) <= EXACT_UP_TO:
            return self.search_exactly(embedding, most)
        rows = self._shortlist(embedding)
        scores = self._rows[rows] @ embedding
        return self._candidates(rows, scores, most)

    def search_exactly(self, embedding: Embedding, most: int) -> list[Candidate]:
        """The same, comparing with everybody: the reference for the shortlist."""
        import faiss

        def work(part: range) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
            near = min(most, len(part))
            scores, rows = faiss.knn(
                embedding[None],
                self._rows[part.start : part.stop],
                near,
                metric=faiss.METRIC_INNER_PRODUCT,
            )
            return rows[0] + part.start, scores[0]

        found = list(self._threads.map(work, self._ranges()))
        if not found:
            return []
        rows, scores = (np.concatenate(column) for column in zip(*found, strict=True))
        return self._candidates(rows, scores, most)

    def _shortlist(self, embedding: Embedding) -> NDArray[np.int64]:
        """Rows whose signs differ least."""
        import faiss

        query = _signs(embedding)[None]

        def work(part: range) -> NDArray[np.int64]:
            near = min(SHORTLIST, len(part))
            _, rows = faiss.knn_hamming(query, self._signs[part.start : part.stop], near)
            return np.asarray(rows[0] + part.start, np.int64)

        return np.concatenate(list(self._threads.map(work, self._ranges())))

    def _ranges(self) -> list[range]:
        """The rows in use, shared out between the threads."""
        step = -(-len(self) // self._parts) or 1
        return [range(first, min(first + step, len(self))) for first in range(0, len(self), step)]

    def _candidates(
        self, rows: NDArray[np.int64], scores: NDArray[np.float32], most: int
    ) -> list[Candidate]:
        best = np.argsort(-scores, kind="stable")[:most]
        return [
            Candidate(self._owners[row][0], self._owners[row][1], float(score))
            for row, score in zip(rows[best], scores[best], strict=True)
        ]


def _signs(embedding: Embedding) -> NDArray[np.uint8]:
    return np.packbits(embedding > 0)


class EnrolledFaces:
    """The gallery of one template version, kept up to the log."""

    def __init__(
        self, store: EventStore, vault: Vault, *, template_version: str, dimension: int
    ) -> None:
        self._store = store
        self._vault = vault
        self._version = template_version
        self._position = 0
        self._loaded = False
        self._searching = asyncio.Lock()
        self.gallery = Gallery(dimension)

    async def load(self) -> None:
        """Read who is enrolled; a search meanwhile raises `GalleryLoading`."""
        async with self._searching:
            await self._refresh()

    @property
    def loading(self) -> bool:
        """Whether nobody can be searched for yet."""
        return not self._loaded and self._searching.locked()

    async def search(self, embedding: Embedding, most: int = 10) -> list[Candidate]:
        """The most alike of all who are enrolled now."""
        if self.loading:
            raise GalleryLoading("enrolled faces are still being read", retry_after_seconds=5)
        async with self._searching:  # rows move when somebody is removed
            await self._refresh()
            return await asyncio.to_thread(self.gallery.search, embedding, most)

    async def _refresh(self) -> None:
        """Read what the log added since the last time."""
        head = await self._store.head()
        while events := await self._store.read_all(
            self._position, topics=(ENROLLED, REVOKED), up_to=head
        ):
            await self._apply(events)
            self._position = events[-1].position
        self._position = max(self._position, head)
        self._loaded = True

    async def _apply(self, events: Sequence[RecordedEvent]) -> None:
        enrolled = [
            event
            for event in events
            if event.topic == ENROLLED and event.data["template_version"] == self._version
        ]
        wanted = [(event.stream_id, UUID(event.data["template_id"])) for event in enrolled]
        kept = await self._vault.fetch_many(TEMPLATE, wanted)
        content_of = dict(zip((event.position for event in enrolled), kept, strict=True))
        for event in events:
            if event.topic == REVOKED:
                self.gallery.remove(event.stream_id)
            elif content := content_of.get(event.position):  # else revoked further on in the log
                embedding = np.frombuffer(content, dtype=np.float32)
                self.gallery.put(event.stream_id, event.data["template_id"], embedding)
