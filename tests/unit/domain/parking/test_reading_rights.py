"""Who may see a plate: role × whose it is."""

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.reading_rights import may_open_plate, may_see_plates

OURS, HOLDER = ("parking",), "citizen-1"


def actor(role: Role, department: str | None = None, subject: str = "somebody") -> Actor:
    return Actor(subject, frozenset({role}), department, "counter-1")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("department", [None, "sanitation", "parking"])
def test_p68_who_sees_plates(role: Role, department: str | None) -> None:
    asks = actor(role, department)
    sees = role in (Role.OFFICIAL, Role.SUPERVISOR) and department == "parking"
    assert may_see_plates(asks, OURS) == sees
    assert may_open_plate(asks, OURS, HOLDER) == (sees or role is Role.AUDITOR)


def test_p68_a_citizen_sees_the_plate_that_they_have_bound() -> None:
    holder = actor(Role.CITIZEN, subject=HOLDER)
    assert may_open_plate(holder, OURS, HOLDER)
    assert not may_open_plate(holder, OURS, "citizen-2")
    assert not may_open_plate(holder, OURS)
    assert not may_see_plates(holder, OURS)
    assert not may_open_plate(actor(Role.KIOSK, subject=HOLDER), OURS, HOLDER)
