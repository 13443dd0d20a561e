"""Who somebody is, proved by themselves: a code on their phone, and what they know.

What is known is only looked at once the code was right, and a code counts once: who does not have
the phone uses up nothing of the person's own tries.
"""

from datetime import datetime, timedelta

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens import record_events as events
from citybrain.domain.citizens.assurance import Method, level_of
from citybrain.domain.citizens.citizen import Citizen, Identification
from citybrain.domain.citizens.citizen_events import IdentityConfirmed
from citybrain.domain.citizens.records import check_identified
from citybrain.domain.citizens.refusals import PasscodeMissing, TooManyProofs

PROOFS_ALLOWED = 5
PROOFS_WINDOW = timedelta(hours=24)


def check_may_prove(citizen: Citizen, actor: Actor, now: datetime, method: str) -> None:
    """Raise where no proof is taken: of somebody else, of the dead, after too many that failed."""
    citizen.check_may_act(actor, Role.KIOSK)
    citizen.check_alive()
    if method == Method.PHONE_AND_PASSCODE and citizen.passcode_sealed is None:
        raise PasscodeMissing("no passcode has been chosen")
    failed = [at for at in citizen.proofs_failed_at if now - at < PROOFS_WINDOW]
    if len(failed) >= PROOFS_ALLOWED:
        left = failed[-PROOFS_ALLOWED] + PROOFS_WINDOW - now
        raise TooManyProofs(
            "too many proofs failed; use a face or a counter, or wait",
            retry_after_seconds=int(left.total_seconds()) + 1,
        )


def prove(
    citizen: Citizen, actor: Actor, now: datetime, *, method: str, purpose: str, code_id: str
) -> None:
    """Record that the code was right, and what was known."""
    check_may_prove(citizen, actor, now, method)
    citizen.note(
        IdentityConfirmed,
        now,
        method=method,
        purpose=purpose,
        document="",
        code_id=code_id,
        level=level_of(method).value,
        started_by=actor.subject,
    )


def fail_proof(citizen: Citizen, now: datetime, *, method: str, purpose: str, code_id: str) -> None:
    """Record that the code was right, and what should have been known was not."""
    citizen.note(events.ProofFailed, now, method=method, purpose=purpose, code_id=code_id)


def check_may_choose(citizen: Citizen, actor: Actor, known: Identification | None) -> None:
    """Raise where no passcode is chosen: for somebody else, or without an identification."""
    citizen.check_may_act(actor)
    check_identified("passcode", known)
    citizen.check_alive()


def set_passcode(
    citizen: Citizen,
    actor: Actor,
    now: datetime,
    *,
    passcode_sealed: str,
    known: Identification | None,
) -> None:
    """Keep the passcode that the person chose."""
    check_may_choose(citizen, actor, known)
    citizen.note(events.PasscodeSet, now, passcode_sealed=passcode_sealed)
