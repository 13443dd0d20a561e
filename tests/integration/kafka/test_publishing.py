"""The log goes to Kafka whole, once, in order, and as it is stored."""

from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from ops.kafka import Cluster
from tests.given.publishing import (
    append,
    published_up_to,
    publishing,
    publishing_settings,
    require_whole,
)


async def test_what_is_appended_is_in_kafka_once_and_in_order(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    ours = publishing_settings(settings, kafka)
    topic = ours.kafka_topic_prefix + "parking"
    for number in range(20):
        await append(store, f"parking-s{number % 7:03}", 1 + number % 3)
    async with publishing(ours, store):
        await published_up_to(store, await store.head(), topic)
        await append(store, "parking-s001", 2)
        last = await append(store, "case-1")
        await published_up_to(store, last, topic)
        await require_whole(ours, store)
    async with publishing(ours, store):
        last = await append(store, "parking-s002", 2)
        await published_up_to(store, last, topic)
    await require_whole(ours, store)
