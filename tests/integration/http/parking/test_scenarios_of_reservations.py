"""The scenarios of reservations (P50–P52) over HTTP: cameras, people, an officer, and the bank."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from citybrain.domain.parking.place import PlaceKind
from citybrain.settings import Settings
from commands.parking.places import NewPlace
from tests.given.api import Answer
from tests.given.parking.city import at, version
from tests.given.parking.town import ParkingTown, open_town
from tests.given.waiting import eventually

RESERVATIONS = "/v1/parking/reservations"
BERTH, NEXT = "Z1-020", "Z1-021"
MINE, THEIRS = "豫A2W200", "豫A8X800"
ANNAS, BENS = "+86 371 5555 0150", "+86 371 5555 0151"
BANK, DOWN = "bank-payments", "down"
MARKED = (
    *(
        NewPlace(
            berth,
            PlaceKind.BERTH,
            version(berth, 100 + 5.0 * number, parent="Z1", number=number, length_cm=500),
        )
        for number, berth in ((20, BERTH), (21, NEXT))
    ),
    NewPlace("c-6", PlaceKind.DEVICE, version("camera", watches=[BERTH, NEXT])),
)


@dataclass
class Phones:
    """What was sent to whom."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, phone: str, text: str, message_id: UUID | None = None) -> None:
        self.sent.append((phone, text))


@pytest.fixture
async def town(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParkingTown]:
    async with open_town(settings, monkeypatch, at("09:00"), *MARKED) as found:
        yield found


async def hold(
    town: ParkingTown, citizen: str, plate: str, begins: str, ends: str, berth: str = BERTH
) -> Answer:
    body = {
        "berth": berth,
        "plate": plate,
        "start": at(begins).isoformat(),
        "end": at(ends).isoformat(),
    }
    return await town.own(citizen, "POST", RESERVATIONS, json=body)


async def step(town: ParkingTown, citizen: str, one: str, name: str, **body: Any) -> Answer:
    answer = await town.own(citizen, "POST", f"{RESERVATIONS}/{one}/{name}", json=body)
    assert answer.status == 200, answer.body
    return answer


async def shown(town: ParkingTown, citizen: str, one: str) -> dict[str, Any]:
    return dict((await town.own(citizen, "GET", f"{RESERVATIONS}/{one}")).json)


async def until(town: ParkingTown, citizen: str, one: str, status: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        found = await shown(town, citizen, one)
        return found if found["status"] == status else None

    return await eventually(reached)


async def reserved(town: ParkingTown, plate: str = MINE, **said: Any) -> tuple[str, str]:
    """From two to three, by somebody new; the citizen and the reservation."""
    citizen = await town.driver(**said)
    one = (await hold(town, citizen, plate, "14:00", "15:00")).json["reservation_id"]
    await step(town, citizen, one, "confirmation")
    await town.quiet()
    assert (await shown(town, citizen, one))["status"] == "confirmed"
    assert town.spent(citizen) == 500
    return citizen, one


async def see(town: ParkingTown, sign: str, place: str, clock: str, **said: Any) -> None:
    await town.say(town.sign(sign, place, at(clock), device_id="c-6", **said))


# --- P50 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [True, False])
async def test_p50_the_hold_runs_out_while_the_bank_says_nothing(
    town: ParkingTown, taken: bool
) -> None:
    first, second = await town.driver(), await town.driver()
    town.clock(at("09:55"))
    one = (await hold(town, first, MINE, "10:30", "11:30")).json["reservation_id"]
    await town.departments.fault(BANK, DOWN)
    await step(town, first, one, "confirmation")
    town.clock(at("10:04:59"))
    assert (await hold(town, second, THEIRS, "10:30", "11:30")).is_problem(409, "berth-taken")
    if taken:
        town.clock(at("10:05:00.500"))
        other = await hold(town, second, THEIRS, "10:30", "11:30")
        assert other.status == 201, other.body
    town.clock(at("10:05:01"))
    await town.departments.fault(BANK, "ok")
    if not taken:
        await until(town, first, one, "confirmed")
        await town.quiet()
        assert (town.spent(first), town.earned()) == (500, 500)
        return
    lost = await until(town, first, one, "lost")
    await town.quiet()
    assert (town.spent(first), town.earned()) == (0, 0)
    assert lost["offered"][0] == NEXT
    two = other.json["reservation_id"]
    await step(town, second, two, "confirmation")
    await until(town, second, two, "confirmed")
    await town.quiet()
    assert (town.spent(first), town.spent(second), town.earned()) == (0, 500, 500)
    free = await hold(town, first, MINE, "10:30", "11:30")
    assert free.is_problem(409, "berth-taken")
    assert (await hold(town, first, MINE, "10:30", "11:30", NEXT)).status == 201


# --- P51 --------------------------------------------------------------------------------------


async def obstructed(town: ParkingTown) -> tuple[str, str, str, Phones]:
    """At 13:55 somebody whose plate is bound parks on the reserved berth."""
    phones = Phones()
    town.api.runtime.services.notifier = phones
    town.clock(at("13:00"))
    ben = await town.driver(THEIRS, phone=BENS)
    anna, one = await reserved(town, phone=ANNAS)
    town.clock(at("13:45"))
    await see(town, "empty", BERTH, "13:45")
    await town.tick()
    town.clock(at("13:55:02"))
    await see(town, "arrived", BERTH, "13:55", plate=THEIRS)
    return anna, one, ben, phones


async def test_p51_the_desk_knows_when_it_happens_and_both_are_told(town: ParkingTown) -> None:
    anna, one, ben, phones = await obstructed(town)
    desk = await town.office("GET", f"{RESERVATIONS}/desk?conflicts=true")
    (row,) = desk.json["reservations"]
    assert (row["reservation_id"], row["conflict"], row["other_plate"]) == (
        one,
        "obstructed",
        THEIRS,
    )
    assert row["conflict_since"] == "2026-09-14T05:55:00Z"
    town.clock(at("14:02"))
    await step(town, anna, one, "obstruction")
    await step(town, anna, one, "move", berth=NEXT)
    await until(town, anna, one, "confirmed")
    await see(town, "arrived", NEXT, "14:01:50", plate=MINE)
    checked_in = await until(town, anna, one, "checked-in")
    await town.quiet()
    assert (checked_in["berth"], checked_in["fee_fen"]) == (NEXT, 0)
    assert town.spent(anna) == 0
    town.clock(at("14:30:05"))
    await see(town, "left", BERTH, "14:30", plate=THEIRS)
    (session,) = await town.sessions(f"?place_id={BERTH}")
    assert (session["price_fen"], session["status"], town.spent(ben)) == (400, "settled", 400)
    to_ben = [text for phone, text in phones.sent if phone == BENS]
    assert len(to_ben) == 1
    assert BERTH in to_ben[0]
    assert not any("豫" in text for _, text in phones.sent)


async def test_p51_who_finds_it_taken_has_the_deposit_back(town: ParkingTown) -> None:
    anna, one, _, _ = await obstructed(town)
    town.clock(at("14:15:30"))
    await town.tick()
    back = await until(town, anna, one, "given-back")
    await town.quiet()
    assert (back["fee_fen"], town.spent(anna)) == (0, 0)
    assert await town.said(one, "reservation_no_show") == []


# --- P52 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("noted", [False, True])
@pytest.mark.parametrize(
    ("clock", "status", "kept"), [("14:15:00", "checked-in", 0), ("14:15:01", "no-show", 500)]
)
async def test_p52_the_time_of_occurrence_decides(
    town: ParkingTown, clock: str, status: str, kept: int, noted: bool
) -> None:
    town.clock(at("13:00"))
    anna, one = await reserved(town, "豫A01234")
    for beat in ("13:45", "13:58", "14:10"):
        town.clock(at(beat))
        await see(town, "empty", BERTH, beat)
        await town.tick()
    if noted:
        town.clock(at("14:15:30"))
        await town.tick()
        assert (await shown(town, anna, one))["status"] == "no-show"
    town.clock(at("14:16:10"))
    await see(town, "arrived", BERTH, clock, plate="豫A0I234")
    await town.tick()
    await until(town, anna, one, status)
    town.clock(at("14:30"))
    await town.tick()
    found = await shown(town, anna, one)
    assert (found["status"], found["fee_fen"], town.spent(anna)) == (status, kept, kept)
    if noted and not kept:
        assert len(await town.said(one, "reservation_no_show_reversed")) == 1
