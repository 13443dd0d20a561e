"""Queues, delay and level of service over HTTP: by approach lane, movement and five minutes.

Made of what detectors counted (`observations`). Of the detectors of a lane that one counts whose
time is known best; where none says how many passed, or how many stood, nothing is made up.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.signals.five_minutes import FIVE_MINUTES_MS, Mark
from citybrain.domain.signals.layout import Turn
from citybrain.domain.signals.level_of_service import LevelOfService, level_of_service, mean_delay_s
from citybrain.domain.signals.signal_events import moment
from citybrain.eventstore import StreamNotFound
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.signals.history import WATCHERS, Span
from commands.services import Services
from commands.signals.observation_reads import Counted, counted

LONGEST = timedelta(days=1)
SECONDS = FIVE_MINUTES_MS / 1000
SPOILT = frozenset({Mark.STUCK_ON, Mark.ERRATIC, Mark.TOO_HIGH, Mark.SILENT})
"""What a detector counted that was wrong counts for nobody."""


class LaneTraffic(BaseModel):
    """Five minutes of a lane. Null is not known."""

    begins: AwareDatetime
    lane: str
    movements: list[str]
    groups: list[str]
    detector: str
    vehicles: int | None
    queue_mean: float | None = Field(description="vehicles that stood, on the average of the time")
    queue_most: int | None
    delay_s: float | None = Field(description="mean time that a vehicle stood, by Little's law")
    level_of_service: LevelOfService | None = Field(description="of that delay (HCM)")
    marks: list[Mark]


class MovementTraffic(BaseModel):
    """Five minutes of a movement: who stands in its lane waits as long, whichever way he goes."""

    begins: AwareDatetime
    movement: str
    turn: Turn
    lane: str
    group: str | None = Field(description="null where no lamp holds it")
    vehicles: int | None = Field(description="null also where others go from the same lane")
    queue_mean: float | None = Field(description="of its lane")
    delay_s: float | None = Field(description="of its lane")
    level_of_service: LevelOfService | None


class JunctionTraffic(BaseModel):
    """A junction's lanes and movements, by time."""

    junction: str
    lanes: list[LaneTraffic]
    movements: list[MovementTraffic]


async def show(call: Call) -> web.Response:
    """Queues and delays of a junction."""
    query: Span = call.query
    services, junction = call.runtime.services, call.request.match_info["junction"]
    since, until = (moment(ms) for ms in query.span(services.clock()))
    if until - since > LONGEST:
        raise Malformed("a day at most")
    dated = services.definitions.of(SignalDefinitions).at(junction, since)
    if dated is None:
        raise StreamNotFound("there was no such junction then")
    lanes = await traffic_of(services, dated, since, until)
    movements = list(by_movement(dated, lanes))
    return json_response(JunctionTraffic(junction=junction, lanes=lanes, movements=movements))


async def traffic_of(
    services: Services, dated: DatedJunction, since: datetime, until: datetime
) -> list[LaneTraffic]:
    """The five minutes of each approach lane that a detector sees, by time and lane."""
    layout = dated.junction.layout
    detectors = {code: each for code, each in layout.detectors.items() if each.lane in layout.lanes}
    if not detectors:
        return []
    rows = await counted(services, dated.file.junction, detectors, since, until)
    by_lane: dict[tuple[datetime, str], list[Counted]] = {}
    for row in rows:
        lane = detectors[row.detector].lane
        assert lane is not None
        by_lane.setdefault((row.begins, lane), []).append(row)
    return [
        _lane(dated, begins, lane, best_of(found))
        for (begins, lane), found in sorted(by_lane.items())
    ]


def by_movement(dated: DatedJunction, lanes: Iterable[LaneTraffic]) -> Iterator[MovementTraffic]:
    """The same by movement, of the lane at whose stop line each begins."""
    for row in lanes:
        found = dated.junction.layout.of_lane(row.lane)
        for each in found:
            yield MovementTraffic(
                begins=row.begins,
                movement=each.code,
                turn=each.turn,
                lane=row.lane,
                group=each.group,
                vehicles=row.vehicles if len(found) == 1 else None,
                queue_mean=row.queue_mean,
                delay_s=row.delay_s,
                level_of_service=row.level_of_service,
            )


def best_of(rows: Iterable[Counted]) -> Counted:
    """Of the detectors of one lane the one that tells most: unspoilt, both counts, longest."""
    return max(
        rows,
        key=lambda row: (
            not row.sums.marks & SPOILT,
            (row.sums.vehicles is not None) + (row.sums.queue_mean is not None),
            row.sums.known_ms,
            row.detector,
        ),
    )


def _lane(dated: DatedJunction, begins: datetime, lane: str, found: Counted) -> LaneTraffic:
    sums, movements = found.sums, dated.junction.layout.reached_from(lane)
    delay = None
    spoilt = bool(sums.marks & SPOILT)
    if not spoilt and sums.vehicles is not None and sums.queue_mean is not None:
        delay = mean_delay_s(sums.queue_mean, sums.vehicles, SECONDS)
    return LaneTraffic(
        begins=begins,
        lane=lane,
        movements=[each.code for each in movements],
        groups=sorted({each.group for each in movements if each.group is not None}),
        detector=found.detector,
        vehicles=None if spoilt else sums.vehicles,
        queue_mean=None if spoilt else sums.queue_mean,
        queue_most=None if spoilt else sums.queue_most,
        delay_s=None if delay is None else round(delay, 1),
        level_of_service=None if delay is None else level_of_service(delay),
        marks=sorted(sums.marks),
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/junctions/{junction}/traffic",
        tag="signals",
        summary="Queues, delay and level of service by lane, by movement and five minutes",
        handler=show,
        roles=WATCHERS,
        query=Span,
        answers={200: Answer("by time and lane, and by movement", JunctionTraffic)},
        may_be_missing=True,
    ),
)
