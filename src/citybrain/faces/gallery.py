"""1:N search: who of all enrolled looks most like this face. Exact, in memory, incremental.

A search shortlists and never authorises: among a million people even a tiny false-match rate
finds strangers. Templates are read from the vault as the log says who was enrolled or revoked.
"""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from citybrain.errors import NotFound
from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.faces.engine import Embedding
from citybrain.vault import Vault

ENROLLED, REVOKED = "citizen.face_enrolled", "citizen.face_revoked"
TEMPLATE = "face-template"
FIRST_CAPACITY = 1024


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled citizen and the cosine similarity of their template."""

    citizen_id: str
    template_id: str
    score: float


class Gallery:
    """Templates as rows of one matrix of unit vectors; rows are reused after a removal."""

    def __init__(self, dimension: int) -> None:
        self._rows: NDArray[np.float32] = np.zeros((FIRST_CAPACITY, dimension), np.float32)
        self._owners: list[tuple[str, str]] = []
        self._row_of: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def put(self, citizen_id: str, template_id: str, embedding: Embedding) -> None:
        """Add a citizen's template, in place of an earlier one."""
        row = self._row_of.get(citizen_id)
        if row is None:
            row = self._row_of[citizen_id] = len(self._owners)
            self._owners.append((citizen_id, template_id))
            if row == len(self._rows):
                self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._owners[row] = (citizen_id, template_id)
        self._rows[row] = embedding

    def remove(self, citizen_id: str) -> None:
        """Forget a citizen's template; the last row takes its place."""
        row = self._row_of.pop(citizen_id, None)
        if row is None:
            return
        last = len(self._owners) - 1
        if row != last:
            self._owners[row] = self._owners[last]
            self._rows[row] = self._rows[last]
            self._row_of[self._owners[row][0]] = row
        self._owners.pop()
        self._rows[last] = 0

    def search(self, embedding: Embedding, most: int) -> list[Candidate]:
        """The `most` most alike, best first."""
        count = len(self._owners)
        if not count:
            return []
        scores = self._rows[:count] @ embedding
        most = min(most, count)
        best = np.argpartition(-scores, most - 1)[:most]
        return [
            Candidate(citizen_id, template_id, float(scores[row]))
            for row in best[np.argsort(-scores[best], kind="stable")]
            for citizen_id, template_id in (self._owners[row],)
        ]


class EnrolledFaces:
    """The gallery of one template version, kept up to the log."""

    def __init__(
        self, store: EventStore, vault: Vault, *, template_version: str, dimension: int
    ) -> None:
        self._store = store
        self._vault = vault
        self._version = template_version
        self._position = 0
        self._refreshing = asyncio.Lock()
        self.gallery = Gallery(dimension)

    async def search(self, embedding: Embedding, most: int = 10) -> list[Candidate]:
        """The most alike of all who are enrolled now."""
        await self.refresh()
        return await asyncio.to_thread(self.gallery.search, embedding, most)

    async def refresh(self) -> None:
        """Read what the log added since the last time."""
        async with self._refreshing:
            head = await self._store.head()
            while events := await self._store.read_all(
                self._position, topics=(ENROLLED, REVOKED), up_to=head
            ):
                for event in events:
                    await self._apply(event)
                self._position = events[-1].position
            self._position = max(self._position, head)

    async def _apply(self, event: RecordedEvent) -> None:
        if event.topic == REVOKED:
            self.gallery.remove(event.stream_id)
        elif event.data["template_version"] == self._version:
            template_id = event.data["template_id"]
            try:
                content = await self._vault.fetch(event.stream_id, TEMPLATE, UUID(template_id))
            except NotFound:  # revoked or erased further on in the log
                return
            embedding = np.frombuffer(content, dtype=np.float32)
            self.gallery.put(event.stream_id, template_id, embedding)
