"""Grounds of appeals and officers' notes over HTTP: for the applicant, the department, auditors.

Whoever is not the applicant says for what, and the applicant finds each look.
"""

from datetime import datetime
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from citybrain.domain.applications.reading_rights import APPLICANTS_AND_OFFICE
from citybrain.http.applications.messages import LookQuery, readable_noted
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.applications import statements as commands


class Statement(BaseModel):
    """What one side said, and with which decision."""

    at: datetime
    version: int
    what: Literal["grounds", "proposal", "turned-back", "decision"]
    by: Literal["applicant", "officer"]
    outcome: str | None
    reasons: list[str]
    amount_fen: int | None
    text: str


class Statements(BaseModel):
    """All of them, in order."""

    statements: list[Statement]


async def show(call: Call) -> web.Response:
    """The grounds and the notes."""
    application = await readable_noted(call)
    found = await commands.statements(application, call.authenticated, call.runtime.services)
    return json_response(Statements(statements=[Statement(**said) for said in found]))


ROUTES = (
    Route(
        method="GET",
        path="/v1/applications/{application_id}/statements",
        tag="applications",
        summary="Grounds of appeals and officers' notes",
        handler=show,
        roles=APPLICANTS_AND_OFFICE,
        query=LookQuery,
        answers={200: Answer("in order", Statements)},
        opens=Opens(what="statements"),
    ),
)
