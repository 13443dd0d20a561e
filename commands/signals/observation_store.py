"""Five minutes of detectors in their table: written when they are over, and when more comes later.

Whoever writes merges with what is there, under a lock on the rows: readings that came to two
processes, or twice, count once. What is not written is lost when a process is killed; then the sums
of those five minutes are marked as partial.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import orjson
import structlog

from citybrain.domain.signals.five_minutes import FIVE_MINUTES_MS, Carried, FiveMinutes, Mark, Sums
from citybrain.domain.signals.kept import KEPT
from citybrain.domain.signals.layout import Detector
from citybrain.domain.signals.observation import LATEST_MS
from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.eventstore.reader import patiently
from commands.processes.batches import AWAY
from commands.services import Services
from commands.signals.seen import SeenDetector

log = structlog.get_logger(__name__)

Part = tuple[SeenDetector, int]
"""Five minutes of a detector, by when they began."""

Key = tuple[str, str, datetime]
"""The key of a row: junction, detector, and when the five minutes began."""

GRACE_MS = 5_000
"""So long after their end they are taken for over: devices need a moment to send."""

SEALED_AFTER_MS = LATEST_MS + 2 * FIVE_MINUTES_MS
"""Nothing comes for them any more: only their sums are kept."""

ROWS = 500
AT_A_TURN = 20
"""So many rows are summed up at one turn of the loop: a few milliseconds."""

KEYS = "unnest($1::text[], $2::text[], $3::timestamptz[]) AS k(junction, detector, begins)"
ENSURE = f"""
INSERT INTO signal_observations (junction, detector, begins)
SELECT junction, detector, begins FROM {KEYS} ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING
"""  # noqa: S608
LOCK = f"""
SELECT o.junction, o.detector, o.begins, o.said, o.published_at
FROM signal_observations o JOIN {KEYS} USING (junction, detector, begins)
ORDER BY 1, 2, 3 FOR UPDATE OF o
"""  # noqa: S608
RECALL = f"""
SELECT o.junction, o.detector, o.begins, o.said
FROM signal_observations o JOIN {KEYS} USING (junction, detector, begins)
WHERE o.said IS NOT NULL
"""  # noqa: S608
BEFORE = f"""
SELECT k.junction, k.detector, k.begins, o.begins AS began, heard_at, occupied, unbroken_since
FROM {KEYS}, LATERAL (
    SELECT begins, heard_at, occupied, unbroken_since FROM signal_observations o
    WHERE o.junction = k.junction AND o.detector = k.detector AND o.begins < k.begins
      AND o.heard_at IS NOT NULL
    ORDER BY o.begins DESC LIMIT 1
) o
"""  # noqa: S608
SEAL = """
UPDATE signal_observations SET said = NULL, readings = $4, vehicles = $5, occupancy = $6,
    speed = $7, queue_mean = $8, queue_most = $9, known_ms = $10, marks = $11, heard_at = $12,
    occupied = $13, unbroken_since = $14
WHERE junction = $1 AND detector = $2 AND begins = $3
"""
SAVE = """
UPDATE signal_observations SET readings = $4, vehicles = $5, occupancy = $6, speed = $7,
    queue_mean = $8, queue_most = $9, known_ms = $10, marks = $11, heard_at = $12, occupied = $13,
    unbroken_since = $14, said = $15, published_at = coalesce(published_at, $16),
    published_readings = CASE WHEN published_at IS NULL AND $16::timestamptz IS NOT NULL
        THEN $4 ELSE published_readings END,
    published_vehicles = CASE WHEN published_at IS NULL AND $16::timestamptz IS NOT NULL
        THEN $5 ELSE published_vehicles END
WHERE junction = $1 AND detector = $2 AND begins = $3
"""
JUDGE = """
INSERT INTO signal_detectors (junction, detector, standing, fault, since, heard_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
ON CONFLICT (junction, detector) DO UPDATE SET standing = excluded.standing,
    fault = excluded.fault, since = excluded.since, heard_at = excluded.heard_at
"""
UNSEALED = """
SELECT junction, detector, begins, said, readings, vehicles, occupancy, speed, queue_mean,
    queue_most, known_ms, marks, heard_at, occupied, unbroken_since
FROM signal_observations
WHERE begins < $1 AND said IS NOT NULL ORDER BY begins, junction, detector LIMIT $2
"""
HAND_OVER = """
INSERT INTO signal_handed_over (shard, items) SELECT * FROM unnest($1::smallint[], $2::bytea[])
"""
CLEAR = "DELETE FROM signal_handed_over WHERE said_at < now() - interval '1 minute'"
CLEARED_EVERY_SECONDS = 10.0
FORGET = "DELETE FROM signal_observations WHERE begins < $1"


@dataclass(frozen=True, slots=True)
class Pending:
    """Readings of five minutes as they are when writing begins; more may come meanwhile."""

    seen: SeenDetector
    five: FiveMinutes

    @property
    def key(self) -> Key:
        """The row."""
        return self.seen.junction, self.seen.detector.code, moment(self.five.begins)


class ObservationStore:
    """The table, and what is written when."""

    def __init__(self, services: Services) -> None:
        self._pool, self._services = services.store.pool, services
        self._clear_at = 0.0

    def _clock(self) -> datetime:
        return self._services.clock()

    async def recall(self, parts: Collection[Part]) -> None:
        """Have in memory what is stored of these; where the store is away, later readings merge."""
        by_key = {(seen.junction, seen.detector.code, moment(at)): (seen, at) for seen, at in parts}
        try:
            rows = await self._pool.fetch(RECALL, *_columns(by_key))
        except AWAY as error:
            log.warning("observations_not_recalled", error=type(error).__name__)
            return
        for row in rows:
            seen, begins = by_key[row["junction"], row["detector"], row["begins"]]
            stored = FiveMinutes.unpacked(begins, row["said"])
            if begins in seen.five:
                seen.five[begins].merge(stored)
            else:
                seen.five[begins] = stored

    async def hand_over(self, items: Mapping[int, Sequence[object]]) -> None:
        """Leave items, by shard, for whoever controls their junctions; raises `StoreUnavailable`.

        Where none takes them away, the old ones go: they are worth nothing then.
        """
        pool, shards = self._pool, list(items)
        contents = [orjson.dumps(items[shard]) for shard in shards]
        await patiently(lambda: pool.execute(HAND_OVER, shards, contents))
        if time.monotonic() >= self._clear_at:
            self._clear_at = time.monotonic() + CLEARED_EVERY_SECONDS
            await self._pool.execute(CLEAR)

    async def write(self, detectors: Iterable[SeenDetector], *, whole: bool = False) -> int:
        """Write what is over; with `whole` also what is not. Raises one of `AWAY`.

        Returns how many rows. What fails stays in memory and is written the next time.
        """
        now = milliseconds(self._clock())
        pending = [
            Pending(seen, seen.five[begins].copy())
            for seen in detectors
            for begins in sorted(seen.unwritten)
            if whole or begins + FIVE_MINUTES_MS + GRACE_MS <= now
        ]
        for part in (pending[at : at + ROWS] for at in range(0, len(pending), ROWS)):
            for each in part:
                each.seen.unwritten.discard(each.five.begins)
            try:
                await self._write(part, now)
            except BaseException:
                for each in part:
                    each.seen.unwritten.add(each.five.begins)
                raise
        for seen in {each.seen for each in pending}:
            seen.forget(now)
        return len(pending)

    async def _write(self, pending: Collection[Pending], now: int) -> None:
        """Merge with what is there, and save what it comes to; all or nothing."""
        by_key = {each.key: each for each in sorted(pending, key=lambda each: each.key)}
        keys = _columns(by_key)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(ENSURE, *keys)
            rows = await connection.fetch(LOCK, *keys)
            before = await _before(connection, by_key)
            saved = []
            for place, row in enumerate(rows, 1):
                if not place % AT_A_TURN:
                    await asyncio.sleep(0)  # others go on between
                key = (row["junction"], row["detector"], row["begins"])
                each = by_key[key]
                if row["said"] is not None:
                    stored = FiveMinutes.unpacked(each.five.begins, row["said"])
                    stored.merge(each.five)
                    each = Pending(each.seen, stored)
                sums = each.five.sums(each.seen.detector, before.of(key), now)
                before.goes_on(key, sums)
                over = each.five.begins + FIVE_MINUTES_MS + GRACE_MS <= now
                published_at = moment(now) if over else None
                saved.append((*_sums(key, sums), each.five.packed(), published_at))
            await connection.executemany(SAVE, saved)

    async def seal(self, detector_of: Callable[[Key], Detector | None]) -> int:
        """Drop the readings of what is long over, and keep what they come to; how many rows.

        Row after row in the order of time: a late reading may have changed what each began with.
        Sums of a detector that no definition has any more stay as they are.
        """
        now, sealed = milliseconds(self._clock()), 0
        before_ms = moment(now - SEALED_AFTER_MS)
        while rows := await self._pool.fetch(UNSEALED, before_ms, ROWS):
            async with self._pool.acquire() as connection, connection.transaction():
                before = await _before(connection, [tuple(row)[:3] for row in rows])
                await connection.executemany(
                    SEAL, [_sealed(row, before, detector_of, now) for row in rows]
                )
            sealed += len(rows)
        return sealed

    async def forget(self) -> None:
        """Drop what is kept for no longer."""
        await self._pool.execute(FORGET, self._clock() - KEPT)

    async def judge(self, detectors: Iterable[SeenDetector]) -> int:
        """Write how detectors stand, where that changed; how many. Raises one of `AWAY`."""
        now = milliseconds(self._clock())
        changed = [
            (seen, judged)
            for seen in detectors
            if (judged := seen.health.judged(now)) != seen.judged
        ]
        if changed:
            rows = [
                (
                    seen.junction,
                    seen.detector.code,
                    judged.standing.value,
                    judged.fault and judged.fault.value,
                    judged.since,
                    seen.health.heard_at,
                )
                for seen, judged in sorted(
                    changed, key=lambda each: (each[0].junction, each[0].detector.code)
                )
            ]
            await self._pool.execute(JUDGE, *(list(column) for column in zip(*rows, strict=True)))
        for seen, judged in changed:
            seen.judged = judged
        return len(changed)


class _Before:
    """What went on when five minutes began: from the last row before, stored or just worked out."""

    def __init__(self, stored: dict[Key, tuple[datetime, Carried]]) -> None:
        self._stored = stored
        self._new: dict[tuple[str, str], tuple[datetime, Carried]] = {}

    def of(self, key: Key) -> Carried | None:
        found = [each for each in (self._new.get(key[:2]), self._stored.get(key)) if each]
        return max(found, key=itemgetter(0))[1] if found else None

    def goes_on(self, key: Key, sums: Sums) -> None:
        if sums.carried is not None:
            self._new[key[:2]] = key[2], sums.carried


async def _before(connection: Any, keys: Collection[Key]) -> _Before:
    rows = await connection.fetch(BEFORE, *_columns(keys))
    return _Before({tuple(row)[:3]: (row["began"], carried_of(row)) for row in rows})


def carried_of(row: Any) -> Carried:
    """What goes on from the five minutes of a row."""
    return Carried(row["heard_at"], row["occupied"], row["unbroken_since"])


def _columns(keys: Iterable[Key]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]


def _sums(key: Key, sums: Sums) -> tuple[Any, ...]:
    """The parameters of a row, as far as SAVE and SEAL share them."""
    carried = sums.carried
    return (
        *key,
        sums.readings,
        sums.vehicles,
        sums.occupancy,
        sums.speed,
        sums.queue_mean,
        sums.queue_most,
        sums.known_ms,
        sorted(mark.value for mark in sums.marks - {Mark.OPEN}),
        carried and carried.heard_at,
        carried and carried.occupied,
        carried and carried.unbroken_since,
    )


def _sealed(
    row: Any, before: _Before, detector_of: Callable[[Key], Detector | None], now: int
) -> tuple[Any, ...]:
    key: Key = (row["junction"], row["detector"], row["begins"])
    detector = detector_of(key)
    if detector is None:
        return tuple(value for name, value in row.items() if name != "said")
    five = FiveMinutes.unpacked(milliseconds(key[2]), row["said"])
    sums = five.sums(detector, before.of(key), now)
    before.goes_on(key, sums)
    return _sums(key, sums)


def observation_store(services: Services) -> ObservationStore:
    """The table, for this process."""
    return services.held(ObservationStore, ObservationStore)
