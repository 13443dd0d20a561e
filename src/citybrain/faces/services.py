"""All that commands need to decide by face, opened together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from citybrain.eventstore import EventStore
from citybrain.faces.calibration import Calibration, OperatingPoint
from citybrain.faces.challenges import Challenges
from citybrain.faces.engine import FaceEngine, open_engine
from citybrain.faces.gallery import EnrolledFaces
from citybrain.faces.liveness import PresentationAttackDetector
from citybrain.faces.pack import load_pack
from citybrain.settings import Settings
from citybrain.vault import Vault

SAME_SESSION_RATE = 1e-2  # pictures of one session differ in pose: a milder threshold


@dataclass(slots=True)
class Faces:
    """The engine, what it knows, and the thresholds that decide."""

    engine: FaceEngine
    challenges: Challenges
    enrolled: EnrolledFaces
    calibration: Calibration
    decision: OperatingPoint
    same_session: OperatingPoint
    attack_detector: PresentationAttackDetector | None = None


@asynccontextmanager
async def open_faces(settings: Settings, store: EventStore, vault: Vault) -> AsyncIterator[Faces]:
    """Check the pack, load its models, pick the calibrated thresholds; fails loudly."""
    pack = load_pack(settings.faces_pack, production=settings.mode == "production")
    calibration = pack.calibration
    decision = calibration.at(settings.faces_false_match_rate)
    same_session = calibration.at(SAME_SESSION_RATE)
    async with open_engine(settings, pack) as engine:
        enrolled = EnrolledFaces(
            store, vault, template_version=pack.template_version, dimension=pack.dimension
        )
        yield Faces(engine, Challenges(store.pool), enrolled, calibration, decision, same_session)
