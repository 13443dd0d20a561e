"""What stays would have cost by another version of the tariff, for the office and auditors.

Nothing changes by asking. No plate is shown, and whoever looks is on the record of whose it is.
"""

from typing import Annotated

import orjson
from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, ValidationError

from citybrain.audit.parking.under_tariff import Sums, compared
from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.actor import Role
from citybrain.domain.parking.looking import DECIDERS
from citybrain.http.accessing import opened
from citybrain.http.paging import ReadModelQuery, decode_cursor, encode_cursor, wait_for_position
from citybrain.http.parking.office import of_the_office
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.fields import Moment
from commands.parking.pricing import STREET
from projections.parking.session_ids import After

MODEL = "parking_sessions"


class ComparedStay(BaseModel):
    """A stay that has been priced."""

    session_id: str
    tariff_zone: str
    arrived_at: AwareDatetime
    left_at: AwareDatetime
    priced_fen: int
    under_fen: int | None = Field(description="null: the version cannot price it")
    difference_fen: int | None = Field(description="under_fen less priced_fen")
    why: str | None = Field(description="the code of why it cannot")


class ComparedSums(BaseModel):
    """What the rows so far come to; those that are not priced are in no other sum."""

    sessions: int
    priced_fen: int
    under_fen: int
    difference_fen: int
    dearer: int
    cheaper: int
    not_priced: int


class UnderTariff(BaseModel):
    """A page, by arrival; the last one has the sums of all."""

    version_id: str
    rows: list[ComparedStay]
    sums: ComparedSums = Field(description="of all pages from the first to this one")
    next: str | None = Field(description="send as `after` for the next page")


class UnderTariffQuery(ReadModelQuery):
    """Which stays, and by which version."""

    version: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="its id, or its day"
    )
    since: Moment = Field(alias="from", description="stays that ended after this")
    until: Moment = Field(alias="to", description="and arrived before this")
    after: str | None = Field(None, max_length=500, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=200, description="rows in the page, at most")


async def show(call: Call) -> web.Response:
    """A page of stays, and what they would have cost."""
    of_the_office(call)
    query: UnderTariffQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    services = call.runtime.services
    version_id = tariff_of(services.definitions, STREET).named(query.version).id
    after, sums = _place(query.after)
    found = [
        row
        async for row in compared(
            services, version_id, query.since, query.until, after=after, limit=query.limit + 1
        )
    ]
    rows = found[: query.limit]
    for row in rows:
        sums.add(row)
    following = None
    if len(found) > query.limit:
        said = orjson.dumps(sums.as_dict()).decode()
        following = encode_cursor(rows[-1].arrived_at, rows[-1].session_id, said)
    people = [(row.payer, row.payer) if row.payer else (row.session_id, None) for row in rows]
    await opened(call, people)
    return json_response(
        UnderTariff(
            version_id=version_id,
            rows=[ComparedStay.model_validate(row, from_attributes=True) for row in rows],
            sums=ComparedSums(**sums.as_dict()),
            next=following,
        )
    )


def _place(cursor: str | None) -> tuple[After, Sums]:
    """Where the page before ended, and the sums up to there; raises `Malformed`."""
    if cursor is None:
        return None, Sums()
    at, session_id, said = decode_cursor(cursor, 3)
    try:
        sums = ComparedSums.model_validate_json(said)
    except ValidationError:
        raise Malformed("after is not a cursor that a page gave") from None
    return (at, session_id), Sums(**sums.model_dump())


ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/under-tariff",
        tag="parking",
        summary="What stays would have cost by another version of the tariff; nothing changes",
        handler=show,
        roles=(*DECIDERS, Role.AUDITOR),
        query=UnderTariffQuery,
        answers={200: Answer("a page", UnderTariff)},
        may_be_missing=True,
        opens=Opens(what="parking-sessions", purpose="parking"),
    ),
)
