"""Parking on the live board: berths by block face, sessions, the day's money, open anomalies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from citybrain.city_day import city_day
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking.place import PlaceKind
from citybrain.http.board import BoardPart, BoardPlace, Figures, Followed, Origin
from citybrain.http.parking.berths import berth_counts
from citybrain.http.runtime import Runtime
from projections import board_reading
from projections.board_reading import Reading
from projections.parking import anomaly_list, berths, places, revenue, sessions
from projections.parking.board import PARKING_BOARD, SILENT
from projections.parking.places import WantedPlaces
from projections.reading import Pool

MOST_FACES = 60
MOST_SILENT = 10_000


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
    zones = await _zones(pool, now)
    found = await berths.by_face(pool, [*zones], now=now, silence=silence)
    return [zones[zone] | {"berths": found[zone]} for zone in zones if zone in found]


async def _zones(pool: Pool, at: datetime) -> dict[str, dict[str, Any]]:
    wanted = WantedPlaces(kinds=(PlaceKind.ZONE,))
    rows = await places.page(pool, at, wanted, limit=MOST_FACES)
    return {
        row["place_id"]: {"zone_id": row["place_id"]}
        | {name: row[name] for name in ("name", "tariff_zone")}
        for row in rows
    }


async def drawn(runtime: Runtime, at: datetime) -> dict[str, Any]:
    """Block faces at a past minute; `since`: of each berth when its vehicle came, by number."""
    pool = runtime.store.models
    zones = await _zones(pool, at)
    quiet = await board_reading.followed(
        pool, PARKING_BOARD.name, SILENT, at, live=False, limit=MOST_SILENT
    )
    silent = [row["place_id"] for row in quiet if row["due_at"] <= at]
    found = await berths.stood(pool, [*zones], at, silent)
    faces = [
        zones[zone]
        | {
            "berths": "".join(state for state, _ in found[zone]),
            "since": [since for _, since in found[zone]],
        }
        for zone in zones
        if zone in found
    ]
    return {"parking": {"faces": faces}}


async def origins(pool: Pool, stream_ids: Sequence[str]) -> Mapping[str, Origin]:
    """Of which kind these sessions are."""
    found = await sessions.origins(pool, stream_ids)
    return {row["session_id"]: Origin("parking", row["simulated"]) for row in found}


def figures(at: Reading) -> Figures:
    """Berths by their last signs, and the day until then; money on the day we heard of it."""
    standing, counted = at.standing, at.counted
    taken, free = standing.get("occupied", 0), standing.get("free", 0)
    began, left = counted.get("began", 0), counted.get("left", 0)
    return {
        "berths": standing.get("berths", 0),
        "occupied": taken,
        "free": free,
        "silent_detectors": at.due_of(SILENT).past,
        "occupied_share": share(taken, taken + free),
        "stays": standing.get("stays", 0),
        "began": began,
        "left": left,
        "turnover": share(began, standing.get("berths", 0)),
        "mean_stay_seconds": counted.get("seconds_stayed", 0) / left if left else None,
        "captured_fen": counted.get("captured_fen", 0),
        "returned_fen": counted.get("returned_fen", 0),
    }


def share(part: int, whole: int) -> float | None:
    """None of nothing."""
    return round(part / whole, 4) if whole else None


async def board_places(runtime: Runtime, place_ids: Sequence[str]) -> Mapping[str, BoardPlace]:
    """Places and devices as they were described last."""
    rows = await places.versions(runtime.store.models, place_ids)
    return {
        row["place_id"]: BoardPlace(name_en=None, **{name: row[name] for name in SHOWN})
        for row in rows
    }


SHOWN = ("place_id", "name", "latitude", "longitude")
BOARD = BoardPart(
    members,
    origins,
    berths.any_simulated,
    followed=Followed("parking", PARKING_BOARD, figures, board_places),
    drawn=drawn,
)
