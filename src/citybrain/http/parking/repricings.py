"""Batches that price stays again, over HTTP: proposed by one officer, agreed to by another."""

from typing import Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.parking.looking import DECIDERS
from citybrain.domain.parking.repricing_batch import ParkingRepricing, RepricingStatus, Scope
from citybrain.http.commanding import Handler, context, created, id_in_path, on
from citybrain.http.paging import PagedQuery, decode_time_cursor, page, wait_for_position
from citybrain.http.parking.office import of_the_office
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.parking import repricing as commands
from projections.parking import repricings

MODEL = "parking_repricings"
COLLECTION = "/v1/parking/repricings"
BASE = f"{COLLECTION}/{{repricing_id}}"

repricing_id_of = id_in_path("repricing_id", r"parking_repricing-[0-9a-f]{32}", "batch")


class RepricingSums(BaseModel):
    """Of how many sessions, how many cost less, and by how much."""

    sessions: int
    cheaper: int
    lowered_fen: int
    refunded_fen: int = Field(description="what of that had been paid: it goes back")


class RepricingAnswer(BaseModel):
    """A batch, and how far it has come."""

    repricing_id: str
    version: int
    status: RepricingStatus
    version_id: str = Field(description="of the tariff version that makes stays cheaper")
    scope: Scope = Field(description="unpaid: by rule, of what was not paid")
    begins: AwareDatetime
    ends: AwareDatetime
    reason: str
    proposed_by: str
    preview: RepricingSums | None = Field(description="null as long as it is being found")
    done: RepricingSums


class ListedRepricing(RepricingAnswer):
    """A batch in the list."""

    proposed_at: AwareDatetime


class Repricings(BaseModel):
    """A page, the newest first."""

    repricings: list[ListedRepricing]
    next: str | None = Field(description="send as `after` for the next page")


class RepricingsQuery(PagedQuery):
    """Which batches."""

    status: RepricingStatus | None = Field(None, description="proposed: waits for another officer")


async def show_all(call: Call) -> web.Response:
    """A page of batches."""
    of_the_office(call)
    query: RepricingsQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    rows = await repricings.page(
        call.runtime.store.models,
        status=query.status and query.status.value,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "proposed_at", "repricing_id")
    listed = [ListedRepricing.model_validate(row) for row in shown]
    return json_response(Repricings(repricings=listed, next=following))


async def propose(call: Call) -> web.Response:
    """Propose one."""
    result = await commands.propose_repricing(call.body, context(call), call.runtime.services)
    return created(result, COLLECTION)


async def show(call: Call) -> web.Response:
    """One batch, as its stream has it."""
    of_the_office(call)
    batch = await call.runtime.store.load(ParkingRepricing, repricing_id_of(call))
    shown = RepricingAnswer.model_validate(commands.repricing_answer(batch))
    return json_response(shown, headers={"ETag": f'"{batch.version}"'})


def _command(path: str, body: type[BaseModel], handler: Handler, summary: str) -> Route:
    answers: dict[int, Any] = {200: Answer("done; ETag and X-Position say where", RepricingAnswer)}
    return Route(
        method="POST",
        path=f"{BASE}/{path}",
        tag="parking",
        summary=summary,
        handler=on(repricing_id_of, handler),
        roles=DECIDERS,
        body=body,
        if_match_where_sent=True,
        idempotent=True,
        answers=answers,
    )


ROUTES = (
    Route(
        method="POST",
        path=COLLECTION,
        tag="parking",
        summary="Propose to price stays again by a tariff version that reaches back",
        handler=propose,
        roles=DECIDERS,
        body=commands.ProposeRepricing,
        idempotent=True,
        answers={201: Answer("proposed; its preview follows", RepricingAnswer)},
    ),
    Route(
        method="GET",
        path=COLLECTION,
        tag="parking",
        summary="Batches that price stays again, the newest first",
        handler=show_all,
        roles=(*DECIDERS, Role.AUDITOR),
        query=RepricingsQuery,
        answers={200: Answer("a page", Repricings)},
    ),
    Route(
        method="GET",
        path=BASE,
        tag="parking",
        summary="A batch that prices stays again: what it comes to, and how far it has come",
        handler=show,
        roles=(*DECIDERS, Role.AUDITOR),
        answers={200: Answer("the batch", RepricingAnswer)},
    ),
    _command(
        "confirmation",
        commands.ConfirmRepricing,
        commands.confirm_repricing,
        "Agree to what another officer has proposed, and to what it comes to",
    ),
    _command(
        "turning-back", commands.TurnBackRepricing, commands.turn_back_repricing, "It is not done"
    ),
)
