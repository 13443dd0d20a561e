"""What is kept about a person, corrected: some by themselves, what money depends on by two people.

A name and a phone change at once, after an identification that is sure enough. A day of birth, the
document that somebody is registered by and a death are proposed by a clerk and settled by somebody
else. Nothing is overwritten: each correction is an event.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens import record_events as events
from citybrain.domain.citizens.assurance import NEEDED_FOR, RECORD_PURPOSE, Assurance
from citybrain.domain.citizens.citizen import (
    Citizen,
    Identification,
    check_counter,
    check_counter_of,
)
from citybrain.domain.citizens.refusals import (
    CorrectionPending,
    IdentificationNeeded,
    NoSuchCorrection,
    NothingToCorrect,
    NotYourOwn,
    SettledByProposer,
)

Fields = dict[str, str | bool]

MAY_SETTLE = (Role.SUPERVISOR,)
"""Who settles corrections beside another clerk."""


def check_may_open(citizen: Citizen, actor: Actor, known: Identification | None) -> None:
    """Who sees a record: its person; who settles a correction; a clerk whom the person is with."""
    if actor.has(Role.CITIZEN) and actor.subject == citizen.id:
        return
    others = [one for one in citizen.corrections.values() if one["proposed_by"] != actor.subject]
    if others and actor.has(*MAY_SETTLE):
        return
    check_counter(actor)
    if not others and known is None:
        raise IdentificationNeeded(
            "a clerk sees the record of somebody whom they identified just now",
            level=Assurance.LOW.value,
            purpose=RECORD_PURPOSE,
        )


def check_identified(change: str, known: Identification | None) -> None:
    """Raise `IdentificationNeeded` unless somebody was identified as surely as a change needs."""
    needed = NEEDED_FOR[change]
    if known is None or not Assurance(known.level).meets(needed):
        raise IdentificationNeeded(
            f"this needs an identification for {RECORD_PURPOSE!r} in the last minutes",
            level=needed.value,
            purpose=RECORD_PURPOSE,
        )


def change_name(
    citizen: Citizen, actor: Actor, now: datetime, *, name_sealed: str, known: Identification | None
) -> None:
    """Write another name."""
    citizen.check_may_act(actor)
    check_identified("name", known)
    citizen.check_alive()
    citizen.note(events.NameChanged, now, name_sealed=name_sealed)


def change_phone(
    citizen: Citizen,
    actor: Actor,
    now: datetime,
    *,
    phone_sealed: str | None,
    known: Identification | None,
) -> None:
    """Send codes and messages elsewhere, or nowhere."""
    citizen.check_may_act(actor)
    check_identified("phone", known)
    citizen.check_alive()
    if phone_sealed is None and citizen.phone_sealed is None:
        return
    citizen.note(
        events.PhoneChanged, now, phone_sealed=phone_sealed, previous_sealed=citizen.phone_sealed
    )


def check_may_propose(
    citizen: Citizen, actor: Actor, what: str, known: Identification | None
) -> None:
    """Raise for who is no clerk, for oneself, and of identity where the person is not there."""
    check_counter_of(citizen.id, actor)
    if what == events.IDENTITY:
        check_identified("identity", known)


def propose(
    citizen: Citizen,
    actor: Actor,
    now: datetime,
    *,
    correction_id: str,
    what: str,
    fields: Fields,
    grounds_sealed: str,
    known: Identification | None,
) -> None:
    """A clerk asks for a correction that takes two; for one of identity the person is there."""
    check_may_propose(citizen, actor, what, known)
    if what == events.NO_DEATH:
        if citizen.died_on_sealed is None:
            raise NothingToCorrect("no death has been noted")
    else:
        citizen.check_alive()
    if any(pending["what"] == what for pending in citizen.corrections.values()):
        raise CorrectionPending("this correction has been asked for")
    citizen.note(
        events.CorrectionProposed,
        now,
        correction_id=correction_id,
        what=what,
        fields=fields,
        grounds_sealed=grounds_sealed,
        proposed_by=actor.subject,
    )


def check_may_settle(citizen: Citizen, actor: Actor, correction_id: str) -> Mapping[str, Any]:
    """The correction that somebody may settle who did not propose it."""
    if not actor.has(*MAY_SETTLE):
        check_counter(actor)
    pending: Mapping[str, Any] | None = citizen.corrections.get(correction_id)
    if pending is None:
        raise NoSuchCorrection("this correction was not asked for, or has been settled")
    if actor.subject == pending["proposed_by"]:
        raise SettledByProposer("whoever proposed it leaves it to somebody else")
    if actor.subject == citizen.id:
        raise NotYourOwn("nobody settles a correction of their own record")
    return pending


def settle(
    citizen: Citizen, actor: Actor, now: datetime, *, correction_id: str, outcome: str
) -> None:
    """Confirm a correction, which then counts, or reject it."""
    pending = check_may_settle(citizen, actor, correction_id)
    what, fields = pending["what"], pending["fields"]
    citizen.note(
        events.CorrectionSettled,
        now,
        correction_id=correction_id,
        what=what,
        outcome=outcome,
        settled_by=actor.subject,
    )
    if outcome == events.CONFIRMED:
        TAKE_EFFECT[what](citizen, now, fields)


def _correct_identity(citizen: Citizen, now: datetime, fields: Fields) -> None:
    citizen.note(events.IdentityCorrected, now, **({"key_sealed": None} | fields))


def _note_death(citizen: Citizen, now: datetime, fields: Fields) -> None:
    citizen.end_face(now, "deceased")
    citizen.note(events.DeathNoted, now, **fields)


def _retract_death(citizen: Citizen, now: datetime, fields: Fields) -> None:
    citizen.note(events.DeathRetracted, now, **fields)


TAKE_EFFECT: dict[str, Callable[[Citizen, datetime, Fields], None]] = {
    events.IDENTITY: _correct_identity,
    events.DEATH: _note_death,
    events.NO_DEATH: _retract_death,
}
