"""Paid before leaving: at a kiosk or in the app, then out in time, too late, or held up."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.claim import Claim, ClaimStatus
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.judging import Status
from citybrain.domain.parking.payment import NothingOwed
from citybrain.domain.parking.refusals import NotYourSession, SessionLeftAlready
from citybrain.domain.parking.session import ParkingSession
from citybrain.settings import Settings
from commands.handling import CommandContext
from commands.parking import looking
from commands.parking.bindings import Why
from commands.parking.paying import PlateMissing
from commands.parking.payment import Asked
from commands.parking.prepaying import PayStay, pay_stay
from commands.parking.pricing import OtherStays
from commands.parking.processes.orders import OrderTimes
from commands.processes.runner import context_of
from ops.simulators.applications.departments import ledger
from projections.parking import revenue
from projections.parking.session_ids import of_plate
from tests.given.parking.charged_city import CAR, OFFICER, City, charged_city
from tests.given.parking.city import GARAGE, at
from tests.given.read_models import project
from tests.given.services import context

OTHERS = OtherStays(of_plate)
KIOSK = Actor("kiosk-1", frozenset({Role.KIOSK}))


@pytest.fixture
async def city(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[City]:
    """The bank's clock is the city's, which the test sets."""
    async with charged_city(settings, monkeypatch) as city:
        clock = SimpleNamespace(time=lambda: city.services.clock().timestamp())
        monkeypatch.setattr(ledger, "time", clock)
        city.gateway.departments.gateway.clock = clock.time
        yield city


async def arrives(city: City, when: str = "10:00", plate: str = CAR) -> ParkingSession:
    await city.street.say(city.street.sign("arrived", GARAGE, at(when), plate=plate))
    return (await city.street.sessions())[-1]


async def asks(
    city: City, session: ParkingSession, when: str, actor: Actor = KIOSK, key: str | None = None
) -> Asked:
    """Somebody stands at a kiosk, or has the app in their hand."""
    city.street.clock(at(when))
    plate = {"plate": CAR} if actor.has(Role.KIOSK) else {}
    by = CommandContext(actor, "test", uuid4(), uuid4(), None, key)
    return await pay_stay(session.id, PayStay(**plate), by, city.services, OTHERS)


async def pays(city: City, asked: Asked, when: str) -> None:
    """They hand the order and their money to the gateway, which tells us."""
    city.street.clock(at(when))
    assert (await city.gateway.pay(asked))[0] == 200
    await city.gateway.deliver()
    await city.work()


async def leaves(city: City, session: ParkingSession, when: str) -> ParkingSession:
    city.street.clock(at(when))
    await city.street.say(city.street.sign("left", GARAGE, at(when), plate=CAR))
    return await city.again(session)


async def prepaid(city: City) -> ParkingSession:
    """In at ten, paid at the kiosk at 10:58: 58 minutes are 400."""
    session = await arrives(city)
    asked = await asks(city, session, "10:58")
    assert asked.amount_fen == 400
    await pays(city, asked, "10:58")
    session = await city.again(session)
    assert (session.left_at, session.status) == (None, Status.PARKED)
    return session


def way_out(city: City, sign: str, when: str, **said: Any) -> dict[str, Any]:
    return city.street.sign(sign, GARAGE, at(when), **said)


async def test_p46_paid_then_slow_at_the_exit_within_the_grace(city: City) -> None:
    session = await leaves(city, await prepaid(city), "11:03:00")
    assert (session.price_fen, session.owed_fen, session.status) == (400, 0, Status.SETTLED)
    assert city.gateway.earned() == 400
    grace = (await priced(city, session))["stay"]["grace"]
    assert grace == {
        "whole_fen": 600,
        "paid_fen": 400,
        "paid_at": [at("10:58").isoformat()],
        "until": at("11:03").isoformat(),
        "in_grace": True,
        "held_up": [],
    }


@pytest.mark.parametrize(("left", "priced", "open_fen"), [("11:03", 400, 0), ("11:04", 600, 200)])
async def test_p46_what_was_paid_before_is_what_the_day_brings_in(
    city: City, left: str, priced: int, open_fen: int
) -> None:
    await leaves(city, await prepaid(city), left)
    await project(city.services.store, "parking_revenue", "parking_claims")
    (row,) = await revenue.rows(city.services.store.pool, date(2026, 9, 14), date(2026, 9, 14))
    assert (row.kind, row.stays, row.priced_fen, row.captured_fen) == ("parking", 1, priced, 400)
    assert (row.charged_fen, row.open_fen, row.refunded_fen) == (priced, open_fen, 0)


async def test_p46_paid_then_slow_at_the_exit_one_second_later(city: City) -> None:
    session = await leaves(city, await prepaid(city), "11:03:01")
    assert (session.price_fen, session.owed_fen) == (600, 200)
    assert (session.status, session.deferred) == (Status.DEFERRED, Why.NOT_BOUND)
    before, on_leaving = await city.claims(session)
    assert (before.status, before.amount_fen) == (ClaimStatus.SETTLED, 400)
    assert (on_leaving.open_fen, on_leaving.due_at) == (200, at("11:03:01"))
    assert not session.overdue
    assert city.gateway.earned() == 400


@pytest.mark.parametrize(("left", "owed"), [("11:14:00", 0), ("11:14:01", 200)])
@pytest.mark.parametrize("late", [False, True])
async def test_p46_a_barrier_that_failed_extends_the_grace(
    city: City, left: str, owed: int, late: bool
) -> None:
    """The fault is from 10:59 to 11:10; told in time or after the car has left: the same."""
    session = await prepaid(city)
    city.street.clock(at("11:20"))
    fault = [
        way_out(city, "blocked", "10:59", cause="barrier-fault"),
        way_out(city, "cleared", "11:10"),
    ]
    if not late:
        await city.street.say(*fault)
    await city.street.say(city.street.sign("left", GARAGE, at(left), plate=CAR))
    session = await city.again(session)
    if late:
        assert session.owed_fen == 200
        await city.street.say(*fault)
        session = await city.again(session)
    assert session.owed_fen == owed
    assert session.status is (Status.DEFERRED if owed else Status.SETTLED)
    grace = (await priced(city, session))["stay"]["grace"]
    assert grace["until"] == at("11:14").isoformat()
    assert grace["held_up"] == [
        {
            "begins": at("10:59").isoformat(),
            "ends": at("11:10").isoformat(),
            "cause": "barrier-fault",
        }
    ]
    open_fen = sum(claim.open_fen for claim in await city.claims(session))
    assert (open_fen, city.gateway.earned()) == (owed, 400)


async def test_p46_a_queue_that_still_stands_keeps_nobody_from_the_grace(city: City) -> None:
    session = await prepaid(city)
    city.street.clock(at("11:00"))
    await city.street.say(way_out(city, "blocked", "11:00", cause="queue"))
    session = await leaves(city, session, "11:40")
    assert (session.owed_fen, session.status) == (0, Status.SETTLED)


async def priced(city: City, session: ParkingSession) -> dict[str, Any]:
    """The last price."""
    events = await city.services.store.read(session.id)
    return dict([event for event in events if event.topic == "parking.priced"][-1].data)


async def test_who_pays_twice_pays_only_what_has_come_to_it(city: City) -> None:
    session = await prepaid(city)
    with pytest.raises(NothingOwed):
        await asks(city, session, "10:59")
    asked = await asks(city, session, "11:30")
    assert asked.amount_fen == 200
    await pays(city, asked, "11:31")
    session = await leaves(city, session, "11:35")
    assert (session.price_fen, session.owed_fen, session.status) == (600, 0, Status.SETTLED)
    assert city.gateway.earned() == 600


async def test_who_pays_what_they_were_asked_for_has_paid_all(city: City) -> None:
    """A minute that begins while somebody looks for their card costs nothing more."""
    session = await arrives(city)
    asked = await asks(city, session, "11:00:00")
    assert asked.until == at("11:05")  # no longer than the grace: the price goes on
    await pays(city, asked, "11:01:30")
    session = await leaves(city, session, "11:06:30")
    assert (session.price_fen, session.owed_fen) == (400, 0)


async def test_an_order_asked_for_anew_replaces_the_one_before(city: City) -> None:
    session = await arrives(city)
    first = await asks(city, session, "10:30", key="one")
    again = await asks(city, session, "10:30", key="one")
    assert (again.payment_id, again.until) == (first.payment_id, first.until)
    second = await asks(city, session, "11:30", key="two")
    await city.work()
    assert (first.amount_fen, second.amount_fen) == (400, 600)
    gone = await city.services.store.load(Claim, first.claim_id)
    assert (gone.amount_fen, list(gone.under_way())) == (0, [])
    await pays(city, second, "11:31")
    session = await leaves(city, session, "11:33")
    assert (session.price_fen, session.status) == (600, Status.SETTLED)


async def test_leaving_while_a_payment_is_under_way_waits_for_what_became_of_it(city: City) -> None:
    session = await arrives(city)
    asked = await asks(city, session, "10:58")
    city.street.clock(at("10:59"))
    assert (await city.gateway.pay(asked))[0] == 200  # and nobody has told us
    session = await leaves(city, session, "11:02")
    assert (session.price_fen, session.status) == (None, Status.LEFT)
    city.street.clock(at("11:30"))
    await city.gateway.deliver()
    session = await city.again(session)
    assert (session.price_fen, session.owed_fen, session.status) == (400, 0, Status.SETTLED)


async def test_an_order_that_nobody_paid_leaves_the_whole_to_be_paid(city: City) -> None:
    session = await arrives(city)
    asked = await asks(city, session, "10:58")
    session = await leaves(city, session, "11:02")
    city.street.clock(at("11:10"))
    orders, claim = OrderTimes(), await city.gateway.claim(asked.claim_id)
    event = (await city.services.store.read(claim.id))[-1]
    await orders.ring(claim, context_of(orders, event, "lapse"), city.services)
    session = await city.again(session)
    assert (session.price_fen, session.owed_fen, session.status) == (600, 600, Status.DEFERRED)
    before, on_leaving = await city.claims(session)
    assert (before.amount_fen, on_leaving.open_fen) == (0, 600)


async def test_a_bound_car_that_paid_before_is_debited_only_the_rest(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen, number = await city.bound()
    session = await arrives(city)

    async def holder_at(*_: Any) -> str:
        return citizen

    monkeypatch.setattr(looking, "holder_at", holder_at)
    asked = await asks(city, session, "10:58", Actor(citizen, frozenset({Role.CITIZEN})))
    await pays(city, asked, "10:58")
    session = await leaves(city, await city.again(session), "11:20")
    assert (session.status, session.payer) == (Status.SETTLED, citizen)
    assert city.gateway.spent(number) == 200
    assert city.gateway.earned() == 600


async def test_a_correction_gives_back_what_was_paid_for_another_vehicle(city: City) -> None:
    session = await leaves(city, await prepaid(city), "11:02")
    command = looking.CorrectPlate(plate="豫A12346", reason="misread", note="seen in the picture")
    await looking.correct_plate(session.id, command, context(OFFICER), city.services)
    session = await city.again(session)
    assert (session.price_fen, session.owed_fen) == (600, 600)
    assert (city.gateway.earned(), city.gateway.spent()) == (0, 0)


async def test_p13_a_shorter_stay_gives_back_what_was_paid_before(city: City) -> None:
    session = await arrives(city)
    await pays(city, await asks(city, session, "11:30"), "11:30")
    city.street.clock(at("11:40"))
    await city.street.say(city.street.sign("left", GARAGE, at("10:50"), plate=CAR))
    session = await city.again(session)
    assert (session.price_fen, session.owed_fen, session.status) == (400, 0, Status.SETTLED)
    assert city.gateway.earned() == 400


async def test_p37_a_chargeback_of_what_was_paid_before_opens_it_again(city: City) -> None:
    session = await leaves(city, await prepaid(city), "11:02")
    (claim,) = await city.claims(session)
    (payment_id,) = claim.payments
    city.gateway.departments.gateway.charge_back(payment_id)
    await city.gateway.deliver()
    session = await city.again(session)
    assert (session.settled, session.status) == (False, Status.DEFERRED)
    assert session.deferred == "charged-back"
    (claim,) = await city.claims(session)
    assert (claim.status, claim.open_fen) == (ClaimStatus.CHARGED_BACK, 400)
    again = await city.gateway.ask(claim.id, Channel.KIOSK)
    assert (await city.gateway.pay(again))[0] == 200
    await city.gateway.deliver()
    assert (await city.again(session)).status is Status.SETTLED


async def test_only_whose_it_is_or_who_names_the_plate_pays(city: City) -> None:
    session = await arrives(city)
    for actor in (Actor("citizen-2", frozenset({Role.CITIZEN})),):
        with pytest.raises(NotYourSession):
            await asks(city, session, "10:30", actor)
    other = PayStay(plate="豫A54321")
    for session_id in (session.id, f"parking-{'0' * 32}"):
        with pytest.raises(NotYourSession):
            await pay_stay(session_id, other, context(KIOSK), city.services, OTHERS)
    with pytest.raises(PlateMissing):
        await pay_stay(session.id, PayStay(), context(KIOSK), city.services, OTHERS)
    await leaves(city, session, "10:40")
    with pytest.raises(SessionLeftAlready):
        await asks(city, session, "10:41")


async def two_leave(
    city: City, seconds: float = 1.2, counted: int | None = None
) -> tuple[ParkingSession, ParkingSession, list[str]]:
    """One has paid, another follows it through one opening of the barrier."""
    paid = await prepaid(city)
    street, follower = city.street, "豫A1C101"
    await street.say(street.sign("arrived", GARAGE, at("10:30"), plate=follower))
    city.street.clock(at("11:03"))
    began = at("11:00")
    reads = [
        street.sign(
            "left", GARAGE, began + timedelta(seconds=late), plate=plate, opening="o-1", **said
        )
        for plate, late, said in (
            (CAR, 0.2, {}),
            (follower, 0.2 + seconds, {"evidence_sha256": ["ab" * 32]}),
        )
    ]
    if counted is not None:
        reads.append(street.sign("counted", GARAGE, began, opening="o-1", vehicles=counted))
    ids = await street.say(*reads)
    await city.again(paid)
    first, second = sorted(await street.sessions(), key=lambda each: each.arrived_at)
    return first, second, ids


@pytest.mark.parametrize("counted", [None, 2])
async def test_p17_two_cars_one_opening(city: City, counted: int | None) -> None:
    """Two departures; the second has not paid, has its own picture, and is asked later."""
    first, second, ids = await two_leave(city, counted=counted)
    assert (first.status, first.tailgated) == (Status.SETTLED, None)
    assert second.left_at == at("11:00") + timedelta(seconds=1.4)
    assert (second.status, second.deferred) == (Status.DEFERRED, "departed-unpaid")
    (event,) = [
        event
        for event in await city.services.store.read(second.id)
        if event.topic == "parking.tailgated"
    ]
    assert event.data["detection_id"] == ids[1]
    assert event.data["evidence_sha256"] == ["ab" * 32]
    assert (event.data["behind"], event.data["counted"]) == (ids[0], counted)


async def test_p17_where_the_loop_counted_one_somebody_looks(city: City) -> None:
    _, second, _ = await two_leave(city, counted=1)
    assert (second.status, second.held) == (Status.HELD, "loop-counted-fewer")
    assert second.claims == {}


async def test_p17_a_count_that_comes_later_settles_the_doubt(city: City) -> None:
    _, second, _ = await two_leave(city, counted=1)
    street = city.street
    await street.say(street.sign("counted", GARAGE, at("11:00:05"), opening="o-1", vehicles=2))
    second = await city.again(second)
    assert second.tailgated is not None
    assert (second.tailgated["counted"], second.why_held) == (2, None)


async def test_p17_other_openings_and_other_facilities_are_others(city: City) -> None:
    street = city.street
    for plate, opening in ((CAR, "o-1"), ("豫A1C101", "o-2")):
        await street.say(
            street.sign("arrived", GARAGE, at("10:00"), plate=plate),
            street.sign("left", GARAGE, at("11:00"), plate=plate, opening=opening),
        )
    assert [each.tailgated for each in await street.sessions()] == [None, None]
