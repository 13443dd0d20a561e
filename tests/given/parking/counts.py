"""Counts of a facility, said by its counter."""

from datetime import UTC, datetime, timedelta
from typing import Any

from citybrain.domain.actor import Actor, Role
from commands.parking.counter import Found, ReadFacilityCounter, read_counters
from commands.services import Services
from tests.given.services import context

COUNTER = Actor("L1", frozenset({Role.CAMERA}))
NINE = datetime(2026, 9, 14, 1, tzinfo=UTC)  # 09:00 in the city


def reading(
    free: int | None, minutes: float = 0, facility_id: str = "G1", **said: Any
) -> ReadFacilityCounter:
    """What a counter says so many minutes after nine."""
    members = {"device_id": "L1", "occurred_at": NINE + timedelta(minutes=minutes)} | said
    return ReadFacilityCounter(facility_id=facility_id, free=free, **members)


async def said(
    services: Services, *readings: ReadFacilityCounter, actor: Actor = COUNTER
) -> list[Found]:
    """What becomes of readings that come together."""
    return await read_counters(readings, context(actor), services)
