"""How far topics are behind the log, looked at once for each stretch of it."""

import pytest

from citybrain.eventstore import EventStore
from citybrain.kafka import lag
from citybrain.kafka.lag import Behind, look
from tests.given.publishing import append


async def test_the_oldest_missing_event_is_found_once_the_log_was_looked_through(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "STRETCH", 4)
    await append(store, "case-1", 6)
    await append(store, "parking-1", 2)
    behind = Behind("t.parking", "parking")
    await look(store, [behind], 8)
    assert (behind.looked, behind.missing) == (4, None)
    await look(store, [behind], 8)
    assert behind.missing is not None
    assert (behind.looked, behind.missing[0]) == (6, 7)
    await store.pool.execute(
        "INSERT INTO kafka_topics (topic, category, partitions, position, revision) "
        "VALUES ('t.parking', 'parking', 1, 8, 1)"
    )
    await append(store, "case-1", 3)
    await look(store, [behind], 11)
    assert (behind.position, behind.looked) == (8, 11)
    after: object = behind.missing
    assert after is None


async def test_a_checkpoint_that_went_back_is_looked_at_from_there(store: EventStore) -> None:
    await append(store, "parking-1", 5)
    behind = Behind("t.parking", "parking", position=5, revision=3, looked=5)
    await store.pool.execute(
        "INSERT INTO kafka_topics (topic, category, partitions, position, revision) "
        "VALUES ('t.parking', 'parking', 1, 2, 4)"
    )
    await look(store, [behind], 5)
    assert behind.missing is not None
    assert behind.missing[0] == 3
