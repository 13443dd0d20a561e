"""Certificates: what an application ended with, for whoever the applicant shows it to.

A certificate is of one decision. When another follows, it is superseded, and a new one is issued.
"""

import re
from datetime import datetime
from typing import Final, Literal

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.certificate_events import (
    ApplicationCertificateIssued,
    Certificate,
)
from citybrain.domain.applications.refusals import NoResult, NoSuchCertificate
from citybrain.domain.applications.statuses import ended_well

Standing = Literal["valid", "superseded"]

ID: Final = re.compile(r"certificate-([0-9a-f]{32})-[1-9][0-9]{0,3}")


def application_of(certificate_id: str) -> str:
    """The application that a certificate is of; raises `NoSuchCertificate`."""
    found = ID.fullmatch(certificate_id)
    if found is None:
        raise NoSuchCertificate("there is no such certificate")
    return f"{Application.category}-{found[1]}"


def next_id(application: Application) -> str:
    """The id of the next certificate; it follows from the application."""
    whose = application.id.removeprefix(f"{Application.category}-")
    return f"certificate-{whose}-{len(application.certificates) + 1}"


def current(application: Application) -> Certificate | None:
    """The certificate of the decision that stands; None where none was issued."""
    if not application.certificates:
        return None
    last = application.certificates[-1]
    return last if last["decided_at"] == application.decided_at else None


def standing_of(application: Application, certificate_id: str) -> tuple[Certificate, Standing]:
    """A certificate, and whether its decision stands; raises `NoSuchCertificate`."""
    for certificate in application.certificates:
        if certificate["certificate_id"] == certificate_id:
            return certificate, "valid" if certificate == current(application) else "superseded"
    raise NoSuchCertificate("there is no such certificate")


def check_result(application: Application, actor: Actor) -> None:
    """Raise unless this is the applicant, and there is something to certify."""
    application.check_applicant(actor)
    if not ended_well(application.status, pays=application.pays):
        raise NoResult("what is certified is an approval, or a payment that was made")


def issue(
    application: Application,
    actor: Actor,
    now: datetime,
    *,
    certificate_id: str,
    sha256: str,
    key_id: str,
    signed_sealed: str,
) -> None:
    """Issue it; where there is one of this decision it stays that one."""
    check_result(application, actor)
    if current(application) is None:
        application.note(
            ApplicationCertificateIssued,
            now,
            certificate_id=certificate_id,
            sha256=sha256,
            key_id=key_id,
            signed_sealed=signed_sealed,
        )
