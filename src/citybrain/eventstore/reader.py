"""Reads streams and the log. Every read that meets a broken connection is tried again."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import asyncpg

from citybrain.domain.times import in_utc
from citybrain.eventstore.batch import Batch
from citybrain.eventstore.listener import Listener
from citybrain.eventstore.news import News, Passed, Wanted
from citybrain.eventstore.pages import PageReader, Pages
from citybrain.eventstore.tail import Tail
from citybrain.eventstore.types import RecordedEvent, StoreUnavailable, keep_together
from citybrain.eventstore.witness import Witness
from citybrain.faults import AGAIN_LATER

T = TypeVar("T")

READ_PATIENCE_SECONDS = 10.0
PAGE = 500  # events; more do not fit the socket, and the server would wait for us
FILTER_WINDOW = 20_000  # positions that one filtered read looks through

COLUMNS = "notification_id, originator_id, originator_version, topic, state, recorded_at, metadata"

READ_STREAM = f"""
SELECT {COLUMNS} FROM stored_events
WHERE originator_id = $1 AND originator_version > $2
  AND ($3::bigint IS NULL OR originator_version <= $3)
  AND ($4::bigint IS NULL OR notification_id <= $4)
  AND ($5::timestamptz IS NULL OR recorded_at <= $5)
ORDER BY originator_version LIMIT $6
"""  # noqa: S608

READ_STREAMS = f"""
SELECT {COLUMNS} FROM stored_events WHERE originator_id = ANY($1) AND topic = ANY($2)
ORDER BY originator_id, originator_version
"""  # noqa: S608

READ_BEHIND = f"""
SELECT {COLUMNS}
FROM unnest($1::text[], $2::bigint[]) AS after (stream, version), stored_events
WHERE originator_id = stream AND originator_version > version
ORDER BY originator_id, originator_version
"""  # noqa: S608

VERSIONS_AT = """
SELECT stream, coalesce((
    SELECT originator_version FROM stored_events
    WHERE originator_id = stream AND notification_id <= $2
    ORDER BY originator_version DESC LIMIT 1), 0) AS version
FROM unnest($1::text[]) AS stream
"""

READ_CATEGORY = f"""
SELECT {COLUMNS} FROM stored_events
WHERE (originator_id, originator_version) > ($1, $2) AND originator_id < $3
ORDER BY originator_id, originator_version LIMIT $4
"""  # noqa: S608

READ_WINDOW = f"""
SELECT {COLUMNS} FROM stored_events
WHERE notification_id > $1 AND notification_id <= $2 ORDER BY notification_id
"""  # noqa: S608

READ_FILTERED = f"""
SELECT {COLUMNS} FROM stored_events
WHERE notification_id > $1 AND notification_id <= $2
  AND ($3::text[] IS NULL OR split_part(originator_id, '-', 1) = ANY($3))
  AND ($4::text[] IS NULL OR topic = ANY($4))
ORDER BY notification_id LIMIT $5
"""  # noqa: S608

READ_NEWEST = f"""
SELECT {COLUMNS} FROM stored_events WHERE notification_id > $1 ORDER BY notification_id LIMIT $2
"""  # noqa: S608

READ_AT = f"""
SELECT {COLUMNS} FROM stored_events WHERE notification_id = ANY($1) ORDER BY notification_id
"""  # noqa: S608

RECORDED_AT = "SELECT recorded_at FROM stored_events WHERE notification_id = $1"

HEAD = "SELECT max(notification_id) FROM stored_events"


class Reader:
    """Reads over a pool of connections; follows with the help of a listener."""

    def __init__(self, pool: "asyncpg.Pool[Any]", listener: Listener, witness: Witness) -> None:
        self._pool = pool
        self._listener = listener
        self.heard: Callable[[list[RecordedEvent]], None] = lambda _: None
        self.missed: Callable[[], None] = lambda: None
        """Who wants to know what followers of this process have heard, before they do."""
        self._tail = Tail(
            lambda after, limit: self._fetch(READ_NEWEST, after, limit),
            self.head,
            lambda: listener.notices,
            lambda events: self.heard(events),
            lambda: self.missed(),
            witness,
        )
        self._news = News(self._tail, listener)
        self._shared = Pages(lambda after, end: self._fetch(READ_WINDOW, after, end))

    async def read(
        self,
        stream_id: str,
        *,
        after_version: int = 0,
        up_to_version: int | None = None,
        up_to_position: int | None = None,
        up_to_time: datetime | None = None,
        limit: int | None = None,
    ) -> list[RecordedEvent]:
        """The events of a stream in order; empty where there are none.

        `up_to_*` bound what is seen: a version, a log position, or a time of recording.
        """
        up_to_time = up_to_time and in_utc(up_to_time)
        return await self._fetch(
            READ_STREAM, stream_id, after_version, up_to_version, up_to_position, up_to_time, limit
        )

    async def read_streams(
        self, stream_ids: Sequence[str], *, topics: Sequence[str]
    ) -> list[RecordedEvent]:
        """The events of some streams that are of these topics, stream by stream, in order."""
        return await self._fetch(READ_STREAMS, stream_ids, topics)

    async def read_behind(self, versions: Mapping[str, int]) -> list[RecordedEvent]:
        """The events of some streams behind a version of each, stream by stream, in order."""
        return await self._fetch(READ_BEHIND, list(versions), list(versions.values()))

    async def versions_at(self, streams: Sequence[str], position: int) -> dict[str, int]:
        """The versions that some streams had at a position of the log; 0 where there was none."""
        rows = await patiently(lambda: self._pool.fetch(VERSIONS_AT, streams, position))
        return {row["stream"]: row["version"] for row in rows}

    async def read_category(
        self, category: str, *, batch_size: int = PAGE
    ) -> AsyncIterator[list[RecordedEvent]]:
        """All events of a category's streams, stream by stream, in order, in batches.

        For what has few events beside the log: it costs what there are, wherever they lie.
        """
        stream_id, version, end = f"{category}-", 0, f"{category}."  # "." is what follows "-"
        while page := await self._fetch(READ_CATEGORY, stream_id, version, end, batch_size):
            keep_together(page)
            yield page
            stream_id, version = page[-1].stream_id, page[-1].version

    async def read_all(
        self,
        after: int = 0,
        *,
        categories: Sequence[str] = (),
        topics: Sequence[str] = (),
        limit: int = 1000,
        up_to: int | None = None,
    ) -> list[RecordedEvent]:
        """Up to `limit` events of the log behind position `after`, in position order."""
        head = await self.head()
        end = head if up_to is None else min(up_to, head)
        events: list[RecordedEvent] = []
        while after < end and len(events) < limit:
            page, after = await self._page(after, end, categories, topics, limit - len(events))
            events += page
        return events

    async def read_at(self, positions: Sequence[int]) -> list[RecordedEvent]:
        """The events at some positions of the log, in position order."""
        return await self._fetch(READ_AT, positions)

    async def position_before(self, time: datetime) -> int:
        """The position of the last event recorded before `time`; 0 where there is none.

        Positions have no gaps and times never go back, so halving finds it: there is no index.
        """
        before, behind, time = 0, await self.head() + 1, in_utc(time)
        while before + 1 < behind:
            middle = (before + behind) // 2
            at: datetime = await patiently(partial(self._pool.fetchval, RECORDED_AT, middle))
            before, behind = (middle, behind) if at < time else (before, middle)
        return before

    async def follow(
        self,
        after: int = 0,
        *,
        categories: Sequence[str] = (),
        topics: Sequence[str] = (),
        batch_size: int = PAGE,
        passed: Passed = lambda _: None,
    ) -> AsyncIterator[Batch]:
        """The log behind position `after`, for ever: batches that are never empty, decoded.

        Woken by LISTEN/NOTIFY; survives restarts of the server. Positions are gapless and in
        commit order, so nothing can appear behind what was yielded; raises `LogWentBack` where
        it is not there any more. `passed` is told up to where everything was yielded and done with,
        also where there was nothing to yield. Batches are shared with others who follow: neither
        they nor the `data` of their events are to be changed.
        """
        wanted = Wanted(frozenset(categories), frozenset(topics))
        await self._tail.refresh(None)
        while True:
            end, newest = self._tail.end, self._tail.behind(after)
            if newest is None:
                async for page in self._pages(after, end, categories, topics, batch_size):
                    yield page
            else:
                found = newest if wanted.everything else Batch(filter(wanted.has, newest))
                if 0 < len(found) <= batch_size:
                    yield found
                else:
                    for first in range(0, len(found), batch_size):
                        yield Batch(found[first : first + batch_size])
            passed(max(after, end))
            after = await self._news.behind(max(after, end), wanted, passed)

    async def _pages(
        self, after: int, end: int, categories: Sequence[str], topics: Sequence[str], limit: int
    ) -> AsyncIterator[Batch]:
        """The events in (after, end]; the next page is read while the caller has this one."""
        if after >= end:
            return
        with self._shared.reader() as shared:
            read = partial(self._batch, shared, end=end, categories=categories, topics=topics)
            reading = asyncio.ensure_future(read(after, limit=limit))
            try:
                while True:
                    page, after = await reading
                    if after < end:
                        reading = asyncio.ensure_future(read(after, limit=limit))
                        await asyncio.sleep(0)  # let it ask, so that the server works meanwhile
                    if page:
                        yield page
                    if after >= end:
                        return
            finally:
                reading.cancel()

    def replay(
        self, after: int, up_to: int, *, topics: Sequence[str] = (), batch_size: int = PAGE
    ) -> AsyncIterator[Batch]:
        """The log in (after, up_to], decoded, in batches; `up_to` at most the head.

        With `topics` only events of these: the last one may be long before `up_to`.
        """
        return self._pages(after, up_to, (), topics, batch_size)

    async def head(self) -> int:
        """The last committed position; 0 for an empty log."""
        head: int | None = await patiently(lambda: self._pool.fetchval(HEAD))
        return head or 0

    async def wait_for(self, position: int, timeout_seconds: float) -> bool:
        """Wait until the log reaches `position`; false when it did not in time."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            notices = self._listener.notices
            if await self.head() >= position:
                return True
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            await self._listener.wait(notices, remaining)

    async def _batch(
        self,
        shared: PageReader,
        after: int,
        *,
        end: int,
        categories: Sequence[str],
        topics: Sequence[str],
        limit: int,
    ) -> tuple[Batch, int]:
        """A page of `_page`, decoded together; of the whole log one that others have as well."""
        if not categories and not topics:
            return await shared.page(after, end, limit)
        rows, seen = await self._page(after, end, categories, topics, limit)
        keep_together(rows)
        return Batch(rows), seen

    async def _page(
        self, after: int, end: int, categories: Sequence[str], topics: Sequence[str], limit: int
    ) -> tuple[list[RecordedEvent], int]:
        """One read: the events found, and the position up to which the log has been seen."""
        if not categories and not topics:
            seen = min(after + limit, end)
            rows = await self._fetch(READ_WINDOW, after, seen)
            return rows, seen
        seen = min(after + max(FILTER_WINDOW, limit), end)
        rows = await self._fetch(
            READ_FILTERED, after, seen, list(categories) or None, list(topics) or None, limit
        )
        return rows, rows[-1].position if len(rows) == limit else seen

    async def _fetch(self, query: str, *arguments: Any) -> list[RecordedEvent]:
        return await patiently(
            lambda: self._pool.fetch(query, *arguments, record_class=RecordedEvent)
        )


async def patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    """Run a read, again while the server is away; raises `StoreUnavailable` in the end."""
    deadline = time.monotonic() + READ_PATIENCE_SECONDS
    delay = 0.02
    while True:
        try:
            return await attempt()
        except AGAIN_LATER as error:
            if time.monotonic() + delay > deadline:
                raise StoreUnavailable("PostgreSQL does not answer") from error
            await asyncio.sleep(delay)
            delay = min(delay * 2, 0.5)
