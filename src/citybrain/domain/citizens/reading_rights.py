"""Who may read what of a citizen: pure functions of who asks and who it is about.

Whoever may not read it is not told whether somebody is registered.
"""

from citybrain.domain.actor import Actor, Role

COUNTER = (Role.CLERK,)
"""Who finds people, and sees what is known of them without opening a seal."""

DUPLICATES = (Role.SUPERVISOR, Role.AUDITOR)
"""Who sees who looks like whom: never who enrols faces."""

STATISTICS = (Role.SUPERVISOR, Role.AUDITOR)
"""Who sees how people were identified by day."""

STATE_READERS = (Role.CITIZEN, *COUNTER)
ACCESS_READERS = (Role.CITIZEN, Role.AUDITOR)
RECORD_STAFF = (*COUNTER, Role.SUPERVISOR)
RECORD_READERS = (Role.CITIZEN, *RECORD_STAFF)


def may_read_state(actor: Actor, citizen_id: str) -> bool:
    """Consent and enrolment: one's own, and at a counter anybody's."""
    return actor.has(*COUNTER) or _is_own(actor, citizen_id)


def may_read_accesses(actor: Actor, citizen_id: str) -> bool:
    """Who used a citizen's data: one's own, and an auditor anybody's."""
    return actor.has(Role.AUDITOR) or _is_own(actor, citizen_id)


def may_ask_for_record(actor: Actor, citizen_id: str) -> bool:
    """What is kept: one's own. Of who works for the city, the stream says who may (`records`)."""
    return actor.has(*RECORD_STAFF) or _is_own(actor, citizen_id)


def may_identify(actor: Actor, citizen_id: str, *others: Role) -> bool:
    """Codes and challenges, by which somebody is identified: one's own, at a counter anybody's."""
    return actor.has(*COUNTER, *others) or _is_own(actor, citizen_id)


def _is_own(actor: Actor, citizen_id: str) -> bool:
    return actor.has(Role.CITIZEN) and actor.subject == citizen_id
