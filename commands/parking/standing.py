"""Who stands on a berth now, and whether anything has watched it: from what devices said.

A device that was lost, or is silent for longer than the limit, has seen nothing; where no device
watches, nothing is known. Silence is neither "free" nor "nobody came".
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import asyncpg

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking.presence import Sign
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.parking.session import ParkingSession
from commands.parking.arriving import BerthNow, LookAtBerth, Seen
from commands.services import Services

Pool: TypeAlias = "asyncpg.Pool[Any]"
Watching = Callable[[Pool, str], Awaitable[Sequence[tuple[str, datetime | None]]]]
"""The devices that watch a berth, and when each was last heard."""

THERE = """
SELECT session_id FROM parking_presences WHERE place = $1 AND left_at IS NULL
ORDER BY arrived_at DESC LIMIT 1
"""
BLIND = """
SELECT device_id, sign, at FROM parking_signs WHERE place = $1 AND sign IN ('lost', 'restored')
ORDER BY device_id, at, sign
"""


def standing_by(watching: Watching) -> LookAtBerth:
    """How a berth is looked at; `watching` tells by whom it is watched."""

    async def look_at(berth: str, since: datetime, services: Services) -> BerthNow:
        """Who stands there now, and whether a device has watched it since a moment."""
        session_id = await services.store.pool.fetchval(THERE, berth)
        seen = await _watched(berth, since, watching, services)
        if session_id is None:
            return BerthNow(seen=seen)
        session = await services.store.load(ParkingSession, session_id)
        return BerthNow(vehicle=seen_of(session), seen=seen)

    return look_at


def seen_of(session: ParkingSession) -> Seen:
    """The vehicle of a session, by all that is known of its plate."""
    return Seen(
        berth=session.place_id,
        occurred_at=session.arrived_at,
        plate=None if session.plate is None else SealedPlate.of(session.plate),
        sure=session.doubt is None,
        detection_id=session.detection_ids[0] if session.detection_ids else None,
    )


async def _watched(berth: str, since: datetime, watching: Watching, services: Services) -> bool:
    """Whether any device has watched it all the time."""
    pool, now = services.store.pool, services.clock()
    rows = await pool.fetch(BLIND, berth)
    blind = {
        device
        for device, signs in groupby(rows, itemgetter("device_id"))
        if was_blind([(row["sign"], row["at"]) for row in signs], since)
    }
    silence = parking_rules_at(services.definitions, now).silence_limit
    return any(
        device not in blind and heard_at is not None and heard_at > now - silence
        for device, heard_at in await watching(services.store.keeping, berth)
    )


def was_blind(signs: Iterable[tuple[str, datetime]], since: datetime) -> bool:
    """Whether a device, by its own signs in order, has seen nothing at some time since then."""
    lost = False
    for sign, at in signs:
        if at > since and (lost or sign == Sign.LOST):
            return True
        lost = sign == Sign.LOST
    return lost
