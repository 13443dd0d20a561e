"""What is asked of the board's models: what waits for a person, what stands, what is usual."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Literal

import orjson

from citybrain.city_day import city_day
from projections.reading import Pool, Row, fetch

SHOWN = """
kind, shown_as, stream_id, limited_at, now_at, due_at, owner, about, place_id, latitude,
longitude, simulated
"""
AS_IT_IS = "c.known_until IS NULL"
AS_IT_WAS = "c.known_from < a.at AND (c.known_until IS NULL OR c.known_until >= a.at)"
"""Before the moment: an event of the moment itself is of the minute that begins there."""

Severity = Literal["now", "limited"]


@dataclass(frozen=True, slots=True)
class Due:
    """Concerns of a kind: how many are due, and how many will be within the hour."""

    past: int = 0
    soon: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model has of a moment: what stands, what the city's day has counted, what is due."""

    standing: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    due: dict[str, Due] = field(default_factory=dict)

    def due_of(self, kind: str) -> Due:
        """The concerns of a kind."""
        return self.due.get(kind, Due())


@cache
def _exceptions(schema: str, known: str) -> str:
    """One for each thing and kind: the most severe, the first that is due."""
    return f"""
    SELECT DISTINCT ON (kind, shown_as) {SHOWN}, coalesce(now_at <= a.at, false) AS now
    FROM (SELECT $1::timestamptz AS at) a JOIN "{schema}".concerns c
      ON {known} AND c.begins_at <= a.at
    ORDER BY kind, shown_as, (now_at <= a.at) DESC NULLS LAST, due_at, subject, code
    """  # noqa: S608


@cache
def _minutes(schema: str, *, live: bool) -> str:
    """The last minute before each moment, or of all."""
    before = "true" if live else "minute < a.at"
    return f"""
    SELECT m.day, m.counted::text, m.standing::text
    FROM unnest($1::timestamptz[]) WITH ORDINALITY a(at, n) LEFT JOIN LATERAL (
        SELECT day, counted, standing FROM "{schema}".minutes WHERE {before}
        ORDER BY minute DESC LIMIT 1
    ) m ON true ORDER BY a.n
    """  # noqa: S608


@cache
def _due(schema: str, known: str) -> str:
    return f"""
    SELECT a.n, c.kind, count(*) FILTER (WHERE c.due_at <= a.at) AS past,
           count(*) FILTER (WHERE c.due_at > a.at) AS soon
    FROM unnest($1::timestamptz[]) WITH ORDINALITY a(at, n)
    JOIN "{schema}".concerns c ON {known} AND c.counts_at <= a.at
    GROUP BY 1, 2
    """  # noqa: S608


@cache
def _began(schema: str) -> str:
    """How many began in each step; what was changed meanwhile began once."""
    return f"""
    SELECT to_timestamp(floor(extract(epoch FROM began_at) / $3) * $3) AS at, now,
           count(*) AS began
    FROM (
        SELECT DISTINCT ON (kind, shown_as, began_at)
               began_at, coalesce(now_at <= began_at, false) AS now
        FROM "{schema}".concerns
        WHERE began_at >= $1 AND began_at < $2
          AND (known_until IS NULL OR known_until > began_at)
        ORDER BY kind, shown_as, began_at, (now_at <= began_at) DESC NULLS LAST
    ) b GROUP BY 1, 2
    """  # noqa: S608


@cache
def _followed(schema: str, known: str) -> str:
    return f"""
    SELECT {SHOWN}
    FROM (SELECT $1::timestamptz AS at) a JOIN "{schema}".concerns c ON {known} AND c.kind = $2
    ORDER BY due_at, shown_as, subject, code LIMIT $3
    """  # noqa: S608


async def followed(
    pool: Pool, schema: str, kind: str, at: datetime, *, live: bool, limit: int
) -> list[Row]:
    """All of a kind that are known at a moment, whether somebody has to act or not; by when they
    are due. Whole only where the model keeps what was never seen."""
    return await fetch(pool, _followed(schema, AS_IT_IS if live else AS_IT_WAS), at, kind, limit)


async def exceptions(pool: Pool, schema: str, at: datetime, *, live: bool) -> list[Row]:
    """What waits for a person at a moment; `live`: as it is known now, the moment is the clock's.

    `now`: it is to be done at once.
    """
    return await fetch(pool, _exceptions(schema, AS_IT_IS if live else AS_IT_WAS), at)


async def readings(
    pool: Pool, schema: str, moments: Sequence[datetime], *, live: bool = False
) -> list[Reading]:
    """What the model has of each moment: whole minutes of which the log's history is kept.

    `live`: all that is known so far, at a moment that the clock says.
    """
    rows = await fetch(pool, _minutes(schema, live=live), list(moments))
    due: list[dict[str, Due]] = [{} for _ in moments]
    for row in await fetch(pool, _due(schema, AS_IT_IS if live else AS_IT_WAS), list(moments)):
        due[row["n"] - 1][row["kind"]] = Due(row["past"], row["soon"])
    return [
        _reading(row, city_day(at), found)
        for row, at, found in zip(rows, moments, due, strict=True)
    ]


def _reading(row: Row, day: date, due: dict[str, Due]) -> Reading:
    if row["day"] is None:  # nothing had happened yet
        return Reading()
    counted = {} if row["day"] < day else orjson.loads(row["counted"])
    return Reading(orjson.loads(row["standing"]), counted, due)


async def began(
    pool: Pool, schemas: Iterable[str], since: datetime, until: datetime, step_seconds: int
) -> dict[datetime, dict[Severity, int]]:
    """How many exceptions began in each step from a moment until before another, by severity."""
    found: dict[datetime, dict[Severity, int]] = {}
    for schema in schemas:
        for row in await fetch(pool, _began(schema), since, until, step_seconds):
            step = found.setdefault(row["at"], {"now": 0, "limited": 0})
            step["now" if row["now"] else "limited"] += row["began"]
    return found
