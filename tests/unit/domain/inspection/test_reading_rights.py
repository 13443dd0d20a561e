"""Who may read what of inspection: a table of roles against whose it is."""

import pytest

from citybrain.domain.actor import WATCHERS, Actor, Role
from citybrain.domain.inspection import reading_rights as rights
from citybrain.errors import Forbidden

OURS, OTHERS = "sanitation", "landscape"
CENTRE = {Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR}
STAFF = CENTRE | {Role.OFFICIAL}
OWNERS = ("somebody else", "their department", "themselves")

# Who may read it where it is of somebody else's, of their department's, or reported by themselves.
TABLE = {
    "a case": (CENTRE, STAFF, set(Role)),
    "its comments": (CENTRE, STAFF, CENTRE),
    "the desk": (CENTRE, STAFF, CENTRE),
    "merged cases": (STAFF, STAFF, STAFF),
}
DOORS = {
    "ONE_CASE": STAFF | {Role.CITIZEN, *WATCHERS},
    "DESK": STAFF,
    "COMMENTS": STAFF,
    "STATISTICS": STAFF,
    "SCORE_CARDS": STAFF,
    "DETECTIONS": STAFF,
    "CAMERAS": STAFF,
}


def actor_of(role: Role) -> Actor:
    return Actor("somebody", frozenset({role}), OURS if role is Role.OFFICIAL else None)


def reads(what: str, actor: Actor, owner: str) -> bool:
    departments = [OURS if owner == "their department" else OTHERS]
    reporter = actor.subject if owner == "themselves" else "somebody-else"
    if what == "a case":
        return rights.may_read_case(actor, departments=departments, reporter=reporter)
    if what == "its comments":
        return rights.may_read_comments(actor, departments)
    if what == "merged cases":
        return rights.may_read_merged_cases(actor)
    try:
        return rights.department_to_read(actor, departments[0]) == departments[0]
    except Forbidden:
        return False


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("what", TABLE)
def test_who_may_read_what(what: str, owner: str, role: Role) -> None:
    allowed = TABLE[what][OWNERS.index(owner)]
    assert reads(what, actor_of(role), owner) == (role in allowed)


@pytest.mark.parametrize("what", DOORS)
def test_for_whom_the_door_opens(what: str) -> None:
    assert set(getattr(rights, what)) == DOORS[what]


@pytest.mark.parametrize("role", sorted(STAFF))
def test_a_list_without_a_department_is_the_centres_whole_one_and_an_officials_own(
    role: Role,
) -> None:
    assert rights.department_to_read(actor_of(role), None) == (OURS if role not in CENTRE else None)


def test_an_official_without_a_department_sees_no_list_and_no_case() -> None:
    lost = Actor("somebody", frozenset({Role.OFFICIAL}))
    with pytest.raises(Forbidden):
        rights.department_to_read(lost, None)
    assert not rights.may_read_case(lost, departments=[OURS, OTHERS])


def test_a_department_is_an_officials_only() -> None:
    citizen = Actor("somebody", frozenset({Role.CITIZEN}), OURS)
    assert not rights.may_read_case(citizen, departments=[OURS])
    assert not rights.may_read_comments(citizen, [OURS])
