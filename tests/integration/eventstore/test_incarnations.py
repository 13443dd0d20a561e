"""A log that was restored is another log from there on."""

from uuid import uuid4

from citybrain.eventstore import EventStore
from citybrain.eventstore.incarnations import Standing, begin_incarnation, read_lineage
from tests.given.publishing import append


async def test_what_was_behind_the_moment_of_a_restore_is_void(store: EventStore) -> None:
    first = (await read_lineage(store.pool)).current
    await append(store, "parking-1", 5)
    second = await begin_incarnation(store.pool)
    assert second.began_after == 5
    await append(store, "parking-1", 3)
    third = await begin_incarnation(store.pool)
    lineage = await read_lineage(store.pool)
    assert lineage.current == third.incarnation != second.incarnation != first
    assert lineage.standing(first, 5) is Standing.OURS
    assert lineage.standing(first, 6) is Standing.VOID
    assert lineage.standing(second.incarnation, 8) is Standing.OURS
    assert lineage.standing(second.incarnation, 9) is Standing.VOID
    assert lineage.standing(third.incarnation, 9) is Standing.OURS


async def test_an_older_incarnation_ends_where_any_later_one_began(store: EventStore) -> None:
    first = (await read_lineage(store.pool)).current
    await append(store, "parking-1", 2)
    await begin_incarnation(store.pool)
    await append(store, "parking-1", 2)
    await store.pool.execute("UPDATE log_incarnations SET began_after = 7 WHERE number = 2")
    await store.pool.execute("INSERT INTO log_incarnations (number, began_after) VALUES (3, 4)")
    lineage = await read_lineage(store.pool)
    assert lineage.standing(first, 4) is Standing.OURS
    assert lineage.standing(first, 6) is Standing.VOID


async def test_an_event_of_another_log_is_foreign(store: EventStore) -> None:
    assert (await read_lineage(store.pool)).standing(uuid4(), 1) is Standing.FOREIGN
