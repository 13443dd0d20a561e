"""From a departure to the money: priced, held, debited, corrected; with a gateway that listens."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role, system_actor
from citybrain.domain.parking.judging import Status
from citybrain.domain.parking.session import ParkingSession
from citybrain.errors import Unavailable
from citybrain.settings import Settings
from commands.parking import looking
from commands.parking.bindings import Why
from commands.parking.processes import reminding
from commands.parking.processes.reminding import ParkingReminders
from tests.given.failing import Switch
from tests.given.parking.charged_city import CAR, OFFICER, City, charged_city
from tests.given.parking.city import at
from tests.given.services import context

SYSTEM = system_actor("parking-reminders")
BANK = "bank-payments"


@pytest.fixture
async def city(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[City]:
    async with charged_city(settings, monkeypatch) as city:
        yield city


async def test_a_bound_car_pays_without_stopping(city: City) -> None:
    citizen, number = await city.bound()
    session = await city.parked("09:00", "10:40")
    assert (session.price_fen, session.status, session.payer) == (600, Status.SETTLED, citizen)
    assert (city.gateway.spent(number), city.gateway.earned()) == (600, 600)
    (claim,) = await city.claims(session)
    assert claim.decision_sha256 == session.price_event


async def test_p21_across_midnight_for_nothing(city: City) -> None:
    city.street.clock(at("12:00", "2026-09-15"))
    street = city.street
    await street.say(
        street.sign("arrived", "Z1-001", at("23:50"), plate=CAR),
        street.sign("left", "Z1-001", at("00:10", "2026-09-15"), plate=CAR),
    )
    await city.work()
    session = await street.one()
    assert (session.price_fen, session.status) == (0, Status.SETTLED)
    assert session.claims == {}
    assert city.gateway.departments.ledger() == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"confidence": 89}, "plate-confidence-below"),
        ({"confidence": None}, "confidence-not-given"),
        (
            {"confidence": 93, "character_confidences": [99, 99, 58, 99, 98, 99, 99]},
            "character-confidence-below",
        ),
    ],
)
async def test_nothing_is_debited_on_a_reading_that_is_not_sure(
    city: City, said: dict[str, Any], reason: str
) -> None:
    await city.bound()
    session = await city.parked("09:00", "09:40", **said)
    assert (session.held, session.price_fen, session.claims) == (reason, 400, {})
    assert city.gateway.earned() == 0
    release: Callable[..., Any] = looking.release_session
    command = looking.ReleaseSession(reason="reading-confirmed")
    await release(session.id, command, context(OFFICER), city.services)
    assert (await city.again(session)).status == Status.SETTLED
    assert city.gateway.earned() == 400


async def test_p40_consent_ends_between_departure_and_debit(city: City) -> None:
    await city.bound()
    street = city.street
    await street.say(
        street.sign("arrived", "Z1-001", at("09:00"), plate=CAR),
        street.sign("left", "Z1-001", at("09:40"), plate=CAR),
    )
    city.holders.clear()
    await city.work()
    session = await street.one()
    assert (session.status, session.deferred) == (Status.DEFERRED, Why.NOT_BOUND)
    assert city.gateway.earned() == 0


async def test_p42_corrected_plate_after_the_debit(city: City) -> None:
    _, number = await city.bound()
    session = await city.parked("09:00", "10:40")
    correct = looking.CorrectPlate(plate="豫A12346", reason="misread", note="the photo shows it")
    await looking.correct_plate(session.id, correct, context(OFFICER), city.services)
    session = await city.again(session)
    first, second = await city.claims(session)
    assert (city.gateway.spent(number), city.gateway.earned()) == (0, 0)
    assert (first.amount_fen, second.amount_fen, second.citizen_id) == (0, 600, None)
    assert session.status == Status.DEFERRED
    back = looking.CorrectPlate(plate=CAR, reason="misread", note="it was right at first")
    await looking.correct_plate(session.id, back, context(OFFICER), city.services)
    session = await city.again(session)
    assert city.gateway.earned() == 0  # not debited again by itself
    assert session.status == Status.DEFERRED


async def test_a_debit_that_fails_is_paid_later(city: City) -> None:
    await city.bound()
    await city.gateway.departments.fault(BANK, "refuse-in-words")
    session = await city.parked("09:00", "10:40")
    assert (session.status, session.deferred) == (Status.DEFERRED, "debit-failed")
    assert city.gateway.earned() == 0
    assert city.given_back > 0  # the day's limit has it again


async def test_while_it_is_disputed_collection_stands_still(city: City) -> None:
    citizen, number = await city.bound()
    session = await city.parked("09:00", "10:40")
    dispute = looking.DisputeSession(grounds="I left at ten")
    me = Actor(citizen, frozenset({Role.CITIZEN}))
    await looking.dispute_session(session.id, dispute, context(me), city.services)
    session = await city.again(session)
    assert session.status == Status.DISPUTED
    (claim,) = await city.claims(session)
    assert claim.suspended_for == "disputed"
    decide = looking.DecideDispute(upheld=True, amount_fen=400, reason="wrong-time")
    await looking.decide_dispute(session.id, decide, context(OFFICER), city.services)
    session = await city.again(session)
    assert (city.gateway.spent(number), session.price_fen) == (400, 400)
    assert session.status == Status.SETTLED


async def test_p20_moving_one_berth_on_is_paid_as_one_stay(city: City) -> None:
    _, number = await city.bound()
    await city.parked("10:00", "10:50")
    street = city.street
    await street.say(
        street.sign("arrived", "Z1-002", at("10:50:40"), plate=CAR),
        street.sign("left", "Z1-002", at("11:40"), plate=CAR),
    )
    await city.work()
    assert city.gateway.spent(number) == 600


async def test_p10_of_two_places_one_is_genuine_and_the_clone_debits_nobody(city: City) -> None:
    _, number = await city.bound()
    street = city.street
    for place, begins, ends in (("Z1-001", "10:00", "11:00"), ("G-1", "10:20", "11:30")):
        await street.say(
            street.sign("arrived", place, at(begins), plate=CAR),
            street.sign("left", place, at(ends), plate=CAR),
        )
    await city.work()
    berth, garage = await street.sessions()
    assert {berth.held, garage.held} == {"plate-seen-elsewhere"}
    assert city.gateway.earned() == 0
    genuine = looking.DecideConflict(other_session_id=garage.id, genuine=True, reason="clone")
    await looking.decide_conflict(berth.id, genuine, context(OFFICER), city.services)
    berth, garage = await city.again(berth), await city.again(garage)
    assert (berth.status, city.gateway.spent(number)) == (Status.SETTLED, 400)
    assert (garage.payer, garage.deferred) == (None, "cloned-plate")


async def remind(city: City, session: ParkingSession, days: float) -> ParkingSession:
    """So many days later the alarm rings, if there is one."""
    city.street.clock(at("12:00") + timedelta(days=days))
    reminders = ParkingReminders()
    due = reminders.alarm_at(session)
    if due is not None and due <= city.services.clock():
        await reminders.ring(session, context(SYSTEM), city.services)
    return await city.services.store.load(ParkingSession, session.id)


async def test_left_first_paid_later_is_told_and_then_overdue(city: City) -> None:
    await city.bound()
    await city.gateway.departments.fault(BANK, "refuse-in-words")
    session = await city.parked("09:00", "10:40")
    told: list[int] = []
    for days in (0.5, 1.1, 1.2, 8, 16, 16.5, 40):
        session = await remind(city, session, days)
        told.append(session.reminders)
    assert told == [0, 1, 1, 2, 2, 2, 2]
    assert session.status == Status.OVERDUE
    topics = await city.street.topics(session)
    assert topics.count("parking.reminded") == 2
    assert topics.count("parking.notice_delivered") == 1
    assert topics.count("parking.overdue") == 1


async def test_a_reminder_that_cannot_be_sent_now_is_sent_later(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.bound()
    await city.gateway.departments.fault(BANK, "refuse-in-words")
    session, away = await city.parked("09:00", "10:40"), Switch(on=True)

    async def told(*_: object) -> bool:
        if away.on:
            raise Unavailable("the provider of messages is away")
        return True

    monkeypatch.setattr(reminding, "_told", told)
    for days in (1.1, 1.2, 7):
        session = await remind(city, session, days)
        assert (session.reminders, session.overdue_at) == (0, None)
    away.on = False
    session = await remind(city, session, 7.1)
    assert session.reminders == 1
    assert session.overdue_at is not None


async def test_a_reminder_that_can_never_be_sent_ends_and_nothing_is_overdue_by_it(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.bound()
    await city.gateway.departments.fault(BANK, "refuse-in-words")
    session = await city.parked("09:00", "10:40")

    async def told(*_: object) -> bool:
        raise Unavailable("the provider is away for this number")

    monkeypatch.setattr(reminding, "_told", told)
    reached = []
    for days in (1.1, 7.9, 8.2, 8.3, 15, 16, 99):
        session = await remind(city, session, days)
        reached.append(session.reminders)
    assert reached == [0, 0, 1, 1, 1, 2, 2]
    assert (session.overdue_at, session.status) == (None, Status.DEFERRED)


async def test_p37_what_was_charged_back_is_told_of_as_other_debts(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the chargeback on: not overdue by itself, and not by what was said before it."""
    await city.bound()
    session = await city.parked("09:00", "10:40")
    assert session.status is Status.SETTLED
    (claim,) = await city.claims(session)
    city.street.clock(at("12:00") + timedelta(days=8))
    now = SimpleNamespace(time=city.services.clock().timestamp)
    for module in ("parking.gateway", "applications.departments.ledger"):
        monkeypatch.setattr(f"ops.simulators.{module}.time", now)
    city.gateway.departments.gateway.charge_back(next(iter(claim.payments)))
    await city.gateway.deliver()
    session = await city.again(session)
    assert (session.status, session.deferred) == (Status.DEFERRED, "charged-back")
    told = []
    for days in (8.5, 9.1, 9.2, 15.5, 24, 25):
        session = await remind(city, session, days)
        told.append((session.reminders, session.status))
    assert told == [
        (0, Status.DEFERRED),
        (1, Status.DEFERRED),
        (1, Status.DEFERRED),
        (2, Status.DEFERRED),
        (2, Status.DEFERRED),
        (2, Status.OVERDUE),
    ]
    assert city.gateway.earned() == 0  # never debited again by itself


async def test_nobody_is_told_of_what_is_nobodys(city: City) -> None:
    session = await city.parked("09:00", "10:40")
    assert session.deferred == Why.NOT_BOUND
    assert (await remind(city, session, 40)).reminders == 0
