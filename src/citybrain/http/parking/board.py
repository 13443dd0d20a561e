"""Parking on the live board: berths by block face, sessions by where they stand, today's money."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any

from citybrain.city_day import CITY_ZONE, city_day
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking.place import PlaceKind
from citybrain.http.board import BoardPart, Origin
from citybrain.http.parking.berths import berth_counts
from citybrain.http.runtime import Runtime
from projections.parking import berths, places, sessions
from projections.parking.places import WantedPlaces
from projections.reading import Pool

MOST_FACES = 60


async def members(runtime: Runtime) -> dict[str, Any]:
    """How many berths are free, and where; how many sessions stand where, and what they cost."""
    pool, services = runtime.store.pool, runtime.services
    now = services.clock()
    return {
        "parking": {
            "berths": await berth_counts(runtime),
            "sessions": await sessions.counts(pool),
            "faces": await _faces(runtime, now),
            "today": await sessions.sums(pool, datetime.combine(city_day(now), time(), CITY_ZONE)),
        }
    }


async def _faces(runtime: Runtime, now: datetime) -> list[dict[str, Any]]:
    """The first block faces by id, with their berths by number: a letter for the state of each."""
    pool, services = runtime.store.pool, runtime.services
    silence = parking_rules_at(services.definitions, now).silence_limit
    wanted = WantedPlaces(kinds=(PlaceKind.ZONE,))
    zones = await places.page(pool, now, wanted, limit=MOST_FACES)
    found = await berths.by_face(
        pool, [zone["place_id"] for zone in zones], now=now, silence=silence
    )
    return [
        {
            "zone_id": zone["place_id"],
            "name": zone["name"],
            "tariff_zone": zone["tariff_zone"],
            "berths": found[zone["place_id"]],
        }
        for zone in zones
        if zone["place_id"] in found
    ]


async def origins(pool: Pool, stream_ids: Sequence[str]) -> Mapping[str, Origin]:
    """Of which kind these sessions are."""
    found = await sessions.origins(pool, stream_ids)
    return {row["session_id"]: Origin("parking", row["simulated"]) for row in found}


BOARD = BoardPart(members, origins, berths.any_simulated)
