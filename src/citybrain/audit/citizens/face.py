"""Recomputes a face decision from the sealed sample and says whether it comes out the same."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from citybrain.errors import InvalidInput
from citybrain.eventstore import EventStore, StreamNotFound
from citybrain.faces.engine import Models
from citybrain.faces.gallery import SAMPLE, TEMPLATE
from citybrain.faces.images import decode
from citybrain.vault import Vault

VERIFIED = "citizen.face_verified"
TOLERANCE = 1e-6  # of the score; zero on the same processor type and runtime


class NotAFaceDecision(InvalidInput):
    """This event is not a comparison of faces."""

    code = "not-a-face-decision"


class OtherModels(InvalidInput):
    """The decision was taken with other models than those loaded."""

    code = "decided-with-other-models"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was decided, what comes out now, and whether the two are the same."""

    stream_id: str
    version: int
    recorded: dict[str, Any]
    recomputed_score: float
    recomputed_matched: bool
    difference: float
    same_runtime: bool

    @property
    def same(self) -> bool:
        """The same decision on the same score."""
        return self.recomputed_matched == self.recorded["matched"] and self.difference <= TOLERANCE


async def decision_at(store: EventStore, stream_id: str, version: int) -> dict[str, Any]:
    """What was recorded; raises `StreamNotFound` and `NotAFaceDecision`."""
    events = await store.read(stream_id, after_version=version - 1, up_to_version=version)
    if not events:
        raise StreamNotFound(f"there is no {stream_id} at version {version}")
    if events[0].topic != VERIFIED:
        raise NotAFaceDecision(f"version {version} is {events[0].topic}, not {VERIFIED}")
    return {name: value for name, value in events[0].data.items() if name != "timestamp"}


async def explain(
    store: EventStore, vault: Vault, models: Models, stream_id: str, version: int
) -> Explanation:
    """Recompute the decision at `version`; errors name what is missing for it."""
    data = await decision_at(store, stream_id, version)
    if data["models"] != models.pack.digests:
        raise OtherModels(
            f"it was decided with the pack {data['pack_id']} (template version "
            f"{data['template_version']}); name its folder in CITYBRAIN_FACES_PACK"
        )
    sample = await vault.fetch(stream_id, SAMPLE, UUID(data["sample_id"]))
    template = await vault.fetch(stream_id, TEMPLATE, UUID(data["template_id"]))
    (analysis,) = models.analyse([decode(sample)])
    if isinstance(analysis, Exception):
        raise analysis
    score = float(analysis.embedding @ np.frombuffer(template, np.float32))
    return Explanation(
        stream_id=stream_id,
        version=version,
        recorded=data,
        recomputed_score=score,
        recomputed_matched=score >= data["threshold"],
        difference=abs(score - data["score"]),
        same_runtime=models.runtime == data["runtime"],
    )
