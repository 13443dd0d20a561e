"""Permits: two officers decide, a badge covers one car at a time, an end changes nothing before."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking import permit as p
from citybrain.domain.parking.permit import ParkingPermit
from citybrain.domain.parking.permit_events import Decision
from citybrain.domain.separation import NotApart
from citybrain.errors import CitybrainError
from tests.given.parking.bindings import day
from tests.given.streams import replayed, topics

PARKING = ("parking",)
FIRST = Actor("officer-1", frozenset({Role.OFFICIAL}), "parking")
SECOND = Actor("officer-2", frozenset({Role.OFFICIAL}), "parking")
ANNA = Actor("citizen-anna", frozenset({Role.CITIZEN}))
CAR, OTHER = "plate-" + "a" * 32, "plate-" + "b" * 32
ASKED = day("09-08")
BEGINS, ENDS = day("09-01"), day("12-31")
LONG = timedelta(days=3660)


def asked(of_person: bool = True, citizen: str | None = ANNA.subject) -> ParkingPermit:
    return ParkingPermit.ask(
        ASKED,
        permit_id=ParkingPermit.new_id(),
        citizen_id=citizen,
        kind="disabled-badge" if of_person else "resident",
        of_person=of_person,
        plate={"plate_id": CAR},
        zone_id=None,
        document_sha256="ab" * 32,
        kinds_version="v",
    )


def propose(
    permit: ParkingPermit,
    decision: Decision = Decision.GRANT,
    actor: Actor = FIRST,
    at: datetime = ASKED,
    **changes: Any,
) -> None:
    times = {"begins": BEGINS, "ends": ENDS} if decision is Decision.GRANT else {}
    said: dict[str, Any] = {
        "departments": PARKING,
        "decision": decision,
        "reason": "badge-seen",
        "note_sealed": None,
        "longest": LONG,
        "reaches_back": timedelta(days=90),
        **times,
    }
    permit.propose(actor, at, **said | changes)


def confirm(
    permit: ParkingPermit,
    decision: Decision = Decision.GRANT,
    actor: Actor = SECOND,
    at: datetime = ASKED,
) -> None:
    permit.confirm(actor, at, departments=PARKING, decision=decision, kinds_version="v")


def granted(of_person: bool = True, at: datetime = ASKED) -> ParkingPermit:
    permit = asked(of_person)
    propose(permit)
    confirm(permit, at=at)
    return permit


def covered(permit: ParkingPermit, plate_id: str, when: str, hour: str = "10:00:00") -> bool:
    at = day(when, hour)
    return bool(permit.covers(plate_id, at, at + timedelta(minutes=1)))


# --- two officers -------------------------------------------------------------------------------


def test_a_permit_is_given_by_two_officers_and_neither_on_their_own() -> None:
    permit = asked()
    with pytest.raises(p.NothingProposed):
        confirm(permit)
    propose(permit)
    with pytest.raises(NotApart) as refused:
        confirm(permit, actor=FIRST)
    assert refused.value.details == {"rule": "proposed-it"}
    confirm(permit)
    assert topics(permit) == [
        "parking.permit_asked",
        "parking.permit_decision_proposed",
        "parking.permit_granted",
    ]
    again = replayed(permit.pending_events)
    assert {**again.__dict__, "_pending_events": []} == {**permit.__dict__, "_pending_events": []}

    both = frozenset({Role.OFFICIAL, Role.CITIZEN})
    themselves = Actor(ANNA.subject, both, "parking")
    with pytest.raises(NotApart):
        propose(asked(), actor=themselves)


@pytest.mark.parametrize(
    "actor",
    [
        ANNA,
        Actor("officer-3", frozenset({Role.OFFICIAL}), "police"),
        Actor("officer-3", frozenset({Role.OFFICIAL})),
        Actor("auditor-1", frozenset({Role.AUDITOR})),
        Actor("clerk-1", frozenset({Role.CLERK}), counter="counter-1"),
    ],
)
def test_nobody_else_decides(actor: Actor) -> None:
    permit = asked()
    with pytest.raises(RoleNotAllowed):
        propose(permit, actor=actor)
    propose(permit)
    with pytest.raises(RoleNotAllowed):
        confirm(permit, actor=actor)


@pytest.mark.parametrize(
    "changes",
    [
        {"begins": None},
        {"ends": None},
        {"ends": BEGINS},
        {"ends": ASKED},
        {"begins": ASKED - timedelta(days=91)},
        {"longest": timedelta(days=30)},
    ],
)
def test_times_that_a_kind_does_not_allow_are_not_proposed(changes: dict[str, Any]) -> None:
    with pytest.raises(p.PermitTimesWrong):
        propose(asked(), **changes)


def test_what_was_turned_back_is_proposed_anew_and_what_is_denied_is_over() -> None:
    permit = asked()
    propose(permit)
    permit.turn_back(
        SECOND, ASKED, departments=PARKING, decision=Decision.GRANT, reason="badge-expired"
    )
    with pytest.raises(p.NothingProposed):
        confirm(permit)
    propose(permit, Decision.DENY)
    confirm(permit, Decision.DENY)
    assert permit.status == "denied"
    assert permit.covers(CAR, BEGINS, ENDS) == []
    with pytest.raises(p.PermitOutOfStep):
        propose(permit)


# --- P54: the badge ---------------------------------------------------------------------------


def test_p54_a_badge_that_is_confirmed_later_covers_what_was_before() -> None:
    permit = granted(at=day("09-10"))
    (found,) = permit.covers(CAR, day("09-09", "10:00:00"), day("09-09", "11:00:00"))
    assert found.kind == "disabled-badge"
    assert (found.begins, found.ends) == (day("09-09", "10:00:00"), day("09-09", "11:00:00"))
    assert not covered(permit, CAR, "08-31")
    assert not covered(permit, OTHER, "09-09")
    assert permit.covers(CAR, day("12-30"), day("12-31", "12:00:00"))[0].ends == ENDS


def test_p54_ending_it_changes_nothing_that_was_before() -> None:
    permit = granted()
    at = day("09-20", "10:30:00")
    propose(permit, Decision.END, at=at)
    assert covered(permit, CAR, "09-20", "11:00:00")  # one officer alone ends nothing
    confirm(permit, Decision.END, at=at)
    assert covered(permit, CAR, "09-09")
    (part,) = permit.covers(CAR, day("09-20", "10:00:00"), day("09-20", "11:00:00"))
    assert part.ends == at
    assert not covered(permit, CAR, "09-20", "10:30:00")
    with pytest.raises(p.PermitOutOfStep):
        permit.give_back(ANNA, at)


def test_p54_the_car_of_the_day_is_covered_and_the_usual_one_is_not_meanwhile() -> None:
    permit = granted()
    permit.name_car(
        ANNA, day("09-12", "09:00:00"), day=date(2026, 9, 12), plate={"plate_id": OTHER}
    )
    hours = ("08:00:00", "10:00:00", "23:59:00")
    assert [covered(permit, CAR, "09-12", hour) for hour in hours] == [True, False, False]
    assert [covered(permit, OTHER, "09-12", hour) for hour in hours] == [False, True, True]
    assert (covered(permit, CAR, "09-13"), covered(permit, OTHER, "09-13")) == (True, False)
    (before,) = permit.covers(CAR, day("09-12", "08:30:00"), day("09-12", "09:30:00"))
    assert before.ends == day("09-12", "09:00:00")


def test_p54_no_car_is_named_afterwards_twice_or_by_somebody_else() -> None:
    permit, now = granted(), day("09-12", "09:00:00")

    def name(on: date, actor: Actor = ANNA) -> None:
        permit.name_car(actor, now, day=on, plate={"plate_id": OTHER})

    for on in (date(2026, 9, 11), date(2026, 10, 14)):
        with pytest.raises(p.CarOfDayTooFar):
            name(on)
    name(date(2026, 9, 12))
    with pytest.raises(p.CarOfDayNamed):
        name(date(2026, 9, 12))
    for actor in (FIRST, Actor("citizen-bob", frozenset({Role.CITIZEN}))):
        with pytest.raises(p.NotYourPermit):
            name(date(2026, 9, 13), actor)
    with pytest.raises(p.PermitHasOneCar):
        granted(of_person=False).name_car(
            ANNA, now, day=date(2026, 9, 12), plate={"plate_id": OTHER}
        )
    with pytest.raises(p.PermitOutOfStep):
        asked().name_car(ANNA, now, day=date(2026, 9, 12), plate={"plate_id": OTHER})


PLATES = st.sampled_from([CAR, OTHER, "plate-" + "c" * 32])


@given(
    st.lists(st.tuples(st.integers(0, 10), st.integers(0, 23), st.integers(0, 6), PLATES)),
    st.one_of(st.none(), st.integers(0, 400)),
)
def test_at_no_instant_does_a_badge_cover_two_cars(
    named: list[tuple[int, int, int, str]], ended: int | None
) -> None:
    permit = granted()
    for passed, hour, ahead, plate_id in sorted(named, key=lambda each: each[:2]):
        now = ASKED + timedelta(days=passed, hours=hour)
        on = date(2026, 9, 8) + timedelta(days=passed + ahead)
        try:
            permit.name_car(ANNA, now, day=on, plate={"plate_id": plate_id})
        except CitybrainError:
            continue
    if ended is not None:
        permit.end(permit.modified_on + timedelta(hours=ended), reason="person-deceased", by="x")
    plates = [CAR, OTHER, "plate-" + "c" * 32]
    for hours in range(0, 20 * 24, 5):
        at = ASKED + timedelta(hours=hours)
        until = at + timedelta(minutes=1)
        covering = [plate for plate in plates if permit.covers(plate, at, until)]
        over = permit.ended_at is not None and permit.ended_at <= at
        assert len(covering) == (0 if over else 1), (at, covering)
