"""Consents of other systems: given by the person alone, each for one thing, and ended at any time.

Face recognition has its own ways, because templates depend on it (`citizen`).
"""

from datetime import datetime

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens.citizen import Citizen
from citybrain.domain.citizens.citizen_events import ConsentGiven, ConsentWithdrawn
from citybrain.domain.citizens.refusals import ConsentsFull, NoSuchConsent, NotYourOwn

BY_PERSON = "withdrawn"
"""Why a consent ended: the person said so. Whoever else ends one names another reason."""


def consent_about(citizen: Citizen, agreement: str, about: str) -> str | None:
    """The id of the consent that stands for this thing."""
    wanted = [agreement, about]
    return next((each for each, found in citizen.consents.items() if found == wanted), None)


def stands(citizen: Citizen, consent_id: str) -> bool:
    """Whether a consent stands."""
    return consent_id in citizen.consents


def give_consent(
    citizen: Citizen,
    actor: Actor,
    now: datetime,
    *,
    consent_id: str,
    agreement: str,
    notice_sha256: str,
    about: str,
    most: int,
) -> None:
    """Agree for one thing; nobody else agrees for them. Given before for it, it stands."""
    if not (actor.has(Role.CITIZEN) and actor.subject == citizen.id):
        raise NotYourOwn("citizens agree for themselves only")
    citizen.check_alive()
    if consent_about(citizen, agreement, about) is not None:
        return
    if sum(found[0] == agreement for found in citizen.consents.values()) >= most:
        raise ConsentsFull("as many of these consents stand as there may be", most=most)
    citizen.note(
        ConsentGiven,
        now,
        consent_id=consent_id,
        agreement=agreement,
        notice_sha256=notice_sha256,
        about=about,
    )


def withdraw_consent(
    citizen: Citizen, actor: Actor, now: datetime, *, consent_id: str, reason: str = BY_PERSON
) -> None:
    """End a consent: its person, or the system where what it was for is over."""
    own = actor.has(Role.CITIZEN) and actor.subject == citizen.id
    if not own and not actor.has(Role.SYSTEM):
        raise NotYourOwn("citizens act for themselves only")
    if consent_id == citizen.consent_id:
        citizen.withdraw_face_consent(actor, now)
        return
    if consent_id not in citizen.consents:
        raise NoSuchConsent("there is no such consent, or it has ended")
    agreement, about = citizen.consents[consent_id]
    citizen.note(
        ConsentWithdrawn,
        now,
        consent_id=consent_id,
        agreement=agreement,
        about=about,
        reason=reason,
    )
