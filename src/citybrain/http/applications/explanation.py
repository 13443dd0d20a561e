"""What was decided and why, over HTTP; and what an applicant was told about their data.

The applicant, and the guardian who applied, see the whole explanation. Everybody else sees it
without personal values, and opens those by a command that the applicant finds among the accesses to
their data.
"""

from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from citybrain.audit.applications.consent_receipt import consent_receipt
from citybrain.audit.applications.explanation import explain
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.reading_rights import (
    APPLICANTS_AND_OFFICE,
    NOBODYS,
    OFFICE,
    Whose,
    may_read_explanation,
    sees_personal_values,
)
from citybrain.domain.applications.refusals import NotYourApplication
from citybrain.eventstore import StreamNotFound
from citybrain.http.accessing import opened
from citybrain.http.applications.application import application_id_of
from citybrain.http.commanding import context
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.applications.application import OpenApplication, open_application

STRANGE = "this application is neither yours nor your department's"


class Explanation(BaseModel):
    """What was decided, from which inputs, by which rules, and what would have changed it."""

    model_config = ConfigDict(extra="allow")
    application_id: str
    service: str
    item_version: str
    outcome: dict[str, Any] | None
    decisions: list[dict[str, Any]] = Field(description="by rules, officers and claims, in order")
    parameters: dict[str, int]
    rules: list[dict[str, Any]]
    inputs: list[dict[str, Any]] = Field(description="each with its source and digest")
    payments: list[dict[str, Any]]
    recomputed: dict[str, Any] | None = Field(
        description="the decision taken again now, from the sealed records"
    )


class ConsentReceipt(BaseModel):
    """A receipt in the terms of ISO/IEC TS 27560."""

    schema_version: str
    record_id: str
    pii_principal_id: str
    issued_at: datetime
    processing: dict[str, Any]
    parties: list[dict[str, Any]]
    events: list[dict[str, Any]]


async def _readable(call: Call) -> Application:
    """The application, for whoever may read it; a citizen is not told of others' at all."""
    application_id, actor = application_id_of(call), call.authenticated
    try:
        application = await call.runtime.store.load(Application, application_id)
    except StreamNotFound:
        if may_read_explanation(actor, NOBODYS):
            raise
        raise NotYourApplication(STRANGE) from None
    if not may_read_explanation(actor, Whose.of(application)):
        raise NotYourApplication(STRANGE)
    return application


async def explanation(call: Call) -> web.Response:
    """Explain; with personal values for the applicant, and for who applied for them."""
    application = await _readable(call)
    await opened(call, [(application.id, application.citizen_id)])
    own = sees_personal_values(call.authenticated, Whose.of(application))
    answer = await explain(application.id, call.runtime.services, opened=own)
    for decision in answer["decisions"] if own else ():
        for officer in ("reviewer", "second_reviewer"):
            decision.pop(officer)  # a department decides, not a person to be sought out
    return json_response(answer)


async def opening(call: Call) -> web.Response:
    """Note who looks and why; then explain with personal values."""
    application_id, services = application_id_of(call), call.runtime.services
    await open_application(application_id, call.body, context(call), services)
    return json_response(await explain(application_id, services, opened=True))


async def receipt(call: Call) -> web.Response:
    """The receipt of what was told and agreed."""
    application = await _readable(call)
    await opened(call, [(application.id, application.citizen_id)])
    return json_response(ConsentReceipt(**consent_receipt(application, call.runtime.services)))


ROUTES = (
    Route(
        method="GET",
        path="/v1/applications/{application_id}/explanation",
        tag="applications",
        summary="What was decided, why, and what would have changed it",
        handler=explanation,
        roles=APPLICANTS_AND_OFFICE,
        answers={200: Answer("the explanation", Explanation)},
        opens=Opens(what="decision", purpose="application"),
    ),
    Route(
        method="POST",
        path="/v1/applications/{application_id}/opening",
        tag="applications",
        summary="Open what is sealed, on the record",
        handler=opening,
        roles=OFFICE,
        body=OpenApplication,
        answers={200: Answer("the explanation with personal values", Explanation)},
    ),
    Route(
        method="GET",
        path="/v1/applications/{application_id}/consent-receipt",
        tag="applications",
        summary="Which data is processed, for what, by whom",
        handler=receipt,
        roles=APPLICANTS_AND_OFFICE,
        answers={200: Answer("the receipt", ConsentReceipt)},
        opens=Opens(what="consent-receipt", purpose="application"),
    ),
)
