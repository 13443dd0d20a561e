"""Before and after, over HTTP: the same figures of two spans of a junction next to each other."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.signals.level_of_service import mean_delay_s
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import StreamNotFound
from citybrain.http.paging import ReadModelQuery, wait_for_position
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.signals.history import READERS, RefusalSum, check_kept
from citybrain.http.signals.lamp_figures import MODELS, JunctionFigures, figures_of
from citybrain.http.signals.traffic import SECONDS, LaneTraffic, traffic_of
from commands.fields import Moment
from projections.signals import changes

LONGEST = timedelta(days=7)


class LaneTotal(BaseModel):
    """A lane in a whole span; of the five minutes in which both counts are known."""

    lane: str
    vehicles: int
    queue_mean: float = Field(description="vehicles that stood, on the average")
    delay_s: float | None = Field(description="mean time that a vehicle stood")
    known_s: float = Field(description="of how many seconds that is known")


class SignalPeriod(BaseModel):
    """Figures of a span."""

    figures: JunctionFigures
    refused: list[RefusalSum]
    lanes: list[LaneTotal]


class Difference(BaseModel):
    """One figure in both spans; `difference` is after less before, null where one is not known."""

    of: str
    figure: str
    before: float | None
    after: float | None
    difference: float | None


class SignalComparison(BaseModel):
    """Two spans of a junction, and what differs."""

    junction: str
    before: SignalPeriod
    after: SignalPeriod
    differences: list[Difference]


class CompareQuery(ReadModelQuery):
    """Which junction, and which spans: [since, until), seven days each at most."""

    junction: str = Field(max_length=32)
    before_since: Moment
    before_until: Moment
    after_since: Moment
    after_until: Moment


async def compare(call: Call) -> web.Response:
    """Two spans of a junction."""
    query: CompareQuery = call.query
    for model in MODELS:
        await wait_for_position(call.runtime, model, query.min_position)
    before = await _period(call, query.junction, query.before_since, query.before_until)
    after = await _period(call, query.junction, query.after_since, query.after_until)
    return json_response(
        SignalComparison(
            junction=query.junction,
            before=before,
            after=after,
            differences=list(differences(before, after)),
        )
    )


async def _period(call: Call, junction: str, since: datetime, until: datetime) -> SignalPeriod:
    if not timedelta(0) < until - since <= LONGEST:
        raise Malformed("each span begins before it ends, and has seven days at most")
    services, pool = call.runtime.services, call.runtime.store.models
    check_kept(since, services.clock())
    dated = services.definitions.of(SignalDefinitions).at(junction, since)
    if dated is None:
        raise StreamNotFound("there was no such junction then")
    span = milliseconds(since), milliseconds(max(since, min(until, services.clock())))
    sums = await changes.refusal_sums(pool, *span, junction=junction)
    lanes = await traffic_of(services, dated, since, until)
    return SignalPeriod(
        figures=await figures_of(pool, junction, *span),
        refused=[RefusalSum(**row) for row in sums],
        lanes=list(totals(lanes)),
    )


def totals(rows: list[LaneTraffic]) -> Iterator[LaneTotal]:
    """By lane, of five minutes in which it is known how many passed and how many stood."""
    for lane in sorted({row.lane for row in rows}):
        known = [
            (row.vehicles, row.queue_mean)
            for row in rows
            if row.lane == lane and row.vehicles is not None and row.queue_mean is not None
        ]
        if known:
            vehicles = sum(passed for passed, _ in known)
            queue = sum(stood for _, stood in known) / len(known)
            seconds = SECONDS * len(known)
            delay = mean_delay_s(queue, vehicles, seconds)
            yield LaneTotal(
                lane=lane,
                vehicles=vehicles,
                queue_mean=round(queue, 2),
                delay_s=None if delay is None else round(delay, 1),
                known_s=seconds,
            )


def differences(before: SignalPeriod, after: SignalPeriod) -> Iterator[Difference]:
    """Each figure that one of the spans has."""
    old, new = _said(before), _said(after)
    for of, figure in sorted(old.keys() | new.keys()):
        one, other = old.get((of, figure)), new.get((of, figure))
        differs = None if one is None or other is None else round(other - one, 2)
        yield Difference(of=of, figure=figure, before=one, after=other, difference=differs)


def _said(period: SignalPeriod) -> dict[tuple[str, str], float | None]:
    said: dict[tuple[str, str], float | None] = {}
    for group in period.figures.groups:
        of = f"group {group.group}"
        said[of, "mean red, s"] = group.reds.mean_s
        said[of, "longest red, s"] = group.reds.longest_s
        said[of, "mean wait, s"] = group.waits.mean_s
        said[of, "longest wait, s"] = group.waits.longest_s
        said[of, "greens"] = group.greens.number
    for stage in period.figures.stages:
        said[f"stage {stage.stage}", "mean split, s"] = stage.splits.mean_s
        said[f"stage {stage.stage}", "times"] = stage.splits.number
    for lane in period.lanes:
        said[f"lane {lane.lane}", "mean queue"] = lane.queue_mean
        said[f"lane {lane.lane}", "mean delay, s"] = lane.delay_s
        said[f"lane {lane.lane}", "vehicles"] = lane.vehicles
    said["junction", "refused"] = sum(each.refused for each in period.refused)
    return said


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/compare",
        tag="signals",
        summary="Two spans of a junction: splits, reds, waits, refusals, queues and delay",
        handler=compare,
        roles=READERS,
        query=CompareQuery,
        answers={200: Answer("both, and what differs", SignalComparison)},
        may_be_missing=True,
    ),
)
