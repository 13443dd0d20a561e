"""What happened to junctions over HTTP: changes and why, refusals, faults; page by page.

For the office and for auditors. Times are moments with their offset; a span is [since, until).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.actor import Role
from citybrain.domain.signals.kept import KEPT
from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.eventstore import StreamNotFound
from citybrain.http.paging import (
    PagedQuery,
    ReadModelQuery,
    decode_cursor,
    encode_cursor,
    wait_for_position,
)
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Moment
from projections.reading import Row
from projections.signals import changes, junctions

MODEL = "signal_changes"
READERS = (Role.OFFICIAL, Role.SUPERVISOR, Role.AUDITOR)
WATCHERS = (*READERS, Role.OPERATOR)
"""Who sees how traffic goes: the centre's shift, too, on its board."""
LONGEST = timedelta(days=31)
HOUR = timedelta(hours=1)
TIMES = ("at", "raised_at", "cleared_at")
"""Columns that are times: milliseconds since 1970 in rows, moments in answers."""


def check_kept(since: datetime, now: datetime) -> None:
    """Raise `Malformed` where a span begins before what read models keep: half is no answer."""
    if since < now - KEPT:
        raise Malformed(f"what is more than {KEPT.days} days ago is in the log only")


class Span(ReadModelQuery):
    """When; the last hour where left out."""

    since: Moment | None = Field(None, description="with its offset; an hour before `until`")
    until: Moment | None = Field(None, description="not part of the span; now where left out")

    def span(self, now: datetime) -> tuple[int, int]:
        """Its ends in milliseconds since 1970; raises `Malformed`."""
        until = self.until or now
        since = self.since or until - HOUR
        if not timedelta(0) < until - since <= LONGEST:
            raise Malformed("since lies before until, 31 days at most")
        check_kept(since, now)
        return milliseconds(since), milliseconds(until)


class SpanQuery(PagedQuery, Span):
    """A page of what was in a span."""

    def place(self) -> tuple[int, int] | None:
        """Behind which row the page begins; raises `Malformed`."""
        if self.after is None:
            return None
        at, position = decode_cursor(self.after, 2)
        if not position.isdecimal() or len(position) > 18:
            raise Malformed("after is not a cursor that a page gave")
        return milliseconds(at), int(position)


class SignalChange(BaseModel):
    """An event that changed something, with what it rested on."""

    position: int
    at: AwareDatetime
    topic: str
    stage: str | None
    source: str | None = Field(description="who decided: local, centre, preemption, hand")
    cause: str | None
    details: dict[str, Any] = Field(description="its other members; moments in ms since 1970")


class SignalChanges(BaseModel):
    """A page of changes, in the order of time."""

    changes: list[SignalChange]
    next: str | None = Field(description="send as `after` for the next page")


class ChangesQuery(SpanQuery):
    """Which changes of a junction."""

    topic: str | None = Field(None, max_length=64, description="as signal.stage_applied")
    cause: str | None = Field(None, max_length=64, description="as plan, preemption, maximum-red")
    stage: str | None = Field(None, max_length=16)


class SignalRefusal(BaseModel):
    """A wish that was refused."""

    junction: str
    position: int
    at: AwareDatetime
    what: str
    groups: list[str]
    source: str
    rule: int = Field(description="the first that it breaks")
    broken: list[int] = Field(description="all that it breaks, in their order")
    detail: str
    epoch: int | None
    sequence: int | None


class SignalRefusals(BaseModel):
    """A page of refusals, in the order of time."""

    refusals: list[SignalRefusal]
    next: str | None = Field(description="send as `after` for the next page")


class RefusalsQuery(SpanQuery):
    """Which refusals."""

    junction: str | None = Field(None, max_length=32)
    rule: int | None = Field(None, ge=1, le=13)
    source: str | None = Field(None, max_length=16)


class RefusalSum(BaseModel):
    """How many wishes of a source a rule refused."""

    rule: int
    source: str
    refused: int


class RefusalSums(BaseModel):
    """By rule and source; their sum."""

    sums: list[RefusalSum]
    refused: int


class RefusalSumsQuery(Span):
    """Of which junction; of all where left out."""

    junction: str | None = Field(None, max_length=32)


class SignalFault(BaseModel):
    """A fault, while it is there and afterwards."""

    junction: str
    fault: str
    position: int
    raised_at: AwareDatetime
    detail: str
    cleared_at: AwareDatetime | None
    cleared_by: str | None = Field(description="empty where it went by itself")


class SignalFaults(BaseModel):
    """A page of faults, as they were raised."""

    faults: list[SignalFault]
    next: str | None = Field(description="send as `after` for the next page")


class FaultsQuery(SpanQuery):
    """Which faults: those that were there in the span."""

    junction: str | None = Field(None, max_length=32)
    only_open: bool = Field(False, description="those that are there now")


async def show_changes(call: Call) -> web.Response:
    """What happened to a junction."""
    query: ChangesQuery = call.query
    shown, following = await _page(
        call,
        changes.changes,
        junction=await known_junction(call),
        topics=None if query.topic is None else [query.topic],
        cause=query.cause,
        stage=query.stage,
    )
    found = [SignalChange(**row) for row in shown]
    return json_response(SignalChanges(changes=found, next=following))


async def show_refusals(call: Call) -> web.Response:
    """Which wishes were refused."""
    query: RefusalsQuery = call.query
    shown, following = await _page(
        call, changes.refusals, junction=query.junction, rule=query.rule, source=query.source
    )
    found = [SignalRefusal(**row) for row in shown]
    return json_response(SignalRefusals(refusals=found, next=following))


async def show_refusal_sums(call: Call) -> web.Response:
    """How many wishes each rule refused."""
    query: RefusalSumsQuery = call.query
    since, until = await _span(call, query)
    rows = await changes.refusal_sums(
        call.runtime.store.models, since, until, junction=query.junction
    )
    sums = [RefusalSum(**row) for row in rows]
    return json_response(RefusalSums(sums=sums, refused=sum(each.refused for each in sums)))


async def show_faults(call: Call) -> web.Response:
    """Which faults there were."""
    query: FaultsQuery = call.query
    shown, following = await _page(
        call, changes.faults, junction=query.junction, only_open=query.only_open
    )
    found = [SignalFault(**row) for row in shown]
    return json_response(SignalFaults(faults=found, next=following))


async def known_junction(call: Call) -> str:
    """The junction that the path names; raises `StreamNotFound` where there never was one."""
    junction, runtime = call.request.match_info["junction"], call.runtime
    known = junction in runtime.services.definitions.of(SignalDefinitions).junctions
    if not known and await junctions.one(runtime.store.models, junction) is None:
        raise StreamNotFound("there never was such a junction")
    return junction


async def _span(call: Call, query: Span) -> tuple[int, int]:
    await wait_for_position(call.runtime, MODEL, query.min_position)
    return query.span(call.runtime.services.clock())


async def _page(
    call: Call, find: Callable[..., Awaitable[list[Row]]], **wanted: object
) -> tuple[list[Row], str | None]:
    """A page of what a question finds in the span, with moments, and the cursor behind it."""
    query: SpanQuery = call.query
    since, until = await _span(call, query)
    pool, more = call.runtime.store.models, query.limit + 1
    rows = await find(pool, since=since, until=until, after=query.place(), limit=more, **wanted)
    shown = [
        row | {name: moment(row[name]) for name in TIMES if row.get(name) is not None}
        for row in rows[: query.limit]
    ]
    if len(rows) <= query.limit:
        return shown, None
    last = shown[-1]
    return shown, encode_cursor(last.get("at") or last["raised_at"], str(last["position"]))


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/junctions/{junction}/changes",
        tag="signals",
        summary="What happened to a junction and why: stages, modes, plans, vehicles, hands",
        handler=show_changes,
        roles=READERS,
        query=ChangesQuery,
        answers={200: Answer("a page, in the order of time", SignalChanges)},
        may_be_missing=True,
    ),
    Route(
        method="GET",
        path="/v1/signals/refusals",
        tag="signals",
        summary="Wishes that were refused, with the rules that they break",
        handler=show_refusals,
        roles=READERS,
        query=RefusalsQuery,
        answers={200: Answer("a page, in the order of time", SignalRefusals)},
    ),
    Route(
        method="GET",
        path="/v1/signals/refusals/sums",
        tag="signals",
        summary="How many wishes each rule refused, by who wished",
        handler=show_refusal_sums,
        roles=WATCHERS,
        query=RefusalSumsQuery,
        answers={200: Answer("by rule and source", RefusalSums)},
    ),
    Route(
        method="GET",
        path="/v1/signals/faults",
        tag="signals",
        summary="Faults of junctions, while they are there and afterwards",
        handler=show_faults,
        roles=READERS,
        query=FaultsQuery,
        answers={200: Answer("a page, as they were raised", SignalFaults)},
    ),
)
