"""Connections to Kafka: how to get in is in the settings, and every wait has an end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    BrokerResponseError,
    IncompatibleBrokerVersion,
    KafkaConfigurationError,
    KafkaError,
    UnrecognizedBrokerVersion,
)
from prometheus_client import Gauge

from citybrain.errors import CitybrainError
from citybrain.faults import kafka_code_passes
from citybrain.kafka.renewal import renewed_context
from citybrain.settings import Settings

REQUEST_MS = 10_000
START_SECONDS = 30.0
HEARTBEAT_MS = 1_500  # by which a reader hears that others come or go
NEW_TOPICS_MS = 10_000  # until a topic, or a partition, is found that was added
STOP_SECONDS = 2.0
CANCEL_SECONDS = 0.1
RETRY_MS = 30  # most retries wait for the markers of the transaction before
TRANSACTION_MS = 60_000  # a publisher that was silent for so long has given up what it had begun

# What says that brokers are away, or that they are not ready for what was asked.
KAFKA_AWAY = (KafkaError, OSError, TimeoutError)

# What is of how something is set up, and has no code of the protocol.
MISFITS = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    IncompatibleBrokerVersion,
    KafkaConfigurationError,
    UnrecognizedBrokerVersion,
)

AWAY = Gauge("citybrain_kafka_away", "1: the brokers cannot be reached", ["reader"])

Listening = Callable[[AIOKafkaConsumer], ConsumerRebalanceListener]


class KafkaNotConfigured(CitybrainError):
    """No brokers are named."""

    code = "kafka-not-configured"


def lasts(error: BaseException) -> bool:
    """Whether what brokers said stays as it is until somebody changes how something is set up."""
    if isinstance(error, BrokerResponseError):
        return not kafka_code_passes(error.errno)
    return isinstance(error, MISFITS)


def connection(settings: Settings) -> dict[str, Any]:
    """The arguments by which any aiokafka client gets in; raises `KafkaNotConfigured`, or
    `CertificateUnreadable`.
    """
    if not settings.kafka_bootstrap_servers:
        raise KafkaNotConfigured("CITYBRAIN_KAFKA_BOOTSTRAP_SERVERS names no brokers")
    protocol = settings.kafka_security_protocol
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": protocol,
        "request_timeout_ms": REQUEST_MS,
    }
    if protocol.endswith("SSL"):
        arguments["ssl_context"] = renewed_context(
            settings.kafka_ca_file, settings.kafka_certificate_file, settings.kafka_key_file
        )
    if protocol.startswith("SASL"):
        password = settings.kafka_sasl_password
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": password.get_secret_value() if password else None,
        }
    return arguments


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that asks for topics, and creates them."""
    client = AIOKafkaAdminClient(client_id="citybrain", **connection(settings))
    try:
        await _apart(client.start(), START_SECONDS)
        yield client
    finally:
        await _in_time(client.close())


@asynccontextmanager
async def reader(settings: Settings, *, committed: bool = True) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group; `committed`: it sees nothing of what is not, or not yet."""
    consumer = AIOKafkaConsumer(
        client_id="citybrain",
        isolation_level="read_committed" if committed else "read_uncommitted",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **connection(settings),
    )
    try:
        await _apart(consumer.start(), START_SECONDS)
        yield consumer
    finally:
        await _in_time(consumer.stop())


@asynccontextmanager
async def group_member(
    settings: Settings, group: str, topics: str, listening: Listening
) -> AsyncIterator[AIOKafkaConsumer]:
    """A member of a group that shares the partitions of all topics whose names match a pattern.

    `listening` makes who is told when partitions go and come. Offsets are committed by who reads.
    Where nothing (any more) is known of a partition it is read from its beginning, one that was
    added as well.
    """
    consumer = AIOKafkaConsumer(
        client_id="citybrain",
        group_id=settings.kafka_topic_prefix + group,
        group_instance_id=settings.kafka_instance,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=settings.kafka_session_seconds * 1000,
        heartbeat_interval_ms=HEARTBEAT_MS,
        metadata_max_age_ms=NEW_TOPICS_MS,
        **connection(settings),
    )
    consumer.subscribe(pattern=topics, listener=listening(consumer))
    try:
        await _apart(consumer.start(), START_SECONDS)
        yield consumer
    finally:
        await _in_time(consumer.stop())


@asynccontextmanager
async def idempotent_producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that repeats nothing by itself."""
    async with _producer(settings, "citybrain", enable_idempotence=True) as producer:
        yield producer


@asynccontextmanager
async def transactional_producer(
    settings: Settings, transactional_id: str, batch_bytes: int
) -> AsyncIterator[AIOKafkaProducer]:
    """A producer of the only epoch of this id that the brokers still take anything from."""
    compression = settings.kafka_compression
    async with _producer(
        settings,
        "citybrain-publish",
        transactional_id=transactional_id,
        transaction_timeout_ms=TRANSACTION_MS,
        retry_backoff_ms=RETRY_MS,
        compression_type=None if compression == "none" else compression,
        max_batch_size=batch_bytes,
    ) as producer:
        yield producer


@asynccontextmanager
async def _producer(
    settings: Settings, client_id: str, **arguments: Any
) -> AsyncIterator[AIOKafkaProducer]:
    """It ends in time whatever state it is in: one that has failed is thrown away and not mended
    (https://github.com/aio-libs/aiokafka/issues/1017).
    """
    producer = AIOKafkaProducer(
        client_id=client_id,
        acks="all",
        max_request_size=settings.kafka_message_limit_bytes * 2,
        **arguments,
        **connection(settings),
    )
    try:
        await _apart(producer.start(), START_SECONDS)
        yield producer
    finally:
        await _thrown_away(producer)


async def _thrown_away(producer: AIOKafkaProducer) -> None:
    """Close a producer without waiting for what it still has to send."""
    producer._closed = True
    sending = producer._sender.sender_task
    while sending is not None and not sending.done():
        sending.cancel()  # again and again: it waits for its own tasks, which look for brokers
        await asyncio.wait([sending], timeout=CANCEL_SECONDS)
    if sending is not None and not sending.cancelled():
        sending.exception()
    await _in_time(producer.client.close())


async def _in_time(closing: Coroutine[Any, Any, None]) -> None:
    """Close a client, whatever its brokers do."""
    with suppress(*KAFKA_AWAY):
        await _apart(closing, STOP_SECONDS)


async def _apart(step: Coroutine[Any, Any, None], seconds: float) -> None:
    """Start or close a client in a task of its own; raises `TimeoutError`.

    aiokafka waits for tasks that it has cancelled, and takes a cancellation of whoever waits for
    it for theirs: it would be lost, and its task go on for ever.
    """
    task = asyncio.create_task(step)
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        late = not task.done()
        if late:
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_SECONDS)
    if late:
        raise TimeoutError
    task.result()
