"""Certificates over HTTP: for their applicant signed and to print, for anybody whether one stands.

Whoever is shown a certificate checks its signature with the published keys and asks whether it
still stands; neither takes an account, and neither answer says whose it is.
"""

from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.applications.certificates import Standing
from citybrain.domain.applications.reading_rights import READERS
from citybrain.http.applications.application import APPLICANT, command_route
from citybrain.http.applications.certificate_page import HEADERS, certificate_page
from citybrain.http.applications.messages import LookQuery, readable_noted
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.applications import certificates as commands


class CertificateAnswer(BaseModel):
    """A certificate for its applicant."""

    certificate_id: str
    issued_at: datetime
    sha256: str = Field(description="of `signed`")
    signed: str = Field(description="compact JWS (EdDSA), typ certificate+jwt")


class CertificateStanding(BaseModel):
    """Whether a certificate stands; nobody's data."""

    certificate_id: str
    standing: Standing
    issued_at: datetime
    sha256: str = Field(description="of the signed certificate: what was shown is this one")


class CertificateKeys(BaseModel):
    """A JWK set (RFC 7517)."""

    keys: list[dict[str, Any]]


async def show(call: Call) -> web.Response:
    """The certificate of the decision that stands."""
    application = await readable_noted(call)
    certificate, signed = await commands.open_certificate(application, call.runtime.services)
    return json_response(
        CertificateAnswer(
            certificate_id=certificate["certificate_id"],
            issued_at=certificate["issued_at"],
            sha256=certificate["sha256"],
            signed=signed,
        )
    )


async def show_page(call: Call) -> web.Response:
    """The same, to print."""
    application = await readable_noted(call)
    certificate, signed = await commands.open_certificate(application, call.runtime.services)
    text = certificate_page(certificate, signed)
    return web.Response(text=text, content_type="text/html", headers=HEADERS)


async def standing(call: Call) -> web.Response:
    """Whether it stands."""
    certificate_id = call.request.match_info["certificate_id"]
    certificate, found = await commands.standing(certificate_id, call.runtime.services)
    return json_response(
        CertificateStanding(
            certificate_id=certificate_id,
            standing=found,
            issued_at=certificate["issued_at"],
            sha256=certificate["sha256"],
        )
    )


async def keys(call: Call) -> web.Response:
    """What to check signatures with."""
    certificates = call.runtime.services.certificates
    assert certificates is not None  # a serving process has them
    return json_response(CertificateKeys(keys=certificates.public_keys()))


ROUTES = (
    command_route(
        "certificate",
        commands.IssueCertificate,
        commands.issue_certificate,
        "Certify the result",
        APPLICANT,
    ),
    Route(
        method="GET",
        path="/v1/applications/{application_id}/certificate",
        tag="applications",
        summary="The certificate, signed",
        handler=show,
        roles=READERS,
        query=LookQuery,
        answers={200: Answer("the certificate", CertificateAnswer)},
        opens=Opens(what="certificate"),
    ),
    Route(
        method="GET",
        path="/v1/applications/{application_id}/certificate/page",
        tag="applications",
        summary="The certificate, to print",
        handler=show_page,
        roles=READERS,
        query=LookQuery,
        answers={200: Answer("a page in Chinese and English (text/html)")},
        opens=Opens(what="certificate"),
    ),
    Route(
        method="GET",
        path="/v1/certificates/keys",
        tag="certificates",
        summary="The public keys that certificates are checked with (a JWK set)",
        handler=keys,
        roles=None,
        answers={200: Answer("the keys", CertificateKeys)},
    ),
    Route(
        method="GET",
        path="/v1/certificates/{certificate_id}",
        tag="certificates",
        summary="Whether a certificate stands",
        handler=standing,
        roles=None,
        answers={200: Answer("valid or superseded", CertificateStanding)},
    ),
)
