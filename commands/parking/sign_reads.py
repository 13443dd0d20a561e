"""What is kept of signs and presences, read at once for all places that are followed at once."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from citybrain.asking import AskingTogether
from citybrain.columns import columns
from commands.parking.signs import PresenceRow
from commands.services import Services

OPEN_SIGNS = """
SELECT * FROM parking_signs WHERE place = ANY($1) AND session_id IS NULL ORDER BY at, sign_id
"""
PRESENCES = """
SELECT * FROM parking_presences WHERE place = ANY($1) AND NOT final ORDER BY arrived_at
"""
COVERING = """
SELECT n.place, n.at, p.*
FROM unnest($1::text[], $2::timestamptz[]) AS n(place, at) CROSS JOIN LATERAL (
    SELECT * FROM parking_presences p WHERE p.place = n.place AND final AND left_at > n.at
    ORDER BY arrived_at LIMIT 1
) p
"""
OVER = """
SELECT DISTINCT n.place, n.before, p.session_id
FROM unnest($1::text[], $2::timestamptz[]) AS n(place, before) JOIN parking_presences p
  ON p.place = n.place AND NOT p.final AND p.ended_at < n.before
"""
AROUND = """
SELECT n.number, p.*
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[])
     WITH ORDINALITY AS n(plate_id, since, until, number) JOIN parking_presences p
  ON p.plate_id = n.plate_id
 AND p.arrived_at > n.since - interval '2 days'
 AND p.arrived_at < n.until + interval '3 hours'
 AND (p.left_at IS NULL OR p.left_at >= n.since - interval '3 hours')
ORDER BY p.arrived_at
"""
BEGAN_AFTER = """
SELECT n.place, n.at, min(p.arrived_at) AS began
FROM unnest($1::text[], $2::timestamptz[]) AS n(place, at) JOIN parking_presences p
  ON p.place = n.place AND p.final AND p.arrived_at > n.at
GROUP BY n.place, n.at
"""
MEMBERS = tuple(each.name for each in fields(PresenceRow))

PlaceAndTime = tuple[str, datetime]


class SignReads:
    """The reads of one process. Get it from `sign_reads`."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._signs = AskingTogether(self._read_signs)
        self._presences = AskingTogether(self._read_presences)
        self._covering = AskingTogether(self._read_covering)
        self._over = AskingTogether(self._read_over)
        self._around = AskingTogether(self._read_around)
        self._began = AskingTogether(self._read_began)

    async def open_signs(self, place: str) -> list[Any]:
        """The signs of a place that no session has for good, in the order of their time."""
        return (await self._signs.ask((place,))).get(place, [])

    async def presences(self, place: str) -> list[PresenceRow]:
        """What may still change at a place."""
        return (await self._presences.ask((place,))).get(place, [])

    async def covering(
        self, place: str, times: Collection[datetime]
    ) -> dict[datetime, PresenceRow]:
        """For each moment the final presence that it lies in, or before, if there is one."""
        found = await self._covering.ask([(place, at) for at in times]) if times else {}
        return {at: row for (_, at), row in found.items()}

    async def over(self, place: str, before: datetime) -> list[str]:
        """The sessions of a place that ended before a moment and are not final."""
        return (await self._over.ask(((place, before),))).get((place, before), [])

    async def around(self, row: PresenceRow) -> list[PresenceRow]:
        """Where the same plate was at that time, or shortly before or after it; also this one."""
        asked = row.plate_id, row.arrived_at, row.left_at or row.arrived_at + timedelta(days=2)
        return (await self._around.ask((asked,))).get(asked, [])

    async def began_after(self, place: str, at: datetime) -> datetime | None:
        """When the next final presence at a place began."""
        return (await self._began.ask(((place, at),))).get((place, at))

    async def _read_signs(self, places: Collection[str]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for row in await self._pool.fetch(OPEN_SIGNS, list(places)):
            found.setdefault(row["place"], []).append(row)
        return found

    async def _read_presences(self, places: Collection[str]) -> dict[str, list[PresenceRow]]:
        found: dict[str, list[PresenceRow]] = {}
        for row in await self._pool.fetch(PRESENCES, list(places)):
            found.setdefault(row["place"], []).append(_presence(row))
        return found

    async def _read_covering(
        self, asked: Collection[PlaceAndTime]
    ) -> dict[PlaceAndTime, PresenceRow]:
        rows = await self._pool.fetch(COVERING, *columns(asked))
        return {(row["place"], row["at"]): _presence(row) for row in rows}

    async def _read_over(self, asked: Collection[PlaceAndTime]) -> dict[PlaceAndTime, list[str]]:
        found: dict[PlaceAndTime, list[str]] = {}
        for row in await self._pool.fetch(OVER, *columns(asked)):
            found.setdefault((row["place"], row["before"]), []).append(row["session_id"])
        return found

    async def _read_around(
        self, asked: Collection[tuple[str | None, datetime, datetime]]
    ) -> dict[tuple[str | None, datetime, datetime], list[PresenceRow]]:
        numbered = list(asked)
        found: dict[tuple[str | None, datetime, datetime], list[PresenceRow]] = {}
        for row in await self._pool.fetch(AROUND, *columns(numbered)):
            found.setdefault(numbered[row["number"] - 1], []).append(_presence(row))
        return found

    async def _read_began(self, asked: Collection[PlaceAndTime]) -> dict[PlaceAndTime, datetime]:
        rows = await self._pool.fetch(BEGAN_AFTER, *columns(asked))
        return {(row["place"], row["at"]): row["began"] for row in rows}


def sign_reads(services: Services) -> SignReads:
    """The reads of this process."""
    return services.held(SignReads, lambda services: SignReads(services.store.pool))


def _presence(row: Any) -> PresenceRow:
    return PresenceRow(*(row[name] for name in MEMBERS))
