"""Greens, reds, waits and splits of a junction over HTTP, by five minutes, hours or as a whole.

The longest red stands next to the mean: a mean hides whoever was forgotten.
"""

import asyncio
from enum import StrEnum

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.http.paging import wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.signals.history import READERS, Span, known_junction
from projections.reading import Pool
from projections.signals import changes, lamps
from projections.signals.figures import GroupFigures, Lengths, figures, splits

MODELS = ("signal_lamps", "signal_changes")


class Bucket(StrEnum):
    """How a span is divided."""

    FIVE_MINUTES = "five-minutes"
    HOUR = "hour"
    WHOLE = "whole"


LENGTHS_MS = {Bucket.FIVE_MINUTES: 300_000, Bucket.HOUR: 3_600_000}


class Durations(BaseModel):
    """How many there were that are over, and how long they lasted; seconds.

    The longest is also of what goes on.
    """

    number: int
    mean_s: float | None
    shortest_s: float | None
    longest_s: float | None


class GroupDurations(BaseModel):
    """A signal group's in a part of the span."""

    begins: AwareDatetime
    group: str
    greens: Durations = Field(description="that ended in it")
    reds: Durations = Field(description="that ended in it; none that flashing interrupts")
    waits: Durations = Field(description="of those who called in it, until the next green")
    waiting: int = Field(description="of those who called in it, who still wait")


class StageSplits(BaseModel):
    """How long a stage was, from its greens to those of the next one."""

    stage: str
    splits: Durations


class JunctionFigures(BaseModel):
    """Figures of a junction in a span."""

    junction: str
    since: AwareDatetime
    until: AwareDatetime
    groups: list[GroupDurations]
    stages: list[StageSplits] = Field(description="of the whole span")


class FiguresQuery(Span):
    """When, and how the span is divided."""

    by: Bucket = Bucket.WHOLE


async def show(call: Call) -> web.Response:
    """Figures of a junction."""
    query: FiguresQuery = call.query
    for model in MODELS:
        await wait_for_position(call.runtime, model, query.min_position)
    now = call.runtime.services.clock()
    since, until = query.span(now)
    junction = await known_junction(call)
    until = max(since, min(until, milliseconds(now)))
    found = await figures_of(call.runtime.store.models, junction, since, until, by=query.by)
    return json_response(found)


async def figures_of(
    pool: Pool, junction: str, since: int, until: int, *, by: Bucket = Bucket.WHOLE
) -> JunctionFigures:
    """Figures from a moment until before another, in milliseconds since 1970.

    Nothing is known of what lies in the future: `until` is not later than now.
    """
    bucket = LENGTHS_MS.get(by, max(1, until - since))
    begin = since if by is Bucket.WHOLE else since - since % bucket
    greens = await lamps.greens(pool, junction, begin, until)
    outs = await lamps.outs(pool, junction, begin, until)
    calls = await lamps.calls(pool, junction, begin, until)
    found = await asyncio.to_thread(figures, greens, outs, calls, begin, until, bucket=bucket)
    used = splits(await changes.stages(pool, junction, begin, until))
    return JunctionFigures(
        junction=junction,
        since=moment(begin),
        until=moment(until),
        groups=[
            _group(start, group, found[start][group])
            for start in sorted(found)
            for group in sorted(found[start])
        ],
        stages=[StageSplits(stage=each, splits=durations(used[each])) for each in sorted(used)],
    )


def _group(start: int, group: str, found: GroupFigures) -> GroupDurations:
    return GroupDurations(
        begins=moment(start),
        group=group,
        greens=durations(found.greens),
        reds=durations(found.reds),
        waits=durations(found.waits),
        waiting=found.waiting,
    )


def durations(lengths: Lengths) -> Durations:
    """In seconds."""
    return Durations(
        number=lengths.number,
        mean_s=None if lengths.mean is None else round(lengths.mean / 1000, 2),
        shortest_s=None if lengths.shortest is None else lengths.shortest / 1000,
        longest_s=None if lengths.longest is None else lengths.longest / 1000,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/junctions/{junction}/figures",
        tag="signals",
        summary="Greens, the longest red next to the mean, waits on foot, and splits used",
        handler=show,
        roles=READERS,
        query=FiguresQuery,
        answers={200: Answer("by group and part of the span", JunctionFigures)},
        may_be_missing=True,
    ),
)
