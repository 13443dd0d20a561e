"""Who may read what of a citizen: a table of roles and who it is about."""

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens import reading_rights

ME, SOMEBODY = "citizen-" + "1" * 32, "citizen-" + "2" * 32

# role: about oneself, about somebody else
STATE = {
    Role.CITIZEN: (True, False),
    Role.DEVICE: (False, False),
    Role.OFFICIAL: (True, True),
    Role.OPERATOR: (True, True),
    Role.AUDITOR: (False, False),
    Role.SUPERVISOR: (False, False),
    Role.SYSTEM: (False, False),
}
ACCESSES = STATE | {Role.AUDITOR: (True, True)}


@pytest.mark.parametrize("role", list(Role))
def test_who_reads_consent_and_enrolment(role: Role) -> None:
    me = Actor(ME, frozenset({role}))
    found = tuple(reading_rights.may_read_state(me, about) for about in (ME, SOMEBODY))
    assert found == STATE[role]
    assert (role in reading_rights.STATE_READERS) == any(STATE[role])


@pytest.mark.parametrize("role", list(Role))
def test_who_reads_who_used_the_data(role: Role) -> None:
    me = Actor(ME, frozenset({role}))
    found = tuple(reading_rights.may_read_accesses(me, about) for about in (ME, SOMEBODY))
    assert found == ACCESSES[role]
    assert (role in reading_rights.ACCESS_READERS) == any(ACCESSES[role])


@pytest.mark.parametrize("role", list(Role))
def test_who_reads_about_everybody(role: Role) -> None:
    """Who looks like whom, and how people were identified by day."""
    assert (role in reading_rights.COUNTER) == all(STATE[role])
    assert (role in reading_rights.OFFICE) == all(ACCESSES[role])
