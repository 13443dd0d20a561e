"""K08 · what a topic is set to is part of the guarantee."""

from collections.abc import Mapping

import pytest

from citybrain.kafka.topics import Topic, TopicRefused, refuse_risks, risks
from citybrain.settings import Settings

GOOD = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
    "max.message.bytes": str(1 << 20),
    "message.timestamp.type": "LogAppendTime",
}
WEEK_MS = str(7 * 24 * 3_600_000)


def topic(replication: int = 3, **configs: str) -> Topic:
    """A topic that is as it should be, but for some settings."""
    changed: Mapping[str, str] = {name.replace("_", "."): value for name, value in configs.items()}
    return Topic("citybrain.parking", 6, replication, {**GOOD, **changed})


@pytest.mark.parametrize(
    ("found", "brokers", "names"),
    [
        (topic(), 3, []),
        (topic(1, min_insync_replicas="1"), 1, []),
        (topic(1), 3, ["few-replicas"]),
        (topic(2), 3, ["few-replicas"]),
        (topic(min_insync_replicas="1"), 3, ["one-in-sync"]),
        (topic(unclean_leader_election_enable="true"), 3, ["unclean-election"]),
        (topic(cleanup_policy="compact"), 3, ["compaction"]),
        (topic(cleanup_policy="compact,delete"), 3, ["compaction"]),
        (topic(retention_ms=WEEK_MS), 3, ["finite-retention"]),
        (topic(retention_bytes="1000"), 3, ["finite-retention"]),
        (topic(message_timestamp_type="CreateTime"), 3, ["create-time"]),
        (topic(max_message_bytes=str(256 * 1024)), 3, ["small-messages"]),
    ],
)
def test_each_way_to_lose_events_is_named(found: Topic, brokers: int, names: list[str]) -> None:
    assert [name for name, _ in risks(found, brokers, Settings())] == names
    if not names:
        assert refuse_risks([found], brokers, Settings()) == []
        return
    with pytest.raises(TopicRefused, match=rf"citybrain\.parking: .*\({names[0]}\)"):
        refuse_risks([found], brokers, Settings())
    accepted = Settings(kafka_accepted_risks=names)
    assert len(refuse_risks([found], brokers, accepted)) == 1


def test_a_retention_that_the_settings_want_is_no_risk() -> None:
    week = topic(retention_ms=WEEK_MS)
    assert list(risks(week, 3, Settings(kafka_retention_hours=7 * 24))) == []
    assert list(risks(week, 3, Settings(kafka_retention_hours=7 * 24 + 1))) != []
