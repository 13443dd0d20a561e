"""For auditors: streams and the log as they are stored, as pages and as server-sent events."""

import base64
import re
from collections.abc import AsyncGenerator
from operator import attrgetter
from typing import Any, Self
from uuid import UUID

import orjson
from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from citybrain.domain.actor import Role
from citybrain.errors import Refused
from citybrain.eventstore import RecordedEvent, StreamNotFound
from citybrain.eventstore.incarnations import read_lineage
from citybrain.http.accessing import opened, purpose_of
from citybrain.http.paging import MAX_POSITION, Query, page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from citybrain.http.runtime import Runtime
from citybrain.http.sse import last_seen, message, stream_events
from commands.accesses import AskedPurpose, people_in
from commands.fields import Moment
from projections.platform.correlations import Correlations, positions

Category = Field(None, max_length=32, pattern=r"^[a-z][a-z0-9_]*$")
Topic = Field(None, max_length=255, pattern=r"^[\x21-\x7e]+$")

Purpose = Field(None, description="for what; needed where the events are about people")
OPENS = Opens(what="events")
LOG_READS = ("get_v1_events", "get_v1_log")
"""What these leave is not followed by these: it would have no end."""

SEEN_AT_ONCE = 50_000  # people whose data one follower of the log is noted to read once


class LogEndsBefore(Refused):
    """The log ends before what the follower has of it: it was restored to a moment before that."""

    code = "log-ends-before"


class StoredEvent(BaseModel):
    """An event as stored. `state_base64` are the exact bytes; `data` is their JSON."""

    position: int
    stream_id: str
    version: int
    topic: str
    recorded_at: AwareDatetime
    metadata: dict[str, Any]
    data: Any = Field(description="the stored JSON; null where the bytes are not JSON")
    state_base64: str


class StoredEvents(BaseModel):
    """A page of events."""

    events: list[StoredEvent]
    next: int | None = Field(description="`after` of the next page; null at the end")


POSITION = re.compile(r"[0-9]{1,18}")


class StreamQuery(Query):
    """Which part of a stream."""

    after: int = Field(0, ge=0, le=MAX_POSITION, description="a version")
    up_to_version: int | None = Field(None, ge=1, le=MAX_POSITION)
    up_to_position: int | None = Field(None, ge=1, le=MAX_POSITION)
    up_to_time: Moment | None = Field(None, description="a time of recording")
    limit: int = Field(100, ge=1, le=1000)
    purpose: AskedPurpose | None = Purpose


class LogQuery(Query):
    """Which part of the log."""

    after: int = Field(0, ge=0, le=MAX_POSITION, description="a log position")
    category: str | None = Category
    topic: str | None = Topic
    correlation: UUID | None = Field(None, description="only what belongs together under this id")
    since: Moment | None = Field(None, description="only what was recorded then or later")
    min_position: int = Field(
        0,
        ge=0,
        le=MAX_POSITION,
        description="with `correlation`: wait until their index has reached this log position",
    )
    limit: int = Field(100, ge=1, le=1000)
    purpose: AskedPurpose | None = Purpose

    @model_validator(mode="after")
    def _correlation_alone(self) -> Self:
        if self.correlation is not None and (self.category or self.topic):
            raise ValueError("correlation goes without category and topic")
        return self


class FollowQuery(Query):
    """From where the log is followed; `Last-Event-ID` goes before `after`."""

    after: int | None = Field(None, ge=0, le=MAX_POSITION)
    category: str | None = Category
    topic: str | None = Topic
    purpose: AskedPurpose | None = Field(None, description="for what; always needed")


async def stream_events_page(call: Call) -> web.Response:
    """The events of a stream."""
    query: StreamQuery = call.query
    stream_id = call.request.match_info["stream_id"]
    events = await call.runtime.store.read(
        stream_id,
        after_version=query.after,
        up_to_version=query.up_to_version,
        up_to_position=query.up_to_position,
        up_to_time=query.up_to_time,
        limit=query.limit + 1,
    )
    if not events and query.after == 0:
        raise StreamNotFound("there is no such stream, or not yet at that moment")
    shown, following = page_by(events, query.limit, attrgetter("version"))
    await _opened(call, people_in(shown))
    return json_response(StoredEvents(events=list(map(stored, shown)), next=following))


async def log_page(call: Call) -> web.Response:
    """A page of the log."""
    query: LogQuery = call.query
    events = await _found(call.runtime, query)
    shown, following = page_by(events, query.limit, attrgetter("position"))
    await _opened(call, people_in(shown, left_by=LOG_READS))
    return json_response(StoredEvents(events=list(map(stored, shown)), next=following))


async def _found(runtime: Runtime, query: LogQuery) -> list[RecordedEvent]:
    """The events of a page, and one more where there are more."""
    store, after = runtime.store, query.after
    if query.since is not None:
        after = max(after, await store.position_before(query.since))
    if query.correlation is None:
        filters = _filters(query.category, query.topic)
        return await store.read_all(after, limit=query.limit + 1, **filters)
    await wait_for_position(runtime, Correlations.name, query.min_position)
    return await store.read_at(
        await positions(store.models, query.correlation, after, query.limit + 1)
    )


async def follow_log(call: Call) -> web.StreamResponse:
    """The log as server-sent events; `id:` is the position, so a client resumes by itself.

    First of all it says which log it is: after a restore positions come a second time.

    Whose events come is recorded batch by batch, before they are sent, once a person.
    """
    purpose_of(call)
    query: FollowQuery = call.query
    last = last_seen(call.request, POSITION, "a log position")
    after = int(last) if last is not None else query.after
    current = (await read_lineage(call.runtime.store.pool)).incarnations[-1]
    head = await call.runtime.store.head()
    if after is not None and after > head:
        raise LogEndsBefore(
            f"the log ends at position {head}", head=head, began_after=current.began_after
        )
    after = head if after is None else after

    async def messages(after: int) -> AsyncGenerator[bytes, None]:
        filters = _filters(query.category, query.topic)
        seen: set[str] = set()
        which = {"incarnation": str(current.incarnation), "began_after": current.began_after}
        yield message("log", orjson.dumps(which))
        async for batch in call.runtime.store.follow(after, batch_size=200, **filters):
            people = [who for who in people_in(batch, left_by=LOG_READS) if who not in seen]
            await _opened(call, people)
            if len(seen) > SEEN_AT_ONCE:
                seen.clear()
            seen.update(people)
            for event in batch:
                body = orjson.dumps(stored(event).model_dump(mode="json"))
                yield message("event", body, identity=event.position)

    call.accounted = True  # by each batch, below
    return await stream_events(call.request, call.runtime, messages(after))


async def _opened(call: Call, people: list[str]) -> None:
    """None of it is an auditor's own."""
    await opened(call, [(person, None) for person in people])


def stored(event: RecordedEvent) -> StoredEvent:
    """The auditor's view of an event: nothing left out, nothing interpreted."""
    try:
        data = orjson.loads(event.state)
    except orjson.JSONDecodeError:
        data = None
    return StoredEvent(
        position=event.position,
        stream_id=event.stream_id,
        version=event.version,
        topic=event.topic,
        recorded_at=event.recorded_at,
        metadata=event.metadata,
        data=data,
        state_base64=base64.b64encode(event.state).decode(),
    )


def _filters(category: str | None, topic: str | None) -> dict[str, Any]:
    return {"categories": [category] if category else [], "topics": [topic] if topic else []}


ROUTES = (
    Route(
        method="GET",
        path="/v1/streams/{stream_id}/events",
        summary="The events of a stream",
        tag="audit",
        handler=stream_events_page,
        roles=(Role.AUDITOR,),
        query=StreamQuery,
        answers={200: Answer("a page, in version order", StoredEvents)},
        opens=OPENS,
    ),
    Route(
        method="GET",
        path="/v1/events",
        summary="The log",
        tag="audit",
        handler=log_page,
        roles=(Role.AUDITOR,),
        query=LogQuery,
        answers={200: Answer("a page, in position order", StoredEvents)},
        opens=OPENS,
    ),
    Route(
        method="GET",
        path="/v1/log",
        summary="Follow the log (server-sent events)",
        tag="audit",
        handler=follow_log,
        roles=(Role.AUDITOR,),
        query=FollowQuery,
        answers={200: Answer("text/event-stream, without end")},
        streaming=True,
        opens=OPENS,
    ),
)
