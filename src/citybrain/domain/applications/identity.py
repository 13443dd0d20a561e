"""Who applies: known for this service, in the last minutes, as surely as the item wants."""

from datetime import datetime, timedelta

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import ApplicationIdentityVerified
from citybrain.domain.applications.refusals import (
    IdentityCorrectedMeanwhile,
    IdentityTooWeak,
    OutOfStep,
)
from citybrain.domain.applications.statuses import Status
from citybrain.domain.citizens import Assurance, Identification

IDENTITY_LASTS = timedelta(minutes=10)  # an identification counts so long for its purpose


def note_identity(
    application: Application, now: datetime, *, known: Identification, needed: str
) -> None:
    """The applicant was identified; raises `IdentityTooWeak` where the item wants more."""
    if application.status != Status.SUBMITTED:
        raise OutOfStep(f"the application is {application.status}, not {Status.SUBMITTED}")
    if not Assurance(known.level).meets(needed):
        raise IdentityTooWeak("this service wants a surer identification", level=needed)
    application.note(
        ApplicationIdentityVerified,
        now,
        method=known.method,
        citizen_version=known.citizen_version,
        identified_at=known.identified_at,
        level=known.level,
    )


def is_corrected_since(application: Application, corrected_at: datetime | None) -> bool:
    """Whether who applies was corrected after the records at hand were asked for."""
    asked_at = application.requested_at
    return corrected_at is not None and asked_at is not None and corrected_at >= asked_at


def check_not_corrected(application: Application, corrected_at: datetime | None) -> None:
    """Raise `IdentityCorrectedMeanwhile` where the records at hand may be somebody else's."""
    if is_corrected_since(application, corrected_at):
        raise IdentityCorrectedMeanwhile("ask the departments again: the identity was corrected")
