"""Reading and following the log."""

import asyncio
import random
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from citybrain.eventstore import ANY, EventStore, Metadata, NewEvent, RecordedEvent, listener, tail
from citybrain.eventstore.news import News, Passed, Wanted
from citybrain.eventstore.reader import Reader
from tests.given.storm import repeated
from tests.given.waiting import PATIENCE_SECONDS, holds


async def append(store: EventStore, stream: str, topic: str = "t") -> int:
    metadata = Metadata("tester", "system", "test", uuid4(), uuid4())
    return (await store.append(stream, ANY, [NewEvent(topic, b"{}")], metadata=metadata)).position


async def collect(store: EventStore, count: int, **options: Any) -> list[RecordedEvent]:
    events: list[RecordedEvent] = []
    async for batch in store.follow(**options):
        assert batch
        events += batch
        if len(events) >= count:
            break
    return events


async def follow_into(seen: list[int], store: EventStore, count: int) -> None:
    """Note positions until there are so many."""
    async for batch in store.follow():
        seen += [event.position for event in batch]
        if len(seen) >= count:
            return


def all_at(seen: list[list[int]], position: int) -> bool:
    """Whether everybody has come so far."""
    return all(each[-1:] == [position] for each in seen)


async def test_read_all_filters_and_pages(store: EventStore) -> None:
    for number in range(30):
        await append(store, f"{'case' if number % 3 else 'signal'}-{number}", f"t{number % 2}")
    cases = await store.read_all(categories=["case"])
    assert len(cases) == 20
    assert len(await store.read_all(categories=["case"], topics=["t0"])) == 10
    page = await store.read_all(categories=["signal"], limit=4)
    rest = await store.read_all(page[-1].position, categories=["signal"])
    assert [event.position for event in page + rest] == list(range(1, 31, 3))
    assert [event.position for event in await store.read_all(3, up_to=7)] == [4, 5, 6, 7]


@pytest.mark.parametrize("filters", [{}, {"categories": ["case"]}, {"topics": ["t"]}])
async def test_follow_yields_history_then_what_comes(
    store: EventStore, filters: dict[str, Any]
) -> None:
    for number in range(25):
        await append(store, f"case-{number}")
    task = asyncio.create_task(collect(store, 125, after=5, batch_size=7, **filters))
    await asyncio.sleep(0.05)
    await asyncio.gather(*(append(store, f"case-x{number}") for number in range(105)))
    async with asyncio.timeout(PATIENCE_SECONDS):
        events = await task
    assert [event.position for event in events] == list(range(6, 131))


async def test_follower_is_woken_and_does_not_wait_for_its_next_look(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = 10 * PATIENCE_SECONDS
    monkeypatch.setattr(listener, "POLL_SECONDS", never)
    monkeypatch.setattr(listener.Listener.wait, "__defaults__", (never,))
    await append(store, "case-1")
    seen: list[int] = []
    task = asyncio.create_task(follow_into(seen, store, 2))
    await holds(lambda: seen == [1])
    await append(store, "case-2")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await task


@pytest.mark.storm
async def test_all_who_follow_see_all_whatever_their_pace(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "PAGE", 6)
    monkeypatch.setattr(tail, "KEPT", 10)
    chance = random.Random(20261123)
    total = repeated(120)

    async def follow(after: int, filters: dict[str, Any], pause: float) -> list[int]:
        seen: list[int] = []
        async for batch in store.follow(after, batch_size=chance.randint(1, 9), **filters):
            assert len(batch) <= 9
            seen += [event.position for event in batch]
            await asyncio.sleep(chance.uniform(0, pause))
            if batch[-1].stream_id == "case-last":
                return seen
        return seen

    choices: list[dict[str, list[str]]] = [
        {},
        {"topics": ["t0", "last"]},
        {"categories": ["case"]},
        {"topics": ["t1", "last"], "categories": ["case"]},
    ]
    wanted = [(after, choices[after % 4], chance.choice([0, 0.01, 0.03])) for after in range(12)]
    following = [asyncio.create_task(follow(*each)) for each in wanted]
    for number in range(total - 1):
        await append(store, f"{'case' if number % 3 else 'signal'}-{number}", f"t{number % 2}")
        await asyncio.sleep(chance.choice([0, 0, 0, 0.01]))
    await append(store, "case-last", "last")
    log = await store.read_all(limit=1000)
    async with asyncio.timeout(PATIENCE_SECONDS):
        found = await asyncio.gather(*following)
    for (after, filters, _), seen in zip(wanted, found, strict=True):
        categories, topics = filters.get("categories"), filters.get("topics")
        assert seen == [
            event.position
            for event in log
            if event.position > after
            and (topics is None or event.topic in topics)
            and (categories is None or event.stream_id.split("-")[0] in categories)
        ]


async def test_the_log_is_read_once_for_all_who_follow(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(store, "case-0")
    seen: list[list[int]] = [[] for _ in range(30)]
    following = [asyncio.create_task(follow_into(each, store, 21)) for each in seen]
    await holds(partial(all_at, seen, 1))
    reads = 0
    fetch = Reader._fetch

    async def counted(*arguments: Any) -> Any:
        nonlocal reads
        reads += 1
        return await fetch(*arguments)

    monkeypatch.setattr(Reader, "_fetch", counted)
    for number in range(20):
        await append(store, f"case-{number + 1}")
        await holds(partial(all_at, seen, number + 2))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*following)
    assert all(each == list(range(1, 22)) for each in seen)
    assert 0 < reads < 20 * 30 / 5, "everybody read for themselves"


async def test_who_follows_some_events_is_woken_by_those_alone(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(store.pool, store.listener, store.witness)
    seen: list[int] = []
    looked = 0
    behind = News.behind

    async def counted(news: News, after: int, wanted: Wanted, passed: Passed) -> int:
        nonlocal looked
        looked += bool(wanted.topics)
        return await behind(news, after, wanted, passed)

    async def follow_some() -> None:
        async for batch in reader.follow(topics=["rare"]):
            seen.extend(event.position for event in batch)

    monkeypatch.setattr(News, "behind", counted)
    some = asyncio.create_task(follow_some())
    everything = asyncio.ensure_future(anext(reader.follow()))
    await holds(lambda: looked == 1)
    for number in range(20):
        await append(store, f"case-{number}")
    await everything  # the log has been looked at since
    assert looked == 1
    await append(store, "case-x", "rare")
    await holds(lambda: seen == [21])
    some.cancel()


async def test_follow_survives_its_connections(store: EventStore) -> None:
    seen: list[int] = []

    async def follow() -> None:
        async for batch in store.follow():
            seen.extend(event.position for event in batch)

    task = asyncio.create_task(follow())
    for number in range(10):
        await append(store, f"case-{number}")
        if number % 3 == 0:
            await store.pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(seen) < 10:
            await asyncio.sleep(0.02)
    task.cancel()
    assert seen == list(range(1, 11))


async def test_wait_for_a_position(store: EventStore) -> None:
    assert not await store.wait_for(1, 0.05)
    waiting = asyncio.create_task(store.wait_for(2, PATIENCE_SECONDS))
    await append(store, "case-1")
    await append(store, "case-1")
    assert await waiting
