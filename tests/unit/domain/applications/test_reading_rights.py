"""Who may read what of an application: a table of roles and whose it is."""

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications import reading_rights
from citybrain.domain.applications.reading_rights import Whose
from citybrain.domain.applications.refusals import NotYourApplication

ME, SOMEBODY = "citizen-" + "1" * 32, "citizen-" + "2" * 32
KIOSK, OTHER_KIOSK = "kiosk-1", "kiosk-2"
FUND, POLICE = "housing-fund", "police"

# Whose it is: mine and with me, mine at a kiosk, somebody else's and with me, a stranger's, of my
# department, of whom I applied for, absent.
OWNERS = {
    "own": Whose(ME, ME, POLICE),
    "own elsewhere": Whose(ME, KIOSK, POLICE),
    "held": Whose(SOMEBODY, ME, POLICE),
    "strange": Whose(SOMEBODY, OTHER_KIOSK, POLICE),
    "department": Whose(SOMEBODY, OTHER_KIOSK, FUND),
    "ward": Whose(SOMEBODY, OTHER_KIOSK, POLICE, ME),
    "absent": Whose(),
}
# All others read nothing.
MAY_READ_EXPLANATION: dict[Role, set[str]] = {
    Role.CITIZEN: {"own", "own elsewhere", "ward"},
    Role.OFFICIAL: {"department"},
    Role.AUDITOR: set(OWNERS),
}
HELD = {"own", "held"}
MAY_READ = MAY_READ_EXPLANATION | {Role.KIOSK: HELD, Role.CLERK: HELD}


def actor(role: Role, subject: str = ME, department: str | None = FUND) -> Actor:
    return Actor(subject, frozenset({role}), department, "counter-1")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("owner", OWNERS)
def test_who_reads_an_application(role: Role, owner: str) -> None:
    found = reading_rights.may_read(actor(role), OWNERS[owner])
    assert found == (owner in MAY_READ.get(role, set()))


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("owner", OWNERS)
def test_who_reads_why_it_was_decided_so(role: Role, owner: str) -> None:
    found = reading_rights.may_read_explanation(actor(role), OWNERS[owner])
    assert found == (owner in MAY_READ_EXPLANATION.get(role, set()))


def test_a_role_that_may_read_nothing_is_no_reader() -> None:
    assert set(reading_rights.READERS) == set(MAY_READ)
    assert set(reading_rights.APPLICANTS_AND_OFFICE) == set(MAY_READ_EXPLANATION)
    assert set(reading_rights.OFFICE) == set(MAY_READ_EXPLANATION) - {Role.CITIZEN}


@pytest.mark.parametrize(
    ("subject", "whose", "opened"),
    [(ME, ME, True), (ME, SOMEBODY, False), ("official-1", ME, False)],
)
def test_personal_values_are_for_the_applicant_alone(
    subject: str, whose: str, opened: bool
) -> None:
    role = Role.CITIZEN if subject == ME else Role.OFFICIAL
    assert reading_rights.sees_personal_values(actor(role, subject), Whose(whose)) is opened


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
        (Role.AUDITOR, None, None, None),
        (Role.AUDITOR, None, POLICE, POLICE),
    ],
)
def test_of_which_department_a_list_is(
    role: Role, department: str | None, asked: str | None, queued: str | type[Exception] | None
) -> None:
    officer = actor(role, "official-1", department)
    if isinstance(queued, type):
        with pytest.raises(queued):
            reading_rights.department_listed(officer, asked)
    else:
        assert reading_rights.department_listed(officer, asked) == queued
