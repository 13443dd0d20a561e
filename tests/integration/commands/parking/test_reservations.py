"""Reservations over a real log: P50, P51 and P52 by name, one holder, and everybody's money."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from citybrain.definitions.parking.reservations import ReservationDefinitions
from citybrain.domain.parking.arrivals import Outcome
from citybrain.domain.parking.calendar import BerthTaken
from citybrain.domain.parking.reservation import ParkingReservation
from citybrain.domain.parking.reservation_quota import ReservationQuota, TooManyReservations
from citybrain.domain.parking.reservation_refusals import (
    HoldRanOut,
    NotYourReservation,
    PlateNotWhole,
    SameBerth,
    SpanInvalid,
)
from citybrain.eventstore import Appended, EventStore, open_event_store
from citybrain.payments import Kind
from citybrain.settings import Settings
from commands.handling import KeyReused
from commands.kept_definitions import keep_definitions
from commands.parking.arriving import BerthNow
from commands.parking.erased import ending_reservations_of_the_erased
from commands.parking.places import UnknownPlace
from commands.parking.plates import PlateKeeper
from commands.parking.reductions import (
    ApproveReduction,
    ProposeReduction,
    approve_reduction,
    propose_reduction,
)
from commands.parking.reservations import (
    CancelReservation,
    ConfirmReservation,
    MoveReservation,
    ReportObstruction,
    SettleConflict,
    cancel_reservation,
    confirm_reservation,
    move_reservation,
    report_obstruction,
    settle_conflict,
)
from projections.parking import reservations
from tests.given.parking.plates import plate
from tests.given.parking.reservations import BERTH, NEXT_BERTH, OFFICER, RULES, SECOND, clock, free
from tests.given.parking.reserving import BERTHS, Street, sent
from tests.given.read_models import project


@pytest.fixture
async def street(store: EventStore) -> Street:
    return await Street.open(store)


async def test_p50_the_hold_ran_out_while_paying(street: Street) -> None:
    first, second = await street.citizen(), await street.citizen()
    street.at("9:55")
    one = await street.hold(first)
    await street.ask(first, one)
    street.bank.way = "silent"
    await street.go_on(one)
    street.at("10:04:59.9")
    with pytest.raises(BerthTaken):
        await street.hold(second, plate="豫A8X800")
    street.at("10:05:00.5")
    two = await street.hold(second, plate="豫A8X800")
    street.bank.way, street.free = "ok", [NEXT_BERTH]
    street.at("10:05:01")
    await street.go_on(one)
    lost = await street.load(one)
    assert (lost.status.value, lost.offered) == ("lost", [NEXT_BERTH])
    assert street.bank.moved_fen(Kind.CHARGE) == street.bank.moved_fen(Kind.REFUND) == 500
    await street.ask(second, two)
    await street.go_on(two)
    assert await street.status(two) == "confirmed"
    assert list((await street.calendar()).claims) == [f"{two}.1"]


async def test_p50_where_nobody_took_it_the_late_capture_confirms(street: Street) -> None:
    anna = await street.citizen()
    street.at("9:55")
    one = await street.hold(anna)
    await street.ask(anna, one)
    street.at("10:05:01")
    await street.go_on(one)
    assert await street.status(one) == "confirmed"
    assert (await street.calendar()).claims[f"{one}.1"]["until"] is None


async def test_a_capture_that_is_told_after_a_failure_still_confirms_or_goes_back(
    street: Street,
) -> None:
    anna, ben = await street.citizen(), await street.citizen()
    one = await street.hold(anna)
    street.bank.way = "refuse"
    await street.ask(anna, one)
    await street.go_on(one)
    assert await street.status(one) == "held"
    street.bank.way = "ok"
    await street.ask(anna, one)
    await street.go_on(one)
    assert await street.status(one) == "confirmed"
    payments = (await street.claim(one)).payments.values()
    assert [each["state"] for each in payments] == ["failed", "captured"]
    assert await street.hold(ben, start="16:00", end="17:00")


async def test_p51_somebody_stands_on_the_reserved_berth(street: Street) -> None:
    anna = await street.citizen()
    street.at("13:00")
    one = await street.reserved(anna)
    street.at("13:45")
    await street.ring(one)
    street.at("13:55:02")
    assert await street.comes("豫A8X800", BERTH, "13:55") == [one]
    conflict = (await street.load(one)).conflict
    assert conflict is not None
    assert (conflict["kind"], conflict["at"]) == ("obstructed", clock("13:55"))
    street.at("14:02")
    await report_obstruction(one, ReportObstruction(), sent(anna), street.services)
    with pytest.raises(SameBerth):
        await move_reservation(one, MoveReservation(berth=BERTH), sent(anna), street.services)
    await move_reservation(one, MoveReservation(berth=NEXT_BERTH), sent(anna), street.services)
    await street.go_on(one)
    assert (await street.load(one)).berth == NEXT_BERTH
    assert list((await street.calendar()).claims) == []
    assert list((await street.calendar(NEXT_BERTH)).claims) == [f"{one}.2"]
    street.at("14:05")
    await street.ring(one)
    assert await street.comes("豫A2W200", NEXT_BERTH, "14:04:50") == [one]
    await street.go_on(one)
    assert await street.status(one) == "checked-in"
    assert street.kept_fen(one) == 0


async def test_p51_who_wants_no_other_berth_has_the_deposit_back(street: Street) -> None:
    anna = await street.citizen()
    street.at("13:00")
    one = await street.reserved(anna)
    for at in ("13:45", "13:55"):
        street.at(at)
        await street.ring(one)
    await street.comes("豫A8X800", BERTH, "13:55")
    street.at("14:15")
    await street.ring(one)
    await street.go_on(one)
    assert await street.status(one) == "given-back"
    assert "no_show" not in await street.topics(one)
    assert street.kept_fen(one) == 0


async def test_p52_checked_in_on_time_told_late(street: Street) -> None:
    """The reservation is of 豫A01234, and the camera reads an I."""
    for berth, noted, arrived_at, expected in (
        (BERTHS[1], False, "14:15:00", "checked-in"),
        (BERTHS[2], True, "14:15:00", "checked-in"),
        (BERTHS[3], False, "14:15:01", "no-show"),
        (BERTHS[4], True, "14:15:01", "no-show"),
    ):
        anna = await street.citizen()
        street.at("13:00")
        one = await street.reserved(anna, berth=berth, plate="豫A01234")
        street.at("13:45")
        await street.ring(one)
        street.at("14:15:30")
        if noted:
            await street.ring(one)
            assert await street.status(one) == "no-show"
        street.at("14:16:10")
        assert await street.comes("豫A0I234", berth, arrived_at) == [one]
        assert await street.status(one) == expected
        street.at("14:26:10")
        await street.ring(one)
        await street.go_on(one)
        assert street.kept_fen(one) == (0 if expected == "checked-in" else 500)


async def test_a_berth_is_free_again_when_the_no_show_is_final(street: Street) -> None:
    anna, ben = await street.citizen(), await street.citizen()
    street.at("13:00")
    one = await street.reserved(anna)
    for at in ("13:45", "14:15"):
        street.at(at)
        await street.ring(one)
    street.at("14:24")
    with pytest.raises(BerthTaken):
        await street.hold(ben, start="14:24", end="14:54")
    street.at("14:25")
    await street.ring(one)
    await street.go_on(one)
    await street.hold(ben, start="14:25", end="14:55")


async def test_a_reading_that_is_not_sure_costs_nobody_anything(street: Street) -> None:
    for number, (raw, confidence) in enumerate(
        [(None, 97), ("A2W200", 97), ("豫A2W206", 97), ("豫B9Y911", 60)]
    ):
        anna, berth = await street.citizen(), BERTHS[number]
        street.at("13:00")
        one = await street.reserved(anna, berth=berth)
        street.at("13:50")
        await street.ring(one)
        await street.comes(raw, berth, "13:50", confidence)
        conflict = (await street.load(one)).conflict
        assert conflict is not None
        assert conflict["kind"] == "unsure"
        found = SettleConflict(outcome=Outcome.ARRIVED, note="stood there at two")
        await settle_conflict(one, found, sent(OFFICER), street.services)
        assert await street.status(one) == "checked-in"


async def test_who_stands_there_since_before_is_found_when_it_is_time(street: Street) -> None:
    anna = await street.citizen()
    street.at("9:00")
    one = await street.reserved(anna)
    street.at("10:00")
    await street.comes("豫A8X800", BERTH, "10:00")
    assert (await street.load(one)).conflict is None  # it is nobody's time yet
    street.standing[BERTH] = BerthNow(vehicle=await street.seen("豫A8X800", BERTH, clock("10:00")))
    street.at("13:45")
    await street.ring(one)
    conflict = (await street.load(one)).conflict
    assert conflict is not None
    assert conflict["kind"] == "obstructed"


async def test_one_vehicle_after_another_is_in_nobodys_way(street: Street) -> None:
    anna, ben = await street.citizen(), await street.citizen()
    street.at("12:00")
    one = await street.reserved(anna, start="13:00", end="14:00")
    two = await street.reserved(ben, start="14:00", end="15:00", plate="豫A8X800")
    street.at("12:50")
    await street.ring(one)
    await street.comes("豫A2W200", BERTH, "12:50")
    assert await street.status(one) == "checked-in"
    street.standing[BERTH] = BerthNow(vehicle=await street.seen("豫A2W200", BERTH, clock("12:50")))
    street.at("13:45")
    await street.ring(two)
    assert (await street.load(two)).conflict is None
    street.at("13:58")
    assert await street.goes("豫A2W200", BERTH, "13:58") == [one, two]
    del street.standing[BERTH]
    assert await street.status(one) == "completed"
    street.at("14:00")
    await street.ring(two)
    await street.comes("豫A8X800", BERTH, "14:00")
    assert await street.status(two) == "checked-in"


async def test_a_key_holds_once_however_often_it_is_sent(street: Street) -> None:
    anna = await street.citizen()
    one = await street.hold(anna, key="k")
    assert await street.hold(anna, key="k") == one
    with pytest.raises(KeyReused):
        await street.hold(anna, berth=NEXT_BERTH, key="k")
    assert len((await street.calendar()).claims) == 1


async def test_what_a_crash_left_half_way_is_found_by_the_repetition(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies after the berth was held, and before the reservation was there."""
    anna, saved = await street.citizen(), street.services.store.save

    async def dies(stream: Any, **said: Any) -> Appended:
        if isinstance(stream, ParkingReservation):
            raise ConnectionResetError
        return await saved(stream, **said)

    monkeypatch.setattr(street.services.store, "save", dies)
    with pytest.raises(ConnectionResetError):
        await street.hold(anna, key="k")
    monkeypatch.setattr(street.services.store, "save", saved)
    one = await street.hold(anna, key="k")
    assert list((await street.calendar()).claims) == [f"{one}.1"]


async def test_one_citizen_has_so_many_at_most_also_at_once(street: Street) -> None:
    anna = await street.citizen()
    found = await asyncio.gather(
        *(street.hold(anna, berth=BERTHS[number]) for number in range(8)), return_exceptions=True
    )
    held = [each for each in found if isinstance(each, str)]
    assert len(held) == 2
    assert all(isinstance(each, TooManyReservations) for each in found if each not in held)
    await cancel_reservation(held[0], CancelReservation(), sent(anna), street.services)
    await street.go_on(held[0])
    assert await street.hold(anna, berth=BERTHS[9])
    quota = await street.services.store.load(ReservationQuota, ReservationQuota.id_of(anna.subject))
    assert len(quota.taken) == 2


async def test_what_nobody_reserves_is_refused_with_its_rule(street: Street) -> None:
    anna = await street.citizen()
    for start, end, rule in (
        ("8:58", "10:00", "begins-in-the-past"),
        ("14:00", "14:29", "too-short"),
        ("14:00", "14:00", "too-short"),
        ("14:00", "13:00", "too-short"),
        ("14:00", "39:00", "too-long"),
        ("178:00", "179:00", "too-far-ahead"),
    ):
        with pytest.raises(SpanInvalid) as refused:
            await street.hold(anna, start=start, end=end)
        assert refused.value.details["rule"] == rule
    with pytest.raises(PlateNotWhole):
        await street.hold(anna, plate="A2W200")
    assert (
        await street.services.store.pool.fetchval(
            "SELECT count(*) FROM stored_events WHERE topic LIKE 'parking.calendar%'"
        )
        == 0
    )


async def test_rules_that_are_edited_or_gone_change_nothing_of_what_was_reserved(
    street: Street,
) -> None:
    anna, services = await street.citizen(), street.services
    one = await street.reserved(anna)
    dearer = {"deposit_fen": 900, "no_show_fee_fen": 900, "late_cancel_fee_fen": 900}
    edited = ReservationDefinitions((RULES.model_copy(update=dearer),))
    services.definitions = services.definitions.extended(edited)
    services.definitions = await keep_definitions(services.definitions, services.store.pool)
    street.at("13:30")
    await cancel_reservation(one, CancelReservation(), sent(anna), services)
    await street.go_on(one)
    assert street.bank.moved_fen(Kind.REFUND) == 500 - 200
    kept = services.definitions.of(ReservationDefinitions)
    named = (await street.load(one)).rules_version
    assert (named == RULES.version, kept.at(street.now).deposit_fen) == (True, 900)


async def test_over_midnight_one_has_it(street: Street) -> None:
    anna, ben = await street.citizen(), await street.citizen()
    street.at("22:00")
    await street.reserved(anna, start="23:30", end="25:30")
    for start, end in (("23:00", "24:00"), ("24:00", "25:00"), ("25:00", "26:00")):
        with pytest.raises(BerthTaken):
            await street.hold(ben, start=start, end=end)
    await street.hold(ben, start="25:30", end="26:30")


async def test_without_a_deposit_nobody_tells_the_bank(store: EventStore) -> None:
    street = await Street.open(store, free())
    anna = await street.citizen()
    one = await street.hold(anna)
    await street.ask(anna, one)
    assert await street.status(one) == "confirmed"
    assert street.bank.said == {}
    street.at("13:59")
    await cancel_reservation(one, CancelReservation(), sent(anna), street.services)
    await street.go_on(one)
    assert (await street.calendar()).claims == {}


async def test_without_a_deposit_who_comes_too_late_has_nothing(store: EventStore) -> None:
    street = await Street.open(store, free())
    anna, ben = await street.citizen(), await street.citizen()
    one = await street.hold(anna)
    street.at("9:10")
    await street.hold(ben, plate="豫A8X800")
    with pytest.raises(HoldRanOut):
        await street.ask(anna, one)


async def test_others_are_told_nothing(street: Street) -> None:
    anna, ben = await street.citizen(), await street.citizen()
    one = await street.hold(anna)
    tries: list[tuple[Any, Any]] = [
        (ConfirmReservation(), confirm_reservation),
        (CancelReservation(), cancel_reservation),
        (MoveReservation(berth=NEXT_BERTH), move_reservation),
        (ReportObstruction(), report_obstruction),
    ]
    for command, handler in tries:
        with pytest.raises(NotYourReservation):
            await handler(one, command, sent(ben), street.services)


async def test_a_fee_goes_back_on_the_word_of_two(street: Street) -> None:
    """As all that parking is owed: by a reduction of the claim."""
    anna = await street.citizen()
    street.at("13:00")
    one = await street.reserved(anna)
    for at in ("13:45", "14:15", "14:25"):
        street.at(at)
        await street.ring(one)
        await street.go_on(one)
    assert street.kept_fen(one) == 500
    claim = (await street.claim(one)).id
    wanted = ProposeReduction(kind="refund", by_fen=500, reason="hospital")
    proposed = await propose_reduction(claim, wanted, sent(OFFICER), street.services)
    (proposal,) = proposed.answer["proposals"]
    await street.go_on(one)
    assert street.kept_fen(one) == 500
    agreed = ApproveReduction(proposal_id=proposal)
    await approve_reduction(claim, agreed, sent(SECOND), street.services)
    await street.go_on(one)
    assert street.kept_fen(one) == 0


async def test_nothing_of_a_person_stands_in_an_event(street: Street) -> None:
    anna = await street.citizen()
    street.at("13:00")
    one = await street.reserved(anna)
    for at in ("13:45", "14:01"):
        street.at(at)
        await street.ring(one)
        await street.comes(None, BERTH, at)
    found = SettleConflict(outcome=Outcome.NOBODY_CAME, note="the hospital confirms")
    await settle_conflict(one, found, sent(OFFICER), street.services)
    for event in await street.services.store.read(one):
        assert "豫A2W200".encode() not in event.state
        assert b"hospital" not in event.state


async def test_who_cancels_while_paying_is_not_charged(street: Street) -> None:
    anna = await street.citizen()
    one = await street.hold(anna)
    street.bank.way = "silent"
    await street.ask(anna, one)
    await street.go_on(one)
    await cancel_reservation(one, CancelReservation(), sent(anna), street.services)
    await street.drive(one).run()
    assert (await street.calendar()).claims == {}  # nobody waits for a bank
    street.bank.way = "ok"
    await street.go_on(one)
    assert street.bank.moved_fen(Kind.CHARGE) == 0


async def test_the_reservations_of_who_was_erased_end_and_cost_nothing(street: Street) -> None:
    anna, ben = await street.citizen(), await street.citizen()
    one = await street.reserved(anna)
    two = await street.reserved(ben, berth=NEXT_BERTH)
    await street.services.vault.erase(anna.subject)
    await project(street.services.store, "parking_reservations")
    await ending_reservations_of_the_erased(reservations.of_erased)(street.services)
    await street.go_on(one)
    assert (await street.status(one), await street.status(two)) == ("cancelled", "confirmed")
    assert (street.kept_fen(one), street.kept_fen(two)) == (0, 500)
    assert (await street.calendar()).claims == {}


async def test_only_marked_berths_are_reserved(street: Street) -> None:
    anna = await street.citizen()
    for place in ("G-1", "Z1", "nowhere"):
        with pytest.raises(UnknownPlace):
            await street.hold(anna, berth=place)


async def test_whoever_comes_second_leaves_nothing_of_the_plate(street: Street) -> None:
    anna, bela = await street.citizen(), await street.citizen()
    await street.hold(anna, plate="豫A2W200")
    with pytest.raises(BerthTaken):
        await street.hold(bela, plate="豫A9Z909")
    keeper = PlateKeeper(street.services)
    assert await keeper.find(plate("豫A2W200")) is not None
    assert await keeper.find(plate("豫A9Z909")) is None


async def test_many_for_few_berths_over_two_stores(settings: Settings, store: EventStore) -> None:
    """Exactly as many winners as berths, though the clients come to two processes' stores."""
    clients, berths = 60, 4
    async with open_event_store(settings) as other:
        streets = [await Street.open(store), await Street.open(other)]
        people = [await streets[0].citizen() for _ in range(clients)]

        async def wants(number: int) -> str | None:
            street = streets[number % 2]
            for turn in range(berths):
                berth = BERTHS[(number + turn) % berths]
                try:
                    return await street.hold(people[number], berth=berth, key=str(uuid4()))
                except BerthTaken:
                    continue
            return None

        found = await asyncio.gather(*(wants(number) for number in range(clients)))
        winners = [each for each in found if each is not None]
        assert len(winners) == berths
        holders = {
            claim
            for number in range(berths)
            for claim in (await streets[1].calendar(BERTHS[number])).claims
        }
        assert holders == {f"{winner}.1" for winner in winners}
