"""The topics: created where they are missing, and refused where they could lose events.

What a topic is set to is part of the guarantee: `acks=all` with one replica in sync is `acks=1`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from citybrain.errors import CitybrainError
from citybrain.settings import Settings

REPLICATION = 3
IN_SYNC = 2
HOUR_MS = 3_600_000
OVERHEAD_BYTES = 8 * 1024  # key, headers and the batch around the largest event
FOR_EVER = "-1"
IDEMPOTENCE_OFF = "no-idempotence"

Risk = tuple[str, str]
"""A name, as in `CITYBRAIN_KAFKA_ACCEPTED_RISKS`, and what is so."""


class TopicRefused(CitybrainError):
    """A topic could lose events, and the settings do not say that it may."""

    code = "kafka-topic-refused"


@dataclass(frozen=True)
class Topic:
    """A topic as the brokers describe it."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]

    @property
    def message_limit_bytes(self) -> int:
        """The largest batch that it takes."""
        return int(self.configs["max.message.bytes"])


async def describe(client: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, Topic]:
    """The topics of these names that there are. Raises what says that brokers are away."""
    described = {}
    for found in await client.describe_topics(list(names)):
        error = for_code(found["error_code"])
        if error is UnknownTopicOrPartitionError:
            continue
        if found["error_code"]:
            raise error(found["topic"])
        described[found["topic"]] = found["partitions"]
    configs = await _configs(client, described)
    return {
        name: Topic(
            name,
            len(partitions),
            min(len(partition["replicas"]) for partition in partitions),
            configs[name],
        )
        for name, partitions in described.items()
    }


async def create(client: AIOKafkaAdminClient, names: Iterable[str], settings: Settings) -> None:
    """Create topics as the settings say; one that is there meanwhile stays as it is."""
    brokers = await broker_count(client)
    replication = settings.kafka_replication or min(REPLICATION, brokers)
    configs = {
        "cleanup.policy": "delete",
        "retention.ms": str(_retention_ms(settings) or FOR_EVER),
        "retention.bytes": FOR_EVER,
        "min.insync.replicas": str(min(IN_SYNC, replication)),
        "unclean.leader.election.enable": "false",
        "max.message.bytes": str(settings.kafka_message_limit_bytes),
        "compression.type": "producer",
        "message.timestamp.type": "LogAppendTime",
    }
    wanted = [
        NewTopic(name, settings.kafka_partitions, replication, topic_configs=configs)
        for name in names
    ]
    answer = (await client.create_topics(wanted)).to_object()
    for made in answer["topic_errors"]:
        error = for_code(made["error_code"])
        if made["error_code"] and error is not TopicAlreadyExistsError:
            raise error(made["topic"])


async def broker_count(client: AIOKafkaAdminClient) -> int:
    """How many brokers the cluster has now."""
    return len((await client.describe_cluster())["brokers"])


def risks(topic: Topic, brokers: int, settings: Settings) -> Iterator[Risk]:
    """By what events of a topic could get lost, doubled or stuck."""
    configs = topic.configs
    if topic.replication < min(REPLICATION, brokers):
        yield "few-replicas", f"replication is {topic.replication}, of {brokers} brokers"
    if topic.replication > 1 and int(configs["min.insync.replicas"]) < IN_SYNC:
        yield "one-in-sync", "min.insync.replicas is 1: what one broker has can get lost with it"
    if configs["unclean.leader.election.enable"] == "true":
        yield "unclean-election", "unclean.leader.election.enable is true"
    if "compact" in configs["cleanup.policy"]:
        yield "compaction", "cleanup.policy compacts: older events of a stream are removed"
    kept_ms, wanted_ms = int(configs["retention.ms"]), _retention_ms(settings)
    if kept_ms >= 0 and (wanted_ms is None or kept_ms < wanted_ms):
        yield "finite-retention", f"retention.ms is {kept_ms}"
    if configs["retention.bytes"] != FOR_EVER:
        yield "finite-retention", f"retention.bytes is {configs['retention.bytes']}"
    if configs["message.timestamp.type"] != "LogAppendTime":
        yield "create-time", "message.timestamp.type is not LogAppendTime: clocks decide on records"
    if topic.message_limit_bytes < settings.event_size_limit_bytes + OVERHEAD_BYTES:
        yield "small-messages", f"max.message.bytes is {topic.message_limit_bytes}"


def refuse_risks(topics: Iterable[Topic], brokers: int, settings: Settings) -> list[str]:
    """What is risky and accepted; raises `TopicRefused` where something is not."""
    found = [
        (name, f"{topic.name}: {text} ({name})")
        for topic in topics
        for name, text in risks(topic, brokers, settings)
    ]
    refused = [text for name, text in found if name not in settings.kafka_accepted_risks]
    if refused:
        raise TopicRefused("; ".join(refused))
    return [text for _, text in found]


def refuse_reordering(settings: Settings) -> None:
    """Raises `TopicRefused` where retries could reorder events."""
    if not settings.kafka_idempotence:
        raise TopicRefused(
            f"without idempotence a retry could put events out of order ({IDEMPOTENCE_OFF}): "
            "unset CITYBRAIN_KAFKA_IDEMPOTENCE"
        )


def _retention_ms(settings: Settings) -> int | None:
    hours = settings.kafka_retention_hours
    return None if hours is None else int(hours * HOUR_MS)


async def _configs(client: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    found: dict[str, dict[str, str]] = {}
    for answer in await client.describe_configs(resources):
        for resource in answer.to_object()["resources"]:
            if resource["error_code"]:
                raise for_code(resource["error_code"])(resource["resource_name"])
            entries: list[Any] = resource["config_entries"]
            found[resource["resource_name"]] = {
                entry["config_names"]: entry["config_value"] for entry in entries
            }
    return found
