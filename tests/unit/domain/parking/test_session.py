"""Sessions: what follows from signs, what is held, what is owed, and what people decide."""

from datetime import timedelta

import pytest

from citybrain.domain.actor import Actor
from citybrain.domain.parking import looking
from citybrain.domain.parking.judging import PLATES_DIFFER, Status
from citybrain.domain.parking.plates import Doubt
from citybrain.domain.parking.presence import Ending
from citybrain.domain.parking.refusals import (
    NotApartInParking,
    NotDisputed,
    NotHeld,
    NothingToDispute,
    NotYourSession,
    SessionStillOpen,
)
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.parking.session import ParkingSession, Step
from citybrain.domain.parking.session_events import SessionDisputed, SessionPlateCompleted
from tests.given.parking.sessions import (
    ANNA,
    CAR,
    NINE,
    OFFICER,
    OTHER,
    PARKING,
    SECOND,
    follow,
    left,
    opened,
    presence,
    price,
    reading,
    sealed,
    suspect,
)
from tests.given.streams import topics

UNSURE = {"reason": Doubt.CHARACTER_BELOW.value, "place": 3, "confidence": 58, "threshold": 80}


def test_what_is_known_is_not_said_again() -> None:
    session = opened()
    for _ in range(2):
        follow(session, presence(40, "d2"))
    assert topics(session) == ["parking.opened", "parking.plate_read", "parking.left"]
    assert (session.left_at, session.ending) == (NINE + timedelta(minutes=40), Ending.SEEN)
    assert session.next_step() is Step.PRICE


def test_a_sign_that_comes_later_corrects_the_times_and_it_is_priced_again() -> None:
    session = left()
    price(session)
    follow(session, presence(40, "d0", "d2", late=-10))
    assert topics(session)[-1] == "parking.times_corrected"
    assert session.next_step() is Step.PRICE
    price(session, 600)
    assert session.price_fen == 600


def test_p03_the_province_is_missing() -> None:
    part = reading("d1", OTHER, {"reason": Doubt.INCOMPLETE.value}, complete=False)
    session = left(part)
    assert session.doubt == {"reason": "plate-incomplete"}
    price(session)
    assert session.next_step() is Step.HOLD
    follow(session, presence(40, "d2"), part, reading("d2"), d1="d2")
    (completed,) = [
        (event.whole, event.part)
        for event in session.pending_events
        if isinstance(event, SessionPlateCompleted)
    ]
    assert completed == ("d2", "d1")
    assert session.plate_id == CAR
    assert session.why_held is None


def test_p04_the_average_hides_the_bad_character() -> None:
    session = left(reading(doubt=UNSURE))
    price(session)
    assert session.next_step() is Step.HOLD
    assert session.why_held == (
        "character-confidence-below",
        {"place": 3, "confidence": 58, "threshold": 80},
    )
    sure = left(reading())
    price(sure)
    assert sure.next_step() is Step.CLAIM


def test_two_readings_that_differ_debit_nobody() -> None:
    session = left(reading("d1", CAR), reading("d2", OTHER))
    price(session)
    assert session.doubt == {"reason": PLATES_DIFFER}
    assert session.next_step() is Step.HOLD


def test_what_costs_nothing_is_settled_and_asks_nobody() -> None:
    session = left(reading(doubt=UNSURE))
    price(session, 0)
    assert session.next_step() is Step.SETTLE


def correct(session: ParkingSession, plate_id: str = OTHER) -> None:
    looking.correct_plate(
        session,
        OFFICER,
        NINE,
        plate=SealedPlate.of(sealed(plate_id)),
        reason="misread",
        note_sealed=None,
        departments=PARKING,
        limit_fen=5000,
    )


def claimed(session: ParkingSession, number: int = 1, payer: str | None = "citizen-anna") -> None:
    session.claim_made(
        NINE,
        claim_id=f"parking_claim-{number}",
        amount_fen=session.price_fen or 0,
        payer=payer,
        due_at=NINE,
        debited=payer is not None,
        why_not=None if payer else "nobody-known",
        terms=None,
    )


def test_p42_corrected_plate_after_the_debit() -> None:
    session = left()
    price(session, 600)
    claimed(session)
    session.settle(NINE, amount_fen=600, how="paid", claim_id="parking_claim-1")
    correct(session)
    assert session.next_step() is Step.PRICE
    price(session, 600)
    assert session.to_lower() == ("parking_claim-1", 0, "plate-corrected")
    session.claim_lowered(NINE, "parking_claim-1", 0, "plate-corrected")
    assert session.next_step() is Step.CLAIM
    claimed(session, 2, payer=None)
    assert session.next_step() is Step.NOTHING
    correct(session, CAR)
    price(session, 600)
    assert session.to_lower() == ("parking_claim-2", 0, "plate-corrected")


def test_a_correction_ends_what_held_it_for_its_plate() -> None:
    session = left(reading("d1", doubt=UNSURE))
    price(session)
    assert session.why_held is not None
    session.hold(NINE, *session.why_held)
    correct(session)
    assert topics(session)[-2:] == ["parking.plate_corrected", "parking.released"]
    price(session)
    assert session.next_step() is Step.CLAIM


def test_a_correction_leaves_a_conflict_to_whoever_decides_it() -> None:
    session = left(reading("d1", doubt=UNSURE))
    suspect(session)
    price(session)
    assert session.why_held is not None
    session.hold(NINE, *session.why_held)
    correct(session)
    assert session.held is not None


def test_a_price_that_rises_after_payment_raises_nothing() -> None:
    session = left()
    price(session, 400)
    claimed(session)
    session.settle(NINE, amount_fen=400, how="paid", claim_id="parking_claim-1")
    follow(session, presence(100, "d2", "d3"))
    price(session, 600)
    assert session.next_step() is Step.NOTHING


def test_a_price_that_falls_gives_back() -> None:
    session = left(minutes=150)
    price(session, 800)
    claimed(session)
    session.settle(NINE, amount_fen=800, how="paid", claim_id="parking_claim-1")
    follow(session, presence(59, "d2", "d3"))
    price(session, 400)
    assert session.to_lower() == ("parking_claim-1", 400, "price-corrected")


def test_p10_nothing_is_debited_while_two_places_have_one_plate() -> None:
    session = left()
    suspect(session)
    price(session)
    assert session.next_step() is Step.HOLD
    assert session.why_held is not None
    session.hold(NINE, *session.why_held)
    with pytest.raises(NotHeld):
        looking.release(session, OFFICER, NINE, reason="seen", departments=PARKING)
    looking.decide_clone(
        session,
        OFFICER,
        NINE,
        other="parking-other",
        genuine=True,
        reason="seen",
        departments=PARKING,
    )
    assert session.next_step() is Step.CLAIM


def dispute(session: ParkingSession) -> None:
    looking.dispute(
        session, ANNA, NINE, holders=[ANNA.subject], grounds_sealed="s", sealed_for=ANNA.subject
    )


def test_a_dispute_freezes_what_is_known_and_collection_stands_still() -> None:
    with pytest.raises(SessionStillOpen):
        dispute(opened())
    session = left()
    with pytest.raises(NothingToDispute):
        dispute(session)
    price(session)
    with pytest.raises(NotYourSession):
        looking.dispute(session, ANNA, NINE, holders=[], grounds_sealed="s", sealed_for="x")
    dispute(session)
    assert session.status is Status.DISPUTED
    assert session.next_step() is Step.NOTHING
    frozen = session.pending_events[-1]
    assert isinstance(frozen, SessionDisputed)
    assert frozen.evidence == ["d1", "d2"]
    with pytest.raises(NothingToDispute):
        dispute(session)


def decide(
    session: ParkingSession,
    amount_fen: int | None,
    upheld: bool = True,
    officer: Actor = OFFICER,
    limit_fen: int = 5000,
) -> None:
    looking.decide_dispute(
        session,
        officer,
        NINE,
        upheld=upheld,
        amount_fen=amount_fen,
        reason="seen",
        note_sealed=None,
        departments=PARKING,
        limit_fen=limit_fen,
    )


def test_a_dispute_that_is_upheld_costs_less_and_never_more() -> None:
    session = left()
    price(session)
    with pytest.raises(NotDisputed):
        decide(session, 0)
    claimed(session)
    dispute(session)
    decide(session, 9999)
    assert session.price_fen == 400
    lower = left()
    price(lower)
    claimed(lower)
    dispute(lower)
    decide(lower, 0)
    assert lower.to_lower() == ("parking_claim-1", 0, "price-corrected")


def test_whoever_corrected_it_does_not_decide_its_dispute() -> None:
    session = left()
    correct(session)
    price(session)
    dispute(session)
    with pytest.raises(NotApartInParking):
        decide(session, 0)


def test_nobody_decides_on_their_own_session() -> None:
    session = left()
    price(session)
    claimed(session, payer=OFFICER.subject)
    with pytest.raises(NotApartInParking):
        correct(session)


def test_more_than_the_limit_takes_two_people_who_say_the_same() -> None:
    session = left()
    price(session)
    claimed(session)
    dispute(session)
    decide(session, 0, limit_fen=300)
    assert session.status is Status.DISPUTED
    with pytest.raises(NotApartInParking):
        decide(session, 0, limit_fen=300)
    decide(session, 50, officer=SECOND, limit_fen=300)  # something else: proposed in its place
    assert session.status is Status.DISPUTED
    decide(session, 50, limit_fen=300)
    assert (session.price_fen, session.proposals) == (50, {})
