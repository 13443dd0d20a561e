"""The city's board over HTTP: what waits for a person, and how all stood at any minute.

Codes, numbers, ids and places only: no free text, nobody's data. What depends on the clock is found
when it is asked for. A moment of the past is answered from what was known then.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.definitions.platform.areas import areas_at
from citybrain.geo.areas import Areas
from citybrain.http.board import BOARD_READERS, BoardPart, BoardPlace, Figures, Followed, Histogram
from citybrain.http.live_feed import SnapshotFeed, mounting
from citybrain.http.paging import Query, ReadModelQuery, wait_for_position
from citybrain.http.platform.usual import BoardUsual, UsualBefore
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.runtime import Runtime
from citybrain.http.sharing import shared
from citybrain.http.sse import stream_events
from commands.fields import Moment
from projections import board_reading
from projections.board import KEPT
from projections.board_reading import Severity
from projections.platform import log_minutes
from projections.platform.log_minutes import LogMinutes
from projections.reading import Row
from projections.status import lowest_position, projection_status

MOST_EXCEPTIONS = 500
STOPPED = "read-model-stopped"
STANDS_AFTER = timedelta(seconds=30)
"""A read model that is behind, and that nobody has moved on for so long, stands still."""
STILL_TO_COME = "the board of a moment that is still to come is not known"
MOST_STEPS = 1500
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
"""Of the time track, in minutes."""


class BoardException(BaseModel):
    """Something that a person must do and has not done."""

    id: str = Field(description="the same as long as it is the same thing")
    kind: str = Field(
        description="case-deadline, legal-day, payout-failed, payout-to-repeat, signal-flashes,"
        " detector-silent, plate-twice, read-model-stopped"
    )
    severity: Severity = Field(description="now: to be done at once; limited: it has a time limit")
    system: str
    stream_id: str | None
    about: str | None = Field(
        description="a code: the class of a case, the service of an application, why a junction"
        " flashes, the name of a read model"
    )
    place: BoardPlace | None
    owner: str | None = Field(description="a department, or `centre`; null: nobody has it")
    since: AwareDatetime = Field(description="of this severity")
    due_at: AwareDatetime | None
    simulated: bool


class BoardExceptions(BaseModel):
    """What waits for a person: first what is to be done at once, then by the time left."""

    at: AwareDatetime
    now: int = Field(description="how many are to be done at once, also beyond the list")
    limited: int = Field(description="how many others have a time limit")
    exceptions: list[BoardException] = Field(description=f"{MOST_EXCEPTIONS} at most")


class Board(BoardExceptions):
    """How the city stands, or stood."""

    live: bool = Field(description="false: as it was known then")
    position: int | None = Field(
        description="the log position up to which it is; null before the history begins"
    )
    head: int = Field(description="where the log ends now")
    history_from: AwareDatetime | None = Field(description="the first minute that can be asked for")
    simulated: bool = Field(description="made-up data are among it")
    systems: dict[str, dict[str, int | float | None]] = Field(
        description="figures by system; none before the history begins"
    )
    histograms: dict[str, list[tuple[float, int]]] = Field(
        description="of the day until then: at most how much, and how many, ascending"
    )


class BoardStep(BaseModel):
    """A step of the time track in which something happened."""

    at: AwareDatetime
    events: int
    now: int = Field(description="exceptions that began, to be done at once")
    limited: int = Field(description="exceptions that began, with a time limit")


class BoardMinutes(BaseModel):
    """The time track; steps in which nothing happened are left out."""

    since: AwareDatetime
    until: AwareDatetime
    step_minutes: int
    history_from: AwareDatetime | None
    steps: list[BoardStep]


class AtQuery(ReadModelQuery):
    """At which moment."""

    at: Moment | None = Field(None, description="as it was known then, to the minute; else now")


class TrackQuery(Query):
    """Which part of the time track."""

    since: Moment = Field(alias="from")
    until: Moment = Field(alias="to")


async def show(call: Call) -> web.Response:
    """The board now, or as it was."""
    at = await moment_of(call)
    found = await shared(call, live_board) if at is None else await board_at(call.runtime, at)
    return json_response(found)


async def list_exceptions(call: Call) -> web.Response:
    """What waits for a person."""
    at = await moment_of(call)
    if at is None:
        found = await shared(call, live_board)
        return json_response(BoardExceptions(**{name: getattr(found, name) for name in LISTED}))
    return json_response(_listed(at, await _exceptions(call.runtime, at, live=False)))


LISTED = tuple(BoardExceptions.model_fields)


async def moment_of(call: Call) -> datetime | None:
    """What was asked for, to the minute; raises `Malformed` where that is still to come."""
    query: AtQuery = call.query
    for model in (*(each.model.name for _, each in followed_of(call.runtime)), LogMinutes.name):
        await wait_for_position(call.runtime, model, query.min_position)
    at = query.at
    if at is not None and at > call.runtime.services.clock():
        raise Malformed(STILL_TO_COME)
    return None if at is None else whole_minute(at)


def whole_minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


async def live_board(runtime: Runtime) -> Board:
    """The board as far as the read models have come."""
    at, pool = runtime.services.clock(), runtime.store.models
    models = [followed.model.name for _, followed in followed_of(runtime)]
    position = await lowest_position(pool, models)  # before what is read: that may be newer
    head, rows = await runtime.store.head(), await _exceptions(runtime, at, live=True)
    return await _board(runtime, at, position, head, rows, live=True)


async def board_at(runtime: Runtime, at: datetime) -> Board:
    """The board as it was known when a minute began."""
    position = await log_minutes.position_before(runtime.store.models, at)
    head, rows = await runtime.store.head(), await _exceptions(runtime, at, live=False)
    return await _board(runtime, at, position, head, rows, live=False)


async def _board(
    runtime: Runtime,
    at: datetime,
    position: int | None,
    head: int,
    found: Sequence[BoardException],
    *,
    live: bool,
) -> Board:
    pool = runtime.store.models
    first = await log_minutes.first(pool)
    systems: dict[str, Figures] = {}
    histograms: dict[str, Histogram] = {}
    if live or (first is not None and first < at):
        for system, followed in followed_of(runtime):
            (reading,) = await board_reading.readings(pool, followed.model.name, [at], live=live)
            systems[system] = followed.figures(reading)
            histograms |= followed.histograms(reading)
    return Board(
        **_listed(at, found).__dict__,
        live=live,
        position=position,
        head=head,
        history_from=first,
        simulated=any([await part.any_simulated(pool) for part in runtime.board_parts]),
        systems=systems,
        histograms=histograms,
    )


def followed_of(runtime: Runtime) -> list[tuple[str, Followed]]:
    """The systems of which something is known at any minute, by name."""
    parts: Sequence[BoardPart] = runtime.board_parts
    return [(part.followed.system, part.followed) for part in parts if part.followed is not None]


def _listed(at: datetime, found: Sequence[BoardException]) -> BoardExceptions:
    return BoardExceptions(
        at=at,
        now=sum(each.severity == "now" for each in found),
        limited=sum(each.severity == "limited" for each in found),
        exceptions=list(found[:MOST_EXCEPTIONS]),
    )


async def _exceptions(runtime: Runtime, at: datetime, *, live: bool) -> list[BoardException]:
    found = await _stopped(runtime, at) if live else []
    areas = areas_at(runtime.services.definitions, at)
    for system, followed in followed_of(runtime):
        rows = await board_reading.exceptions(
            runtime.store.models, followed.model.name, at, live=live
        )
        named = sorted({row["place_id"] for row in rows if row["place_id"] is not None})
        places = await followed.places(runtime, named) if named else {}
        found += [
            _exception(system, row, places.get(row["place_id"] or "") or somewhere(areas, row))
            for row in rows
        ]
    return sorted(found, key=_urgency)


def _urgency(each: BoardException) -> tuple[Any, ...]:
    """At once before limited, then by the time left; what has no end, the oldest first."""
    last = datetime.max.replace(tzinfo=UTC)
    return each.severity != "now", each.due_at or last, each.since, each.id


def somewhere(areas: Areas, row: Row) -> BoardPlace | None:
    """A point in the city, by the smallest area that has a name: none of the words of who
    reported it."""
    if row["latitude"] is None:
        return None
    found = areas.locate(row["latitude"], row["longitude"])
    code = found.community or found.street or found.district
    area = None if code is None else areas.by_code[code]
    return BoardPlace(
        place_id=None,
        name=None if area is None else area.name,
        name_en=None if area is None else area.name_en,
        latitude=row["latitude"],
        longitude=row["longitude"],
    )


def _exception(system: str, row: Row, place: BoardPlace | None) -> BoardException:
    return BoardException(
        id=f"{row['kind']}:{row['shown_as']}",
        kind=row["kind"],
        severity="now" if row["now"] else "limited",
        system=system,
        stream_id=row["stream_id"],
        about=row["about"],
        place=place,
        owner=row["owner"],
        since=row["now_at"] if row["now"] else row["limited_at"],
        due_at=row["due_at"],
        simulated=row["simulated"],
    )


async def _stopped(runtime: Runtime, at: datetime) -> list[BoardException]:
    """Read models that go on no more. The log has no events of them: only now is known."""
    return [
        BoardException(
            id=f"{STOPPED}:{row['projection']}",
            kind=STOPPED,
            severity="now",
            system="platform",
            stream_id=None,
            about=row["projection"],
            place=None,
            owner=None,
            since=row["updated_at"],
            due_at=None,
            simulated=False,
        )
        for row in await projection_status(runtime.store, runtime.projections)
        if row["stopped"] is not None or _stands_still(row, at)
    ]


def _stands_still(row: Row, at: datetime) -> bool:
    behind = row["lag"] > 0 and not row["running"]
    return bool(behind and row["updated_at"] < at - STANDS_AFTER)


async def track(call: Call) -> web.Response:
    """The time track."""
    query: TrackQuery = call.query
    since, until = whole_minute(query.since), whole_minute(query.until)
    if not timedelta(0) < until - since <= KEPT + timedelta(days=1):
        raise Malformed(f"a time track is of {KEPT.days + 1} days at most, `from` before `to`")
    minutes = (until - since) // timedelta(minutes=1)
    step = next(each for each in STEPS if minutes <= each * MOST_STEPS)
    pool, steps = call.runtime.store.models, dict[datetime, BoardStep]()
    for row in await log_minutes.between(pool, since, until, step * 60):
        steps[row["at"]] = BoardStep(at=row["at"], events=row["events"], now=0, limited=0)
    schemas = [followed.model.name for _, followed in followed_of(call.runtime)]
    for at, counts in (await board_reading.began(pool, schemas, since, until, step * 60)).items():
        known = steps.setdefault(at, BoardStep(at=at, events=0, now=0, limited=0))
        known.now, known.limited = counts["now"], counts["limited"]
    found = BoardMinutes(
        since=since,
        until=until,
        step_minutes=step,
        history_from=await log_minutes.first(pool),
        steps=[steps[at] for at in sorted(steps)],
    )
    return json_response(found)


async def usual(call: Call) -> web.Response:
    """What is usual at this hour."""
    at = await moment_of(call) or whole_minute(call.runtime.services.clock())
    found = await call.request.app[USUAL].at(call.runtime, at, followed_of(call.runtime))
    return json_response(found)


class BoardFeed(SnapshotFeed):
    """The live board, for all who follow it."""

    async def snapshot(self) -> tuple[int, dict[str, Any]]:
        """The board; `at` is left out: it would be all that changes."""
        board = await live_board(self.runtime)
        return board.position or 0, board.model_dump(mode="json", exclude={"at"})


FEED: web.AppKey[BoardFeed] = web.AppKey("board_feed", BoardFeed)
own_feed = mounting(FEED, BoardFeed)


async def follow(call: Call) -> web.StreamResponse:
    """Follow the live board."""
    return await stream_events(call.request, call.runtime, call.request.app[FEED].messages())


USUAL: web.AppKey[UsualBefore] = web.AppKey("usual", UsualBefore)


def mount(app: web.Application) -> None:
    """What is usual is found once for each half hour, what is so once a second."""
    app[USUAL] = UsualBefore()
    own_feed(app)


ROUTES = (
    Route(
        method="GET",
        path="/v1/board",
        summary="How the city stands, now or at any minute of the last 90 days",
        tag="board",
        handler=show,
        roles=BOARD_READERS,
        query=AtQuery,
        answers={200: Answer("the board", Board)},
    ),
    Route(
        method="GET",
        path="/v1/board/live",
        summary="Follow the board (server-sent events)",
        tag="board",
        handler=follow,
        roles=BOARD_READERS,
        answers={
            200: Answer(
                "text/event-stream: `snapshot` is the board without `at`, `changes` what of it is"
                " new: of `systems` those that have changed. The id is a log position"
            )
        },
        streaming=True,
    ),
    Route(
        method="GET",
        path="/v1/board/exceptions",
        summary="What waits for a person, the most urgent first",
        tag="board",
        handler=list_exceptions,
        roles=BOARD_READERS,
        query=AtQuery,
        answers={200: Answer("the exceptions", BoardExceptions)},
    ),
    Route(
        method="GET",
        path="/v1/board/minutes",
        summary="Events and exceptions that began, for the time track",
        tag="board",
        handler=track,
        roles=BOARD_READERS,
        query=TrackQuery,
        answers={200: Answer(f"{MOST_STEPS} steps at most", BoardMinutes)},
    ),
    Route(
        method="GET",
        path="/v1/board/usual",
        summary="What is usual on this weekday at this half hour",
        tag="board",
        handler=usual,
        roles=BOARD_READERS,
        query=AtQuery,
        answers={200: Answer("quartiles", BoardUsual)},
    ),
)
