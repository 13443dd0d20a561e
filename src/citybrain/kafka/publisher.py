"""Publishes the log: one lane a category, each led by one process of all that stand by.

What happens to one category (an event too large, a topic that was changed) stops that category
alone. Who leads is told by PostgreSQL; that a leader which was stopped and wakes does no harm is
the brokers' fencing (docs/decisions/0028-the-broker-fences-a-publisher.md).
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from citybrain.ending import end
from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore, StoreUnavailable
from citybrain.eventstore.leadership import LeadLost
from citybrain.faults import CONNECTION_LOST
from citybrain.kafka import checkpoints, topics
from citybrain.kafka.checkpoints import CheckpointMoved
from citybrain.kafka.lag import Behind, look
from citybrain.kafka.lane import BrokersAway, Lane, LostByBrokers, open_lane
from citybrain.kafka.watch import Watch
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

BATCH_SIZE = 1000
GATHER_SECONDS = 0.005  # from one transaction to the next
RETRY_SECONDS = 0.5
RETRY_REFUSED_SECONDS = 5.0
TICK_SECONDS = 1.0

PUBLISHED = Counter("citybrain_publish_events_total", "Events sent to Kafka", ["category"])
RESTARTS = Counter("citybrain_publish_restarts_total", "Lanes begun again", ["category", "reason"])
LAG_POSITIONS = Gauge(
    "citybrain_publish_lag_positions", "Positions between Kafka and the log's end", ["category"]
)
LAG_SECONDS = Gauge(
    "citybrain_publish_lag_seconds", "Age of the oldest event that is not in Kafka", ["category"]
)
STOPPED = Gauge("citybrain_publish_stopped", "1 while a category is not published", ["category"])


@dataclass
class Progress:
    """How one category is published by this process."""

    category: str
    topic: str
    behind: Behind
    leads: bool = False
    reason: str | None = None
    """Why it was not published when this process led it last."""


@dataclass
class Publisher:
    """Leads categories or stands by for them; `run` goes on until it is cancelled."""

    settings: Settings
    store: EventStore
    categories: Sequence[str]
    lanes: dict[str, Lane] = field(default_factory=dict)

    def __post_init__(self) -> None:
        topics.refuse_reordering(self.settings)
        prefix = self.settings.kafka_topic_prefix
        self.progress = {
            each: Progress(each, prefix + each, Behind(prefix + each, each))
            for each in self.categories
        }
        self.watch = Watch(
            self.settings, [each.topic for each in self.progress.values()], self.lanes
        )

    @property
    def problems(self) -> dict[str, str]:
        """What is not well, by the name of what it concerns."""
        found = {} if self.watch.reason is None else {"brokers": self.watch.reason}
        return found | {
            each.topic: each.reason for each in self.progress.values() if each.reason is not None
        }

    async def run(self) -> None:
        """Publish; raises `TopicRefused` where a topic could lose events."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.watch.run())
            group.create_task(self._tick())
            for progress in self.progress.values():
                group.create_task(self._keep(progress))

    async def _keep(self, progress: Progress) -> None:
        await self.watch.prepared.wait()
        while True:
            delay = RETRY_SECONDS
            try:
                async with self.store.leads.leading(f"publish:{progress.topic}"):
                    progress.leads = True
                    await self._lead(progress)
            except (LeadLost, LostByBrokers, CheckpointMoved) as error:
                self._begins_again(progress, error, None)
            except BrokersAway as error:
                self._begins_again(progress, error, error.message)
            except CONNECTION_LOST as error:
                self._begins_again(progress, error, "PostgreSQL does not answer")
            except CitybrainError as error:
                self._begins_again(progress, error, f"{error.code}: {error.message}")
                delay = RETRY_REFUSED_SECONDS
            except Exception as error:
                log.exception("publish_failed", category=progress.category)
                self._begins_again(progress, error, type(error).__name__)
                delay = RETRY_REFUSED_SECONDS
            finally:
                progress.leads = False
            await asyncio.sleep(delay)

    async def _lead(self, progress: Progress) -> None:
        topic = self.watch.topics[progress.topic]
        async with open_lane(self.settings, self.store, progress.category, topic) as lane:
            self.lanes[progress.topic] = lane
            try:
                await _unless(lane.trouble, self._publish(progress, lane))
            finally:
                del self.lanes[progress.topic]

    async def _publish(self, progress: Progress, lane: Lane) -> None:
        published = PUBLISHED.labels(progress.category)
        progress.reason = None
        async for batch in self.store.follow(
            lane.checkpoint.position, categories=[progress.category], batch_size=BATCH_SIZE
        ):
            next_at = time.monotonic() + GATHER_SECONDS
            published.inc(await lane.publish(batch))
            if len(batch) < BATCH_SIZE:
                await asyncio.sleep(next_at - time.monotonic())

    def _begins_again(self, progress: Progress, error: BaseException, reason: str | None) -> None:
        RESTARTS.labels(progress.category, type(error).__name__).inc()
        if reason is None or reason != progress.reason:
            details = error.details if isinstance(error, CitybrainError) else {}
            log.warning(
                "publish_begins_again",
                topic=progress.topic,
                error=type(error).__name__,
                reason=reason,
                **details,
            )
        progress.reason = reason

    async def _tick(self) -> None:
        """Every second: move on what has nothing to send, and measure."""
        while True:
            with suppress(StoreUnavailable, *CONNECTION_LOST):
                await self._measure()
            await asyncio.sleep(TICK_SECONDS)

    async def _measure(self) -> None:
        head = await self.store.head()
        ours = [each for each in self.progress.values() if each.leads or each.reason is not None]
        await look(self.store, [each.behind for each in ours], head)
        await self._pass_by([each.behind for each in ours])
        now = datetime.now(UTC)
        for each in self.progress.values():
            if each not in ours:
                for gauge in (LAG_POSITIONS, LAG_SECONDS, STOPPED):
                    gauge.remove(each.category)
                continue
            missing = each.behind.missing
            lag = head - (missing[0] - 1 if missing else each.behind.looked)
            age = (now - missing[1]).total_seconds() if missing else 0.0
            LAG_POSITIONS.labels(each.category).set(max(0, lag))
            LAG_SECONDS.labels(each.category).set(max(0.0, age))
            STOPPED.labels(each.category).set(each.reason is not None)

    async def _pass_by(self, topics: Sequence[Behind]) -> None:
        """Move the checkpoints of those that lack nothing, as far as was looked."""
        async with AsyncExitStack() as stack:
            past = []
            for each in topics:
                lane = self.lanes.get(each.topic)
                if lane is None or each.missing is not None or each.looked <= each.position:
                    continue
                await stack.enter_async_context(lane.moving)
                if lane.checkpoint.revision == each.revision:
                    past.append((lane.checkpoint, each.looked))
            if past:
                connection = await stack.enter_async_context(self.store.writing())
                await checkpoints.pass_by(connection, past)


async def _unless(trouble: "asyncio.Future[None]", work: Coroutine[Any, Any, None]) -> None:
    """Work until it ends, or until there is trouble: then that is raised."""
    working = asyncio.create_task(work)
    try:
        await asyncio.wait({trouble, working}, return_when=asyncio.FIRST_COMPLETED)
        (trouble if trouble.done() else working).result()
    finally:
        await end(working)
