"""Applications over HTTP: what citizens and kiosks do. Reading is in `reading`."""

from aiohttp import web
from pydantic import BaseModel

from citybrain.domain.actor import Role
from citybrain.http.commanding import Handler, context, created, id_in_path, on
from citybrain.http.routing import Answer, Call, Route
from commands.applications import application as commands
from commands.applications.appeals import AppealApplication, appeal_application

APPLICANT = (Role.CITIZEN, Role.KIOSK, Role.CLERK)
OFFICER = (Role.OFFICIAL,)

application_id_of = id_in_path("application_id", r"application-[0-9a-f]{32}", "application")


class ApplicationAnswer(BaseModel):
    """What a command on an application answers."""

    application_id: str
    version: int
    service: str
    status: str
    channel: str
    amount_fen: int | None
    reasons: list[str]


async def submit(call: Call) -> web.Response:
    """Apply."""
    result = await commands.submit_application(call.body, context(call), call.runtime.services)
    return created(result, "/v1/applications")


def command_route(
    path: str, model: type[BaseModel], handler: Handler, summary: str, roles: tuple[Role, ...]
) -> Route:
    """The route of a command on one application."""
    return Route(
        method="POST",
        path=f"/v1/applications/{{application_id}}/{path}",
        summary=summary,
        tag="applications",
        handler=on(application_id_of, handler),
        roles=roles,
        body=model,
        if_match_where_sent=True,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", ApplicationAnswer)},
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/applications",
        summary="Apply for a service",
        tag="applications",
        handler=submit,
        roles=APPLICANT,
        body=commands.SubmitApplication,
        idempotent=True,
        answers={201: Answer("submitted; Location is the application", ApplicationAnswer)},
    ),
    command_route(
        "withdrawal",
        commands.WithdrawApplication,
        commands.withdraw_application,
        "End it, as long as no money is on its way",
        APPLICANT,
    ),
    command_route(
        "appeal",
        AppealApplication,
        appeal_application,
        "Ask for a person to look at a decision",
        APPLICANT,
    ),
    command_route(
        "takeover",
        commands.TakeOverApplication,
        commands.take_over_application,
        "Go on with it on another channel",
        APPLICANT,
    ),
    command_route(
        "evidence",
        commands.RequestEvidenceAgain,
        commands.request_evidence_again,
        "An officer asks the departments once more",
        OFFICER,
    ),
)
