"""Tells Kafka of the events that read models have set aside (docs/decisions/0032).

What is parked is in PostgreSQL, in the transaction that moves past it; a letter is a copy for
whoever watches a topic. It is the event's record, with what went wrong in further headers.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer

from citybrain.eventstore import EventStore, RecordedEvent, StoreUnavailable
from citybrain.eventstore.incarnations import read_lineage
from citybrain.eventstore.reader import COLUMNS
from citybrain.faults import AGAIN_LATER
from citybrain.kafka.clients import KAFKA_AWAY, admin, idempotent_producer
from citybrain.kafka.topics import create, describe
from citybrain.kafka.wire import Headers, headers_of, key_of
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

TOPIC = "read-models.dead-letters"
AT_ONCE = 100
LOOK_SECONDS = 1.0
RETRY_SECONDS = 5.0

UNSENT = """
SELECT position, projection, error, source, attempts, parked_at
FROM parked_events WHERE NOT announced ORDER BY projection, position LIMIT $1
"""
EVENTS = f"SELECT {COLUMNS} FROM stored_events WHERE notification_id = ANY($1)"  # noqa: S608
SENT = """
UPDATE parked_events p SET announced = true FROM unnest($1::text[], $2::bigint[]) s (model, at)
WHERE p.projection = s.model AND p.position = s.at
"""


class Letter(NamedTuple):
    """An event of the log, and why a model could not apply it."""

    event: RecordedEvent
    projection: str
    error: str
    source: str | None
    attempts: int
    parked_at: datetime

    def headers(self, source: str, incarnation: UUID) -> Headers:
        """Those of the event's record, and the letter's own."""
        own = {
            "projection": self.projection,
            "reason": self.error,
            "source": self.source or "log",
            "attempts": str(self.attempts),
            "first-failed-at": self.parked_at.isoformat(),
        }
        return headers_of(self.event, source, incarnation) + [
            (f"dead-letter-{name}", text.encode()) for name, text in own.items()
        ]


class DeadLetters:
    """One process at a time sends letters; each is sent at least once, in order for each model."""

    def __init__(self, settings: Settings, store: EventStore) -> None:
        self._settings = settings
        self._store = store
        self._topic = settings.kafka_topic_prefix + TOPIC

    async def run(self) -> None:
        """Send until cancelled; waits while the brokers or PostgreSQL are away."""
        while True:
            try:
                async with self._store.leads.leading("dead-letters"):
                    await self._send_all()
            except (StoreUnavailable, *KAFKA_AWAY, *AGAIN_LATER) as error:
                log.warning("letters_wait", error=type(error).__name__)
            except Exception:
                log.exception("letters_failed")
            await asyncio.sleep(RETRY_SECONDS)

    async def _send_all(self) -> None:
        while True:
            if letters := await self._unsent():
                await self._make_topic()
                async with idempotent_producer(self._settings) as producer:
                    await self._send(producer, letters)
            else:
                await asyncio.sleep(LOOK_SECONDS)

    async def _make_topic(self) -> None:
        async with admin(self._settings) as client:
            if not await describe(client, [self._topic]):
                await create(client, [self._topic], self._settings)

    async def _unsent(self) -> list[Letter]:
        parked = await self._store.keeping.fetch(UNSENT, AT_ONCE)
        positions = list({row["position"] for row in parked})
        found = await self._store.pool.fetch(EVENTS, positions, record_class=RecordedEvent)
        events: dict[int, RecordedEvent] = {event.position: event for event in found}
        return [Letter(events[position], *why) for position, *why in parked if position in events]

    async def _send(self, producer: AIOKafkaProducer, letters: Sequence[Letter]) -> None:
        """Send letters, and say so when all of them are there."""
        incarnation = (await read_lineage(self._store.pool)).current
        sent = [
            await producer.send(
                self._topic,
                letter.event.state,
                key=key_of(letter.event),
                headers=letter.headers(self._settings.kafka_source, incarnation),
            )
            for letter in letters
        ]
        await asyncio.gather(*sent)
        await self._store.keeping.execute(
            SENT, [each.projection for each in letters], [each.event.position for each in letters]
        )
        log.info("letters_sent", letters=len(letters))
