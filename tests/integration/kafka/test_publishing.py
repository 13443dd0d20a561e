"""The log goes to Kafka whole, once, in order, and as it is stored."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiokafka.client
import pytest
from aiokafka.admin import NewPartitions
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from pydantic import SecretStr

from citybrain.eventstore import EventStore, StoreUnavailable, open_event_store
from citybrain.eventstore.incarnations import begin_incarnation, read_lineage
from citybrain.kafka.clients import admin
from citybrain.kafka.lane import partition_of
from citybrain.kafka.publisher import Publisher
from citybrain.kafka.topics import TopicRefused
from citybrain.settings import Settings
from ops.kafka import Cluster
from ops.kafka.cluster import USER
from tests.given.kafka import created
from tests.given.publishing import (
    append,
    copy_of,
    impatient,
    in_kafka,
    published_up_to,
    publishing,
    publishing_settings,
    records,
    require_whole,
    set_config,
)
from tests.given.waiting import holds

LOG_APPEND_TIME = 1


@pytest.fixture(autouse=True)
def nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is looked at again soon."""
    impatient(monkeypatch)


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


async def test_k05_an_event_too_large_stops_its_category_alone(
    kafka: Cluster, settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = publishing_settings(settings, kafka)
    topic = ours.kafka_topic_prefix + "parking"
    store.settings = settings.model_copy(update={"event_size_limit_bytes": 4 << 20})
    await append(store, "parking-s1", 3)
    large = await append(store, "parking-s1", state=b'{"x":"%s"}' % (b"x" * 1_400_000))
    await append(store, "parking-s1", 3)
    head = await append(store, "case-1", 2)
    async with publishing(ours, store, ["parking", "case"]) as publisher:
        await published_up_to(store, head, ours.kafka_topic_prefix + "case")
        await holds(lambda: topic in publisher.problems)
        assert "kafka-event-too-large" in publisher.problems[topic]
        assert f"position {large} is 1400659 bytes" in publisher.problems[topic]
        assert len([e for p in await in_kafka(ours) for e in p]) == large - 1
        await set_config(ours, topic, "max.message.bytes", "2000000")
        await published_up_to(store, head, topic)
        await holds(lambda: not publisher.problems)
    await require_whole(ours, store)


async def test_k06_a_stock_cloudevents_library_reads_what_is_on_the_wire(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    ours = publishing_settings(settings, kafka, kafka_source="https://city.example/citybrain")
    sealed = b'{"plate":"sealed:AAAA","amount_fen":600}'
    await append(store, "parking-s005", 11)
    head = await append(store, "parking-s005", state=sealed)
    async with publishing(ours, store):
        await published_up_to(store, head, ours.kafka_topic_prefix + "parking")
    (stored,) = await store.read("parking-s005", after_version=11)
    found = [record for partition in await records(ours) for record in partition]
    (record,) = [each for each in found if dict(each.headers)["ce_id"] == b"12"]
    message = KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value)
    event = from_binary(message, JSONFormat())
    incarnation = (await read_lineage(store.pool)).current
    assert record.key == b"parking-s005"
    assert record.value == stored.state == sealed
    assert event.get_id() == "12"
    assert event.get_source() == f"https://city.example/citybrain#{incarnation}"
    assert event.get_type() == "parking.tested"
    assert event.get_subject() == "parking-s005"
    assert event.get_time() == stored.recorded_at
    assert event.get_datacontenttype() == "application/json"
    assert event.get_data() == {"plate": "sealed:AAAA", "amount_fen": 600}
    assert event.get_extension("sequence") == "0000000000000000012"
    assert event.get_extension("streamversion") == "12"
    assert event.get_extension("incarnation") == str(incarnation)


async def test_k19_a_topic_with_more_partitions_is_published_no_further(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    ours = publishing_settings(settings, kafka, kafka_partitions=6)
    topic = ours.kafka_topic_prefix + "parking"
    await append(store, "parking-s002", 4)
    async with publishing(ours, store) as publisher:
        await published_up_to(store, 4, topic)
        async with admin(ours) as client:
            await client.create_partitions({topic: NewPartitions(total_count=12)})
        await holds(lambda: topic in publisher.problems)
        assert "kafka-partitions-changed" in publisher.problems[topic]
        assert "had 6 partitions and has 12" in publisher.problems[topic]
        await append(store, "parking-s002", 2)
    async with publishing(ours, store) as publisher:
        await holds(lambda: topic in publisher.problems)
    assert [event.version for p in await in_kafka(ours) for event in p] == [1, 2, 3, 4]


def test_k19_a_stream_is_in_the_partition_that_kafkas_own_clients_choose() -> None:
    streams = [f"parking-s{number:03}" for number in (1, 2, 5, 7)]
    assert [partition_of(stream, 6) for stream in streams] == [0, 2, 4, 2]
    assert [partition_of(stream, 12) for stream in streams] == [0, 8, 10, 2]


async def test_k21_a_clock_of_the_future_is_not_the_time_of_a_record(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    ours = publishing_settings(settings, kafka)
    ahead = datetime.now(UTC) + timedelta(hours=3)
    head = await append(
        store, "parking-s1", 2, b'{"occurred_at":"%s"}' % ahead.isoformat().encode()
    )
    async with publishing(ours, store):
        await published_up_to(store, head, ours.kafka_topic_prefix + "parking")
    for record in [each for partition in await records(ours) for each in partition]:
        assert record.timestamp_type == LOG_APPEND_TIME
        assert record.timestamp < ahead.timestamp() * 1000
    await require_whole(ours, store)


async def test_k35_a_log_that_was_restored_stops_until_it_is_another_incarnation(
    kafka: Cluster, settings: Settings, server_url: str
) -> None:
    ours = publishing_settings(settings, kafka)
    topic = ours.kafka_topic_prefix + "parking"
    async with open_event_store(settings) as store:
        await append(store, "parking-s1", 5)
        async with publishing(ours, store):
            await published_up_to(store, 5, topic)
    async with copy_of(ours, server_url) as restored:  # as a backup has it
        async with open_event_store(settings) as store:
            await append(store, "parking-s1", 3, b'{"of":"before"}')
            async with publishing(ours, store):
                await published_up_to(store, 8, topic)
        async with open_event_store(restored) as store:
            async with publishing(restored, store) as publisher:
                await holds(lambda: topic in publisher.problems)
                assert "kafka-ahead-of-log" in publisher.problems[topic]
                assert "no such position" in publisher.problems[topic]
                first = (await read_lineage(store.pool)).current
                second = (await begin_incarnation(store.pool)).incarnation
                head = await append(store, "parking-s1", 4, b'{"of":"after"}')
                await published_up_to(store, head, topic)
                await holds(lambda: not publisher.problems)
            await require_whole(restored, store)
            found = [event for p in await in_kafka(restored) for event in p]
            assert [e.incarnation for e in found] == [first] * 8 + [second] * 4
            assert [e.position for e in found] == [*range(1, 9), *range(6, 10)]


async def test_two_logs_under_one_prefix_are_not_mixed(
    kafka: Cluster, settings: Settings, store: EventStore, other_settings: Settings
) -> None:
    ours = publishing_settings(settings, kafka)
    topic = ours.kafka_topic_prefix + "parking"
    await append(store, "parking-s1", 3)
    async with publishing(ours, store):
        await published_up_to(store, 3, topic)
    theirs = ours.model_copy(update={"database_url": other_settings.database_url})
    async with open_event_store(theirs) as other:
        await other.pool.execute("UPDATE log_incarnations SET incarnation = gen_random_uuid()")
        await append(other, "parking-s1", 3)
        async with publishing(theirs, other) as publisher:
            await holds(lambda: topic in publisher.problems)
            assert "kafka-topic-of-another-log" in publisher.problems[topic]
    await require_whole(ours, store)


async def test_a_topic_that_could_lose_events_is_refused_unless_that_is_accepted(
    kafka: Cluster, settings: Settings, store: EventStore, tmp_path: Path
) -> None:
    ours = publishing_settings(settings, kafka)
    topic = ours.kafka_topic_prefix + "parking"
    async with admin(ours) as client:
        configs = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
        await created(client, topic, 2, **configs)
    await append(store, "parking-s1", 3)
    with pytest.RaisesGroup(TopicRefused) as refused:
        await Publisher(ours, store, ["parking"]).run()
    assert "(compaction)" in str(refused.value.exceptions[0])
    assert "(finite-retention)" in str(refused.value.exceptions[0])
    accepted = ours.model_copy(update={"kafka_accepted_risks": ["compaction", "finite-retention"]})
    async with publishing(accepted, store):
        await published_up_to(store, 3, topic)


def test_k04_without_idempotence_it_does_not_begin(settings: Settings, store: EventStore) -> None:
    ours = settings.model_copy(update={"kafka_idempotence": False})
    with pytest.raises(TopicRefused, match="no-idempotence"):
        Publisher(ours, store, ["parking"])


async def test_k36_it_gets_in_with_tls_and_a_password_and_again_when_its_session_ends(
    kafka: Cluster, settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = publishing_settings(settings, kafka)
    topic = plain.kafka_topic_prefix + "parking"
    ours = plain.model_copy(
        update={
            "kafka_bootstrap_servers": kafka.secure_servers,
            "kafka_security_protocol": "SASL_SSL",
            "kafka_ca_file": kafka.ca_file,
            "kafka_sasl_username": USER,
            "kafka_sasl_password": SecretStr(kafka.password),
        }
    )
    head = await append(store, "parking-s1", 3)
    wrong = ours.model_copy(update={"kafka_sasl_password": SecretStr("wrong")})
    async with publishing(wrong, store) as publisher:
        await holds(lambda: "do not answer" in publisher.problems["brokers"])
    connect, connected = aiokafka.client.create_conn, 0

    async def counted(*arguments: Any, **how: Any) -> Any:
        nonlocal connected
        connected += 1
        return await connect(*arguments, **how)

    async with publishing(ours, store):
        await published_up_to(store, head, topic)
        monkeypatch.setattr(aiokafka.client, "create_conn", counted)
        while connected < 3:  # the brokers close what has got in too long ago
            head = await append(store, "parking-s1")
            await published_up_to(store, head, topic)
    await require_whole(plain, store)


async def test_a_database_that_is_away_for_long_does_not_end_a_publisher(
    kafka: Cluster, settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = publishing_settings(settings, kafka)
    topic = ours.kafka_topic_prefix + "parking"
    away, asked = asyncio.Event(), asyncio.Event()
    away.set()
    head = store.head

    async def may_be_away() -> int:
        if away.is_set():
            asked.set()
            raise StoreUnavailable("PostgreSQL cannot be reached")
        return await head()

    monkeypatch.setattr(store, "head", may_be_away)
    async with publishing(ours, store):
        last = await append(store, "case-1")
        await asked.wait()
        away.clear()
        await published_up_to(store, last, topic)
