"""Signals on the live board: how junctions stand, their lamps, what their queues cost, refusals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from citybrain.definitions.signals.junction_file import JunctionFile, PlacePart
from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.signals.five_minutes import FIVE_MINUTES_MS
from citybrain.domain.signals.layout import Turn
from citybrain.domain.signals.level_of_service import mean_delay_s
from citybrain.domain.signals.signal import Signal, junction_and_day
from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.domain.stream import category_of
from citybrain.http.board import BoardPart, BoardPlace, Figures, Followed, Origin
from citybrain.http.runtime import Runtime
from citybrain.http.signals.traffic import SECONDS, LaneTraffic, traffic_of
from commands.services import Services
from projections.board_reading import Reading
from projections.reading import Pool
from projections.signals import changes, junctions
from projections.signals.board import FAULTY, SIGNALS_BOARD, STANDING, STANDS
from projections.signals.junctions import Standing

HOUR_MS = 3_600_000
MOST_JUNCTIONS = 12
AGAIN_MS = 10_000
"""What was counted is asked for again after so long: late readings are few."""


@dataclass
class Queues:
    """What was counted of junctions in the last five minutes that are over, and in those before."""

    services: Services
    _asked: dict[str, tuple[int, list[list[LaneTraffic]]]] = field(default_factory=dict)

    async def of(self, dated: DatedJunction, now: int) -> list[list[LaneTraffic]]:
        """Two lists of lanes; the last five minutes come first."""
        code, over = dated.junction.code, now - now % FIVE_MINUTES_MS
        asked_at, found = self._asked.get(code, (0, []))
        if now - asked_at >= AGAIN_MS or asked_at < over:
            found = await _last_two(self.services, dated, over)
            self._asked[code] = (now, found)
        return found


async def _last_two(services: Services, dated: DatedJunction, over: int) -> list[list[LaneTraffic]]:
    """Of the five minutes that end then, and of those before."""
    begins = [moment(over - FIVE_MINUTES_MS), moment(over - 2 * FIVE_MINUTES_MS)]
    rows = await traffic_of(services, dated, begins[1], moment(over))
    return [[each for each in rows if each.begins == at] for at in begins]


async def members(runtime: Runtime) -> dict[str, Any]:
    """How junctions stand now; the first of them by code with lamps, queues and faults."""
    pool, services = runtime.store.models, runtime.services
    now = milliseconds(services.clock())
    counts = await junctions.counts(pool, now)
    queues, definitions = services.held(Queues, Queues), services.definitions.of(SignalDefinitions)
    shown = []
    for each in await junctions.page(pool, limit=MOST_JUNCTIONS):
        signal = each.signal
        dated = definitions.of_version(signal.junction, signal.definition_version)
        if dated is not None:
            shown.append(_junction(each, dated, await queues.of(dated, now), now))
    return {
        "signals": {
            "standing": {row["standing"]: row["junctions"] for row in counts},
            "faulty": sum(row["faulty"] for row in counts),
            "refused_last_hour": await changes.refused_since(pool, now - HOUR_MS),
            "junctions": shown,
        }
    }


async def drawn(runtime: Runtime, at: datetime) -> dict[str, Any]:
    """Of the same junctions the queues of a past minute. What their lamps showed is not said here,
    how they stood is one by one (`/v1/board/things`)."""
    services, over = runtime.services, milliseconds(at)
    over -= over % FIVE_MINUTES_MS
    definitions = services.definitions.of(SignalDefinitions)
    shown = []
    for each in await junctions.page(runtime.store.models, limit=MOST_JUNCTIONS):
        dated = definitions.at(each.signal.junction, at)
        if dated is not None:
            last, before = await _last_two(services, dated, over)
            cost = cost_of(last)
            told: dict[str, Any] = {"last": cost, "before": cost_of(before)}
            told["arms"] = [] if cost is None else _queues(dated, last)
            shown.append({"junction": each.signal.junction} | told)
    return {"signals": {"junctions": shown}}


def _junction(
    standing: Standing, dated: DatedJunction, queues: Sequence[Sequence[LaneTraffic]], now: int
) -> dict[str, Any]:
    signal = standing.signal
    last, before = queues
    return {
        "junction": signal.junction,
        "name": dated.file.name,
        "name_en": dated.file.name_en,
        "standing": signal.standing_at(now),
        "strategy": signal.strategy_at(now),
        "stage": signal.stage or None,
        "bus": _bus(signal),
        "lamps": {code: signal.shown(code, now) for code in sorted(signal.lamp_times)},
        "faults": sorted(signal.faults),
        "simulated": signal.simulated,
        "last": cost_of(last),
        "before": cost_of(before),
        "arms": _arms(standing, dated, last, now),
    }


def _bus(signal: Signal) -> dict[str, Any] | None:
    """The bus that has priority now, by its line and how late it is; None where none has."""
    newest = signal.prioritised
    if newest is None or newest["ended"] is not None:
        return None
    late_ms = newest["late_ms"]
    return {"line": newest["line"], "late_s": None if late_ms is None else late_ms // 1000}


def cost_of(lanes: Sequence[LaneTraffic]) -> dict[str, Any] | None:
    """Of all lanes together; None where nobody who is believed tells."""
    known = [
        (each.queue_mean, each.vehicles)
        for each in lanes
        if each.queue_mean is not None and each.vehicles is not None
    ]
    if not known:
        return None
    queue, vehicles = sum(queue for queue, _ in known), sum(number for _, number in known)
    delay = mean_delay_s(queue, vehicles, SECONDS)
    return {
        "queue": round(queue, 1),
        "vehicles": vehicles,
        "delay_seconds": None if delay is None else round(delay, 1),
    }


def _arms(
    standing: Standing, dated: DatedJunction, lanes: Sequence[LaneTraffic], now: int
) -> list[dict[str, Any]]:
    """By where vehicles come from: what is shown to who goes on and who turns left, their queue."""
    layout, found = dated.junction.layout, _queues(dated, lanes)
    arms = {arm["bearing"]: arm for arm in found}
    for code, lane in dated.file.lanes.items():
        if lane.bearing is None:
            continue
        for movement in layout.of_lane(code):
            if movement.group is not None:
                place = "left" if movement.turn is Turn.LEFT else "on"
                arms[lane.bearing].setdefault(place, standing.signal.shown(movement.group, now))
    return found


def _queues(dated: DatedJunction, lanes: Sequence[LaneTraffic]) -> list[dict[str, Any]]:
    """By where vehicles come from, in degrees: how many stood on the mean."""
    found: dict[float, float] = {}
    queues = {each.lane: each.queue_mean or 0.0 for each in lanes}
    for code, lane in dated.file.lanes.items():
        if lane.bearing is not None:
            queue = found.get(lane.bearing, 0.0) + queues.get(code, 0.0)
            found[lane.bearing] = round(queue, 1)
    return [{"bearing": bearing, "queue": found[bearing]} for bearing in sorted(found)]


async def origins(pool: Pool, stream_ids: Sequence[str]) -> Mapping[str, Origin]:
    """Of these streams those of junctions, and whether a junction is made up."""
    codes = {
        each: junction_and_day(each)[0]
        for each in stream_ids
        if category_of(each) == Signal.category
    }
    found = await junctions.simulated(pool, [*codes.values()])
    return {
        stream_id: Origin(Signal.category, found[code])
        for stream_id, code in codes.items()
        if code in found
    }


STANDINGS = ("local", "centre", "hand", "flashing", "dark")


def figures(at: Reading) -> Figures:
    """How junctions stand, and what was refused on the day until then."""
    stand = {each: at.standing.get(f"{STANDING}{each}", 0) for each in STANDINGS}
    return {
        "junctions": sum(stand.values()),
        **stand,
        "faulty": at.standing.get(FAULTY, 0),
        "refused": at.counted.get("refused", 0),
    }


async def places(runtime: Runtime, codes: Sequence[str]) -> Mapping[str, BoardPlace]:
    """Junctions by their definitions of today."""
    services = runtime.services
    definitions, now = services.definitions.of(SignalDefinitions), services.clock()
    found = {code: definitions.at(code, now) for code in codes}
    return {
        code: _place(dated.file, definitions.place(code))
        for code, dated in found.items()
        if dated is not None
    }


def _place(file: JunctionFile, stands: PlacePart | None) -> BoardPlace:
    return BoardPlace(
        place_id=file.junction,
        name=file.name,
        name_en=file.name_en,
        latitude=None if stands is None else stands.latitude,
        longitude=None if stands is None else stands.longitude,
    )


BOARD = BoardPart(
    members,
    origins,
    junctions.any_simulated,
    followed=Followed("signals", SIGNALS_BOARD, figures, places, kinds=(STANDS,)),
    drawn=drawn,
)
