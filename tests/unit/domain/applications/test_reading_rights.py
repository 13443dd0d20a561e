"""Who may read what of an application: a table of roles and whose it is."""

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications import reading_rights
from citybrain.domain.applications.refusals import NotYourApplication

ME, SOMEBODY = "citizen-" + "1" * 32, "citizen-" + "2" * 32
KIOSK, OTHER_KIOSK = "kiosk-1", "kiosk-2"
FUND, POLICE = "housing-fund", "police"

# Whose it is: mine and with me, mine at a kiosk, somebody else's and with me, a stranger's, absent.
OWNERS = {
    "own": (ME, ME),
    "own elsewhere": (ME, KIOSK),
    "held": (SOMEBODY, ME),
    "strange": (SOMEBODY, OTHER_KIOSK),
    "absent": (None, None),
}
ALL = set(OWNERS)
MAY_READ = {
    Role.CITIZEN: {"own", "own elsewhere"},
    Role.DEVICE: {"own", "held"},
    Role.OFFICIAL: ALL,
    Role.OPERATOR: ALL,
    Role.AUDITOR: ALL,
    Role.SUPERVISOR: set(),
    Role.SYSTEM: set(),
}
MAY_READ_EXPLANATION = MAY_READ | {Role.DEVICE: set()}


def actor(role: Role, subject: str = ME, department: str | None = None) -> Actor:
    return Actor(subject, frozenset({role}), department)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("owner", OWNERS)
def test_who_reads_an_application(role: Role, owner: str) -> None:
    citizen_id, held_by = OWNERS[owner]
    found = reading_rights.may_read(actor(role), citizen_id, held_by)
    assert found == (owner in MAY_READ[role])


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("owner", OWNERS)
def test_who_reads_why_it_was_decided_so(role: Role, owner: str) -> None:
    citizen_id, _ = OWNERS[owner]
    found = reading_rights.may_read_explanation(actor(role), citizen_id)
    assert found == (owner in MAY_READ_EXPLANATION[role])


@pytest.mark.parametrize("role", list(Role))
def test_a_role_that_may_read_nothing_is_no_reader(role: Role) -> None:
    assert (role in reading_rights.READERS) == bool(MAY_READ[role])
    assert (role in reading_rights.APPLICANTS_AND_OFFICE) == bool(MAY_READ_EXPLANATION[role])
    assert (role in reading_rights.OFFICE) == (MAY_READ[role] == ALL)


@pytest.mark.parametrize(
    ("subject", "whose", "opened"),
    [(ME, ME, True), (ME, SOMEBODY, False), ("official-1", ME, False)],
)
def test_personal_values_are_for_the_applicant_alone(
    subject: str, whose: str, opened: bool
) -> None:
    role = Role.CITIZEN if subject == ME else Role.OFFICIAL
    assert reading_rights.sees_personal_values(actor(role, subject), whose) is opened


@pytest.mark.parametrize(
    ("role", "asked", "listed"),
    [
        (Role.CITIZEN, None, ME),
        (Role.CITIZEN, ME, ME),
        (Role.CITIZEN, SOMEBODY, NotYourApplication),
        *((role, asked, asked) for role in reading_rights.OFFICE for asked in (None, SOMEBODY)),
    ],
)
def test_whose_applications_a_list_shows(
    role: Role, asked: str | None, listed: str | type[Exception] | None
) -> None:
    if isinstance(listed, type):
        with pytest.raises(listed):
            reading_rights.applicant_listed(actor(role), asked)
    else:
        assert reading_rights.applicant_listed(actor(role), asked) == listed


@pytest.mark.parametrize(
    ("role", "department", "asked", "queued"),
    [
        (Role.OFFICIAL, FUND, None, FUND),
        (Role.OFFICIAL, FUND, FUND, FUND),
        (Role.OFFICIAL, FUND, POLICE, NotYourApplication),
        (Role.OFFICIAL, None, None, ""),
        (Role.OFFICIAL, None, FUND, NotYourApplication),
        (Role.OPERATOR, None, None, None),
        (Role.OPERATOR, None, FUND, FUND),
        (Role.AUDITOR, None, None, None),
        (Role.AUDITOR, None, POLICE, POLICE),
    ],
)
def test_whose_queue_is_shown(
    role: Role, department: str | None, asked: str | None, queued: str | type[Exception] | None
) -> None:
    officer = actor(role, "official-1", department)
    if isinstance(queued, type):
        with pytest.raises(queued):
            reading_rights.department_queued(officer, asked)
    else:
        assert reading_rights.department_queued(officer, asked) == queued
