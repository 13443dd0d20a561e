"""Certificates: signed when the applicant wants one, sealed with their key.

What is signed names the applicant, so it is theirs to show; what anybody may ask is only whether
a certificate stands.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any

from citybrain.city_day import city_day
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.certificate_events import Certificate
from citybrain.domain.applications.certificates import (
    Standing,
    application_of,
    check_result,
    current,
    issue,
    next_id,
    standing_of,
)
from citybrain.domain.applications.refusals import NoSuchCertificate
from citybrain.domain.citizens import Citizen
from citybrain.eventstore import StreamNotFound
from citybrain.vault import InStream
from commands.applications.application import change_application, check_applicant_served, item_of
from commands.applications.unsealed import CERTIFICATE
from commands.handling import Command, CommandContext, CommandResult
from commands.services import Services

SHOWN_OF_NUMBER = 4


class IssueCertificate(Command):
    """Certify what an application ended with."""


async def issue_certificate(
    application_id: str, command: IssueCertificate, context: CommandContext, services: Services
) -> CommandResult:
    """Sign it, once a decision."""
    application = await services.store.load(Application, application_id)
    check_result(application, context.actor)
    await check_applicant_served(application, context, services)
    certificate_id = next_id(application)
    signed, key_id = "", ""
    if current(application) is None:
        assert services.certificates is not None  # a serving process has them
        claims = await _claims(application, certificate_id, services.clock(), services)
        signed, key_id = services.certificates.sign(claims), services.certificates.key_id
    sealed = await services.vault.seal_text(
        application.citizen_id, InStream(CERTIFICATE, application_id), signed
    )
    return await change_application(
        application_id,
        command,
        context,
        services,
        lambda application, now: issue(
            application,
            context.actor,
            now,
            certificate_id=certificate_id,
            sha256=sha256(signed.encode()).hexdigest(),
            key_id=key_id,
            signed_sealed=sealed,
        ),
    )


async def _claims(
    application: Application, certificate_id: str, now: datetime, services: Services
) -> dict[str, Any]:
    """What is certified: what was decided for whom, by which rules."""
    item = item_of(application, services)
    citizen = await services.store.load(Citizen, application.citizen_id, fresh=False)
    name, number = await services.vault.open_texts(
        citizen.id, [("name", citizen.name_sealed), ("id_number", citizen.id_number_sealed)]
    )
    decided_at = application.decided_at
    return {
        "iss": "citybrain",
        "jti": certificate_id,
        "iat": int(now.timestamp()),
        "holder": {"name": name, "id_number": masked(number)},
        "service": {"code": item.code, "name": item.name, "name_en": item.name_en},
        "department": application.department,
        "item_version": application.item_version,
        "outcome": application.status,
        "amount_fen": application.amount_fen,
        "decided_on": None if decided_at is None else str(city_day(decided_at)),
        "simulated": application.simulated,
    }


def masked(number: str) -> str:
    """A number of which the last characters are shown."""
    hidden = max(len(number) - SHOWN_OF_NUMBER, 0)
    return "*" * hidden + number[hidden:]


async def open_certificate(application: Application, services: Services) -> tuple[Certificate, str]:
    """The certificate of the decision that stands, and what was signed."""
    certificate = current(application)
    if certificate is None:
        raise NoSuchCertificate("none has been issued of this decision")
    signed = await services.vault.open_text(
        application.citizen_id, InStream(CERTIFICATE, application.id), certificate["signed_sealed"]
    )
    return certificate, signed


async def standing(certificate_id: str, services: Services) -> tuple[Certificate, Standing]:
    """Whether a certificate stands; raises `NoSuchCertificate`."""
    try:
        application = await services.store.load(Application, application_of(certificate_id))
    except StreamNotFound:
        raise NoSuchCertificate("there is no such certificate") from None
    return standing_of(application, certificate_id)
