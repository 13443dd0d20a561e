"""Citizens over HTTP: registration, consent, identification by face and at a counter.

Bodies carry what is personal; URLs, answers and problems carry pseudonymous ids only.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from citybrain.city_day import city_day
from citybrain.domain.actor import Role
from citybrain.domain.citizens.citizen import Citizen
from citybrain.domain.citizens.documents import DocumentKind
from citybrain.domain.citizens.reading_rights import (
    COUNTER,
    DUPLICATES,
    STATE_READERS,
    STATISTICS,
    may_read_state,
)
from citybrain.domain.citizens.refusals import NotYourOwn
from citybrain.domain.citizens.serving import FACE_PURPOSE
from citybrain.errors import NotFound, Refused, TooOften
from citybrain.http.accessing import opened
from citybrain.http.commanding import Handler, context, created, done, id_in_path, on
from citybrain.http.paging import (
    DatedQuery,
    PagedQuery,
    decode_time_cursor,
    page,
    wait_for_position,
)
from citybrain.http.routing import Answer, Call, Opens, Route, RouteHandler, json_response
from commands.citizens import check_served, documents, face, identity, serving
from commands.citizens import citizen as commands
from commands.citizens.documents import AlreadyRegistered
from projections.citizens import identity_days, suspected_duplicates
from projections.citizens.identity_days import IdentityDay
from projections.citizens.suspected_duplicates import DuplicateRow

OWN = (Role.CITIZEN, *COUNTER)
AT_A_CAMERA = (*OWN, Role.KIOSK)
ALREADY = Opens(what="already-registered", purpose="counter-service")
FACE_STATE = Opens(what="face-state")
IDENTITY_STATE = Opens(what="identification-state")
PICTURES_BYTES = 12 << 20  # four pictures of 2 MiB, in base64

citizen_id_of = id_in_path("citizen_id", r"citizen-[0-9a-f]{32}", "citizen")


def whose(call: Call) -> str:
    """Whose stream a command is on; other citizens are refused whether or not there is one."""
    citizen_id, actor = citizen_id_of(call), call.authenticated
    others = set(call.route.roles or ()) - {Role.CITIZEN}
    if actor.subject != citizen_id and not actor.has(*others):
        raise NotYourOwn("citizens act for themselves only")
    return citizen_id


class CitizenAnswer(BaseModel):
    """What a command on a citizen answers."""

    citizen_id: str
    version: int
    face_consent: bool
    face_enrolled: bool


class VerificationAnswer(CitizenAnswer):
    """The decision. The score is in the event, for auditors; it would help who guesses."""

    matched: bool
    purpose: str


class ChallengeAnswer(BaseModel):
    """What to do in front of the camera, one picture a step."""

    challenge_id: str
    nonce: str
    steps: list[str] = Field(description="neutral, left or right: the person's own side")
    expires_at: datetime


class CodeAnswer(BaseModel):
    """A code was sent to the registered phone."""

    code_id: str
    expires_at: datetime


class Duplicates(BaseModel):
    """A page of suspected duplicates, oldest first."""

    duplicates: list[DuplicateRow]
    next: str | None = Field(description="send as `after` for the next page")


class IdentityQuery(DatedQuery):
    """Which days, of which purpose."""

    purpose: str | None = Field(None, max_length=64, pattern=r"^[a-z][a-z0-9-]*$")


class IdentityDays(BaseModel):
    """Identifications by city day and purpose."""

    days: list[IdentityDay]


class IdentificationAnswer(BaseModel):
    """Who it may be, best first; a verification decides."""

    candidates: list[str]
    enrolled: int = Field(description="how many faces were searched")


class FindCitizen(BaseModel):
    """Whom to look for."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    document: Annotated[DocumentKind | None, documents.KIND] = None
    id_number: Annotated[documents.Number, documents.NUMBER]
    country: Annotated[documents.Country | None, documents.COUNTRY] = None


class Found(BaseModel):
    """The citizen's stream."""

    citizen_id: str


class CitizenNotFound(NotFound):
    """Nobody is registered with this identity number."""

    code = "citizen-not-found"


async def register(call: Call) -> web.Response:
    """Register a person."""
    async with told_of(call):
        result = await commands.register_citizen(call.body, context(call), call.runtime.services)
    return created(result, "/v1/citizens")


async def add_document(call: Call) -> web.Response:
    """Note another document."""
    async with told_of(call):
        result = await documents.add_document(
            citizen_id_of(call), call.body, context(call), call.runtime.services
        )
    return done(result)


@asynccontextmanager
async def told_of(call: Call) -> AsyncIterator[None]:
    """That somebody is registered already is something learnt about them."""
    await opened(call, [])
    try:
        yield
    except AlreadyRegistered as known:
        await opened(call, [(known.citizen_id, known.citizen_id)])
        raise


async def find(call: Call) -> web.Response:
    """Find a person by identity number."""
    asked: FindCitizen = call.body
    found = await documents.find_citizen(
        asked.id_number, call.runtime.services, asked.document, asked.country
    )
    if found is None:
        raise CitizenNotFound("nobody is registered with this identity number")
    await opened(call, [(found, found)])
    return json_response(Found(citizen_id=found))


async def show(call: Call) -> web.Response:
    """What is known without opening a seal."""
    citizen_id = citizen_id_of(call)
    if not may_read_state(call.authenticated, citizen_id):
        raise NotYourOwn("citizens act for themselves only")  # whether or not there is one
    await check_served(citizen_id, FACE_PURPOSE, call.authenticated, call.runtime.services)
    citizen = await call.runtime.store.load(Citizen, citizen_id)
    await opened(call, [(citizen_id, citizen_id)])
    state = CitizenAnswer(
        citizen_id=citizen.id,
        version=citizen.version,
        face_consent=citizen.consent_id is not None,
        face_enrolled=bool(citizen.templates),
    )
    return json_response(state, headers={"ETag": f'"{citizen.version}"'})


async def challenge(call: Call) -> web.Response:
    """Issue a challenge. That it can be answered, or why not, is looked at for who may ask."""
    citizen_id, services = whose(call), call.runtime.services
    await face.check_may_ask(citizen_id, call.body, context(call), services)
    await opened(call, [(citizen_id, citizen_id)])
    issued = await face.issue_challenge(citizen_id, call.body, context(call), services)
    return json_response(ChallengeAnswer(**issued), status=201)


async def send_code(call: Call) -> web.Response:
    """Send a one-time code. That the phone is used is recorded before it is."""
    citizen_id, services = whose(call), call.runtime.services
    await identity.check_may_send(citizen_id, call.body, context(call), services)
    await opened(call, [(citizen_id, citizen_id)])
    sent = await identity.send_code(citizen_id, call.body, context(call), services)
    return json_response(CodeAnswer(**sent), status=201)


async def duplicates(call: Call) -> web.Response:
    """A page of suspected duplicates."""
    query: PagedQuery = call.query
    await wait_for_position(call.runtime, "suspected_duplicates", query.min_position)
    rows = await suspected_duplicates.page(
        call.runtime.store.models, after=decode_time_cursor(query.after), limit=query.limit + 1
    )
    shown, following = page(rows, query.limit, "suspected_at", "pair")
    found = [DuplicateRow.model_validate(row) for row in shown]
    people = (person for row in found for person in (row.citizen_id, row.other))
    await opened(call, [(person, person) for person in people])
    return json_response(Duplicates(duplicates=found, next=following))


async def show_identity_days(call: Call) -> web.Response:
    """Identifications by day."""
    query: IdentityQuery = call.query
    since, until = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, "identity_days", query.min_position)
    rows = await identity_days.days(
        call.runtime.store.models, since=since, until=until, purpose=query.purpose
    )
    return json_response(IdentityDays(days=[IdentityDay(**row) for row in rows]))


async def identify(call: Call) -> web.Response:
    """Search 1:N."""
    found = await face.identify_face(call.body, context(call), call.runtime.services)
    return json_response(IdentificationAnswer(**found))


def on_told(handler: Handler) -> RouteHandler:
    """The route handler of a command that leaves an event, or says why the person's state does not.

    What a refusal says is something learnt about them.
    """

    async def handle(call: Call) -> web.Response:
        citizen_id = whose(call)
        await opened(call, [])
        try:
            result = await handler(citizen_id, call.body, context(call), call.runtime.services)
        except (Refused, TooOften):
            await opened(call, [(citizen_id, citizen_id)])
            raise
        return done(result)

    return handle


def citizen_command(
    path: str,
    model: type[BaseModel],
    handler: Handler,
    summary: str,
    roles: tuple[Role, ...],
    answers: type[BaseModel] = CitizenAnswer,
    body_limit_bytes: int | None = None,
    opens: Opens | None = None,
) -> Route:
    """The route of a command on a citizen."""
    return Route(
        method="POST",
        path=f"/v1/citizens/{{citizen_id}}/{path}",
        summary=summary,
        tag="citizens",
        handler=on(whose, handler) if opens is None else on_told(handler),
        roles=roles,
        body=model,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", answers)},
        body_limit_bytes=body_limit_bytes,
        opens=opens,
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/citizens",
        summary="Register a person",
        tag="citizens",
        handler=register,
        roles=COUNTER,
        body=commands.RegisterCitizen,
        idempotent=True,
        answers={201: Answer("registered; Location is the citizen", CitizenAnswer)},
        opens=ALREADY,
    ),
    Route(
        method="POST",
        path="/v1/citizens/search",
        summary="Find a person by identity number",
        tag="citizens",
        handler=find,
        roles=COUNTER,
        body=FindCitizen,
        answers={200: Answer("the citizen", Found)},
        opens=Opens(what="search", purpose="counter-service"),
    ),
    Route(
        method="GET",
        path="/v1/citizens/{citizen_id}",
        tag="citizens",
        handler=show,
        roles=STATE_READERS,
        summary="Consent and enrolment of a citizen",
        answers={200: Answer("the state; ETag is its version", CitizenAnswer)},
        opens=Opens(what="state", purpose="counter-service"),
    ),
    Route(
        method="POST",
        path="/v1/citizens/{citizen_id}/documents",
        summary="Note another document of a person",
        tag="citizens",
        handler=add_document,
        roles=COUNTER,
        body=documents.AddDocument,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", CitizenAnswer)},
        opens=ALREADY,
    ),
    citizen_command(
        "face/consent",
        commands.GiveFaceConsent,
        commands.give_face_consent,
        "Agree to face recognition",
        OWN,
    ),
    citizen_command(
        "face/consent/withdrawal",
        commands.WithdrawFaceConsent,
        commands.withdraw_face_consent,
        "End the consent; templates are destroyed",
        OWN,
    ),
    Route(
        method="POST",
        path="/v1/citizens/{citizen_id}/face/challenges",
        tag="citizens",
        summary="A single-use challenge",
        handler=challenge,
        roles=AT_A_CAMERA,
        body=face.IssueChallenge,
        answers={201: Answer("the challenge", ChallengeAnswer)},
        opens=FACE_STATE,
    ),
    citizen_command(
        "face/enrolment",
        face.EnrolFace,
        face.enrol_face,
        "Enrol a face from an answered challenge",
        OWN,
        body_limit_bytes=PICTURES_BYTES,
    ),
    citizen_command(
        "face/enrolment/approval",
        serving.ApproveEnrolment,
        serving.approve_enrolment,
        "Let a clerk enrol a face: another clerk, or a supervisor",
        (Role.CLERK, Role.SUPERVISOR),
    ),
    citizen_command(
        "face/verification",
        face.VerifyFace,
        face.verify_face,
        "Compare a live face 1:1",
        AT_A_CAMERA,
        VerificationAnswer,
        PICTURES_BYTES,
        opens=FACE_STATE,
    ),
    citizen_command(
        "face/duplicates/resolution",
        commands.ResolveDuplicate,
        commands.resolve_duplicate,
        "Say what a look at both people showed",
        (Role.SUPERVISOR,),
    ),
    Route(
        method="GET",
        path="/v1/statistics/identity",
        tag="statistics",
        handler=show_identity_days,
        summary="How people were identified, by city day",
        roles=STATISTICS,
        query=IdentityQuery,
        answers={200: Answer("the days", IdentityDays)},
    ),
    Route(
        method="GET",
        path="/v1/faces/duplicates",
        tag="citizens",
        handler=duplicates,
        summary="Faces enrolled for two people",
        roles=DUPLICATES,
        query=PagedQuery,
        answers={200: Answer("a page, oldest first", Duplicates)},
        opens=Opens(what="suspected-duplicates", purpose="duplicate-check"),
    ),
    Route(
        method="POST",
        path="/v1/citizens/{citizen_id}/identity/codes",
        tag="citizens",
        summary="Send a one-time code to the registered phone",
        handler=send_code,
        roles=AT_A_CAMERA,
        body=identity.SendCode,
        idempotent=True,
        answers={201: Answer("sent", CodeAnswer)},
        opens=Opens(what="phone"),
    ),
    citizen_command(
        "identity/confirmation",
        identity.ConfirmIdentity,
        identity.confirm_identity,
        "A clerk confirms who somebody is, without a face",
        COUNTER,
        opens=IDENTITY_STATE,
    ),
    citizen_command(
        "face/revocation", face.RevokeFace, face.revoke_face, "Destroy all templates", OWN
    ),
    Route(
        method="POST",
        path="/v1/faces/identification",
        summary="Shortlist who a face may be",
        tag="citizens",
        handler=identify,
        roles=(Role.KIOSK, *COUNTER),
        body=face.IdentifyFace,
        body_limit_bytes=PICTURES_BYTES,
        answers={200: Answer("the candidates", IdentificationAnswer)},
    ),
)
