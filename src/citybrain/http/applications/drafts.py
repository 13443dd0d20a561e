"""Drafts over HTTP: what a citizen has begun, kept on the way from channel to channel."""

from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.applications.draft import Draft
from citybrain.http.accessing import opened
from citybrain.http.applications.application import APPLICANT
from citybrain.http.commanding import Handler, context, created, id_in_path, on
from citybrain.http.paging import PagedQuery, decode_time_cursor, page, wait_for_position
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.applications import drafts as commands
from projections.applications import drafts
from projections.applications.drafts import DraftRow

MODEL = "drafts"

draft_id_of = id_in_path("draft_id", r"draft-[0-9a-f]{32}", "draft")


class DraftAnswer(BaseModel):
    """What a command on a draft answers."""

    draft_id: str
    version: int
    service: str
    status: str = Field(description="open, submitted or discarded")
    channel: str
    expires_at: datetime
    application_id: str | None = Field(description="what it became")


class DraftDetails(DraftAnswer):
    """A draft with what is filled in."""

    form: dict[str, Any]


class Drafts(BaseModel):
    """A page, newest first."""

    drafts: list[DraftRow]
    next: str | None = Field(description="send as `after` for the next page")


async def begin(call: Call) -> web.Response:
    """Begin."""
    result = await commands.begin_draft(call.body, context(call), call.runtime.services)
    return created(result, "/v1/drafts")


async def show_all(call: Call) -> web.Response:
    """One's own drafts."""
    query: PagedQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    rows = await drafts.page(
        call.runtime.store.models,
        call.authenticated.subject,
        now=call.runtime.services.clock(),
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "begun_at", "draft_id")
    return json_response(
        Drafts(drafts=[DraftRow.model_validate(row) for row in shown], next=following)
    )


async def show(call: Call) -> web.Response:
    """One draft."""
    services = call.runtime.services
    draft = await services.store.load(Draft, draft_id_of(call))
    draft.check_hand(call.authenticated, services.clock())
    await commands.check_hand_served(draft, call.authenticated, services)
    await opened(call, [(draft.id, draft.citizen_id)])
    form = await commands.open_draft(draft, services)
    details = DraftDetails(**commands.draft_answer(draft), form=form)
    return json_response(details, headers={"ETag": f'"{draft.version}"'})


def _command(path: str, model: type[BaseModel], handler: Handler, summary: str) -> Route:
    return Route(
        method="POST",
        path=f"/v1/drafts/{{draft_id}}/{path}",
        summary=summary,
        tag="drafts",
        handler=on(draft_id_of, handler),
        roles=APPLICANT,
        body=model,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", DraftAnswer)},
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/drafts",
        summary="Begin to apply, and go on later",
        tag="drafts",
        handler=begin,
        roles=APPLICANT,
        body=commands.BeginDraft,
        idempotent=True,
        answers={201: Answer("kept; Location is the draft", DraftAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/drafts",
        summary="One's own drafts, newest first",
        tag="drafts",
        handler=show_all,
        roles=(Role.CITIZEN,),
        query=PagedQuery,
        answers={200: Answer("a page", Drafts)},
    ),
    Route(
        method="GET",
        path="/v1/drafts/{draft_id}",
        summary="A draft with what is filled in",
        tag="drafts",
        handler=show,
        roles=APPLICANT,
        answers={200: Answer("the draft", DraftDetails)},
        opens=Opens(what="draft", purpose="application"),
    ),
    _command("content", commands.SaveDraft, commands.save_draft, "Keep what is filled in now"),
    _command(
        "continuation", commands.ContinueDraft, commands.continue_draft, "Go on elsewhere with it"
    ),
    _command(
        "submission", commands.SubmitDraft, commands.submit_draft, "Apply with what is filled in"
    ),
    _command("discarding", commands.DiscardDraft, commands.discard_draft, "Give it up"),
)
