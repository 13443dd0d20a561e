"""What detectors see, taken in by the thousand; what five minutes came to, and how they stand."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.actor import Role
from citybrain.domain.signals.detector_health import Fault, Standing
from citybrain.domain.signals.five_minutes import FIVE_MINUTES_MS, Mark
from citybrain.domain.signals.layout import Detector, DetectorKind
from citybrain.domain.signals.observation import DetectorUnknown
from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.http.batches import BatchAnswer, refusal
from citybrain.http.paging import Query, decode_cursor, encode_cursor, page_by
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.signals.history import check_kept
from citybrain.http.signals.junctions import READERS
from commands.fields import Moment
from commands.handling import Command
from commands.signals.observation_items import ITEM
from commands.signals.observation_reads import Counted, Stands, counted, known_until, standings
from commands.signals.observing import observe
from commands.signals.streams import JunctionUnknown, junctions_known

MOST = 5000
BATCH_BYTES = 8 * 1024 * 1024
OBSERVERS = (Role.CAMERA, Role.GATEWAY)
FIVE_MINUTES = timedelta(milliseconds=FIVE_MINUTES_MS)


class SignalObservationBatch(Command):
    """Many observations; each is checked for itself."""

    observations: Annotated[list[Any], Field(min_length=1, max_length=MOST)] = Field(
        description="what detectors see; each belongs to the device that sends it",
        json_schema_extra={"items": ITEM},
    )


class SignalDetector(BaseModel):
    """A detector, and whether it is believed."""

    junction: str
    detector: str
    kind: DetectorKind
    device: str
    lane: str | None = Field(description="the lane or exit that it watches")
    group: str | None = Field(description="of a button")
    standing: Standing = Field(description="only what is good is used")
    fault: Fault | None
    since: AwareDatetime | None
    heard_at: AwareDatetime | None = Field(description="what it said last is of then")


class SignalDetectors(BaseModel):
    """A page of detectors, by junction and code."""

    detectors: list[SignalDetector]
    next: str | None


class SignalDetectorsQuery(Query):
    """Which detectors."""

    junction: str | None = Field(None, max_length=32)
    standing: Standing | None = None
    after: str | None = Field(None, max_length=100, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=500)


class SignalCount(BaseModel):
    """Five minutes of a detector; null: it does not say."""

    detector: str
    lane: str | None
    begins: AwareDatetime
    readings: int
    vehicles: int | None = Field(description="as is known now")
    published: int | None = Field(description="as was known when they were first shown as over")
    published_at: AwareDatetime | None
    occupancy: float | None = Field(description="share of the time that is known, 0 to 1")
    speed: float | None = Field(description="mean, in m/s")
    queue_mean: float | None
    queue_most: int | None
    known_seconds: float = Field(description="of how much of the time it tells")
    marks: list[Mark]


class SignalCounts(BaseModel):
    """A page of five minutes, by their beginning and detector."""

    junction: str
    observations: list[SignalCount]
    known_until: AwareDatetime = Field(description="what comes later is not known here yet")
    next: str | None


class SignalCountsQuery(Query):
    """Of what, from when until before when; the last hour where left out."""

    junction: str = Field(max_length=32)
    detector: str | None = Field(None, max_length=32)
    since: Moment | None = None
    until: Moment | None = None
    after: str | None = Field(None, max_length=500, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=500)


async def take_batch(call: Call) -> web.Response:
    """Take in many: each for itself."""
    taken = await observe(call.body.observations, call.authenticated, call.runtime.services)
    refused = sorted((refusal(*each) for each in taken.refused), key=lambda each: each.index)
    return json_response(BatchAnswer(recorded=taken.recorded, known=taken.known, refused=refused))


async def list_detectors(call: Call) -> web.Response:
    """How detectors stand."""
    query: SignalDetectorsQuery = call.query
    services = call.runtime.services
    junctions = await junctions_known(services)
    if query.junction is not None:
        if query.junction not in junctions:
            raise JunctionUnknown("there is no definition of this junction")
        junctions = [query.junction]
    found = (
        each
        for each in await standings(services, junctions)
        if (query.standing is None or each.judged.standing is query.standing)
        and (query.after is None or _place(each) > query.after)
    )
    shown, following = page_by(list(islice(found, query.limit + 1)), query.limit, _place)
    return json_response(
        SignalDetectors(detectors=[_detector(each) for each in shown], next=following)
    )


def _place(each: Stands) -> str:
    """Codes have no character that sorts before the blank."""
    return f"{each.junction} {each.detector.code}"


def _detector(each: Stands) -> SignalDetector:
    detector, judged = each.detector, each.judged
    return SignalDetector(
        junction=each.junction,
        detector=detector.code,
        kind=detector.kind,
        device=detector.device,
        lane=detector.lane,
        group=detector.group,
        standing=judged.standing,
        fault=judged.fault,
        since=moment(judged.since) if judged.since else None,
        heard_at=None if each.heard_at is None else moment(each.heard_at),
    )


async def list_counts(call: Call) -> web.Response:
    """What five minutes came to."""
    query: SignalCountsQuery = call.query
    services = call.runtime.services
    known = known_until(services, query.junction)
    until = min(query.until or known, known)
    since = query.since or until - timedelta(hours=1)
    if query.until is not None and since > query.until:
        raise Malformed("since lies before until")
    check_kept(since, services.clock())
    detectors = _detectors(call, query, since)
    begins, after = _floor(since), ""
    if query.after is not None:
        begins, after = decode_cursor(query.after, 2)
    ends = min(until, begins + FIVE_MINUTES * (query.limit // max(1, len(detectors)) + 2))
    rows = await counted(services, query.junction, detectors, begins, ends) if detectors else []
    rows.sort(key=lambda each: (each.begins, each.detector))
    rows = [each for each in rows if (each.begins, each.detector) > (begins, after)]
    shown, following = page_by(
        rows, query.limit, lambda each: encode_cursor(each.begins, each.detector)
    )
    return json_response(
        SignalCounts(
            junction=query.junction,
            observations=[_count(each, detectors[each.detector]) for each in shown],
            known_until=known,
            next=following,
        )
    )


def _detectors(call: Call, query: SignalCountsQuery, at: datetime) -> dict[str, Detector]:
    """Those that are asked for, by the definition in force then; raises where there is none."""
    definitions = call.runtime.services.definitions.of(SignalDefinitions)
    dated = definitions.at(query.junction, at)
    if dated is None:
        raise JunctionUnknown("there is no definition of this junction")
    detectors = {
        code: each
        for code, each in dated.junction.layout.detectors.items()
        if query.detector in (None, code)
    }
    if query.detector is not None and not detectors:
        raise DetectorUnknown("the junction has no such detector")
    return detectors


def _floor(at: datetime) -> datetime:
    ms = milliseconds(at)
    return moment(ms - ms % FIVE_MINUTES_MS)


def _count(each: Counted, detector: Detector) -> SignalCount:
    sums = each.sums
    return SignalCount(
        detector=each.detector,
        lane=detector.lane,
        begins=each.begins,
        readings=sums.readings,
        vehicles=sums.vehicles,
        published=each.published,
        published_at=each.published_at,
        occupancy=sums.occupancy,
        speed=sums.speed,
        queue_mean=sums.queue_mean,
        queue_most=sums.queue_most,
        known_seconds=sums.known_ms / 1000,
        marks=sorted(sums.marks),
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/signals/observations/batch",
        tag="signals",
        summary=f"Take in up to {MOST} observations of detectors, each for itself",
        handler=take_batch,
        roles=OBSERVERS,
        body=SignalObservationBatch,
        body_limit_bytes=BATCH_BYTES,
        answers={200: Answer("what became of them", BatchAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/signals/observations",
        tag="signals",
        summary="What detectors of a junction counted, by five minutes, with marks of quality",
        handler=list_counts,
        roles=READERS,
        query=SignalCountsQuery,
        may_be_missing=True,
        answers={200: Answer("a page, by time and detector", SignalCounts)},
    ),
    Route(
        method="GET",
        path="/v1/signals/detectors",
        tag="signals",
        summary="How detectors stand: whether they are believed, and what is wrong",
        handler=list_detectors,
        roles=READERS,
        query=SignalDetectorsQuery,
        may_be_missing=True,
        answers={200: Answer("a page, by junction and detector", SignalDetectors)},
    ),
)
