"""What people outside said of a case, over HTTP."""

from operator import itemgetter
from uuid import UUID

import orjson
from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseCommented
from citybrain.errors import Forbidden
from citybrain.http.inspection.case import case_id_of
from citybrain.http.inspection.timeline import HistoryQuery, merged_into
from citybrain.http.paging import page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.inspection.comments import COMMENT
from projections.inspection import case_timeline


class Comment(BaseModel):
    """What somebody outside said of a case."""

    author: str = Field(description="the client that it came through")
    written_at: AwareDatetime
    stated: str | None = Field(description="how the problem stands, as they see it")
    text: str | None = Field(description="null where it is not kept any more")


class Comments(BaseModel):
    """What was said of a case, the oldest first."""

    comments: list[Comment]
    next: int | None = Field(description="`after` of the next page; null on the last one")


async def comments(call: Call) -> web.Response:
    """Open what was said of it, and of what was merged into it: for those who have the case."""
    case_id, actor, services = case_id_of(call), call.authenticated, call.runtime.services
    case = await services.store.load(InspectionCase, case_id)
    if not rights.may_read_comments(actor, case.departments):
        raise Forbidden("an official reads what is said of the cases of their own department")
    await wait_for_position(call.runtime, "case_timeline", call.query.min_position)
    rows = await case_timeline.history(
        services.store.models,
        [case_id, *await merged_into(call, case_id, {case_id})],
        topic=CaseCommented.TOPIC,
        after=call.query.after,
        limit=call.query.limit + 1,
    )
    shown, following = page_by(rows, call.query.limit, itemgetter("position"))
    said = [row["details"] for row in shown]
    wanted = [(row["case_id"], UUID(row["details"]["comment_id"])) for row in shown]
    opened = await services.vault.fetch_many(COMMENT, wanted)
    found = [
        Comment(
            author=comment["author"],
            written_at=comment["written_at"],
            stated=comment["stated"],
            text=text and orjson.loads(text)["text"],
        )
        for comment, text in zip(said, opened, strict=True)
    ]
    return json_response(
        Comments(comments=found, next=following), headers={"Cache-Control": "no-store"}
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/cases/{case_id}/comments",
        tag="cases",
        handler=comments,
        summary="What people outside said of it",
        roles=rights.COMMENTS,
        query=HistoryQuery,
        answers={200: Answer("opened for this answer only", Comments)},
    ),
)
