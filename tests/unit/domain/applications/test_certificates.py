"""Certificates: of what ended well, one a decision, superseded by the next."""

from datetime import timedelta

import pytest

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.certificates import (
    application_of,
    current,
    issue,
    next_id,
    standing_of,
)
from citybrain.domain.applications.refusals import NoResult, NoSuchCertificate, NotYourApplication
from citybrain.domain.applications.statuses import Status
from tests.given.applications import ANNA, BORIS, FUND, KIOSK, NOW, at
from tests.given.streams import topics


def certify(application: Application, actor: Actor = ANNA) -> str:
    certificate_id = next_id(application)
    issue(
        application,
        actor,
        NOW,
        certificate_id=certificate_id,
        sha256="ab" * 32,
        key_id="key-1",
        signed_sealed="sealed",
    )
    return certificate_id


@pytest.mark.parametrize(
    ("status", "pays"), [*((status, True) for status in Status), (Status.APPROVED, False)]
)
def test_what_ended_well_is_certified_and_nothing_else(status: Status, pays: bool) -> None:
    application = at(status, pays=pays)
    if status == Status.PAID or (status == Status.APPROVED and not pays):
        certify(application)
        assert topics(application) == ["application.certificate_issued"]
    else:
        with pytest.raises(NoResult):
            certify(application)


@pytest.mark.parametrize("actor", [BORIS, FUND, KIOSK])
def test_only_the_applicant_has_it_certified(actor: Actor) -> None:
    with pytest.raises(NotYourApplication):
        certify(at(Status.PAID), actor)


def test_there_is_one_certificate_a_decision() -> None:
    application = at(Status.PAID)
    first = certify(application)
    certify(application)
    (certificate,) = application.certificates
    assert current(application) == certificate
    assert standing_of(application, first) == (certificate, "valid")
    assert application_of(first) == application.id


def test_another_decision_supersedes_it() -> None:
    application = at(Status.PAID)
    first = certify(application)
    application.decided_at = NOW + timedelta(days=1)
    assert current(application) is None
    assert standing_of(application, first)[1] == "superseded"
    second = certify(application)
    assert second != first
    assert standing_of(application, first)[1] == "superseded"
    assert standing_of(application, second)[1] == "valid"


@pytest.mark.parametrize(
    "certificate_id",
    ["", "certificate-1", f"certificate-{'a' * 32}-0", f"certificate-{'a' * 32}-1 ", "x" * 99],
)
def test_what_cannot_be_a_certificate_is_none(certificate_id: str) -> None:
    with pytest.raises(NoSuchCertificate):
        application_of(certificate_id)


def test_a_certificate_that_was_not_issued_is_none() -> None:
    application = at(Status.PAID)
    with pytest.raises(NoSuchCertificate):
        standing_of(application, next_id(application))
