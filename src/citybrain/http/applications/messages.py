"""Messages on an application over HTTP: written by either side, read as a thread."""

from datetime import datetime
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.reading_rights import READERS, is_own
from citybrain.http.accessing import opened
from citybrain.http.applications.application import (
    APPLICANT,
    OFFICER,
    application_id_of,
    command_route,
)
from citybrain.http.paging import Query
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.accesses import AskedPurpose
from commands.applications import messages as commands
from commands.applications.looking import readable


class LookQuery(Query):
    """Why somebody looks."""

    purpose: AskedPurpose | None = Field(
        None, description="for what, where it is not one's own application"
    )


class Message(BaseModel):
    """What one side wrote."""

    at: datetime
    by: Literal["applicant", "officer"]
    asks_for_correction: bool
    text: str


class Messages(BaseModel):
    """The thread, in order."""

    messages: list[Message]


async def readable_noted(call: Call) -> Application:
    """The application, for whoever may look into it; a look of anybody but its own is noted."""
    actor = call.authenticated
    application = await readable(application_id_of(call), actor, call.runtime.services)
    own = is_own(actor, application.citizen_id, application.guardian)
    await opened(call, [] if own else [(application.id, application.citizen_id)])
    return application


async def show(call: Call) -> web.Response:
    """The thread."""
    application = await readable_noted(call)
    found = await commands.thread(application, call.runtime.services)
    return json_response(Messages(messages=[Message(**message) for message in found]))


ROUTES = (
    command_route(
        "messages",
        commands.SendMessage,
        commands.send,
        "Write to the other side: applicant or department",
        (*APPLICANT, *OFFICER),
    ),
    Route(
        method="GET",
        path="/v1/applications/{application_id}/messages",
        tag="applications",
        summary="Messages between applicant and department",
        handler=show,
        roles=READERS,
        query=LookQuery,
        answers={200: Answer("the thread", Messages)},
        opens=Opens(what="messages"),
    ),
)
