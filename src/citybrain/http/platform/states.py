"""For auditors: what a stream was, at any version, log position or time."""

from datetime import timedelta
from typing import Any, Self

import orjson
from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from citybrain.audit.states import state_as_of
from citybrain.domain.actor import Role
from citybrain.errors import NotFound
from citybrain.eventstore import RecordedEvent, StreamNotFound
from citybrain.http.accessing import opened
from citybrain.http.paging import MAX_POSITION, Query
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.accesses import AskedPurpose, people_in, people_named
from commands.fields import Moment

AHEAD = timedelta(seconds=1)  # the clocks of a browser and of a server are that far apart


class MomentNotReached(NotFound):
    """The stream, the log or the clock has not come to the moment that is asked for."""

    code = "moment-not-reached"


class StreamState(BaseModel):
    """A stream at one of its versions. What is sealed stays sealed."""

    stream_id: str
    version: int
    last_version: int = Field(description="of the stream, now")
    position: int = Field(description="of the event that led to this state")
    recorded_at: AwareDatetime
    topic: str
    state: dict[str, Any] = Field(description="by member, as the code has it that decides")


class StateQuery(Query):
    """One moment, or none: the state now."""

    version: int | None = Field(None, ge=1, le=MAX_POSITION)
    position: int | None = Field(None, ge=1, le=MAX_POSITION, description="of the log")
    at: Moment | None = Field(None, description="a time of recording")
    purpose: AskedPurpose | None = Field(
        None, description="for what; needed where the state is about people"
    )

    @model_validator(mode="after")
    def _one_moment(self) -> Self:
        if sum(given is not None for given in (self.version, self.position, self.at)) > 1:
            raise ValueError("name one of version, position and at")
        return self


async def stream_state(call: Call) -> web.Response:
    """The state of a stream as of a moment; whom it names will see that it was read."""
    query: StateQuery = call.query
    store, stream_id = call.runtime.store, call.request.match_info["stream_id"]
    last = (await store.versions_at([stream_id], MAX_POSITION))[stream_id]
    if not last:
        raise StreamNotFound("there is no such stream")
    await _check_reached(call, last)
    version, state = await state_as_of(
        store, stream_id, version=query.version, position=query.position, time=query.at
    )
    (event,) = await store.read(stream_id, after_version=version - 1, up_to_version=version)
    members = orjson.dumps(state, default=_plain)
    people = dict.fromkeys([*people_in([event]), *people_named([members])])
    await opened(call, [(person, None) for person in people])
    return json_response(_answer(event, last, orjson.loads(members)))


async def _check_reached(call: Call, last: int) -> None:
    query: StateQuery = call.query
    if query.version is not None and query.version > last:
        raise MomentNotReached(f"the stream is at version {last}", last_version=last)
    if query.position is not None:
        head = await call.runtime.store.head()
        if query.position > head:
            raise MomentNotReached(f"the log ends at position {head}", head=head)
    if query.at is not None and query.at > call.runtime.services.clock() + AHEAD:
        raise MomentNotReached("this time is yet to come", last_version=last)


def _answer(event: RecordedEvent, last: int, state: dict[str, Any]) -> StreamState:
    return StreamState(
        stream_id=event.stream_id,
        version=event.version,
        last_version=last,
        position=event.position,
        recorded_at=event.recorded_at,
        topic=event.topic,
        state=state,
    )


def _plain(value: Any) -> Any:
    """What JSON has no word for: sets in order, the rest as text."""
    return sorted(value, key=str) if isinstance(value, set | frozenset) else str(value)


ROUTES = (
    Route(
        method="GET",
        path="/v1/streams/{stream_id}/state",
        summary="The state of a stream at a version, a position or a time",
        tag="audit",
        handler=stream_state,
        roles=(Role.AUDITOR,),
        query=StateQuery,
        answers={200: Answer("the state then", StreamState)},
        opens=Opens(what="events"),
    ),
)
