"""Claims of parking over HTTP: the office sees to all of them, citizens to their own."""

from collections.abc import Iterable
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from citybrain.domain.parking.claim import Claim, ClaimStatus
from citybrain.domain.parking.refusals import NotYourClaim
from citybrain.eventstore import StreamNotFound
from citybrain.http.accessing import opened
from citybrain.http.commanding import id_in_path
from citybrain.http.paging import PagedQuery, decode_time_cursor, page, wait_for_position
from citybrain.http.parking.office import READERS, of_the_office
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from projections.parking import claims
from projections.parking.claims import ClaimRow, Desk, Order
from projections.reading import Row

MODEL = "parking_claims"
SubjectId = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}-[0-9a-f]{4,32}$")]

claim_id_of = id_in_path("claim_id", r"parking_claim-[0-9a-f]{32}", "claim")


class ShownClaim(ClaimRow):
    """A claim. `yours`: whether it is to you."""

    yours: bool


class Claims(BaseModel):
    """A page, by when they are due."""

    claims: list[ShownClaim]
    next: str | None = Field(description="send as `after` for the next page")


class ClaimsQuery(PagedQuery):
    """Which claims; citizens see their own."""

    desk: Desk | None = Field(None, description="what an officer looks through")
    status: ClaimStatus | None = None
    subject: SubjectId | None = Field(None, description="the session that it is for")
    order: Order = "newest"


async def show_all(call: Call) -> web.Response:
    """A page of claims: of the desk, or one's own."""
    query: ClaimsQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    rows = await claims.page(
        call.runtime.store.models,
        desk=query.desk,
        status=query.status and query.status.value,
        subject=query.subject,
        citizen_id=None if of_the_office(call) else call.authenticated.subject,
        order=query.order,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "due_at", "claim_id")
    await opened(call, people(shown))
    return json_response(Claims(claims=[_shown(call, row) for row in shown], next=following))


async def show(call: Call) -> web.Response:
    """One claim, with its payments and receipts; strangers are not told whether it is there."""
    claim_id, pool = claim_id_of(call), call.runtime.store.models
    row = await claims.one(pool, claim_id)
    if row is None:
        await wait_for_position(call.runtime, MODEL, await call.runtime.store.head())
        row = await claims.one(pool, claim_id)
    yours = row is not None and row["citizen_id"] == call.authenticated.subject
    if not (of_the_office(call) or yours):
        raise NotYourClaim("what is owed there is not yours")
    if row is None:
        raise StreamNotFound("there is no such claim")
    await opened(call, people([row]))
    claim = await call.runtime.store.load(Claim, claim_id)
    return json_response(_shown(call, row), headers={"ETag": f'"{claim.version}"'})


def people(rows: Iterable[Row]) -> list[tuple[str, str | None]]:
    """On whose record a look is: the payer's, or the claim's as long as nobody is known."""
    return [
        (row["citizen_id"], row["citizen_id"]) if row["citizen_id"] else (row["claim_id"], None)
        for row in rows
    ]


def _shown(call: Call, row: dict[str, Any]) -> ShownClaim:
    yours = row["citizen_id"] == call.authenticated.subject
    return ShownClaim.model_validate(row | {"yours": yours})


BASE = "/v1/parking/claims/{claim_id}"
ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/claims",
        tag="parking",
        summary="What is owed for parking, with payments and receipts",
        handler=show_all,
        roles=READERS,
        query=ClaimsQuery,
        answers={200: Answer("a page", Claims)},
        opens=Opens(what="parking-claims", purpose="parking"),
    ),
    Route(
        method="GET",
        path=BASE,
        tag="parking",
        summary="One claim, with its payments and receipts",
        handler=show,
        roles=READERS,
        answers={200: Answer("the claim", ShownClaim)},
        opens=Opens(what="parking-claim", purpose="parking"),
    ),
)
