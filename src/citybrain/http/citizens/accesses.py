"""Who used a citizen's data, as the citizen sees it."""

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.citizens.reading_rights import ACCESS_READERS, may_read_accesses
from citybrain.domain.citizens.refusals import NotYourOwn
from citybrain.http.citizens.citizen import citizen_id_of
from citybrain.http.paging import PagedQuery, decode_time_cursor, page, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from projections.citizens import data_accesses
from projections.citizens.data_accesses import AccessRow


class Accesses(BaseModel):
    """A page, newest first."""

    accesses: list[AccessRow]
    next: str | None = Field(description="send as `after` for the next page")


async def accesses(call: Call) -> web.Response:
    """Who used a citizen's data."""
    query: PagedQuery = call.query
    citizen_id = citizen_id_of(call)
    if not may_read_accesses(call.authenticated, citizen_id):
        raise NotYourOwn("citizens act for themselves only")
    await wait_for_position(call.runtime, "data_accesses", query.min_position)
    rows = await data_accesses.page(
        call.runtime.store.pool,
        citizen_id,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "at", "access_id")
    accesses = [AccessRow.model_validate(row) for row in shown]
    return json_response(Accesses(accesses=accesses, next=following))


ROUTES = (
    Route(
        method="GET",
        path="/v1/citizens/{citizen_id}/accesses",
        tag="citizens",
        summary="Who used a citizen's data",
        handler=accesses,
        roles=ACCESS_READERS,
        query=PagedQuery,
        answers={200: Answer("a page, newest first", Accesses)},
    ),
)
