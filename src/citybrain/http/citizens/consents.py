"""Agreements and consents over HTTP: the texts for everybody, one's own consents, and receipts.

Whoever is shown a receipt checks its signature with the keys of certificates, the text by its
digest, and asks whether the consent stands; none of it takes an account or says whose it is.
"""

from contextlib import suppress
from datetime import date, datetime

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.audit.citizens.consent_receipt import receipt_of
from citybrain.city_day import city_day
from citybrain.definitions.citizens.agreements import Agreement, Agreements, NoSuchAgreement
from citybrain.domain.actor import Role
from citybrain.domain.citizens.reading_rights import ACCESS_READERS, may_read_accesses
from citybrain.domain.citizens.refusals import NoSuchConsent, NotYourOwn
from citybrain.http.accessing import opened
from citybrain.http.citizens.citizen import citizen_id_of
from citybrain.http.commanding import on
from citybrain.http.paging import ReadModelQuery, wait_for_position
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.citizens.consents import WithdrawConsent, withdraw_consent
from projections.citizens import consents
from projections.citizens.consents import ConsentRow
from projections.reading import Row

MODEL = "consents"
RECEIPT = "consent-receipt+jwt"
READS = Opens(what="consents", purpose="consents")


class AgreementText(BaseModel):
    """A version of an agreement, with its text."""

    code: str
    sha256: str = Field(description="of text, a line feed, and text_en, in UTF-8")
    valid_from: date
    name: str
    name_en: str
    lawful_basis: str
    text: str
    text_en: str


class AgreementsInForce(BaseModel):
    """What people are asked to agree to today."""

    agreements: list[AgreementText]


class OwnConsents(BaseModel):
    """A citizen's consents, newest first."""

    consents: list[ConsentRow]


class ConsentStanding(BaseModel):
    """Whether a consent stands; nobody's data."""

    consent_id: str
    agreement: str
    sha256: str
    opt_in: bool
    given_at: datetime
    ended_at: datetime | None


class ConsentEnded(BaseModel):
    """A consent that stands no more."""

    citizen_id: str
    version: int
    consent_id: str


class SignedReceipt(BaseModel):
    """A receipt, to show to others."""

    consent_id: str
    signed: str = Field(description="compact JWS (EdDSA), typ consent-receipt+jwt")


async def agreements(call: Call) -> web.Response:
    """The agreements in force."""
    found = _agreements(call).on(city_day(call.runtime.services.clock()))
    return json_response(AgreementsInForce(agreements=[_text(each) for each in found]))


async def agreement(call: Call) -> web.Response:
    """One version, in force or not."""
    given = call.request.match_info
    return json_response(_text(_agreements(call).version(given["code"], given["sha256"])))


async def own(call: Call) -> web.Response:
    """A citizen's consents."""
    query: ReadModelQuery = call.query
    citizen_id = _readable(call)
    await wait_for_position(call.runtime, MODEL, query.min_position)
    await opened(call, [(citizen_id, citizen_id)])
    rows = await consents.of_citizen(call.runtime.store.models, citizen_id)
    return json_response(OwnConsents(consents=[ConsentRow.model_validate(row) for row in rows]))


async def receipt(call: Call) -> web.Response:
    """A receipt of a consent, signed."""
    citizen_id, consent = _readable(call), await _consent(call)
    if consent["citizen_id"] != citizen_id:
        raise NoSuchConsent("there is no such consent")
    await opened(call, [(citizen_id, citizen_id)])
    text: Agreement | None = None
    with suppress(NoSuchAgreement):
        text = _agreements(call).version(consent["agreement"], consent["sha256"])
    certificates = call.runtime.services.certificates
    assert certificates is not None  # a serving process has them
    signed = certificates.sign(receipt_of(consent, text), RECEIPT)
    return json_response(SignedReceipt(consent_id=consent["consent_id"], signed=signed))


async def standing(call: Call) -> web.Response:
    """Whether a consent stands."""
    consent = await _consent(call)
    shown = {name: consent[name] for name in ("consent_id", "agreement", "sha256", "given_at")}
    ended_at = consent["ended_at"]
    return json_response(ConsentStanding(**shown, opt_in=ended_at is None, ended_at=ended_at))


async def _consent(call: Call) -> Row:
    query: ReadModelQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    found = await consents.one(call.runtime.store.models, call.request.match_info["consent_id"])
    if found is None:
        raise NoSuchConsent("there is no such consent")
    return found


def _readable(call: Call) -> str:
    citizen_id = citizen_id_of(call)
    if not may_read_accesses(call.authenticated, citizen_id):
        raise NotYourOwn("citizens act for themselves only")
    return citizen_id


def _agreements(call: Call) -> Agreements:
    return call.runtime.services.definitions.of(Agreements)


def _text(found: Agreement) -> AgreementText:
    return AgreementText(sha256=found.sha256, **found.model_dump(exclude={"source"}))


ROUTES = (
    Route(
        method="GET",
        path="/v1/agreements",
        tag="consents",
        summary="What people are asked to agree to, with its text",
        handler=agreements,
        roles=None,
        answers={200: Answer("the agreements in force", AgreementsInForce)},
    ),
    Route(
        method="GET",
        path="/v1/agreements/{code}/{sha256}",
        tag="consents",
        summary="A version of an agreement by the digest of its text, in force or not",
        handler=agreement,
        roles=None,
        answers={200: Answer("the version", AgreementText)},
    ),
    Route(
        method="GET",
        path="/v1/citizens/{citizen_id}/consents",
        tag="consents",
        summary="What a citizen has agreed to",
        handler=own,
        roles=ACCESS_READERS,
        query=ReadModelQuery,
        answers={200: Answer("the consents, newest first", OwnConsents)},
        opens=READS,
    ),
    Route(
        method="GET",
        path="/v1/citizens/{citizen_id}/consents/{consent_id}/receipt",
        tag="consents",
        summary="A receipt of a consent, signed, to show to others",
        handler=receipt,
        roles=ACCESS_READERS,
        query=ReadModelQuery,
        answers={200: Answer("the receipt", SignedReceipt)},
        opens=READS,
    ),
    Route(
        method="POST",
        path="/v1/citizens/{citizen_id}/consents/withdrawal",
        tag="consents",
        summary="End a consent; what it allowed ends at once",
        handler=on(citizen_id_of, withdraw_consent),
        roles=(Role.CITIZEN,),
        body=WithdrawConsent,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", ConsentEnded)},
    ),
    Route(
        method="GET",
        path="/v1/consents/{consent_id}",
        tag="consents",
        summary="Whether a consent stands",
        handler=standing,
        roles=None,
        query=ReadModelQuery,
        answers={200: Answer("whether it stands", ConsentStanding)},
    ),
)
