"""Keeps the live read models up to date: one leading worker a projection, over all processes."""

import asyncio
import time
from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from citybrain.eventstore import EventStore, RecordedEvent, StoreUnavailable
from citybrain.eventstore.connecting import LONG_SECONDS
from citybrain.eventstore.leadership import Lead, LeadLost
from citybrain.eventstore.locks import KEY_OF, have
from citybrain.eventstore.versions import NewerThanKnown
from citybrain.eventstore.witness import LogWentBack
from citybrain.faults import AGAIN_LATER
from projections.ahead import ahead, missing
from projections.belonging import belongs
from projections.checkpoints import IdleCheckpoints
from projections.projection import Projection
from projections.rebuild import rebuild
from projections.together import Together
from projections.worker import CheckpointMoved, ProjectionWorker

log = structlog.get_logger(__name__)

BATCH_SIZE = 2000
GATHER_SECONDS = 0.05  # transactions of two dozen models, each for every event, would fill a core
GATHER_LONGEST_SECONDS = 0.1
PATIENCE_SECONDS = 2.0  # with those who feed a model, since they have brought something last
ALONE_SECONDS = 30.0  # without them, after that
LOOK_SECONDS = 0.05
RETRY_SECONDS = 0.5
RETRY_AFTER_FAULT_SECONDS = 5.0
KNOWN = "SELECT projection FROM projection_checkpoints"
STOPPED = "UPDATE projection_checkpoints SET stopped = $2 WHERE projection = $1"

APPLIED = Counter(
    "citybrain_projection_events_total", "Events a projection has seen", ["projection"]
)
PARKED = Counter(
    "citybrain_projection_parked_total", "Events a projection set aside", ["projection"]
)


def pause(seconds: float) -> float:
    """How long to gather after a batch that took so long: the busier, the larger the next."""
    return max(GATHER_SECONDS, min(seconds, GATHER_LONGEST_SECONDS))


class ProjectionRunner:
    """Runs projections until cancelled."""

    def __init__(self, store: EventStore, projections: Sequence[Projection]) -> None:
        self._store = store
        self._projections = projections
        self._idle = IdleCheckpoints(store.keeping)
        self._together = Together(store)

    async def run(self) -> None:
        """Lead or stand by for every projection; survives lost connections and restarts."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._together.run())
            for projection in self._projections:
                group.create_task(self._keep(projection))

    async def _keep(self, projection: Projection) -> None:
        while True:
            try:
                async with self._store.leads.leading(f"projection:{projection.name}") as lead:
                    await self._lead(projection, lead)
            except LeadLost:
                log.info("projection_led_elsewhere", projection=projection.name)
            except LogWentBack:
                log.error("projection_stopped", projection=projection.name, why=LogWentBack.code)
                await asyncio.Event().wait()  # until this process is started anew
            except (CheckpointMoved, StoreUnavailable, *AGAIN_LATER) as error:
                log.warning(
                    "projection_restarts", projection=projection.name, error=type(error).__name__
                )
                await asyncio.sleep(RETRY_SECONDS)
            except NewerThanKnown as error:
                log.error("projection_stopped", projection=projection.name, why=error.message)
                await self._say_stopped(projection, error.message)
                await asyncio.sleep(RETRY_AFTER_FAULT_SECONDS)
            except Exception:  # a fault of one model must not stop the others
                log.exception("projection_failed", projection=projection.name)
                await asyncio.sleep(RETRY_AFTER_FAULT_SECONDS)

    async def _lead(self, projection: Projection, lead: Lead) -> None:
        worker = await self._resumed(projection)
        if worker is None:
            lead.stays = True
            await rebuild(self._store, projection)
            lead.stays = False
            return
        applied, set_aside = APPLIED.labels(projection.name), PARKED.labels(projection.name)
        fed = Fed(self._store, worker)
        async for batch in self._store.follow(worker.position, batch_size=BATCH_SIZE):
            began = time.monotonic()
            if worker.concerned(batch):
                await fed.wait_for(batch)
                set_aside.inc(await self._together.apply(worker, batch))
            else:
                await worker.pass_by(batch[-1].position, batch[-1].recorded_at)
            applied.inc(len(batch))
            if len(batch) < BATCH_SIZE:  # all there was
                await asyncio.sleep(pause(time.monotonic() - began))

    async def _say_stopped(self, projection: Projection, why: str) -> None:
        """In the checkpoint, whose next move takes it back."""
        try:
            await self._store.keeping.execute(STOPPED, projection.name, why)
        except (StoreUnavailable, *AGAIN_LATER) as error:
            log.info("not_said", projection=projection.name, error=type(error).__name__)

    async def _resumed(self, projection: Projection) -> ProjectionWorker | None:
        """A worker where the model stands; None where that is of another version, or void."""
        async with self._store.writing() as connection:
            worker = ProjectionWorker(projection, connection, projection.name, self._idle)
            version = await worker.resume()
            if version is None:
                await prepare(self._store, [projection])
                version = await worker.resume()
        if version != projection.version:
            log.info("projection_outdated", projection=projection.name, version=version)
        elif await belongs(self._store, worker):
            return worker
        else:
            log.warning("projection_void", projection=projection.name, position=worker.position)
        return None


class Fed:
    """Leaves those who feed a model the time to bring events, so that it needs not do it itself."""

    def __init__(self, store: EventStore, worker: ProjectionWorker) -> None:
        self._store = store
        self._worker = worker
        self._alone_until = 0.0

    async def wait_for(self, batch: Sequence[RecordedEvent]) -> None:
        """Return when a batch was brought, or nobody brings any of it any more."""
        if not self._worker.fed or time.monotonic() < self._alone_until:
            return
        wanted = self._worker.wanted(batch)
        streams = list({event.stream_id for event in wanted})
        fewest, since = len(wanted), time.monotonic()
        while True:
            versions = await ahead(self._store.keeping, self._worker.schema, streams)
            left = len(missing(wanted, versions))
            if left == 0 or (not versions and len(batch) == BATCH_SIZE):  # far behind, and alone
                return
            if left < fewest:
                fewest, since = left, time.monotonic()
            elif time.monotonic() > since + PATIENCE_SECONDS:
                log.info("projection_not_fed", projection=self._worker.schema, missing=left)
                self._alone_until = time.monotonic() + ALONE_SECONDS
                return
            await asyncio.sleep(LOOK_SECONDS)


async def prepare(store: EventStore, projections: Sequence[Projection]) -> None:
    """Create the empty tables of models that do not exist yet, so that readers find them.

    Raises `LockHeld` where another process does it for too long.
    """
    connection = await store.connect_keeping("citybrain-prepare", statement_seconds=LONG_SECONDS)
    try:
        await have(connection, await connection.fetchval(KEY_OF, "prepare"), "the read models")
        known = {row["projection"] for row in await connection.fetch(KNOWN)}
        for projection in projections:
            if projection.name not in known:
                await ProjectionWorker(projection, connection, projection.name).create()
    finally:
        connection.terminate()
