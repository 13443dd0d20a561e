"""Cases are found over HTTP by what people wrote and by telephone: asked in a body, on record."""

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from citybrain.domain.inspection import reading_rights as rights
from citybrain.geo.gcj02 import Crs
from citybrain.http.accessing import opened
from citybrain.http.inspection.desk import with_words
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.fields import Flag, Text
from commands.handling import Command
from commands.inspection.finding import find
from projections.inspection import case_desk_questions as desk
from projections.inspection.case_desk import CaseRow


class SearchCases(Command):
    """What was written of it, or by whom it was reported; both where both are given."""

    text: Annotated[Text, StringConstraints(min_length=2, max_length=200)] | None = Field(
        None, description="all of its words, in what was reported or said later"
    )
    phone: Annotated[Text, StringConstraints(min_length=5, max_length=40)] | None = Field(
        None, description="of whoever reported it, in any way of writing"
    )
    open: Flag | None = None
    limit: int = Field(50, ge=1, le=200, strict=True)

    @model_validator(mode="after")
    def _asks(self) -> "SearchCases":
        if self.text is None and self.phone is None:
            raise PydanticCustomError("nothing_asked", "text or phone is given")
        return self


class FoundCases(BaseModel):
    """The cases, newest first."""

    cases: list[CaseRow]


async def search(call: Call) -> web.Response:
    """Cases by words and telephone: the centre's all, an official's own department's."""
    body: SearchCases = call.body
    services = call.runtime.services
    department = rights.department_to_read(call.authenticated, None)
    ids = await find(body.text, body.phone, services)
    rows = await desk.of_ids(
        services.store.models, ids, is_open=body.open, department=department, limit=body.limit
    )
    await opened(call, [(row["case_id"], None) for row in rows])
    shown = await with_words(call, rows, Crs.WGS84)
    return json_response(
        FoundCases(cases=[CaseRow(**row) for row in shown]), headers={"Cache-Control": "no-store"}
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/cases/search",
        summary="Cases by what people wrote of them, or by the telephone of who reported them",
        tag="cases",
        handler=search,
        roles=rights.STAFF,
        body=SearchCases,
        answers={200: Answer("the cases, newest first", FoundCases)},
        opens=Opens(what="reports-found", purpose="street-case"),
    ),
)
