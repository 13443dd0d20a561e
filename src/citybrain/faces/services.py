"""All that commands need to decide by face, opened together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

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
    sample_kept: timedelta
    attack_detector: PresentationAttackDetector | None
    next_engine: FaceEngine | None

    @property
    def answer(self) -> bool:
        """Whether a picture would be looked at now, and somebody found by it."""
        return not (self.engine.full or self.engine.failed or self.enrolled.loading)


@asynccontextmanager
async def open_faces(settings: Settings, store: EventStore, vault: Vault) -> AsyncIterator[Faces]:
    """Check the pack, load its models, pick the calibrated thresholds; fails loudly."""
    production = settings.mode == "production"
    pack = load_pack(settings.faces_pack, production=production)
    calibration = pack.calibration
    decision = calibration.at(settings.faces_false_match_rate)
    same_session = calibration.at(SAME_SESSION_RATE)
    detector = settings.faces_attack_detector and settings.faces_attack_detector()
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_engine(settings, pack))
        next_engine = None
        if settings.faces_next_pack is not None:
            next_pack = load_pack(settings.faces_next_pack, production=production)
            next_pack.calibration.at(settings.faces_false_match_rate)
            next_engine = await stack.enter_async_context(open_engine(settings, next_pack))
        enrolled = EnrolledFaces(
            store, vault, template_version=pack.template_version, dimension=pack.dimension
        )
        loading = asyncio.create_task(enrolled.load())
        stack.callback(loading.cancel)
        yield Faces(
            engine,
            Challenges(store.pool),
            enrolled,
            calibration,
            decision,
            same_session,
            timedelta(days=settings.faces_sample_kept_days),
            detector,
            next_engine,
        )
