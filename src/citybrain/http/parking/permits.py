"""Permits to park over HTTP: asked for by citizens, decided by two officers, on the record."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import Role, RoleNotAllowed
from citybrain.domain.parking.looking import DECIDERS
from citybrain.domain.parking.permit import NotYourPermit
from citybrain.domain.parking.reading_rights import may_open_plate, may_see_plates
from citybrain.eventstore import StreamNotFound
from citybrain.http.accessing import opened
from citybrain.http.commanding import Handler, context, created, id_in_path, on
from citybrain.http.paging import (
    PagedQuery,
    ReadModelQuery,
    caught_up,
    decode_time_cursor,
    page,
    wait_for_position,
)
from citybrain.http.parking.showing import with_plates
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.parking import permit as commands
from commands.parking.plates import PlateKeeper
from projections.parking import permits
from projections.parking.permits import PermitRow

MODEL = "parking_permits"
COLLECTION = "/v1/parking/permits"
BASE = f"{COLLECTION}/{{permit_id}}"

permit_id_of = id_in_path("permit_id", r"parking_permit-[0-9a-f]{32}", "permit")


class ShownPermit(PermitRow):
    """A permit. `plate` where you may see it, else a pseudonym that is good for some weeks."""

    citizen_id: str | None = Field(description="null: a service's vehicle")
    plate: str | None
    pseudonym: str | None


class Permits(BaseModel):
    """One's own, the newest first; what waits for officers, the oldest first."""

    permits: list[ShownPermit]
    next: str | None = Field(description="send as `after` for the next page")


class PermitAnswer(BaseModel):
    """What a command on a permit answers."""

    permit_id: str
    version: int
    kind: str
    status: str = Field(description="asked, granted, denied or ended")
    reason: str | None
    proposed: str | None = Field(description="what waits for a second officer: grant, deny, end")
    begins: str | None
    ends: str | None


async def ask(call: Call) -> web.Response:
    """Ask for one."""
    result = await commands.ask_permit(call.body, context(call), call.runtime.services)
    return created(result, COLLECTION)


async def register(call: Call) -> web.Response:
    """Register a service's vehicle."""
    result = await commands.register_permit(call.body, context(call), call.runtime.services)
    return created(result, COLLECTION)


async def show_all(call: Call) -> web.Response:
    """One's own permits; for the office what waits for it."""
    query: PagedQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    pool, actor = call.runtime.store.models, call.authenticated
    after, limit = decode_time_cursor(query.after), query.limit + 1
    if may_see_plates(actor, PlateKeeper(call.runtime.services).departments()):
        rows = await permits.waiting(pool, after=after, limit=limit)
    elif actor.has(Role.CITIZEN):
        rows = await permits.of_citizen(pool, actor.subject, after=after, limit=limit)
    else:
        raise RoleNotAllowed("this is for the department of parking")
    shown, following = page(rows, query.limit, "asked_at", "permit_id")
    await opened(call, [(row["permit_id"], row["citizen_id"]) for row in shown])
    return json_response(Permits(permits=await _shown(call, shown), next=following))


async def show(call: Call) -> web.Response:
    """One permit."""
    query: ReadModelQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    row = await _readable(call)
    await opened(call, [(row["permit_id"], row["citizen_id"])])
    (shown,) = await _shown(call, [row])
    return json_response(shown, headers={"ETag": f'"{row["version"]}"'})


async def _readable(call: Call) -> dict[str, Any]:
    """The row, for whoever may read it; strangers are not told whether it is there."""
    permit_id, pool = permit_id_of(call), call.runtime.store.models
    row = await permits.one(pool, permit_id)
    if row is None:  # it may have been asked for a moment ago
        await caught_up(pool, MODEL, await call.runtime.store.head())
        row = await permits.one(pool, permit_id)
    departments = PlateKeeper(call.runtime.services).departments()
    holder = None if row is None else row["citizen_id"]
    if not may_open_plate(call.authenticated, departments, holder):
        raise NotYourPermit("this permit is not yours")
    if row is None:
        raise StreamNotFound("there is no such permit")
    return row


async def _shown(call: Call, rows: Sequence[dict[str, Any]]) -> list[ShownPermit]:
    """Rows with their plates, or pseudonyms in their place."""
    shown = await with_plates(call, rows, "citizen_id")
    return [ShownPermit.model_validate(row) for row in shown]


def _command(
    path: str, body: type[BaseModel], handler: Handler, summary: str, *roles: Role
) -> Route:
    return Route(
        method="POST",
        path=f"{BASE}/{path}",
        tag="parking",
        summary=summary,
        handler=on(permit_id_of, handler),
        roles=roles,
        body=body,
        if_match_where_sent=True,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", PermitAnswer)},
    )


ROUTES = (
    Route(
        method="POST",
        path=COLLECTION,
        tag="parking",
        summary="Ask for a permit to park",
        handler=ask,
        roles=(Role.CITIZEN,),
        body=commands.AskPermit,
        idempotent=True,
        answers={201: Answer("asked for; Location is the permit", PermitAnswer)},
    ),
    Route(
        method="POST",
        path=f"{COLLECTION}/registrations",
        tag="parking",
        summary="Register a service's vehicle; a second officer agrees",
        handler=register,
        roles=DECIDERS,
        body=commands.RegisterPermit,
        idempotent=True,
        answers={201: Answer("proposed; Location is the permit", PermitAnswer)},
    ),
    Route(
        method="GET",
        path=COLLECTION,
        tag="parking",
        summary="One's own permits; for the office what waits for it",
        handler=show_all,
        roles=(Role.CITIZEN, *DECIDERS),
        query=PagedQuery,
        answers={200: Answer("a page", Permits)},
        opens=Opens(what="parking-permits", purpose="parking"),
    ),
    Route(
        method="GET",
        path=BASE,
        tag="parking",
        summary="One permit to park",
        handler=show,
        roles=(Role.CITIZEN, *DECIDERS, Role.AUDITOR),
        query=ReadModelQuery,
        answers={200: Answer("the permit", ShownPermit)},
        opens=Opens(what="parking-permit", purpose="parking"),
    ),
    _command(
        "car",
        commands.NameCarOfDay,
        commands.name_car_of_day,
        "Which car a badge is used with on a day",
        Role.CITIZEN,
    ),
    _command(
        "return", commands.GiveBackPermit, commands.give_back_permit, "Give it back", Role.CITIZEN
    ),
    _command(
        "proposal",
        commands.ProposePermitDecision,
        commands.propose_permit_decision,
        "Say what is to be done with it; another officer decides",
        *DECIDERS,
    ),
    _command(
        "confirmation",
        commands.ConfirmPermitDecision,
        commands.confirm_permit_decision,
        "Agree to what another officer has proposed",
        *DECIDERS,
    ),
    _command(
        "turning-back",
        commands.TurnBackPermitDecision,
        commands.turn_back_permit_decision,
        "Do not agree to what another officer has proposed",
        *DECIDERS,
    ),
)
