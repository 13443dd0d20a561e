"""What is kept about a person, over HTTP: shown to them, changed by them, corrected by two people.

Bodies and the answer carry what is personal; URLs and problems carry pseudonymous ids only.
"""

from dataclasses import replace
from datetime import date, datetime

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.citizens.reading_rights import (
    COUNTER,
    RECORD_READERS,
    RECORD_STAFF,
    may_ask_for_record,
)
from citybrain.domain.citizens.refusals import NotYourOwn
from citybrain.errors import Refused
from citybrain.http.accessing import opened
from citybrain.http.citizens.citizen import (
    ALREADY,
    IDENTITY_STATE,
    CitizenAnswer,
    citizen_command,
    citizen_id_of,
    told_of,
)
from citybrain.http.commanding import Handler, context, done
from citybrain.http.paging import Query
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.accesses import AskedPurpose
from commands.citizens import proving, records
from commands.citizens.documents import AlreadyRegistered

OWN = (Role.CITIZEN, *COUNTER)
RECORD_STATE = "record-state"


class RecordQuery(Query):
    """For what it is read."""

    purpose: AskedPurpose | None = Field(
        None, description="needed where it is about somebody else, who sees it"
    )


class FurtherDocument(BaseModel):
    """A document beside the one that somebody is registered by."""

    document: str
    number: str


class PendingCorrection(BaseModel):
    """A correction that somebody else has to settle: what it would set."""

    correction_id: str
    what: str
    proposed_at: datetime
    grounds: str
    document: str | None
    id_number: str | None
    birth_date: date | None
    died_on: date | None
    mistaken: bool = Field(description="the number before was never theirs")


class Record(BaseModel):
    """All that is kept about a person, in clear; pictures and templates are not shown."""

    citizen_id: str
    name: str
    document: str
    id_number: str
    further_documents: list[FurtherDocument]
    birth_date: date
    phone: str | None
    died_on: date | None
    registered_at: datetime
    face_consent: bool
    face_enrolled: bool
    passcode: bool = Field(description="whether one was chosen")
    simulated: bool
    corrections: list[PendingCorrection]


class ProofAnswer(CitizenAnswer):
    """Somebody was identified, and how surely."""

    purpose: str
    level: str = Field(description="low, substantial or high")


class CorrectionAnswer(CitizenAnswer):
    """A correction was asked for."""

    correction_id: str


async def show(call: Call) -> web.Response:
    """What is kept about a person; who is somebody else leaves an access."""
    citizen_id, actor = citizen_id_of(call), call.authenticated
    if not may_ask_for_record(actor, citizen_id):
        raise NotYourOwn("citizens read their own record")
    found = await records.opened_record(citizen_id, actor, call.runtime.services)
    await opened(call, [(citizen_id, citizen_id)])
    return json_response(Record(**found))


def _correction(
    path: str,
    model: type[BaseModel],
    handler: Handler,
    summary: str,
    roles: tuple[Role, ...],
    answers: type[BaseModel],
) -> Route:
    """A command by which one may learn that somebody else has a document; they are told.

    So is the person themselves of what a refusal says: nobody has to stand there for a death.
    """

    async def handle(call: Call) -> web.Response:
        citizen_id = citizen_id_of(call)
        try:
            async with told_of(call):
                result = await handler(citizen_id, call.body, context(call), call.runtime.services)
        except AlreadyRegistered:
            raise
        except (Refused, records.DeathDateImpossible):
            await opened(call, [(citizen_id, citizen_id)], RECORD_STATE)
            raise
        return done(result)

    command = citizen_command(path, model, handler, summary, roles, answers)
    return replace(command, handler=handle, opens=ALREADY)


ROUTES = (
    Route(
        method="GET",
        path="/v1/citizens/{citizen_id}/record",
        tag="citizens",
        summary="What is kept about a person: one's own, or of who is at one's counter",
        handler=show,
        roles=RECORD_READERS,
        query=RecordQuery,
        answers={200: Answer("all of it, opened", Record)},
        opens=Opens(what="record"),
    ),
    citizen_command("name", records.ChangeName, records.change_name, "Write another name", OWN),
    citizen_command(
        "phone",
        records.ChangePhone,
        records.change_phone,
        "Send codes and messages to another phone",
        OWN,
    ),
    citizen_command(
        "passcode",
        proving.SetPasscode,
        proving.set_passcode,
        "Choose the passcode by which one is identified online",
        OWN,
    ),
    citizen_command(
        "identity/proof",
        proving.ProveIdentity,
        proving.prove_identity,
        "Be identified by one's phone and what one knows, without a face",
        (Role.CITIZEN, Role.KIOSK),
        ProofAnswer,
        opens=IDENTITY_STATE,
    ),
    _correction(
        "corrections",
        records.ProposeCorrection,
        records.propose_correction,
        "Ask for a correction that takes two people",
        COUNTER,
        CorrectionAnswer,
    ),
    _correction(
        "corrections/settlement",
        records.SettleCorrection,
        records.settle_correction,
        "Confirm or reject a correction that somebody else asked for",
        RECORD_STAFF,
        CitizenAnswer,
    ),
)
