"""Plates bound to citizens: proved by the registry, limited, and ended at once."""

from datetime import date, timedelta
from typing import Any

import pytest

from citybrain.domain.citizens.consents import withdraw_consent
from citybrain.domain.money import Fen
from citybrain.domain.parking import binding as b
from citybrain.domain.parking.binding import PlateBinding
from citybrain.domain.parking.holding import ParkingPlate
from citybrain.domain.parking.payer import Payer, Why, payer
from citybrain.domain.parking.registration import (
    Registration,
    RegistryAnswerUnusable,
    registration_in,
)
from tests.given.citizens import CLERK, SUPERVISOR, own, registered
from tests.given.parking.bindings import (
    LONG_AGO,
    NOW,
    THEIRS,
    active,
    answered,
    as_citizen,
    asked,
    day,
    let_go,
    plate_known,
    question,
)
from tests.given.streams import replayed, topics

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RECORD = {
    "plate": "豫A52K17",
    "registered": True,
    "owner": "410102199005010018",
    "since": "2020-03-01",
    "until": None,
    "use": "private",
}


def read(**changes: Any) -> Registration:
    record = {name: value for name, value in (RECORD | changes).items() if value != "gone"}
    return registration_in(record, id_number="410102199005010018", plate="豫A52K17")


# --- the registry ---------------------------------------------------------------------------


def test_a_day_of_the_registry_is_its_beginning_in_the_city() -> None:
    assert read() == Registration(True, day("09-01").replace(2020, 2, 29), None, "private")
    assert read(since="2020-03-01T08:00:00+08:00").since == LONG_AGO
    past = read(registered=False, until="2026-09-08")
    assert (past.registered, past.until) == (False, day("09-08"))
    assert not past.holds_at(NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"registered": "true"},
        {"registered": 1},
        {"registered": None},
        {"plate": "豫A52K18"},
        {"plate": None},
        {"owner": "410102199005010026"},
        {"owner": "gone"},
        {"since": None},
        {"since": ""},
        {"since": "2020-03-01T08:00:00"},
        {"since": 20200301},
        {"since": "soon"},
        {"until": "2019-01-01"},
        {"until": False},
        {"use": ""},
        {"use": 5},
    ],
)
def test_an_answer_that_says_it_in_another_way_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(RegistryAnswerUnusable):
        read(**changes)


def test_a_binding_is_proved_by_the_registry_and_active_when_it_holds_the_plate() -> None:
    citizen, plate = registered(), plate_known()
    binding = answered(asked(citizen))
    assert binding.status == "proved"
    plate.hold(NOW, binding_id=binding.id, holder=citizen.id, since=LONG_AGO)
    binding.activate(NOW)
    binding.activate(NOW)
    assert topics(binding) == [
        "parking.plate_binding_asked",
        "parking.plate_proof_requested",
        "parking.plate_registry_answered",
        "parking.plate_binding_proved",
        "parking.plate_binding_activated",
    ]
    again = replayed(binding.pending_events)
    assert {**again.__dict__, "_pending_events": []} == {**binding.__dict__, "_pending_events": []}


@pytest.mark.parametrize(
    ("registration", "reason"),
    [
        (Registration(False), "not-registered-to-you"),
        (Registration(True, NOW + DAY), "registration-not-begun"),
        (Registration(True, LONG_AGO, NOW), "ownership-ended"),
        (Registration(False, LONG_AGO, NOW - DAY), "not-registered-to-you"),
    ],
)
def test_what_is_not_theirs_is_refused(registration: Registration, reason: str) -> None:
    binding = answered(asked(registered()), registration)
    assert (binding.status, binding.ended and binding.ended["reason"]) == ("refused", reason)
    assert not binding.proved


def test_a_silent_registry_refuses_nobody_and_is_asked_again_until_the_waiting_ends() -> None:
    binding = asked(registered())
    binding.silent(NOW, "q0", again_at=NOW, reason="source-timeout", milliseconds=1, attempts=1)
    assert binding.status == "asked"  # that was another question
    at = NOW + HOUR
    binding.silent(NOW, "q1", again_at=at, reason="source-timeout", milliseconds=1, attempts=1)
    assert (binding.status, binding.ask_again_at) == ("unknown", at)
    binding.request_proof(at, question(2), reason="again")
    assert answered(binding, at=at).status == "proved"

    never = asked(registered())
    never.silent(NOW, "q1", again_at=at, reason="source-timeout", milliseconds=1, attempts=1)
    never.request_proof(NOW + 7 * DAY, question(2), reason="again")
    assert (never.status, never.ended and never.ended["reason"]) == ("ended", "registry-silent")


def test_one_question_is_asked_at_a_time_and_an_old_answer_counts_for_nothing() -> None:
    binding = asked(registered())
    binding.request_proof(NOW, question(2), reason="again")
    before = len(topics(binding))
    binding.answer(
        NOW, "q2", Registration(False), again_at=NOW, good_until=NOW, evidence={"signed_sealed": ""}
    )
    assert len(topics(binding)) == before == 2


def test_an_ownership_that_has_ended_ends_the_binding_with_its_day() -> None:
    citizen, plate = registered(), plate_known()
    binding = active(citizen, plate)
    binding.request_proof(NOW + DAY, question(2), reason="again")
    answered(binding, Registration(True, LONG_AGO, day("09-08")), NOW + DAY)
    assert binding.held_until == ["2026-09-07T16:00:00+00:00", True]
    let_go(plate, binding, NOW + DAY)
    assert plate.at(day("09-08")) is None
    assert plate.at(day("09-07")) is not None

    other = active(citizen, plate_known())
    other.request_proof(NOW + DAY, question(2), reason="again")
    answered(other, Registration(False), NOW + DAY)
    assert other.held_until == [NOW.isoformat(), False]  # the last time that it was said


# --- limits and debits ----------------------------------------------------------------------


def test_nobody_but_the_citizen_touches_a_binding() -> None:
    citizen, other = registered(), registered()
    binding = active(citizen, plate_known())
    before = topics(binding)
    for actor in (own(other), CLERK, SUPERVISOR):
        with pytest.raises(b.NotYourBinding):
            binding.unbind(actor, NOW)
        with pytest.raises(b.NotYourBinding):
            binding.change_limits(actor, NOW, per_debit_fen=Fen(1), per_day_fen=Fen(1), terms="v1")
        with pytest.raises(b.NotYourBinding):
            sold(binding, actor)
    assert topics(binding) == before


def sold(binding: PlateBinding, actor: Any, on: str = "09-08", at: Any = NOW) -> None:
    binding.show_transfer(
        actor,
        at,
        transfer_id="t1",
        transferred_on=day(on, "12:00:00").date(),
        document_sha256=None,
        question=question(9),
    )


def test_limits_hold_for_one_debit_and_for_a_day_of_the_city() -> None:
    binding = active(registered(), plate_known())
    with pytest.raises(b.DebitAboveLimit):
        binding.take_debit(NOW, session_id="s0", amount_fen=Fen(2001))
    for number in (1, 2):
        binding.take_debit(NOW, session_id=f"s{number}", amount_fen=Fen(2000))
        binding.take_debit(NOW, session_id=f"s{number}", amount_fen=Fen(2000))
    with pytest.raises(b.DebitAboveLimit) as refused:
        binding.take_debit(NOW, session_id="s3", amount_fen=Fen(1001))
    assert refused.value.details == {"left_fen": 1000}
    binding.give_back_debit(NOW, session_id="s1")
    binding.give_back_debit(NOW, session_id="s1")
    binding.take_debit(NOW, session_id="s3", amount_fen=Fen(2000))
    assert binding.left_fen(date(2026, 9, 14)) == 1000
    assert binding.left_fen(date(2026, 9, 15)) == 2000
    tomorrow = day("09-15")
    binding.take_debit(tomorrow, session_id="s4", amount_fen=Fen(2000))
    assert binding.debits == {"day": "2026-09-15", "fen": {"s4": 2000}}


def test_less_may_be_debited_from_the_moment_on_that_it_is_said() -> None:
    citizen = registered()
    binding = active(citizen, plate_known())
    binding.change_limits(
        as_citizen(citizen), NOW, per_debit_fen=Fen(500), per_day_fen=Fen(600), terms="v1"
    )
    binding.take_debit(NOW, session_id="s1", amount_fen=Fen(500))
    with pytest.raises(b.DebitAboveLimit) as refused:
        binding.take_debit(NOW, session_id="s2", amount_fen=Fen(101))
    assert refused.value.details == {"left_fen": 100}


# --- P40: who pays at the moment of deciding ---------------------------------------------------


DEPARTED = day("09-14", "11:00:00")
ARRIVED = day("09-14", "10:00:00")


def test_p40_consent_ends_between_departure_and_debit() -> None:
    citizen, plate = registered(), plate_known(day("09-01"))
    binding = active(citizen, plate, at=day("09-01"))
    asked_for: dict[str, Any] = {"arrived_at": ARRIVED, "amount_fen": 400}
    before = payer(plate, binding, citizen, now=DEPARTED, **asked_for)
    assert before == Payer(citizen.id, binding.id, 2000)
    binding.unbind(as_citizen(citizen), DEPARTED + timedelta(seconds=2))
    at = DEPARTED + timedelta(seconds=5)
    assert payer(plate, binding, citizen, now=at, **asked_for) is Why.ENDED
    with pytest.raises(b.BindingEnded):
        binding.take_debit(at, session_id="s1", amount_fen=Fen(400))


def test_p40_a_debit_that_was_taken_before_the_end_stands() -> None:
    citizen = registered()
    binding = active(citizen, plate_known(), at=DEPARTED)
    binding.take_debit(DEPARTED, session_id="s1", amount_fen=Fen(400))
    binding.unbind(as_citizen(citizen), DEPARTED + timedelta(seconds=2))
    assert binding.debits["fen"] == {"s1": 400}


def test_p40_a_binding_made_after_the_arrival_is_used() -> None:
    citizen, plate = registered(), plate_known(ARRIVED)
    bound = DEPARTED - timedelta(seconds=2)
    binding = active(citizen, plate, at=bound)
    found = payer(plate, binding, citizen, arrived_at=ARRIVED, amount_fen=400, now=DEPARTED)
    assert found == Payer(citizen.id, binding.id, 2000)


def test_p40_a_withdrawn_consent_counts_though_the_binding_has_not_heard_of_it() -> None:
    citizen, plate = registered(), plate_known()
    binding = active(citizen, plate)
    withdraw_consent(citizen, own(citizen), NOW, consent_id=binding.consent_id)
    found = payer(plate, binding, citizen, arrived_at=NOW, amount_fen=400, now=NOW)
    assert found is Why.CONSENT_WITHDRAWN
    assert binding.status == "active"


@pytest.mark.parametrize(
    ("amount_fen", "taken", "why"),
    [(2001, 0, Why.ABOVE_LIMIT), (1001, 2, Why.ABOVE_DAY), (1000, 2, None), (0, 2, None)],
)
def test_why_nobody_is_debited_above_a_limit(amount_fen: int, taken: int, why: Why | None) -> None:
    citizen, plate = registered(), plate_known()
    binding = active(citizen, plate)
    for number in range(taken):
        binding.take_debit(NOW, session_id=f"s{number}", amount_fen=Fen(2000))
    found = payer(plate, binding, citizen, arrived_at=NOW, amount_fen=amount_fen, now=NOW)
    assert found == (why or Payer(citizen.id, binding.id, 1000 if taken else 2000))


def test_a_proof_that_is_too_old_is_none() -> None:
    citizen, plate = registered(), plate_known()
    binding = active(citizen, plate)
    asked_for: dict[str, Any] = {"arrived_at": NOW, "amount_fen": 400}
    last = NOW + 45 * DAY
    found = payer(plate, binding, citizen, now=last - HOUR, **asked_for)
    assert isinstance(found, Payer)
    assert payer(plate, binding, citizen, now=last, **asked_for) is Why.PROOF_TOO_OLD


# --- P41: the car was sold --------------------------------------------------------------------


def test_p41_the_car_was_sold() -> None:
    a, b_ = registered(), registered()
    plate = plate_known(day("09-01"))
    bound = active(a, plate, at=day("09-01"))
    bound.unbind(as_citizen(a), day("09-12"))
    let_go(plate, bound, day("09-12"))
    assert [holder(plate, when) for when in ("09-07", "09-09", "09-11", "09-13")] == [
        *[a.id] * 3,
        None,
    ]
    sold(bound, as_citizen(a), at=day("09-12", "09:00:00"))
    answered(bound, Registration(False, LONG_AGO, day("09-08")), day("09-12", "09:00:05"))
    assert (bound.status, bound.transfer and bound.transfer["outcome"]) == ("ended", "confirmed")
    let_go(plate, bound, day("09-12", "09:00:05"))
    assert [holder(plate, when) for when in ("09-07", "09-09", "09-11")] == [a.id, None, None]
    assert payer_at(plate, bound, a, "09-11", "09-12") is Why.ENDED

    theirs = Registration(True, day("09-08"))
    of_b = active(b_, plate, theirs, at=day("09-13"))
    assert [holder(plate, when) for when in ("09-07", "09-09", "09-11")] == [a.id, b_.id, b_.id]
    assert payer_at(plate, of_b, b_, "09-07", "09-13") is Why.NOT_HELD_THEN


def holder(plate: ParkingPlate, when: str) -> str | None:
    held = plate.at(day(when, "10:00:00"))
    return None if held is None else held.holder


def payer_at(
    plate: ParkingPlate, binding: PlateBinding, citizen: Any, arrived: str, now: str
) -> Payer | Why:
    return payer(
        plate,
        binding,
        citizen,
        arrived_at=day(arrived, "10:00:00"),
        amount_fen=400,
        now=day(now, "12:00:00"),
    )


def test_p41_an_active_binding_ends_with_the_showing_not_with_the_registrys_answer() -> None:
    citizen, plate = registered(), plate_known()
    binding = active(citizen, plate)
    sold(binding, as_citizen(citizen))
    assert (binding.status, binding.ended and binding.ended["reason"]) == ("ended", "sold")
    assert binding.held_until == [NOW.isoformat(), False]  # until the registry has spoken
    with pytest.raises(b.TransferKnown):
        sold(binding, as_citizen(citizen))


def test_p41_a_transfer_that_the_registry_does_not_know_moves_no_debt() -> None:
    citizen, plate = registered(), plate_known()
    binding = active(citizen, plate)
    sold(binding, as_citizen(citizen))
    answered(binding, THEIRS)
    assert binding.transfer is not None
    assert binding.transfer["outcome"] == "refused"
    assert binding.held_until == [NOW.isoformat(), False]
    sold(binding, as_citizen(citizen), "09-10")  # it may be shown again
    answered(binding, Registration(False))
    assert binding.transfer["outcome"] == "refused"


@pytest.mark.parametrize("on", ["09-15", "09-30"])
def test_p41_nobody_sells_tomorrow(on: str) -> None:
    citizen = registered()
    binding = active(citizen, plate_known())
    with pytest.raises(b.TransferDayImpossible):
        sold(binding, as_citizen(citizen), on)
    early = Registration(True, day("09-10"))
    with pytest.raises(b.TransferDayImpossible):
        sold(active(citizen, plate_known(), early), as_citizen(citizen), "09-09")
    with pytest.raises(b.BindingNotProved):
        sold(asked(citizen), as_citizen(citizen))
