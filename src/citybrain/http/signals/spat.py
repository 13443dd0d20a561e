"""SPaT over HTTP and as a stream of events: what lamps show and until when, for everybody.

Members have the names of SAE J2735. Times are tenths of a second in the hour (UTC), and `timeMark`
is that of the snapshot: marks are read by it. 36001 is unknown.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

import orjson
from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.signals.signal import NEVER, Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.spat import (
    MINUTE_MS,
    IntersectionStatus,
    MovementPhaseState,
    Showing,
    event_state,
    mark,
    marks_of,
    showing,
    status_of,
)
from citybrain.http.paging import Query, ReadModelQuery, page_by, wait_for_position
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from projections.signals import junctions
from projections.signals.junctions import Standing

MODEL = "signal_junctions"
MOST = 100
CODES = r"^[A-Za-z0-9_,]*$"
"""Of junctions, with commas between; what fits into a request line."""


class J2735(BaseModel):
    """A part of a message, with the names of SAE J2735."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class TimeChangeDetails(J2735):
    """When it began or begins, and when it ends: `minEndTime` ≤ `likelyTime` ≤ `maxEndTime`."""

    start_time: int = Field(alias="startTime", ge=0, le=36001)
    min_end_time: int = Field(alias="minEndTime", ge=0, le=36001)
    max_end_time: int = Field(alias="maxEndTime", ge=0, le=36001)
    likely_time: int = Field(alias="likelyTime", ge=0, le=36001)


class MovementEvent(J2735):
    """A state of a signal group, present or decided."""

    event_state: MovementPhaseState = Field(alias="eventState")
    timing: TimeChangeDetails


class MovementState(J2735):
    """A signal group: `signalGroup` is its place among the junction's groups by code, from 1."""

    movement_name: str = Field(alias="movementName", description="its code in the definition")
    signal_group: int = Field(alias="signalGroup", ge=1, le=255)
    state_time_speed: list[MovementEvent] = Field(
        alias="state-time-speed", description="what is shown now, then what is decided"
    )


class IntersectionReferenceID(J2735):
    """A junction's number, where its definition gives one."""

    id: int | None


class IntersectionState(J2735):
    """A junction at the moment of the snapshot."""

    name: str = Field(description="its code")
    id: IntersectionReferenceID
    revision: int = Field(ge=0, le=127, description="changes with every event of the junction")
    status: list[IntersectionStatus] = Field(description="the bits that are set")
    moy: int = Field(description="minute of the year (UTC)")
    time_stamp: int = Field(alias="timeStamp", description="milliseconds in that minute")
    time_mark: int = Field(
        alias="timeMark", ge=0, le=35999, description="the moment of the snapshot as a mark"
    )
    states: list[MovementState]


class Spat(J2735):
    """A snapshot of junctions, by code."""

    taken_at: AwareDatetime = Field(alias="takenAt")
    intersections: list[IntersectionState]
    next: str | None = Field(description="send as `after` for the next page")


class JunctionsPage(Query):
    """Which junctions."""

    junctions: str | None = Field(
        None,
        pattern=CODES,
        max_length=33 * MOST,
        description=f"codes, separated by commas, {MOST} at most",
    )
    after: str | None = Field(None, max_length=32, description="`next` of the page before")
    limit: int = Field(MOST, ge=1, le=MOST, description="junctions in the page, at most")

    def codes(self) -> list[str] | None:
        """The codes that are asked for; None for all. Raises `Malformed`."""
        return None if self.junctions is None else codes_in(self.junctions, MOST)


class SpatQuery(JunctionsPage, ReadModelQuery):
    """Which junctions."""


def codes_in(text: str, most: int) -> list[str]:
    """Codes of junctions, separated by commas; raises `Malformed`."""
    codes = sorted({code for code in text.split(",") if code})
    if not 1 <= len(codes) <= most:
        raise Malformed(f"junctions are 1 to {most} codes, separated by commas")
    return codes


async def show(call: Call) -> web.Response:
    """What lamps show now; 304 where it is what the client has, but for the time."""
    query: SpatQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    services = call.runtime.services
    found = await junctions.page(
        call.runtime.store.models, after=query.after, codes=query.codes(), limit=query.limit + 1
    )
    shown, following = page_by(found, query.limit, lambda each: each.signal.junction)
    now, definitions = services.clock(), services.definitions.of(SignalDefinitions)
    states = in_order(shown, definitions, now)
    tag = digest(states, following or "")
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
    if any(each.value in (tag, "*") for each in call.request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return json_response(Spat(taken_at=now, intersections=states, next=following), headers=headers)


def in_order(
    found: Sequence[Standing], definitions: SignalDefinitions, now: datetime
) -> list[IntersectionState]:
    """The states of those of which there is a definition."""
    said = (intersection(each.signal, definitions, now) for each in found)
    return [each for each in said if each is not None]


def digest(states: Sequence[IntersectionState], *more: str) -> str:
    """Of what is shown and until when: the same until that changes, whatever the time is."""
    timeless = {"moy", "time_stamp", "time_mark"}
    told = [each.model_dump(mode="json", exclude=timeless) for each in states]
    return sha256(orjson.dumps([told, more])).hexdigest()[:32]


def intersection(
    signal: Signal, definitions: SignalDefinitions, now: datetime
) -> IntersectionState | None:
    """A junction at `now`; None where its definition is gone."""
    dated = definitions.of_version(signal.junction, signal.definition_version)
    if dated is None:
        return None
    at = milliseconds(now)
    year_began = milliseconds(datetime(now.astimezone(UTC).year, 1, 1, tzinfo=UTC))
    return IntersectionState(
        name=signal.junction,
        id=IntersectionReferenceID(id=dated.file.number),
        revision=signal.version % 128,
        status=list(status_of(signal, at)),
        moy=(at - year_began) // MINUTE_MS,
        time_stamp=at % MINUTE_MS,
        time_mark=mark(at),
        states=[
            MovementState(
                movement_name=code,
                signal_group=number,
                state_time_speed=_events(signal, dated, code, at),
            )
            for number, code in enumerate(sorted(signal.lamp_times), 1)
        ],
    )


def _events(signal: Signal, dated: DatedJunction, code: str, at: int) -> list[MovementEvent]:
    plan = dated.followed(signal.plan)
    return [
        _event(each, dated, code, at, dark=signal.flash_until == NEVER)
        for each in showing(signal, dated.junction, plan, code, at)
    ]


def _event(each: Showing, dated: DatedJunction, code: str, at: int, *, dark: bool) -> MovementEvent:
    marks = marks_of(each, at)
    return MovementEvent(
        event_state=event_state(
            each, on_foot=dated.junction.groups[code].on_foot, yields=dated.yields(code), dark=dark
        ),
        timing=TimeChangeDetails(
            start_time=marks.start,
            min_end_time=marks.min_end,
            max_end_time=marks.max_end,
            likely_time=marks.likely,
        ),
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/spat",
        tag="signals",
        summary="What lamps show and until when, as SAE J2735 SPaT",
        handler=show,
        roles=None,
        query=SpatQuery,
        answers={
            200: Answer("a snapshot; ETag changes with what is shown", Spat),
            304: Answer("as in the snapshot that the client has (If-None-Match)"),
        },
    ),
)
