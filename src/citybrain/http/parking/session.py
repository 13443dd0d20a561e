"""Parking sessions over HTTP: whose they are, what they cost and why, and what officers decide."""

from collections.abc import Sequence
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from citybrain.domain.actor import Role
from citybrain.domain.parking.judging import Status
from citybrain.domain.parking.looking import DECIDERS
from citybrain.domain.parking.refusals import NotYourSession
from citybrain.domain.parking.session import ParkingSession
from citybrain.eventstore import StreamNotFound
from citybrain.http.accessing import opened
from citybrain.http.commanding import id_in_path, on
from citybrain.http.paging import PagedQuery, Query, decode_time_cursor, page, wait_for_position
from citybrain.http.parking.office import READERS, of_the_office
from citybrain.http.parking.showing import with_plates
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.handling import Command
from commands.parking import looking as commands
from commands.parking.fields import PlaceId, PlateCountry, PlateText
from commands.parking.plates import read_for_search
from commands.parking.pricing import OtherStays, price_that_decided, price_under
from projections.parking import sessions
from projections.parking.session_ids import of_plate
from projections.parking.sessions import SessionRow

MODEL = "parking_sessions"
OTHERS = OtherStays(of_plate)

session_id_of = id_in_path("session_id", r"parking-[0-9a-f]{32}", "parking session")


class ShownSession(SessionRow):
    """A session. `plate` where you may see it, else a pseudonym that is good for some weeks."""

    plate: str | None
    pseudonym: str | None


class ProposedDecision(BaseModel):
    """A decision of a dispute that a second person has to take, too: the same one."""

    amount_fen: int | None = Field(description="what it costs then; null where it stays as it is")
    proposed_by: str


class OneSession(ShownSession):
    """A session, and what waits for a second person, for the office."""

    proposed_decision: ProposedDecision | None


class Sessions(BaseModel):
    """A page, the newest arrivals first."""

    sessions: list[ShownSession]
    next: str | None = Field(description="send as `after` for the next page")


class SessionsQuery(PagedQuery):
    """Which sessions; citizens see their own."""

    status: Status | None = None
    place_id: PlaceId | None = None
    zone_id: PlaceId | None = None


class SearchSessions(Command):
    """Sessions of one plate."""

    plate: PlateText
    plate_country: PlateCountry = "CN"


class PricedAnswer(BaseModel):
    """What a session costs, line by line."""

    session_id: str
    amount_fen: int
    already_fen: int = Field(description="what the session that this one continues cost")
    tariff_versions: list[str]
    lines: list[dict[str, Any]]
    stay: dict[str, Any]
    compared_with: str | None = Field(description="the version asked for; it changes nothing")


class ExplanationQuery(Query):
    """By which tariff: the one that decided, or another version, to compare."""

    version: Annotated[str, StringConstraints(max_length=100)] | None = None


class SessionAnswer(BaseModel):
    """What a command on a session answers."""

    session_id: str
    status: str
    version: int
    price_fen: int | None
    waits_for_second: list[str] = Field(
        description="what somebody has decided that a second person has to decide, too"
    )


async def show_all(call: Call) -> web.Response:
    """A page of sessions: of the desk, or one's own."""
    query: SessionsQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    pool, after = call.runtime.store.models, decode_time_cursor(query.after)
    actor = call.authenticated
    if of_the_office(call):
        rows = await sessions.page(
            pool,
            status=query.status and query.status.value,
            place_id=query.place_id,
            zone_id=query.zone_id,
            plate_ids=None,
            after=after,
            limit=query.limit + 1,
        )
    else:
        rows = await sessions.of_citizen(pool, actor.subject, after=after, limit=query.limit + 1)
    shown, following = page(rows, query.limit, "arrived_at", "session_id")
    return json_response(Sessions(sessions=await _shown(call, shown), next=following))


async def search(call: Call) -> web.Response:
    """Sessions of one plate: a POST, so that the plate is in no address, and on the record."""
    of_the_office(call)
    body: SearchSessions = call.body
    services = call.runtime.services
    plate_id = await read_for_search(body.plate, body.plate_country, services)
    rows = []
    if plate_id is not None:
        rows = await sessions.page(
            call.runtime.store.models,
            status=None,
            place_id=None,
            zone_id=None,
            plate_ids=[plate_id],
            after=None,
            limit=100,
        )
    return json_response(Sessions(sessions=await _shown(call, rows), next=None))


async def show(call: Call) -> web.Response:
    """One session."""
    row = await readable(call)
    (shown,) = await _shown(call, [row])
    session = await call.runtime.services.store.load(ParkingSession, row["session_id"])
    proposed = _proposed(session) if of_the_office(call) else None
    answer = OneSession(**shown.model_dump(), proposed_decision=proposed)
    return json_response(answer, headers={"ETag": f'"{session.version}"'})


def _proposed(session: ParkingSession) -> ProposedDecision | None:
    known = session.proposals.get("dispute")
    if known is None or session.dispute != "open":
        return None
    return ProposedDecision(
        amount_fen=known["said"]["amount_fen"], proposed_by=known["proposed_by"]
    )


async def explain(call: Call) -> web.Response:
    """Why it costs what it costs: the lines that decided, or those of another version."""
    query: ExplanationQuery = call.query
    row = await readable(call)
    services = call.runtime.services
    session = await services.store.load(ParkingSession, row["session_id"])
    said = await price_that_decided(session, services, OTHERS)
    if query.version is not None:
        said = (await price_under(session, services, OTHERS, query.version)).as_event()
    await opened(call, [person_of(row)])
    return json_response(PricedAnswer(session_id=session.id, compared_with=query.version, **said))


async def readable(call: Call) -> dict[str, Any]:
    """The row, for whoever may read it; strangers are not told whether it is there."""
    session_id, services = session_id_of(call), call.runtime.services
    row = await sessions.one(call.runtime.store.models, session_id)
    if row is None:
        await wait_for_position(call.runtime, MODEL, await call.runtime.store.head())
        row = await sessions.one(call.runtime.store.models, session_id)
    if not of_the_office(call):
        actor = call.authenticated
        holders: list[str] = []
        if row is not None:
            session = await services.store.load(ParkingSession, session_id, fresh=False)
            holders = await commands.holders_of(session, services)
        if actor.subject not in holders:
            raise NotYourSession("the session is of a vehicle that is not yours")
    if row is None:
        raise StreamNotFound("there is no such parking session")
    return row


async def _shown(call: Call, rows: Sequence[dict[str, Any]]) -> list[ShownSession]:
    """Rows with their plates, or pseudonyms in their place; on the record."""
    await opened(call, [person_of(row) for row in rows])
    shown = await with_plates(call, rows, "payer")
    return [ShownSession.model_validate(row) for row in shown]


def person_of(row: dict[str, Any]) -> tuple[str, str | None]:
    """On whose record a look is: the payer's, or the session's as long as nobody is known."""
    payer = row["payer"]
    return (payer, payer) if payer is not None else (row["session_id"], None)


BASE = "/v1/parking/sessions/{session_id}"


def _command(path: str, handler: Any, body: type[BaseModel], summary: str, *roles: Role) -> Route:
    return Route(
        method="POST",
        path=f"{BASE}/{path}",
        tag="parking",
        summary=summary,
        handler=on(session_id_of, handler),
        roles=roles,
        body=body,
        idempotent=True,
        if_match_where_sent=True,
        answers={200: Answer("done", SessionAnswer)},
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/sessions",
        tag="parking",
        summary="Parking sessions, the newest first",
        handler=show_all,
        roles=READERS,
        query=SessionsQuery,
        answers={200: Answer("a page", Sessions)},
        opens=Opens(what="parking-sessions", purpose="parking"),
    ),
    Route(
        method="POST",
        path="/v1/parking/sessions/search",
        tag="parking",
        summary="The last hundred sessions of one plate",
        handler=search,
        roles=DECIDERS,
        body=SearchSessions,
        answers={200: Answer("the newest first", Sessions)},
        opens=Opens(what="parking-sessions", purpose="parking"),
    ),
    Route(
        method="GET",
        path=BASE,
        tag="parking",
        summary="One parking session",
        handler=show,
        roles=READERS,
        answers={200: Answer("the session; ETag is its version", OneSession)},
        opens=Opens(what="parking-session", purpose="parking"),
    ),
    Route(
        method="GET",
        path=f"{BASE}/explanation",
        tag="parking",
        summary="Why it costs what it costs, also under another version of the tariff",
        handler=explain,
        roles=READERS,
        query=ExplanationQuery,
        answers={200: Answer("the price, line by line", PricedAnswer)},
        opens=Opens(what="parking-session", purpose="parking"),
    ),
    _command(
        "plate", commands.correct_plate, commands.CorrectPlate, "Say what the plate is", *DECIDERS
    ),
    _command(
        "release",
        commands.release_session,
        commands.ReleaseSession,
        "What holds it is no reason any more",
        *DECIDERS,
    ),
    _command(
        "conflict",
        commands.decide_conflict,
        commands.DecideConflict,
        "Which of two sessions of one plate is genuine",
        *DECIDERS,
    ),
    _command(
        "dispute",
        commands.dispute_session,
        commands.DisputeSession,
        "Say that it is wrong",
        Role.CITIZEN,
    ),
    _command(
        "dispute/decision",
        commands.decide_dispute,
        commands.DecideDispute,
        "Decide a dispute",
        *DECIDERS,
    ),
)
