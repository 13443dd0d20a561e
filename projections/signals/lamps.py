"""What the lamps of junctions showed: greens, times out of service, and who called.

A red is what lies between two greens of a group, a wait what lies between a call and the next
green. Both are made of these rows as they are read, so nothing is counted twice or forgotten.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson

from citybrain.columns import columns
from citybrain.domain.signals.signal import junction_and_day
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, fetch
from projections.signals.forgetting import TABLE, due_to_forget
from projections.signals.lamp_folding import Green, Lamps

TABLES = """
CREATE TABLE greens (
    junction text COLLATE "C" NOT NULL,
    "group"  text COLLATE "C" NOT NULL,
    began    bigint NOT NULL,
    ends     bigint,
    red_from bigint,
    position bigint NOT NULL,
    PRIMARY KEY (junction, "group", began)
);
CREATE INDEX ON greens (junction, began);
CREATE TABLE outs (
    junction text COLLATE "C" NOT NULL,
    began    bigint NOT NULL,
    until    bigint,
    why      text COLLATE "C" NOT NULL,
    PRIMARY KEY (junction, began)
);
CREATE TABLE calls (
    junction text COLLATE "C" NOT NULL,
    "group"  text COLLATE "C" NOT NULL,
    since    bigint NOT NULL,
    by       text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (junction, since, "group")
);
CREATE TABLE lamps (
    junction text COLLATE "C" PRIMARY KEY,
    state    text NOT NULL
);
"""
KNOWN = "SELECT junction, state FROM lamps WHERE junction = ANY($1)"
FORGET = """
DELETE FROM greens g USING unnest($1::text[], $2::text[], $3::bigint[]) AS o (junction, grp, began)
WHERE (g.junction, g."group", g.began) = (o.junction, o.grp, o.began)
"""
WRITE_GREENS = """
INSERT INTO greens (junction, "group", began, ends, red_from, position)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
ON CONFLICT (junction, "group", began) DO UPDATE
SET ends = excluded.ends, red_from = excluded.red_from, position = excluded.position
"""
WRITE_OUTS = """
INSERT INTO outs (junction, began, until, why)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])
ON CONFLICT (junction, began) DO UPDATE SET until = excluded.until, why = excluded.why
"""
WRITE_STATES = """
INSERT INTO lamps (junction, state) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (junction) DO UPDATE SET state = excluded.state
"""
FORGET_OUTS = "DELETE FROM outs WHERE junction = $1 AND until < $2"
FORGET_CALLS = "DELETE FROM calls WHERE junction = $1 AND since < $2"
FORGET_GREENS = """
DELETE FROM greens WHERE junction = $1 AND "group" = $2 AND red_from < $3 AND began < (
    SELECT max(last.began) FROM greens last
    WHERE last.junction = $1 AND last."group" = $2 AND last.began <= $3)
"""
"""The last green of a group before that stays: with it the red began that is counted after it."""
CALLED = "signal.called"
TOPICS = (
    "signal.day_opened",
    "signal.stage_applied",
    "signal.flash_begun",
    "signal.powered_up",
    "signal.reset",
    CALLED,
)


class SignalLamps:
    """The read model `signal_lamps`."""

    name = "signal_lamps"
    version = 3
    topics = frozenset(TOPICS)
    tables = TABLES + TABLE

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into greens and times out of service; add its calls; forget."""
        happened = {junction_and_day(event.stream_id)[0] for event in events}
        found = await connection.fetch(KNOWN, list(happened))
        lamps = {code: Lamps() for code in happened}
        lamps |= {row["junction"]: _read(row["state"]) for row in found}
        calls = []
        for event in events:
            junction, data = junction_and_day(event.stream_id)[0], event.data
            if event.topic == CALLED:
                calls.append((junction, data["group"], data["since"], data["by"], event.position))
                continue
            decided_at = milliseconds(data["timestamp"])
            lamps[junction].read(event.topic, data, decided_at, event.position)
        await _write(connection, lamps)
        await connection.copy_records_to_table(
            "calls", columns=("junction", "group", "since", "by", "position"), records=calls
        )
        await _forget(connection, lamps, events)


async def _forget(
    connection: "asyncpg.Connection[Any]", lamps: dict[str, Lamps], events: Sequence[RecordedEvent]
) -> None:
    moments = (
        (junction_and_day(event.stream_id)[0], milliseconds(event.data["timestamp"]))
        for event in events
    )
    due = await due_to_forget(connection, moments)
    greens = [
        (junction, code, before) for junction, before in due for code in lamps[junction].greens
    ]
    for statement, rows in ((FORGET_OUTS, due), (FORGET_CALLS, due), (FORGET_GREENS, greens)):
        await connection.executemany(statement, rows)


async def _write(connection: "asyncpg.Connection[Any]", lamps: dict[str, Lamps]) -> None:
    changed = [
        (junction, code, began, green)
        for junction, each in lamps.items()
        for (code, began), green in each.changed.items()
    ]
    gone = [(*key, began) for *key, began, green in changed if green is None]
    greens = [(junction, code, *green) for junction, code, _, green in changed if green]
    outs = [
        (junction, began, until, why)
        for junction, each in lamps.items()
        for began, (until, why) in each.changed_out.items()
    ]
    states = [(junction, _kept(each)) for junction, each in lamps.items()]
    for statement, rows in (
        (FORGET, gone),
        (WRITE_GREENS, greens),
        (WRITE_OUTS, outs),
        (WRITE_STATES, states),
    ):
        if rows:
            await connection.execute(statement, *columns(rows))


def _kept(lamps: Lamps) -> str:
    greens = {code: each for code, each in sorted(lamps.greens.items()) if each}
    return orjson.dumps([greens, lamps.out]).decode()


def _read(state: str) -> Lamps:
    greens, out = orjson.loads(state)
    known: dict[str, list[Green]] = {
        code: [(began, ends, red_from, by) for began, ends, red_from, by in each]
        for code, each in greens.items()
    }
    return Lamps(known, None if out is None else (out[0], out[1], out[2]))


GREENS = """
WITH RECURSIVE groups AS (
    (SELECT "group" AS code FROM signal_lamps.greens WHERE junction = $1 ORDER BY 1 LIMIT 1)
    UNION ALL
    SELECT (SELECT g."group" FROM signal_lamps.greens g
            WHERE g.junction = $1 AND g."group" > groups.code ORDER BY 1 LIMIT 1)
    FROM groups WHERE groups.code IS NOT NULL)
SELECT "group", began, ends, red_from, position FROM signal_lamps.greens
WHERE junction = $1 AND began >= $2 AND began < $3
UNION ALL
SELECT g."group", g.began, g.ends, g.red_from, g.position
FROM groups CROSS JOIN LATERAL (
    SELECT * FROM signal_lamps.greens b
    WHERE b.junction = $1 AND b."group" = groups.code AND b.began < $2
    ORDER BY b.began DESC LIMIT 1) g
ORDER BY "group", began
"""
"""A green that was on at the beginning is the last one of its group before that."""
OUTS = """
SELECT began, until, why FROM signal_lamps.outs
WHERE junction = $1 AND began < $3 AND (until IS NULL OR until > $2) ORDER BY began
"""
CALLS = """
SELECT c."group", c.since, c.by, c.position,
       (SELECT min(g.began) FROM signal_lamps.greens g
        WHERE g.junction = c.junction AND g."group" = c."group" AND g.began >= c.since) AS served_at
FROM signal_lamps.calls c
WHERE c.junction = $1 AND c.since >= $2 AND c.since < $3 ORDER BY c.since, c."group"
"""


async def greens(pool: Pool, junction: str, since: int, until: int) -> list[Row]:
    """Greens by group and time: those that began in the span, and of each group the one before.

    Milliseconds since 1970.
    """
    return await fetch(pool, GREENS, junction, since, until)


async def outs(pool: Pool, junction: str, since: int, until: int) -> list[Row]:
    """When all lamps flashed or were dark between two moments."""
    return await fetch(pool, OUTS, junction, since, until)


async def calls(pool: Pool, junction: str, since: int, until: int) -> list[Row]:
    """Who called between two moments; `served_at`: when the next green began, or is to."""
    return await fetch(pool, CALLS, junction, since, until)
