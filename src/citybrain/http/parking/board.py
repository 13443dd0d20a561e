"""Parking on the live board: berths by block face, sessions, the day's money, open anomalies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from citybrain.city_day import city_day
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking.place import PlaceKind
from citybrain.http.board import BoardPart, Origin
from citybrain.http.parking.berths import berth_counts
from citybrain.http.runtime import Runtime
from projections.parking import anomaly_list, berths, places, revenue, sessions
from projections.parking.places import WantedPlaces
from projections.reading import Pool

MOST_FACES = 60


async def members(runtime: Runtime) -> dict[str, Any]:
    """How many berths are free, and where; how many sessions stand where, and what came in."""
    pool, services = runtime.store.models, runtime.services
    now = services.clock()
    silence = parking_rules_at(services.definitions, now).silence_limit
    return {
        "parking": {
            "berths": await berth_counts(runtime),
            "sessions": await sessions.counts(pool),
            "faces": await _faces(runtime, now),
            "today": await _money(pool, now),
            "anomalies": await anomaly_list.open_counts(pool, now=now, silence=silence),
        }
    }


async def _money(pool: Pool, now: datetime) -> dict[str, int]:
    """What is owed for what began today, what of it is settled, what came in and went back."""
    today = city_day(now)
    found = revenue.summed(await revenue.rows(pool, today, today))
    return {
        "charged_fen": found.charged_fen,
        "settled_fen": found.charged_fen - found.open_fen,
        "captured_fen": found.captured_fen,
        "returned_fen": found.refunded_fen + found.charged_back_fen,
    }


async def _faces(runtime: Runtime, now: datetime) -> list[dict[str, Any]]:
    """The first block faces by id, with their berths by number: a letter for the state of each."""
    pool, services = runtime.store.models, runtime.services
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
