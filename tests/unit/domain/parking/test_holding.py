"""A plate over time: never two holders, who had it at a moment, and to whom it was hired out."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking import holding as h
from citybrain.domain.parking.holding import ParkingPlate
from citybrain.domain.parking.payer import Why, payer
from citybrain.errors import CitybrainError
from tests.given.citizens import registered
from tests.given.parking.bindings import LONG_AGO, NOW, active, day, plate_known
from tests.given.streams import replayed, topics

HOUR = timedelta(hours=1)
HANDED_OVER = day("09-05", "18:00:00")
ARRIVED = day("09-05", "17:30:00")


def hold(plate: ParkingPlate, name: str, since: Any = LONG_AGO, at: Any = NOW) -> None:
    plate.hold(at, binding_id=f"b-{name}", holder=f"citizen-{name}", since=since)


def hire(plate: ParkingPlate, who: str, begins: Any, ends: Any, **changes: Any) -> None:
    said: dict[str, Any] = {
        "hire_id": f"hire-{who}",
        "binding_id": "b-firm",
        "hirer": f"citizen-{who}",
        "hirer_sealed": "c2VhbGVk",
        "begins": begins,
        "ends": ends,
        "arrived_at": ARRIVED,
        "contract_sha256": "ab" * 32,
    }
    plate.hire_out(NOW, **said | changes)


def had(plate: ParkingPlate, when: Any) -> str | None:
    held = plate.at(when)
    return None if held is None else held.hirer or held.holder


def test_one_holds_a_plate_and_who_else_has_proved_it_contests_it() -> None:
    plate = plate_known()
    hold(plate, "a")
    hold(plate, "a")
    hold(plate, "b")
    hold(plate, "c")
    assert topics(plate)[1:] == ["parking.plate_held", "parking.plate_contested"]
    assert (plate.holds, plate.contest) == ("b-a", "b-b")
    plate.let_go(NOW, binding_id="b-a", until=day("09-08"), proved=True)
    hold(plate, "b", day("09-08"))
    assert (plate.holds, plate.contest) == ("b-b", None)
    assert [had(plate, day(each)) for each in ("09-07", "09-08")] == ["citizen-a", "citizen-b"]


def test_while_it_is_contested_nobody_is_debited() -> None:
    citizen, plate = registered(), plate_known()
    binding = active(citizen, plate)
    hold(plate, "other")
    found = payer(plate, binding, citizen, arrived_at=NOW, amount_fen=400, now=NOW)
    assert found is Why.CONTESTED
    plate.drop_contest(NOW, binding_id="b-other")
    found = payer(plate, binding, citizen, arrived_at=NOW, amount_fen=400, now=NOW)
    assert not isinstance(found, Why)


def test_by_the_registrys_word_an_earlier_holder_had_it_until_the_next_one() -> None:
    plate = plate_known()
    hold(plate, "a")
    plate.let_go(NOW, binding_id="b-a", until=day("09-12"), proved=False)
    hold(plate, "b", day("09-08"))
    assert had(plate, day("09-09")) == "citizen-b"
    assert topics(plate)[-2:] == ["parking.plate_let_go", "parking.plate_held"]
    plate.let_go(NOW, binding_id="b-a", until=day("09-11"), proved=True)
    assert had(plate, day("09-09")) == "citizen-b"


def test_who_binds_again_had_it_all_the_time() -> None:
    plate = plate_known()
    hold(plate, "a")
    plate.let_go(NOW, binding_id="b-a", until=day("09-08"), proved=False)
    plate.hold(NOW, binding_id="b-a2", holder="citizen-a", since=LONG_AGO)
    assert {had(plate, day(each)) for each in ("09-07", "09-08", "09-12")} == {"citizen-a"}


def test_a_registry_that_contradicts_itself_is_believed_by_nobody() -> None:
    plate = plate_known()
    hold(plate, "a", day("09-01"))
    plate.let_go(NOW, binding_id="b-a", until=day("09-08"), proved=False)
    with pytest.raises(h.RegistryContradicts):
        hold(plate, "b", LONG_AGO)


# --- P48: the rental car ----------------------------------------------------------------------


def rental() -> ParkingPlate:
    plate = plate_known()
    hold(plate, "firm")
    return plate


def test_p48_the_hirer_at_arrival_has_the_whole_stay_once() -> None:
    plate = rental()
    hire(plate, "h1", day("09-01"), HANDED_OVER)
    hire(plate, "h1", day("09-01"), HANDED_OVER)
    assert topics(plate).count("parking.plate_hired_out") == 1
    assert had(plate, ARRIVED) == "citizen-h1"
    assert had(plate, HANDED_OVER) == "citizen-firm"
    hire(plate, "h2", HANDED_OVER, day("09-09"), arrived_at=day("09-06"))
    assert had(plate, ARRIVED) == "citizen-h1"
    assert had(plate, HANDED_OVER) == "citizen-h2"
    assert replayed(plate.pending_events).hires == plate.hires


def test_p48_a_contract_that_does_not_cover_the_arrival_is_refused_with_the_dates() -> None:
    plate = rental()
    with pytest.raises(h.ContractDoesNotCover) as refused:
        hire(plate, "h2", HANDED_OVER, day("09-09"))
    assert refused.value.details == {
        "begins": "2026-09-05T10:00:00+00:00",
        "ends": "2026-09-08T16:00:00+00:00",
        "arrived_at": "2026-09-05T09:30:00+00:00",
    }
    with pytest.raises(h.ContractDoesNotCover):
        hire(plate, "h1", day("09-01"), ARRIVED)  # it ended as the vehicle came
    hire(plate, "h1", ARRIVED, HANDED_OVER)
    assert had(plate, ARRIVED) == "citizen-h1"


def test_p48_two_are_never_named_for_one_moment() -> None:
    plate = rental()
    hire(plate, "h1", day("09-01"), HANDED_OVER)
    with pytest.raises(h.HiredToAnother) as refused:
        hire(plate, "h2", day("09-05"), day("09-09"))
    assert refused.value.details["ends"] == "2026-09-05T10:00:00+00:00"
    with pytest.raises(h.ContractEndsBeforeItBegins):
        hire(plate, "h3", HANDED_OVER, HANDED_OVER)


def test_p48_a_firm_names_nobody_for_a_time_when_it_was_not_its_vehicle() -> None:
    plate = plate_known()
    hold(plate, "firm", day("09-06"))
    with pytest.raises(h.NotHeldThen):
        hire(plate, "h1", day("09-01"), day("09-09"))
    hold_before = had(plate, ARRIVED)
    assert hold_before is None


def test_p48_what_is_hired_out_is_not_debited_from_the_firm() -> None:
    citizen, plate = registered(), plate_known()
    binding = active(citizen, plate)
    plate.hire_out(
        NOW,
        hire_id="hire-1",
        binding_id=binding.id,
        hirer=None,
        hirer_sealed="c2VhbGVk",
        begins=day("09-01"),
        ends=HANDED_OVER,
        arrived_at=ARRIVED,
        contract_sha256="ab" * 32,
    )
    found = payer(plate, binding, citizen, arrived_at=ARRIVED, amount_fen=400, now=NOW)
    assert found is Why.HIRED_OUT


# --- never two ---------------------------------------------------------------------------------

NAMES = st.sampled_from("abc")
HOURS = st.integers(0, 60)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), NAMES, HOURS, st.booleans()),
        st.tuples(st.just("let_go"), NAMES, HOURS, st.booleans()),
        st.tuples(st.just("drop"), NAMES, HOURS, st.booleans()),
        st.tuples(st.just("hire"), NAMES, HOURS, st.booleans()),
    ),
    max_size=25,
)


@given(STEPS)
def test_at_no_instant_are_there_two_holders(steps: list[tuple[str, str, int, bool]]) -> None:
    start = day("09-01")
    plate, bindings = plate_known(start), dict.fromkeys("abc", 0)
    for number, (what, who, hours, flag) in enumerate(steps):
        now, when = start + (61 + number) * HOUR, start + hours * HOUR
        binding = f"b-{who}-{bindings[who]}"
        try:
            if what == "hold":
                plate.hold(now, binding_id=binding, holder=who, since=when)
            elif what == "let_go":
                plate.let_go(now, binding_id=binding, until=when, proved=flag)
                bindings[who] += plate.holds != binding
            elif what == "drop":
                plate.drop_contest(now, binding_id=binding)
            else:
                hire(
                    plate,
                    f"{who}{number}",
                    when,
                    when + (5 if flag else 1) * HOUR,
                    binding_id=binding,
                    arrived_at=when,
                )
        except CitybrainError:
            continue
    held = [span for span in plate.spans if span["until"] is None]
    assert len(held) == (plate.holds is not None)
    for hours in range(140):
        when = start + hours * HOUR
        covering = [span for span in plate.spans if _covers(span["since"], span["until"], when)]
        assert len(covering) <= 1, (when, covering)
        named = [
            each
            for each in plate.hires
            if covering
            and each["binding_id"] == covering[0]["binding_id"]
            and _covers(each["begins"], each["ends"], when)
        ]
        assert len(named) <= 1, (when, named)
    again = replayed(plate.pending_events)
    assert (again.spans, again.hires, again.holds) == (plate.spans, plate.hires, plate.holds)


def _covers(since: Any, until: Any, when: Any) -> bool:
    return bool(since <= when and (until is None or when < until))
