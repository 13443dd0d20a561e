"""Who may read what of a citizen: a table of roles and who it is about."""

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens import reading_rights

ME, SOMEBODY = "citizen-" + "1" * 32, "citizen-" + "2" * 32

# role: about oneself, about somebody else; all others read nothing
STATE = {Role.CITIZEN: (True, False), Role.CLERK: (True, True)}
ACCESSES = {Role.CITIZEN: (True, False), Role.AUDITOR: (True, True)}
NOTHING = (False, False)


@pytest.mark.parametrize("role", list(Role))
def test_who_reads_consent_and_enrolment(role: Role) -> None:
    me = Actor(ME, frozenset({role}), "police", "counter-1")
    found = tuple(reading_rights.may_read_state(me, about) for about in (ME, SOMEBODY))
    assert found == STATE.get(role, NOTHING)
    assert (role in reading_rights.STATE_READERS) == any(found)


@pytest.mark.parametrize("role", list(Role))
def test_who_reads_who_used_the_data(role: Role) -> None:
    me = Actor(ME, frozenset({role}), "police", "counter-1")
    found = tuple(reading_rights.may_read_accesses(me, about) for about in (ME, SOMEBODY))
    assert found == ACCESSES.get(role, NOTHING)
    assert (role in reading_rights.ACCESS_READERS) == any(found)


def test_who_reads_about_everybody() -> None:
    """Who looks like whom, and how people were identified by day."""
    assert set(reading_rights.DUPLICATES) == {Role.SUPERVISOR, Role.AUDITOR}
    assert set(reading_rights.STATISTICS) == {Role.SUPERVISOR, Role.AUDITOR}


def test_a_clerk_without_a_counter_reads_nothing() -> None:
    lost = Actor("clerk-1", frozenset({Role.CLERK}))
    assert not reading_rights.may_read_state(lost, SOMEBODY)
