"""`citybrain bench signals-ingest`: observations of detectors into memory and into their sums.

A batch has 5 000 observations of the detectors of some junctions: loops that count, or cameras
that see seven vehicles each. Beside the whole stand reading the same JSON without looking at it,
and the same items checked by pydantic models; over HTTP a handler that parses and answers. All that
was acknowledged must be in the sums.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from citybrain.app import open_services
from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.actor import Actor, Role
from citybrain.domain.signals.layout import DetectorKind
from commands.fields import Moment
from commands.services import Services
from commands.signals.observation_items import Moments, read_item
from commands.signals.observed import observed
from commands.signals.observing import observe
from ops.bench.figures import Sample
from ops.bench.http import bare_aiohttp, loaded
from ops.bench.lines import Line
from ops.bench.meter import Meter
from ops.bench.rounds import Contender
from ops.bench.signals.loops import GATEWAYS
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench

BENCH = "signals-ingest"
UNIT = "observations/s"
BATCH = 5000
EVERY_MS = 1000
ACTOR = Actor("gateway-1", frozenset({Role.GATEWAY}), acts_for=frozenset({"renmin-*"}))
VEHICLES = [[4.0 + 7.5 * place, 0.4 * place] for place in range(7)]
NOON = datetime(2026, 9, 14, 4, tzinfo=UTC)

Said = dict[str, Any]


class Checked(BaseModel):
    """An item as pydantic would check it."""

    model_config = ConfigDict(extra="forbid")

    junction: Annotated[str, Field(min_length=1, max_length=100)]
    detector: Annotated[str, Field(min_length=1, max_length=100)]
    at: Moment
    seconds: Annotated[float, Field(gt=0, le=300)] | None = None
    count: Annotated[int, Field(strict=True, ge=0)] | None = None
    occupancy: Annotated[float, Field(ge=0, le=1)] | None = None
    vehicles: Annotated[list[tuple[float, float]], Field(max_length=200)] | None = None


def as_loop(number: int) -> Said:
    """What a loop says of a second."""
    return {"seconds": 1, "count": number % 2, "occupancy": 0.25}


def as_camera(number: int) -> Said:
    """What a camera says: who stands and who comes."""
    return {"vehicles": VEHICLES}


def places(services: Services) -> list[tuple[str, str]]:
    """The detectors on lanes, by junction."""
    return [
        (code, detector.code)
        for code, versions in sorted(services.definitions.of(SignalDefinitions).junctions.items())
        for detector in versions[-1].junction.layout.detectors.values()
        if detector.kind is not DetectorKind.BUTTON
    ]


def batch(detectors: Sequence[tuple[str, str]], number: int, say: Callable[[int], Said]) -> bytes:
    """The body of the `number`th batch: the next seconds of each detector."""
    seconds = BATCH // len(detectors)
    items = [
        {"junction": junction, "detector": detector, "at": at.isoformat(), **say(number)}
        for at in (
            NOON + timedelta(milliseconds=EVERY_MS * (number * seconds + second + 1))
            for second in range(seconds)
        )
        for junction, detector in detectors
    ]
    return orjson.dumps({"observations": items})


def observing(say: Callable[[int], Said]) -> Contender:
    """The contender: bodies through JSON, checks, health, memory and sums."""

    async def contender(bench: Workbench) -> Sample:
        async with bench.database() as url, open_services(bench.settings(url)) as services:
            detectors, tally, number, meter = (
                places(services),
                Tally(bench.seconds),
                0,
                Meter(bench),
            )
            while tally.running():
                body = batch(detectors, number, say)
                number += 1
                until = NOON + timedelta(milliseconds=EVERY_MS * number * (BATCH // len(detectors)))
                services.clock = partial(_at, until)
                began = perf_counter()
                with meter:
                    taken = await observe(orjson.loads(body)["observations"], ACTOR, services)
                if taken.refused or taken.known:
                    raise BenchFailed(f"{taken.known} known, {taken.refused[:1]} refused")
                tally.note(began, taken.recorded)
            _verify(services, tally.acknowledged)
        return _rated(meter.of(tally.sample(), tally.acknowledged))

    return contender


def _at(moment: datetime) -> datetime:
    return moment


def _rated(found: Sample) -> Sample:
    """How many one core takes: making the bodies is not measured."""
    assert found.cpu_us is not None
    return replace(found, rate=1e6 / found.cpu_us, db_cpu_us=None)


def _verify(services: Services, acknowledged: int) -> None:
    """What was acknowledged is in the sums."""
    kept = sum(
        len(five)
        for junction in observed(services).all_seen()
        for each in junction.detectors.values()
        for five in each.five.values()
    )
    if kept != acknowledged:
        raise BenchFailed(f"{acknowledged} were acknowledged, {kept} are counted")


def reading(say: Callable[[int], Said], read: Callable[[Sequence[Any]], int]) -> Contender:
    """The contender: the same bodies, only read."""

    async def contender(bench: Workbench) -> Sample:
        async with bench.database() as url, open_services(bench.settings(url)) as services:
            detectors = places(services)
        tally, number, meter = Tally(bench.seconds), 0, Meter(bench)
        while tally.running():
            body = batch(detectors, number, say)
            number += 1
            began = perf_counter()
            with meter:
                found = read(orjson.loads(body)["observations"])
            tally.note(began, found)
        return _rated(meter.of(tally.sample(), tally.acknowledged))

    return contender


def only_parsed(items: Sequence[Any]) -> int:
    """JSON, and nothing else."""
    return len(items)


def by_hand(items: Sequence[Any]) -> int:
    """Checked by hand, as ours does."""
    moments, found = Moments(), 0
    for item in items:
        read_item(item, moments)
        found += 1
    return found


def by_models(items: Sequence[Any]) -> int:
    """Checked by a model each."""
    found = 0
    for item in items:
        try:
            Checked.model_validate(item)
            found += 1
        except ValidationError:
            continue
    return found


async def over_http(bench: Workbench) -> Sample:
    """The contender: the same to our server, by gateways."""
    async with bench.database() as url:
        found = await loaded(bench, url, GATEWAYS, workers=False, load="loops", batch=BATCH)
        return found.sample


CONTENDERS: Mapping[str, Contender] = {
    "loops_5000": observing(as_loop),
    "cameras_5000": observing(as_camera),
    "parsed_loops": reading(as_loop, only_parsed),
    "parsed_cameras": reading(as_camera, only_parsed),
    "loops_over_http": over_http,
    "parsed_over_http": bare_aiohttp(GATEWAYS, "loops", BATCH),
    "by_hand": reading(as_loop, by_hand),
    "by_models": reading(as_loop, by_models),
    "cameras_by_hand": reading(as_camera, by_hand),
    "cameras_by_models": reading(as_camera, by_models),
}

LINES = (
    Line("loops_5000", "loops_5000", "parsed_loops", unit=UNIT),
    Line("cameras_5000", "cameras_5000", "parsed_cameras", unit=UNIT),
    Line("loops_over_http", "loops_over_http", "parsed_over_http", unit=UNIT),
    Line("checks_loops", "by_hand", "parsed_loops", ("by_models",), unit=UNIT),
    Line("checks_cameras", "cameras_by_hand", "parsed_cameras", ("cameras_by_models",), unit=UNIT),
)
