"""What happened to junctions and why, what was refused and by which rule, and their faults.

One row for each event that changed something, with all that the decision rested on; calls are in
`signal_lamps`. A refused wish changed nothing and has rows of its own.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson

from citybrain.columns import columns
from citybrain.domain.signals.signal import junction_and_day
from citybrain.domain.signals.signal_events import EVENTS, SETS_LAMPS, milliseconds
from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, fetch, fetch_planned
from projections.signals.forgetting import TABLE, due_to_forget

TABLES = """
CREATE TABLE changes (
    junction text COLLATE "C" NOT NULL,
    position bigint PRIMARY KEY,
    at       bigint NOT NULL,
    topic    text COLLATE "C" NOT NULL,
    stage    text COLLATE "C",
    source   text COLLATE "C",
    cause    text COLLATE "C",
    details  jsonb NOT NULL
);
CREATE INDEX ON changes (junction, at, position);
CREATE TABLE refusals (
    junction text COLLATE "C" NOT NULL,
    position bigint PRIMARY KEY,
    at       bigint NOT NULL,
    what     text COLLATE "C" NOT NULL,
    groups   text[] NOT NULL,
    source   text COLLATE "C" NOT NULL,
    rule     smallint NOT NULL,
    broken   smallint[] NOT NULL,
    detail   text NOT NULL,
    epoch    bigint,
    sequence bigint
);
CREATE INDEX ON refusals (at, junction);
CREATE INDEX ON refusals (junction, at, position);
CREATE TABLE faults (
    junction   text COLLATE "C" NOT NULL,
    fault      text COLLATE "C" NOT NULL,
    raised_at  bigint NOT NULL,
    position   bigint NOT NULL,
    detail     text NOT NULL,
    cleared_at bigint,
    cleared_by text,
    PRIMARY KEY (junction, fault, position)
);
CREATE INDEX ON faults (raised_at, position);
"""
CHANGED = ("junction", "position", "at", "topic", "stage", "source", "cause", "details")
REFUSED = (
    "junction",
    "position",
    "at",
    "what",
    "groups",
    "source",
    "rule",
    "broken",
    "detail",
    "epoch",
    "sequence",
)
REFUSAL, RAISED, CLEARED, RESET = (
    "signal.refused",
    "signal.fault_raised",
    "signal.fault_cleared",
    "signal.reset",
)
ENDED_BY_RESET = ("conflict", "restarts")
NOT_CHANGES = frozenset({REFUSAL, "signal.called", "signal.command_kept", "signal.acknowledged"})
NOT_DETAILS = frozenset({"timestamp", "originator_topic", "stage", "source", "cause", "carried"})
OPEN = """
SELECT junction, fault, position FROM faults WHERE junction = ANY($1) AND cleared_at IS NULL
"""
WRITE_FAULTS = """
INSERT INTO faults (junction, fault, position, raised_at, detail, cleared_at, cleared_by)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[],
                     $6::bigint[], $7::text[])
"""
CLEAR = """
UPDATE faults f SET cleared_at = c.at, cleared_by = c.by
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])
     AS c (junction, fault, position, at, by)
WHERE (f.junction, f.fault, f.position) = (c.junction, c.fault, c.position)
"""
FORGET_REFUSALS = "DELETE FROM refusals WHERE junction = $1 AND at < $2"
FORGET_FAULTS = "DELETE FROM faults WHERE junction = $1 AND cleared_at < $2"
FORGET_CHANGES = """
DELETE FROM changes WHERE junction = $1 AND at < (
    SELECT max(last.at) FROM changes last
    WHERE last.junction = $1 AND last.at <= $2 AND last.topic = ANY($3))
"""
"""The change that says why lamps are as they are stays, however long they have been so."""


class SignalChanges:
    """The read model `signal_changes`."""

    name = "signal_changes"
    version = 3
    topics = frozenset(
        topic
        for event in EVENTS
        for topic in (event.__dict__["TOPIC"],)
        if topic not in NOT_CHANGES or topic == REFUSAL
    )
    tables = TABLES + TABLE

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add a row for each event, and open and close faults; forget."""
        refused = [_refusal(event) for event in events if event.topic == REFUSAL]
        changed = [_change(event) for event in events if event.topic != REFUSAL]
        await connection.copy_records_to_table("refusals", records=refused, columns=REFUSED)
        await connection.copy_records_to_table("changes", records=changed, columns=CHANGED)
        await _faults(
            connection, [each for each in events if each.topic in (RAISED, CLEARED, RESET)]
        )
        moments = ((junction_and_day(event.stream_id)[0], _at(event.data)) for event in events)
        due = await due_to_forget(connection, moments)
        await connection.executemany(FORGET_REFUSALS, due)
        await connection.executemany(FORGET_FAULTS, due)
        await connection.executemany(FORGET_CHANGES, [(*each, list(SETS_LAMPS)) for each in due])


def _at(data: dict[str, Any]) -> int:
    """When it was decided, in milliseconds since 1970."""
    return int(data["at"]) if "at" in data else milliseconds(data["timestamp"])


def _change(event: RecordedEvent) -> tuple[Any, ...]:
    data = event.data
    details = {name: value for name, value in data.items() if name not in NOT_DETAILS}
    return (
        junction_and_day(event.stream_id)[0],
        event.position,
        _at(data),
        event.topic,
        data.get("stage"),
        data.get("source"),
        data.get("cause"),
        orjson.dumps(details).decode(),
    )


def _refusal(event: RecordedEvent) -> tuple[Any, ...]:
    data = event.data
    epoch, sequence, _ = data["command"] or (None, None, None)
    told = (data[name] for name in ("what", "groups", "source", "rule", "broken", "detail"))
    junction = junction_and_day(event.stream_id)[0]
    return (junction, event.position, _at(data), *told, epoch, sequence)


async def _faults(connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]) -> None:
    """A fault that is raised while it is there goes on; a reset ends those that it is about."""
    if not events:
        return
    junctions = list({junction_and_day(event.stream_id)[0] for event in events})
    known = await connection.fetch(OPEN, junctions)
    open_ = {(row["junction"], row["fault"]): row["position"] for row in known}
    raised: dict[tuple[str, str, int], list[Any]] = {}
    cleared = []
    for event in events:
        junction, data = junction_and_day(event.stream_id)[0], event.data
        if event.topic == RAISED:
            key = (junction, data["fault"])
            if key not in open_:
                open_[key] = event.position
                raised[*key, event.position] = [_at(data), data["detail"], None, None]
            continue
        ends = ENDED_BY_RESET if event.topic == RESET else (data["fault"],)
        for fault in ends:
            position = open_.pop((junction, fault), None)
            if position is None:
                continue
            end = (_at(data), data.get("by", ""))
            if (junction, fault, position) in raised:
                raised[junction, fault, position][2:] = end
            else:
                cleared.append((junction, fault, position, *end))
    if raised:
        await connection.execute(
            WRITE_FAULTS, *columns((*key, *row) for key, row in raised.items())
        )
    if cleared:
        await connection.execute(CLEAR, *columns(cleared))


CHANGES = """
SELECT position, at, topic, stage, source, cause, details FROM signal_changes.changes
WHERE junction = $1 AND at >= $2 AND at < $3
  AND ($4::text[] IS NULL OR topic = ANY($4)) AND ($5::text IS NULL OR cause = $5)
  AND ($6::text IS NULL OR stage = $6)
  AND ($7::bigint IS NULL OR (at, position) > ($7, $8::bigint))
ORDER BY at, position LIMIT $9
"""
STAGES = """
SELECT stage, greatest(
    coalesce((details->>'all_red_until')::bigint, at),
    (SELECT max(green::bigint) FROM jsonb_each_text(details->'starts') AS s(code, green))) AS begins
FROM signal_changes.changes
WHERE junction = $1 AND at >= $2 AND at < $3 AND topic = ANY($4) ORDER BY at, position
"""
BEFORE = """
SELECT position, at, topic, stage, source, cause, details FROM signal_changes.changes
WHERE junction = $1 AND at <= $2 AND topic = ANY($3) ORDER BY at DESC, position DESC LIMIT $4
"""
REFUSALS = f"""
SELECT {", ".join(REFUSED)} FROM signal_changes.refusals
WHERE ($1::text IS NULL OR junction = $1) AND at >= $2 AND at < $3
  AND ($4::smallint IS NULL OR rule = $4) AND ($5::text IS NULL OR source = $5)
  AND ($6::bigint IS NULL OR (at, position) > ($6, $7::bigint))
ORDER BY at, position LIMIT $8
"""  # noqa: S608
REFUSAL_SUMS = """
SELECT rule, source, count(*) AS refused FROM signal_changes.refusals
WHERE ($1::text IS NULL OR junction = $1) AND at >= $2 AND at < $3
GROUP BY rule, source ORDER BY rule, source
"""
REFUSED_SINCE = "SELECT count(*) AS refused FROM signal_changes.refusals WHERE at >= $1"
FAULTS = """
SELECT junction, fault, raised_at, detail, cleared_at, cleared_by, position
FROM signal_changes.faults
WHERE ($1::text IS NULL OR junction = $1) AND raised_at < $3
  AND (cleared_at IS NULL OR cleared_at >= $2) AND (NOT $4 OR cleared_at IS NULL)
  AND ($5::bigint IS NULL OR (raised_at, position) > ($5, $6::bigint))
ORDER BY raised_at, position LIMIT $7
"""


async def changes(
    pool: Pool,
    junction: str,
    since: int,
    until: int,
    *,
    topics: Sequence[str] | None = None,
    cause: str | None = None,
    stage: str | None = None,
    after: tuple[int, int] | None = None,
    limit: int | None = None,
) -> list[Row]:
    """What happened to a junction from a moment until before another, in the order of time.

    Milliseconds since 1970; `after` is (at, position); `details` decoded.
    """
    place, wanted = after or (None, None), None if topics is None else list(topics)
    rows = await fetch_planned(
        pool, CHANGES, junction, since, until, wanted, cause, stage, *place, limit
    )
    return [_decoded(row) for row in rows]


async def stages(pool: Pool, junction: str, since: int, until: int) -> list[Row]:
    """The changes that set lamps: `stage`, and `begins`, when all that is made green is green."""
    return await fetch(pool, STAGES, junction, since, until, list(SETS_LAMPS))


async def last_before(
    pool: Pool, junction: str, at: int, topics: Sequence[str], *, limit: int = 1
) -> list[Row]:
    """The last changes of these topics up to a moment, the latest first."""
    rows = await fetch(pool, BEFORE, junction, at, list(topics), limit)
    return [_decoded(row) for row in rows]


async def refusals(
    pool: Pool,
    since: int,
    until: int,
    *,
    junction: str | None = None,
    rule: int | None = None,
    source: str | None = None,
    after: tuple[int, int] | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Refused wishes in the order of time."""
    place = after or (None, None)
    return await fetch_planned(pool, REFUSALS, junction, since, until, rule, source, *place, limit)


async def refusal_sums(
    pool: Pool, since: int, until: int, *, junction: str | None = None
) -> list[Row]:
    """How many wishes each rule refused, by who wished."""
    return await fetch_planned(pool, REFUSAL_SUMS, junction, since, until)


async def refused_since(pool: Pool, at: int) -> int:
    """How many wishes were refused since then."""
    (row,) = await fetch(pool, REFUSED_SINCE, at)
    return int(row["refused"])


async def faults(
    pool: Pool,
    since: int,
    until: int,
    *,
    junction: str | None = None,
    only_open: bool = False,
    after: tuple[int, int] | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Faults that were there between two moments, as they were raised."""
    place = after or (None, None)
    return await fetch_planned(pool, FAULTS, junction, since, until, only_open, *place, limit)


def _decoded(row: Row) -> Row:
    return row | {"details": orjson.loads(row["details"])}
