"""A log in which everything of parking happens, made by its own commands and process managers."""

from datetime import timedelta
from functools import partial

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.anomaly import AnomalyKind, AnomalyReason, anomaly_id
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.notice import NoticeEnd, NoticeReason, NoticeSays
from citybrain.domain.parking.repricing_batch import ParkingRepricing, Scope
from citybrain.systems.parking import PARKING
from commands.parking import binding as binding_commands
from commands.parking import by_hand, looking, prepaying, stray
from commands.parking import notice as notices
from commands.parking import reservations as reserving
from commands.parking.anomaly import CloseAnomaly, ShownAnomaly, close_anomaly
from commands.parking.counter import ReadFacilityCounter, read_counters
from commands.parking.pricing import OtherStays
from commands.processes.runner import context_of
from projections.parking.session_ids import of_plate
from tests.given.parking.binding_world import Drivers, by
from tests.given.parking.bindings import day
from tests.given.parking.charged_city import OFFICER, City
from tests.given.parking.city import GARAGE, WATCHER, at
from tests.given.parking.permits import granted
from tests.given.read_models import caught_up
from tests.given.services import context

SECOND = Actor("officer-2", frozenset({Role.SUPERVISOR}), "parking")
OTHER, HIRED = "豫A54321", "豫A10001"
DAY = timedelta(days=1)


async def everything(city: City) -> None:
    """Bindings, debits, refunds, disputes, reservations, permits, counters, clones, notices."""
    await bound_and_permitted(city)
    city.street.clock(at("12:00"))
    await paid_and_given_back(city)
    await not_as_it_should_be(city)
    await counted(city)
    await reserved(city)
    await made_public(city)
    await paid_at_kiosks(city)
    await corrected_by_hand(city)
    await priced_again(city)
    await react(city)


async def react(city: City) -> None:
    """All process managers of parking take what happened, until nothing happens any more."""
    managers = [process.manager for process in PARKING.processes]
    seen = 0
    while events := await city.services.store.read_all(after=seen, limit=500):
        seen = events[-1].position
        await caught_up(city.services.store, "parking_sessions")
        for event in events:
            for manager in managers:
                if event.topic in manager.topics and manager.name != "parking-sessions":
                    own = partial(context_of, manager, event)
                    await manager.react(event, city.services, own)


async def priced_again(city: City) -> None:
    """A batch by a version that reaches back: it is previewed, and waits for another officer."""
    batch = ParkingRepricing.propose(
        at("12:00"),
        repricing_id=ParkingRepricing.new_id(),
        version_id="street:2026-09-01+back",
        begins=day("09-01"),
        ends=day("09-14"),
        scope=Scope.ALL,
        reason="ruling",
        proposed_by=OFFICER.subject,
    )
    await city.services.store.save(batch, metadata=context(OFFICER).metadata())


async def bound_and_permitted(city: City) -> None:
    """A plate that is bound, and whose vehicle is hired out; a badge that two officers give."""
    drivers = Drivers(city.services, city.gateway.departments)
    citizen, number = await drivers.citizen()
    _, hirer = await drivers.citizen()
    drivers.vehicles.register(HIRED, number, use="rental")
    binding = await drivers.bind(citizen, HIRED)
    named = binding_commands.NameHirer(
        number=hirer,
        begins=day("09-01"),
        ends=day("09-03"),
        arrived_at=day("09-02"),
        contract_sha256="ab" * 32,
    )
    await binding_commands.name_hirer(binding.id, named, by(citizen), city.services)
    await granted(drivers, citizen, plate="豫A10003")


async def paid_and_given_back(city: City) -> None:
    """A stay that was debited and disputed; one whose plate was corrected; one that nobody owes."""
    citizen, _ = await city.bound()
    first = await city.parked("07:10", "08:50")
    me = Actor(citizen, frozenset({Role.CITIZEN}))
    dispute = looking.DisputeSession(grounds="I left at eight", evidence_sha256=["ab" * 32])
    await looking.dispute_session(first.id, dispute, context(me), city.services)
    decide = looking.DecideDispute(upheld=True, amount_fen=400, reason="wrong-time")
    await looking.decide_dispute(first.id, decide, context(OFFICER), city.services)
    await city.again(first)
    second = await city.parked("09:00", "09:40")
    correct = looking.CorrectPlate(plate="豫A12346", reason="misread", note="the photo shows it")
    await looking.correct_plate(second.id, correct, context(OFFICER), city.services)
    await city.again(second)
    await city.parked("09:50", "10:30", plate=OTHER)
    await city.parked("10:40", "11:20", plate="豫A55555", confidence=50)


async def not_as_it_should_be(city: City) -> None:
    """A clone, an exit without entry, one that was not seen, a barrier by hand, a lost device."""
    street = city.street
    await street.say(
        street.sign("arrived", "Z1-003", at("10:00"), plate="豫A6C310"),
        street.sign("arrived", GARAGE, at("10:20"), plate="豫A6C310"),
        street.sign("left", "Z1-003", at("11:00"), plate="豫A6C310"),
    )
    opened, *_ = await street.say(
        street.sign("opened", GARAGE, at("10:30")),
        street.sign("arrived", GARAGE, at("11:00"), plate="豫A6C310"),
        street.sign("left", GARAGE, at("11:10"), plate="豫A0E555"),
        street.sign("lost", None, at("11:20")),
        street.sign("restored", None, at("11:30")),
        street.sign("arrived", "Z1-004", at("11:40"), plate="豫A7Q004"),
    )
    await city.work()
    berth, garage, *_ = [each for each in await street.sessions() if each.clones]
    genuine = looking.DecideConflict(other_session_id=garage.id, genuine=True, reason="clone")
    await looking.decide_conflict(berth.id, genuine, context(OFFICER), city.services)
    await street.say(street.sign("occupied", "Z1-005", at("11:50"), plate="豫A7Q005"))
    street.clock(at("12:00", "2026-09-16") + timedelta(days=365 * 9))
    await street.process.tick(city.services)
    street.clock(at("12:00"))
    await street.say(street.sign("left", "Z1-006", at("11:59")))  # nobody knows yet who
    await close(city, AnomalyKind.BARRIER_OPENED, opened)


async def close(city: City, kind: AnomalyKind, of: str) -> None:
    """An officer has looked at it."""
    shown = ShownAnomaly(anomaly_id(kind, of), kind, GARAGE, "c-1", at("10:30"), False, None)
    command = CloseAnomaly(reason=AnomalyReason.EXPLAINED)
    await close_anomaly(shown, command, context(OFFICER), city.services)


async def counted(city: City) -> None:
    """Counts that are believed, and such that are not."""
    readings = [
        ReadFacilityCounter(
            facility_id=GARAGE, device_id="c-1", occurred_at=at(f"10:0{minute}"), free=free
        )
        for minute, free in enumerate((40, -3, -60, -61, 479, None, 30))
    ]
    await read_counters(readings, context(WATCHER), city.services)


async def reserved(city: City) -> None:
    """One berth held, paid and taken; another given up."""
    citizen, _ = await city.gateway.citizen()
    sent = context(Actor(citizen, frozenset({Role.CITIZEN})))
    for berth, start in (("Z1-008", "14:00"), ("Z1-009", "15:00")):
        hold = reserving.HoldBerth(
            berth=berth, start=at(start), end=at(start) + timedelta(hours=1), plate="豫A2W200"
        )
        held = await reserving.hold_berth(hold, sent, city.services)
        if berth == "Z1-008":
            confirm = reserving.ConfirmReservation()
            await reserving.confirm_reservation(held.stream_id, confirm, sent, city.services)
        else:
            cancel = reserving.CancelReservation()
            await reserving.cancel_reservation(held.stream_id, cancel, sent, city.services)


async def made_public(city: City) -> None:
    """A message that does not fit, and a debt of nobody that is made public for a time."""
    gateway, services = city.gateway, city.services
    owed = await gateway.owes(700, number=7)
    asked = await gateway.ask(owed, Channel.KIOSK)
    said = {"amount": 7, "currency": "CNY", "reference": owed}
    gateway.departments.gateway.say(asked.payment_id, "captured", **said)
    await gateway.deliver()
    old = await gateway.owes(500, number=8, due_at=services.clock() - 40 * DAY)
    propose = notices.ProposeNotice(
        reason=NoticeReason.DEBTOR_UNKNOWN,
        says=[NoticeSays.AMOUNT],
        until=services.clock() + 10 * DAY,
    )
    deny = notices.DenyNotice(reason=NoticeEnd.NOT_NEEDED)
    await notices.propose_notice(old, propose, context(OFFICER), services)
    await notices.deny_notice(old, deny, context(SECOND), services)
    await notices.propose_notice(old, propose, context(OFFICER), services)
    await notices.publish_notice(old, notices.PublishNotice(), context(SECOND), services)


async def paid_at_kiosks(city: City) -> None:
    """One pays before leaving, and the way out is blocked; one for a plate that nobody has read."""
    gateway, services, street = city.gateway, city.services, city.street
    kiosk = context(Actor("kiosk-1", frozenset({Role.KIOSK})))
    plate = "豫A6P046"
    await street.say(street.sign("arrived", GARAGE, at("10:00"), plate=plate))
    (stay,) = [
        each
        for each in await street.sessions()
        if each.arrived_at == at("10:00") and each.place_id == GARAGE
    ]
    pays = prepaying.PayStay(plate=plate)
    before = await prepaying.pay_stay(stay.id, pays, kiosk, services, OtherStays(of_plate))
    typed = stray.PayUnknown(place_id="Z1", plate="豫A6C316", amount_fen=400)
    of_nobody = await stray.pay_unknown(typed, kiosk, services)
    for asked in (before, of_nobody):
        said = {"amount": asked.amount_fen, "currency": "CNY", "reference": asked.claim_id}
        gateway.departments.gateway.say(asked.payment_id, "captured", **said)
    await gateway.deliver()
    await react(city)
    await street.say(
        street.sign("blocked", GARAGE, at("11:59"), cause="queue"),
        street.sign("left", GARAGE, at("12:00"), plate=plate, opening="o-1"),
        street.sign("counted", GARAGE, at("12:00"), opening="o-1", vehicles=1),
        street.sign("left", GARAGE, at("12:00"), plate="豫A0582挂"),
    )


async def corrected_by_hand(city: City) -> None:
    """An officer has seen that a berth is taken, and then that it is free."""
    for state, since in ((by_hand.BerthSeen.OCCUPIED, "11:00"), (by_hand.BerthSeen.FREE, "11:30")):
        command = by_hand.CorrectBerth(state=state, since=at(since), reason="seen-on-the-spot")
        await by_hand.correct_berth("Z1-007", command, context(OFFICER), city.services)
    await city.street.follow()
