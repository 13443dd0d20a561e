"""How each signal-controlled junction stands: the state of its newest day, folded from its events.

The row carries the whole state as the domain folds it, so what is shown of it at a moment (lamps,
who decides, who waits) is asked of the domain and written nowhere twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from eventsourcing.persistence import StoredEvent

from citybrain.domain.signals.signal import Signal, junction_and_day
from citybrain.domain.signals.signal_events import EVENTS
from citybrain.domain.stream import StreamSnapshot
from citybrain.eventstore import RecordedEvent
from citybrain.eventstore.aggregates import to_domain_event
from citybrain.eventstore.codec import mapper, transcoder
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE junctions (
    junction      text COLLATE "C" PRIMARY KEY,
    stream_id     text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    position      bigint NOT NULL,
    recorded_at   timestamptz NOT NULL,
    standing      text COLLATE "C" NOT NULL,
    all_red_until bigint NOT NULL,
    faults        text[] NOT NULL,
    simulated     boolean NOT NULL,
    state         text NOT NULL
);
CREATE INDEX ON junctions (position);
"""
COLUMNS = (
    "junction",
    "stream_id",
    "version",
    "position",
    "recorded_at",
    "standing",
    "all_red_until",
    "faults",
    "simulated",
    "state",
)
SHOWN = ", ".join(COLUMNS)
KNOWN = f"SELECT {SHOWN} FROM junctions WHERE junction = ANY($1)"  # noqa: S608
DROP = "DELETE FROM junctions WHERE junction = ANY($1)"


@dataclass(frozen=True, slots=True)
class Standing:
    """A junction's state, and the event up to which it is folded."""

    signal: Signal
    position: int
    recorded_at: datetime


class SignalJunctions:
    """The read model `signal_junctions`."""

    name = "signal_junctions"
    version = 4
    topics = frozenset(event.__dict__["TOPIC"] for event in EVENTS)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into the states of its junctions. Of a day that is past, nothing counts.

        A day may be closed after the next one was opened.
        """
        junctions = list({junction_and_day(event.stream_id)[0] for event in events})
        found = await connection.fetch(KNOWN, junctions)
        known = {row["junction"]: _standing(dict(row)) for row in found}
        for event in events:
            junction, day = junction_and_day(event.stream_id)
            before = known.get(junction)
            if before is not None and day < before.signal.day:
                continue
            same = before is not None and before.signal.id == event.stream_id
            state = to_domain_event(event).mutate(before.signal if before and same else None)
            assert isinstance(state, Signal)
            known[junction] = Standing(state, event.position, event.recorded_at)
        await connection.execute(DROP, junctions)
        await connection.copy_records_to_table(
            "junctions", columns=COLUMNS, records=[_row(each) for each in known.values()]
        )


def _row(standing: Standing) -> tuple[Any, ...]:
    signal = standing.signal
    return (
        signal.junction,
        signal.id,
        signal.version,
        standing.position,
        standing.recorded_at,
        signal.standing,
        signal.all_red_until,
        sorted(signal.faults),
        signal.simulated,
        _kept(signal, standing.recorded_at),
    )


def _kept(signal: Signal, at: datetime) -> str:
    """The state as a snapshot of the store is kept, but for its time: that is the event's."""
    state = StreamSnapshot.take(signal).state
    snapshot = {"timestamp": at, "topic": Signal.TOPIC, "state": state}
    return transcoder().encode(snapshot).decode()


def _standing(row: Row) -> Standing:
    kept = StoredEvent(
        row["stream_id"], row["version"], StreamSnapshot.TOPIC, row["state"].encode()
    )
    snapshot: Any = mapper().to_domain_event(kept)
    return Standing(snapshot.mutate(None), row["position"], row["recorded_at"])


ONE = f"SELECT {SHOWN} FROM signal_junctions.junctions WHERE junction = $1"  # noqa: S608
PAGE = f"""
SELECT {SHOWN} FROM signal_junctions.junctions
WHERE ($1::text IS NULL OR junction > $1) AND ($2::text[] IS NULL OR junction = ANY($2))
ORDER BY junction LIMIT $3
"""  # noqa: S608
CHANGED = f"""
SELECT {SHOWN} FROM signal_junctions.junctions WHERE position > $1 ORDER BY position
"""  # noqa: S608
TROUBLED = f"""
SELECT {SHOWN} FROM signal_junctions.junctions
WHERE faults <> '{{}}' OR standing IN ('flashing', 'dark', 'local') ORDER BY junction
"""  # noqa: S608
COUNTS = """
SELECT CASE WHEN standing NOT IN ('flashing', 'dark') AND all_red_until > $1
            THEN 'starting' ELSE standing END AS standing,
       count(*) AS junctions, count(*) FILTER (WHERE faults <> '{}') AS faulty
FROM signal_junctions.junctions GROUP BY 1
"""
SIMULATED = """
SELECT junction, simulated FROM signal_junctions.junctions WHERE junction = ANY($1)
"""
ANY_SIMULATED = "SELECT EXISTS (SELECT FROM signal_junctions.junctions WHERE simulated)"


async def one(pool: Pool, junction: str) -> Standing | None:
    """How a junction stands; None where it never was in service."""
    rows = await fetch(pool, ONE, junction)
    return _standing(rows[0]) if rows else None


async def page(
    pool: Pool, *, after: str | None = None, codes: Sequence[str] | None = None, limit: int
) -> list[Standing]:
    """How junctions stand, by code."""
    wanted = None if codes is None else list(codes)
    return [_standing(row) for row in await fetch(pool, PAGE, after, wanted, limit)]


async def changed(pool: Pool, after: int) -> list[Standing]:
    """The junctions of which there are events behind a position, by their newest one."""
    return [_standing(row) for row in await fetch(pool, CHANGED, after)]


async def troubled(pool: Pool) -> list[Standing]:
    """The junctions that have a fault, show no colours, or decide by themselves, by code."""
    return [_standing(row) for row in await fetch(pool, TROUBLED)]


async def counts(pool: Pool, at: int) -> list[Row]:
    """How many junctions stand how at `at` (ms since 1970), and how many of them have a fault."""
    return await fetch(pool, COUNTS, at)


async def simulated(pool: Pool, codes: Sequence[str]) -> dict[str, bool]:
    """Of these junctions those that were ever in service, and whether they are made up."""
    found = await fetch(pool, SIMULATED, list(codes))
    return {row["junction"]: row["simulated"] for row in found}


async def any_simulated(pool: Pool) -> bool:
    """Whether there are made-up junctions."""
    return bool((await fetch(pool, ANY_SIMULATED))[0]["exists"])
