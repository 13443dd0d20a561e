"""From a consent to a plate that pays, and to its end, over the real store and a registry."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from citybrain.definitions.citizens.agreements import NoticeNotInForce
from citybrain.domain.citizens.citizen import Citizen
from citybrain.domain.citizens.refusals import ConsentsFull, GuardianRequired
from citybrain.domain.money import AmountAboveCeiling, Fen
from citybrain.domain.parking import holding
from citybrain.domain.parking.binding import NotYourBinding
from citybrain.domain.parking.payer import Payer, Why
from citybrain.domain.parking.plates import PlateUnreadable
from citybrain.exchange.patience import Breaker
from citybrain.settings import Settings
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.citizens.consents import WithdrawConsent, withdraw_consent
from commands.handling import KeyReused
from commands.parking import binding as commands
from commands.parking.bindings import give_back_debit, held_at, holder_at, take_debit
from commands.parking.fields import PlateIncomplete
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.driving import CLERK, context
from tests.given.parking.binding_world import Drivers, by, drivers
from tests.given.parking.bindings import day

ARRIVED = day("09-14", "10:00:00")
DEPARTED = day("09-14", "11:00:00")
SECOND = timedelta(seconds=1)
RENTAL = "豫A7R700"


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Drivers]:
    async with drivers(settings) as found:
        yield found


async def test_a_plate_is_bound_by_consent_and_by_the_registrys_word(town: Drivers) -> None:
    citizen, number = await town.citizen()
    asked = await town.ask(citizen)
    assert asked.answer["status"] == "asked"
    assert await town.pays(ARRIVED) is Why.NOT_BOUND
    await town.follow()
    binding = await town.binding(asked.stream_id)
    assert (binding.status, binding.use) == ("active", "private")
    assert await town.pays(day("09-01")) == Payer(citizen, binding.id, 2000)
    (record,) = town.vehicles._found.values()
    assert record[0]["owner"] == number
    stored = b"".join(each.state for each in await town.services.store.read_all(limit=1000))
    for secret in (number, "52K17"):
        assert secret.encode() not in stored


async def test_what_is_wrong_is_refused_before_anything_is_stored(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    head = await town.services.store.head()
    wrong: list[tuple[type[Exception], dict[str, Any]]] = [
        (PlateUnreadable, {"text": "豫A1"}),
        (PlateIncomplete, {"text": "A52K17"}),
        (NoticeNotInForce, {"notice_sha256": "0" * 64}),
        (AmountAboveCeiling, {"per_debit_limit_fen": 20_001}),
        (AmountAboveCeiling, {"per_day_limit_fen": 50_001}),
    ]
    for error, fields in wrong:
        with pytest.raises(error):
            await town.ask(citizen, **fields)
    child, _ = await town.citizen(date(2010, 5, 1))
    with pytest.raises(GuardianRequired):
        await town.ask(child)
    with pytest.raises(NotYourBinding):
        await commands.bind_plate(
            commands.BindPlate(
                plate="豫A52K17", per_debit_limit_fen=1, per_day_limit_fen=1, notice_sha256="0" * 64
            ),
            context(CLERK),
            town.services,
        )
    assert await town.services.store.head() == head + 1  # the child, registered


async def test_a_plate_is_asked_for_once_and_only_so_many_of_them(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    await town.ask(citizen)
    with pytest.raises(commands.PlateAlreadyBound):
        await town.ask(citizen, "豫A·52k17")
    for number in range(4):
        await town.ask(citizen, f"豫A1234{number}")
    with pytest.raises(ConsentsFull):
        await town.ask(citizen, "豫A8B123")


async def test_a_repeated_request_binds_once(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    first = await town.ask(citizen, key="k1")
    again = await town.ask(citizen, key="k1")
    assert (again.stream_id, again.replayed) == (first.stream_id, True)
    with pytest.raises(KeyReused):
        await town.ask(citizen, "豫A8B123", key="k1")
    found = await town.services.store.load(Citizen, citizen)
    assert len(found.consents) == 1


async def test_a_plate_of_somebody_else_is_refused_and_its_consent_ends(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    town.vehicles.register("豫A52K17", "410102196001010019")
    binding = await town.bind(citizen)
    assert (binding.status, binding.ended and binding.ended["reason"]) == (
        "refused",
        "not-registered-to-you",
    )
    found = await town.services.store.load(Citizen, citizen)
    assert found.consents == {}
    assert await holder_at(await town.plate_id(), ARRIVED, town.services) is None


@pytest.mark.parametrize("mode", ["down", "error", "wrong-signature", "wrong-person", "garbage"])
async def test_a_silent_or_lying_registry_is_waited_for(
    town: Drivers, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = timedelta(seconds=0.2)
    citizen, _ = await town.citizen()
    await town.departments.fault("police", mode)
    with monkeypatch.context() as impatient:
        impatient.setattr("commands.parking.processes.plate_bindings.ANSWER_WITHIN", within)
        binding = await town.bind(citizen)
    assert (binding.status, binding.ended) == ("unknown", None)
    assert await town.pays(ARRIVED) is Why.NOT_BOUND
    await town.departments.fault("police", "ok")
    town.services.exchange.service("police", "vehicle").breaker = Breaker()
    await town.later(timedelta(minutes=9))
    assert (await town.binding(binding.id)).status == "unknown"
    await town.later(timedelta(minutes=1))
    assert (await town.binding(binding.id)).status == "active"


async def test_a_vehicle_that_was_sold_quietly_is_found_out_by_asking_again(town: Drivers) -> None:
    citizen, number = await town.citizen()
    town.vehicles.register("豫A52K17", number)
    binding = await town.bind(citizen)
    town.vehicles.register("豫A52K17", "410102196001010019", "2026-09-08")
    await town.later(timedelta(days=30))
    ended = await town.binding(binding.id)
    assert (ended.status, ended.ended and ended.ended["reason"]) == ("ended", "ownership-ended")
    plate_id = await town.plate_id()
    assert await holder_at(plate_id, day("09-07"), town.services) == citizen
    assert await holder_at(plate_id, day("09-09"), town.services) is None


# --- P40 --------------------------------------------------------------------------------------


async def test_p40_consent_ends_between_departure_and_debit(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    binding = await town.bind(citizen)
    town.clock(DEPARTED + 2 * SECOND)
    await town.unbind(binding)
    town.clock(DEPARTED + 5 * SECOND)
    assert await town.pays(ARRIVED) is Why.ENDED  # nobody has done what follows from it yet
    assert await debit(town, "parking-1") is Why.ENDED
    await town.follow()
    assert await town.pays(ARRIVED) is Why.NOT_BOUND


async def debit(town: Drivers, session: str, fen: int = 400) -> Payer | Why:
    return await take_debit(
        await town.plate_id(),
        session_id=session,
        arrived_at=ARRIVED,
        amount_fen=Fen(fen),
        context=context(CLERK),
        services=town.services,
    )


async def test_p40_a_binding_made_after_the_arrival_is_used(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    town.clock(DEPARTED - 2 * SECOND)
    binding = await town.bind(citizen)
    town.clock(DEPARTED)
    assert await town.pays(ARRIVED) == Payer(citizen, binding.id, 2000)


async def test_p40_every_end_counts_at_once(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    binding = await town.bind(citizen)
    town.clock(DEPARTED)
    await withdraw_consent(
        citizen, WithdrawConsent(consent_id=binding.consent_id), by(citizen), town.services
    )
    assert await town.pays(ARRIVED) is Why.CONSENT_WITHDRAWN
    assert await debit(town, "parking-1") is Why.CONSENT_WITHDRAWN
    await town.follow()
    ended = await town.binding(binding.id)
    assert (ended.status, ended.ended and ended.ended["reason"]) == ("ended", "consent-withdrawn")
    again = await town.bind(citizen)
    assert await town.pays(ARRIVED) == Payer(citizen, again.id, 2000)
    await town.services.vault.erase(citizen)
    assert await town.pays(ARRIVED) is Why.ERASED


async def test_p40_of_a_debit_and_the_end_one_is_first(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    binding = await town.bind(citizen)
    town.clock(DEPARTED)
    found, _ = await asyncio.gather(debit(town, "parking-1"), town.unbind(binding))
    after = await town.binding(binding.id)
    assert after.status == "ended"
    assert after.debits["fen"] == ({"parking-1": 400} if isinstance(found, Payer) else {})


async def test_debits_at_once_stay_within_the_day(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    binding = await town.bind(citizen, per_day_limit_fen=1000)
    town.clock(DEPARTED)
    found = await asyncio.gather(*(debit(town, f"parking-{n}") for n in range(5)))
    assert sorted(isinstance(each, Payer) for each in found) == [False] * 3 + [True] * 2
    assert {each for each in found if isinstance(each, Why)} == {Why.ABOVE_DAY}
    after = await town.binding(binding.id)
    taken = list(after.debits["fen"])
    assert sum(after.debits["fen"].values()) == 800
    assert isinstance(await debit(town, taken[0]), Payer)  # asked again, it is the same one
    await give_back_debit(binding.id, taken[0], context(CLERK), town.services)
    assert isinstance(await debit(town, "parking-9"), Payer)


# --- P41 --------------------------------------------------------------------------------------


async def test_p41_the_car_was_sold(town: Drivers) -> None:
    text = "豫A3V300"
    (a, number_a), (b, number_b) = await town.citizen(), await town.citizen()
    town.vehicles.register(text, number_a)
    of_a = await town.bind(a, text)
    plate_id = await town.plate_id(text)
    town.vehicles.register(text, number_b, "2026-09-08")
    town.clock(day("09-12"))
    await town.unbind(of_a)
    await town.follow()
    assert await held_by(town, plate_id, "09-07", "09-09", "09-11") == [a, a, a]
    shown = await town.show_transfer(of_a, "09-08")
    assert shown.transfer is not None
    assert shown.transfer["outcome"] == "confirmed"
    assert await held_by(town, plate_id, "09-07", "09-09", "09-11") == [a, None, None]
    assert await town.pays(day("09-11"), text) is Why.NOT_BOUND
    let_go = [
        event.data
        for event in await town.services.store.read(holding.ParkingPlate.id_of(plate_id))
        if event.topic == "parking.plate_let_go"
    ]
    assert [(each["until"], each["before"], each["proved"]) for each in let_go] == [
        ("2026-09-11T16:00:00+00:00", None, False),
        ("2026-09-07T16:00:00+00:00", "2026-09-11T16:00:00+00:00", True),
    ]
    town.clock(day("09-13"))
    of_b = await town.bind(b, text)
    assert of_b.status == "active"
    assert await held_by(town, plate_id, "09-07", "09-09", "09-11") == [a, b, b]
    assert await town.pays(day("09-07"), text) is Why.NOT_HELD_THEN


async def held_by(town: Drivers, plate_id: str, *days: str) -> list[str | None]:
    return [await holder_at(plate_id, day(each, "10:00:00"), town.services) for each in days]


async def test_p41_who_buys_a_bound_vehicle_takes_over_and_nobody_pays_meanwhile(
    town: Drivers,
) -> None:
    (a, number_a), (b, number_b) = await town.citizen(), await town.citizen()
    town.vehicles.register("豫A52K17", number_a)
    of_a = await town.bind(a)
    town.clock(day("09-12"))
    town.vehicles.register("豫A52K17", number_b, "2026-09-08")
    asked = await town.ask(b)
    stream = holding.ParkingPlate.id_of(await town.plate_id())
    (event,) = [
        each
        for each in await town.services.store.read(asked.stream_id)
        if each.topic == "parking.plate_proof_requested"
    ]
    await town.react(event)
    plate = await town.services.store.load(holding.ParkingPlate, stream)
    assert (plate.holds, plate.contest) == (of_a.id, asked.stream_id)
    assert await town.pays(day("09-12")) is Why.CONTESTED
    await town.follow()
    assert (await town.binding(of_a.id)).status == "ended"
    assert (await town.binding(asked.stream_id)).status == "active"
    assert await town.pays(day("09-12")) == Payer(b, asked.stream_id, 2000)
    assert await held_by(town, await town.plate_id(), "09-07", "09-09") == [a, b]


def says_yes(town: Drivers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry tells everybody that the plate is theirs."""
    said = {"plate": "豫A52K17", "registered": True, "since": "2020-03-01", "until": None}

    def record(plate: str, number: str) -> dict[str, Any]:
        return {**said, "owner": number}

    monkeypatch.setattr(town.vehicles, "record", record)


async def test_a_registry_that_names_two_owners_leaves_it_with_the_first(
    town: Drivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    (a, number_a), (b, _) = await town.citizen(), await town.citizen()
    town.vehicles.register("豫A52K17", number_a)
    of_a = await town.bind(a)
    says_yes(town, monkeypatch)
    of_b = await town.bind(b)
    assert (of_b.status, of_b.ended and of_b.ended["reason"]) == ("refused", "held-by-another")
    assert (await town.binding(of_a.id)).status == "active"
    assert (await town.plate()).contest is None
    assert await town.pays(day("09-01")) == Payer(a, of_a.id, 2000)


async def test_many_at_once_leave_one_holder(
    town: Drivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await town.citizen() for _ in range(4)]
    says_yes(town, monkeypatch)
    asked = await asyncio.gather(*(town.ask(citizen) for citizen, _ in people))
    events = [
        event
        for each in asked
        for event in await town.services.store.read(each.stream_id)
        if event.topic == "parking.plate_proof_requested"
    ]
    await asyncio.gather(*(town.react(event) for event in events))
    await town.follow()
    found = [(await town.binding(each.stream_id)).status for each in asked]
    assert sorted(found) == ["active", "refused", "refused", "refused"]


# --- P48 --------------------------------------------------------------------------------------


async def firm(town: Drivers, use: str = "rental") -> Any:
    citizen, number = await town.citizen()
    town.vehicles.register(RENTAL, number, use=use)
    return await town.bind(citizen, RENTAL)


async def name(town: Drivers, binding: Any, number: str, begins: Any, ends: Any) -> None:
    await commands.name_hirer(
        binding.id,
        commands.NameHirer(
            number=number,
            begins=begins,
            ends=ends,
            arrived_at=day("09-05", "17:30:00"),
            contract_sha256="ab" * 32,
        ),
        by(binding.citizen_id),
        town.services,
    )


async def test_p48_rental_car_at_the_hand_over(town: Drivers) -> None:
    binding = await firm(town)
    (h1, number_1), (h2, number_2) = await town.citizen(), await town.citizen()
    plate_id, arrived = await town.plate_id(RENTAL), day("09-05", "17:30:00")
    handed_over = day("09-05", "18:00:00")
    assert await holder_at(plate_id, arrived, town.services) == binding.citizen_id
    with pytest.raises(holding.ContractDoesNotCover) as refused:
        await name(town, binding, number_2, handed_over, day("09-09"))
    assert refused.value.details == {
        "begins": "2026-09-05T10:00:00+00:00",
        "ends": "2026-09-08T16:00:00+00:00",
        "arrived_at": "2026-09-05T09:30:00+00:00",
    }
    for _ in range(2):
        await name(town, binding, number_1, day("09-01"), handed_over)
    assert await holder_at(plate_id, arrived, town.services) == h1
    assert len((await town.plate(RENTAL)).hires) == 1
    assert await town.pays(arrived, RENTAL) is Why.HIRED_OUT
    stored = b"".join(each.state for each in await town.services.store.read_all(limit=1000))
    assert h2.encode() not in stored.split(b"plate_hired_out")[-1]
    assert number_1.encode() not in stored


async def test_p48_a_hirer_who_registers_later_is_found_then(town: Drivers) -> None:
    binding, unknown = await firm(town), identity_number(date(1985, 5, 1), 9)
    plate_id, arrived = await town.plate_id(RENTAL), day("09-05", "17:30:00")
    await name(town, binding, unknown, day("09-01"), day("09-06"))
    assert await holder_at(plate_id, arrived, town.services) is None
    held = await held_at(plate_id, arrived, town.services)
    assert held is not None
    assert (held.holder, held.hirer) == (binding.citizen_id, None)
    registered = await register_citizen(
        RegisterCitizen(name="李四", id_number=unknown, birth_date=date(1985, 5, 1)),
        context(CLERK),
        town.services,
    )
    assert await holder_at(plate_id, arrived, town.services) == registered.stream_id


async def test_p48_only_the_holder_of_a_vehicle_that_is_hired_out_names_somebody(
    town: Drivers,
) -> None:
    private = await firm(town, use="private")
    (stranger, number) = await town.citizen()
    with pytest.raises(commands.VehicleNotHiredOut):
        await name(town, private, number, day("09-01"), day("09-06"))
    private.citizen_id = stranger
    with pytest.raises(NotYourBinding):
        await name(town, private, number, day("09-01"), day("09-06"))
