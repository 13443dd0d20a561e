"""The broker that tests and development use is a real one, of the jars that are pinned."""

import asyncio
from pathlib import Path
from shutil import copyfile

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.helpers import create_ssl_context

from ops.kafka import Cluster, kafka_broker
from ops.kafka.cluster import USER
from ops.kafka.jars import FOLDER, jars, why_not
from tests.given.kafka import NEEDED, created, kafka_or_skip, no_broker, topic_prefix


async def made(servers: str, topic: str) -> None:
    """A topic of one partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await created(admin, topic)
    finally:
        await admin.close()


async def said(servers: str, topic: str) -> list[bytes | None]:
    """All that is in a topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        (end,) = (await consumer.end_offsets([partition])).values()
        return [(await consumer.getone()).value for _ in range(end)]
    finally:
        await consumer.stop()


async def test_a_record_is_kept_over_tls_with_a_password(kafka: Cluster) -> None:
    topic = topic_prefix() + "secure"
    await made(kafka.bootstrap_servers, topic)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.secure_servers,
        security_protocol="SASL_SSL",
        ssl_context=create_ssl_context(cafile=kafka.ca_file),
        sasl_mechanism="PLAIN",
        sasl_plain_username=USER,
        sasl_plain_password=kafka.password,
    )
    await producer.start()
    await producer.send_and_wait(topic, b"kept")
    await producer.stop()
    assert await said(kafka.bootstrap_servers, topic) == [b"kept"]


@pytest.mark.fault
async def test_a_broker_that_was_killed_goes_on_with_its_data(tmp_path: Path) -> None:
    kafka_or_skip()
    async with kafka_broker(tmp_path) as cluster:
        servers = cluster.bootstrap_servers
        await made(servers, "lasting")
        producer = AIOKafkaProducer(bootstrap_servers=servers)
        await producer.start()
        await producer.send_and_wait("lasting", b"one")
        cluster.kill()
        assert [broker.pid for broker in cluster.brokers] == [None]
        await asyncio.to_thread(Cluster.at(tmp_path).start)
        await producer.send_and_wait("lasting", b"two")
        await producer.stop()
        assert await said(servers, "lasting") == [b"one", b"two"]
    assert cluster.brokers[0].pid is None


def test_each_jar_has_the_bytes_that_are_pinned(tmp_path: Path) -> None:
    kafka_or_skip()
    folder = jars()
    assert folder == FOLDER
    assert why_not(folder) is None
    for jar in folder.glob("*.jar"):
        copyfile(jar, tmp_path / jar.name)
    assert why_not(tmp_path) is None
    (tmp_path / "strange.jar").touch()
    assert "strange.jar is not one" in str(why_not(tmp_path))
    (tmp_path / "strange.jar").unlink()
    some = next(tmp_path.glob("kafka-clients-*.jar"))
    some.write_bytes(some.read_bytes() + b"0")
    assert f"{some.name} has other bytes" in str(why_not(tmp_path))
    some.unlink()
    assert f"{some.name} is missing" in str(why_not(tmp_path))


def test_no_broker_is_said_and_fails_where_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NEEDED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Kafka broker: there is no java"):
        no_broker("there is no java")
    monkeypatch.setenv(NEEDED, "1")
    with pytest.raises(pytest.fail.Exception, match="no Kafka broker: there is no java"):
        no_broker("there is no java")
