"""Appending: expected versions, batches, order, limits, cancellation and unknown outcomes."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from citybrain.errors import InvalidInput
from citybrain.eventstore import (
    ANY,
    NO_STREAM,
    Appended,
    DuplicateKey,
    EventStore,
    EventTooLarge,
    IdempotencyRecord,
    Metadata,
    NewEvent,
    StoreBusy,
    StreamNotFound,
    WrongExpectedVersion,
)
from citybrain.eventstore.lane import Lane
from tests.given.counter import Counter
from tests.given.waiting import PATIENCE_SECONDS

EVENT = NewEvent("test.happened", b"{}")


def metadata() -> Metadata:
    return Metadata("tester", "system", "test", uuid4(), uuid4())


async def append(store: EventStore, stream: str, expected: int, count: int = 1) -> Appended:
    return await store.append(stream, expected, [EVENT] * count, metadata=metadata())


async def test_exact_no_stream_and_any(store: EventStore) -> None:
    assert (await append(store, "case-1", NO_STREAM)).version == 1
    assert (await append(store, "case-1", 1, 2)).version == 3
    assert (await append(store, "case-1", ANY)).version == 4
    assert (await append(store, "case-2", ANY)).position == 5


@pytest.mark.parametrize("expected", [NO_STREAM, 1, 3, 99])
async def test_any_other_version_is_refused_and_leaves_no_trace(
    store: EventStore, expected: int
) -> None:
    await append(store, "case-1", NO_STREAM, 2)
    with pytest.raises(WrongExpectedVersion) as refusal:
        await append(store, "case-1", expected)
    assert refusal.value.current == 2
    assert await store.head() == 2


async def test_version_jump_on_a_new_stream_is_refused(store: EventStore) -> None:
    with pytest.raises(WrongExpectedVersion):
        await append(store, "case-1", 7)
    assert await store.head() == 0


async def test_a_conflict_costs_no_neighbour(store: EventStore) -> None:
    await append(store, "case-0", NO_STREAM)
    answers = await asyncio.gather(
        *(append(store, f"case-{number}", NO_STREAM) for number in range(100)),
        return_exceptions=True,
    )
    assert [isinstance(answer, WrongExpectedVersion) for answer in answers] == [True] + [False] * 99
    assert [event.position for event in await store.read_all()] == list(range(1, 101))


@pytest.mark.parametrize("of_the_last", [1, 2])
async def test_of_a_batch_each_event_is_stored_as_its_own(
    store: EventStore, of_the_last: int
) -> None:
    """Whether each append of the batch has one event or not."""
    await append(store, "case-3", NO_STREAM)
    said = {f"case-{number}": metadata() for number in range(9)}
    events = {stream: [NewEvent(f"test.{stream}", b'{"n":1}')] for stream in said}
    events["case-8"] *= of_the_last
    answers = await asyncio.gather(
        *(
            store.append(stream, NO_STREAM, events[stream], metadata=said[stream])
            for stream in said
        ),
        return_exceptions=True,
    )
    assert [place for place, each in enumerate(answers) if isinstance(each, Exception)] == [3]
    _, *log = await store.read_all()
    assert sorted((each.stream_id, each.version, each.topic) for each in log) == [
        (stream, version, f"test.{stream}")
        for stream in said
        if stream != "case-3"
        for version in range(1, len(events[stream]) + 1)
    ]
    assert [each.metadata["command_id"] for each in log] == [
        str(said[each.stream_id].command_id) for each in log
    ]
    assert [each.position for each in log] == list(range(2, len(log) + 2))


async def test_appends_to_one_stream_in_flight_keep_their_order(store: EventStore) -> None:
    answers = await asyncio.gather(*(append(store, "hot-1", number) for number in range(500)))
    assert [answer.version for answer in answers] == list(range(1, 501))


async def test_of_many_appends_at_one_version_exactly_one_wins(store: EventStore) -> None:
    answers = await asyncio.gather(
        *(append(store, "hot-1", NO_STREAM) for _ in range(200)), return_exceptions=True
    )
    assert sum(isinstance(answer, Appended) for answer in answers) == 1
    assert await store.head() == 1


async def test_idempotency_record_is_written_with_the_events_and_only_then(
    store: EventStore,
) -> None:
    record = IdempotencyRecord("me:key", b"fingerprint", b'{"answer":1}')
    done = await store.append("case-1", NO_STREAM, [EVENT], metadata=metadata(), idempotency=record)
    with pytest.raises(DuplicateKey):
        await store.append("case-2", NO_STREAM, [EVENT], metadata=metadata(), idempotency=record)
    stored = await store.answer_for("me:key")
    assert stored is not None
    assert (stored.fingerprint, stored.answer, stored.position) == (
        b"fingerprint",
        b'{"answer":1}',
        done.position,
    )
    refused = IdempotencyRecord("me:other", b"", b"")
    with pytest.raises(WrongExpectedVersion):
        await store.append("case-1", 9, [EVENT], metadata=metadata(), idempotency=refused)
    assert await store.answer_for("me:other") is None


async def test_one_key_used_many_times_at_once_is_written_once(store: EventStore) -> None:
    record = IdempotencyRecord("me:key", b"f", b"a")
    answers = await asyncio.gather(
        *(
            store.append(f"case-{n}", ANY, [EVENT], metadata=metadata(), idempotency=record)
            for n in range(50)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Appended) for answer in answers) == 1
    assert sum(isinstance(answer, DuplicateKey) for answer in answers) == 49


async def test_limits_have_clear_errors(store: EventStore) -> None:
    with pytest.raises(EventTooLarge):
        await store.append("case-1", ANY, [NewEvent("t", b"x" * 300_000)], metadata=metadata())
    for stream in ("", "nocategory", "case-", "Case-1", "case-\x00", "case-" + "x" * 200):
        with pytest.raises(InvalidInput):
            await append(store, stream, ANY)
    with pytest.raises(InvalidInput):
        await store.append("case-1", ANY, [], metadata=metadata())
    with pytest.raises(InvalidInput):
        await store.append("case-1", -2, [EVENT], metadata=metadata())
    assert await store.head() == 0


async def test_a_full_queue_says_busy(store: EventStore) -> None:
    store.appender._queue_limit = 10
    answers = await asyncio.gather(
        *(append(store, f"case-{n}", ANY) for n in range(100)), return_exceptions=True
    )
    busy = [answer for answer in answers if isinstance(answer, StoreBusy)]
    done = [answer for answer in answers if isinstance(answer, Appended)]
    assert len(busy) + len(done) == 100
    assert len(done) == await store.head() >= 10
    assert busy[0].retry_after_seconds >= 1


async def test_cancelled_while_waiting_is_never_written(store: EventStore) -> None:
    task = asyncio.create_task(append(store, "case-1", ANY))
    await asyncio.sleep(0)  # queued, not yet taken into a commit
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await append(store, "case-2", ANY)
    assert [event.stream_id for event in await store.read_all()] == ["case-2"]


async def test_cancelled_while_being_committed_is_written_whole(store: EventStore) -> None:
    await append(store, "warm-1", ANY)
    task = asyncio.create_task(append(store, "case-1", ANY, 3))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while store.appender.waiting == 0:
            await asyncio.sleep(0)
        while store.appender.waiting:
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await append(store, "case-2", ANY)
    assert len(await store.read("case-1")) == 3


@pytest.mark.parametrize("reached_the_server", [True, False])
async def test_an_unknown_outcome_is_looked_up_and_never_doubled(
    store: EventStore, monkeypatch: pytest.MonkeyPatch, reached_the_server: bool
) -> None:
    """The connection breaks during a commit: after it took place, or before."""
    real = Lane.append
    broken: list[int] = []

    async def breaks_once(lane: Lane, batch: Any) -> Any:
        if broken:
            return await real(lane, batch)
        broken.append(len(batch))
        if reached_the_server:
            await real(lane, batch)
        assert lane._connection is not None
        lane._connection.terminate()
        raise asyncpg.ConnectionDoesNotExistError("gone")

    await append(store, "case-0", ANY)
    monkeypatch.setattr(Lane, "append", breaks_once)
    answers = await asyncio.gather(
        *(append(store, f"case-{n}", (ANY, NO_STREAM)[n % 2], 2) for n in range(1, 30)),
        append(store, "case-0", NO_STREAM),
        return_exceptions=True,
    )
    assert broken
    assert isinstance(answers.pop(), WrongExpectedVersion)
    log = await store.read_all()
    assert [event.position for event in log] == list(range(1, 60))
    assert sorted(a.position for a in answers if isinstance(a, Appended)) == list(range(3, 60, 2))


async def test_what_the_database_refuses_costs_only_itself(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.pool.execute(
        "ALTER TABLE stored_events ADD CONSTRAINT no_bad CHECK (topic <> 'bad')"
    )
    answers = await asyncio.gather(
        *(
            store.append(
                f"case-{n}",
                ANY,
                [NewEvent("bad" if n == 17 else "good", b"{}")],
                metadata=metadata(),
            )
            for n in range(40)
        ),
        return_exceptions=True,
    )
    assert [n for n, answer in enumerate(answers) if isinstance(answer, Exception)] == [17]
    assert await store.head() == 39


async def test_aggregates_are_cached_copied_and_caught_up(store: EventStore) -> None:
    counter = Counter.open("c", uuid4())
    await store.save(counter, metadata=metadata())
    mine = await store.load(Counter, counter.id)
    mine.add(Decimal(5))
    assert (await store.load(Counter, counter.id)).total == 0
    await store.save(mine, metadata=metadata())
    assert (await store.load(Counter, counter.id, fresh=False)).total == 5
    stale = await store.load(Counter, counter.id)
    other = await store.load(Counter, counter.id)
    other.add(Decimal(1))
    await store.save(other, metadata=metadata())
    stale.add(Decimal(100))
    with pytest.raises(WrongExpectedVersion):
        await store.save(stale, metadata=metadata())
    assert (await store.load(Counter, counter.id)).total == 6
    with pytest.raises(StreamNotFound):
        await store.load(Counter, "counter-none")


async def test_snapshots_shorten_replay_and_never_change_it(store: EventStore) -> None:
    counter = Counter.open("c", uuid4())
    await store.save(counter, metadata=metadata())
    for _ in range(25):
        counter.add(Decimal("0.1"))
        if len(counter.pending_events) == 5:
            await store.save(counter, metadata=metadata())
    store._aggregates._snapshot_every = 10
    for _ in range(10):
        counter.add(Decimal(1))
        await store.save(counter, metadata=metadata())
    assert await store.pool.fetchval("SELECT count(*) FROM stored_snapshots") == 1
    store._aggregates.forget(counter.id)
    loaded = await store.load(Counter, counter.id)
    assert vars(loaded) == vars(counter)
    short = Counter.open("d", uuid4())
    await store.save(short, metadata=metadata())
    several = await store.load_all(Counter, [short.id, "counter-none", counter.id])
    assert [vars(each) for each in several] == [vars(short), vars(counter)]
    early = await store.load_as_of(Counter, counter.id, version=3)
    assert (early.version, early.total) == (3, Decimal("0.2"))
    at_position = await store.load_as_of(Counter, counter.id, position=6)
    assert at_position.version == 6
    first = (await store.read(counter.id, limit=1))[0]
    at_time = await store.load_as_of(Counter, counter.id, time=first.recorded_at)
    assert at_time.version == 1
