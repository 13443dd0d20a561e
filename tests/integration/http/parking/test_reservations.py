"""Reservations over HTTP: a citizen's way, the desk, what is free, and what nobody is shown."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.city_day import city_day
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.settings import Settings
from commands.parking.arriving import Seen, arrived
from commands.parking.places import describe_places
from commands.parking.plates import PlateKeeper
from ops.simulators.applications.departments import Departments
from tests.given.accesses import accesses
from tests.given.api import Answer, Api
from tests.given.applying import applying, id_number, registered
from tests.given.at_work import FOR_PARKING
from tests.given.parking.plates import plate
from tests.given.parking.reservations import BERTH, NEXT_BERTH
from tests.given.parking.reserving import SYSTEM, places, sent
from tests.given.parking.world import span
from tests.given.waiting import eventually

RESERVATIONS = "/v1/parking/reservations"


@dataclass
class Town:
    """A server with a bank, berths, and two citizens."""

    api: Api
    departments: Departments
    anna: str
    ben: str
    number: str

    async def call(
        self, method: str, path: str, who: str | None = None, role: str = "citizen", **options: Any
    ) -> Answer:
        return await self.api.call(method, path, role, subject=who or "", **options)

    async def hold(
        self, who: str, berth: str = BERTH, number: str = "豫A2W200", hours: int = 2, **options: Any
    ) -> Answer:
        body = {"berth": berth, "plate": number} | span(datetime.now(UTC), hours)
        return await self.call("POST", RESERVATIONS, who, json=body, **options)

    async def step(self, who: str, one: str, step: str, **body: Any) -> Answer:
        return await self.call("POST", f"{RESERVATIONS}/{one}/{step}", who, json=body)

    async def until(self, who: str, one: str, status: str) -> dict[str, Any]:
        async def reached() -> dict[str, Any] | None:
            answer = await self.call("GET", f"{RESERVATIONS}/{one}", who)
            found: dict[str, Any] = answer.json
            return found if found.get("status") == status else None

        return await eventually(reached)

    async def office(
        self, path: str, role: str = "official", department: str = "parking"
    ) -> Answer:
        head = await self.api.runtime.store.head()
        joined = "&" if "?" in path else "?"
        return await self.api.call(
            "GET", f"{path}{joined}min_position={head}", role, department=department
        )

    def balance(self) -> int:
        """What the city has got of parking, by the bank's book."""
        return self.departments.book.balance_fen("parking")


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Town]:
    async with applying(settings, at_work=FOR_PARKING) as (api, departments):
        await describe_places(places(), sent(SYSTEM), api.runtime.services)
        number = id_number()
        anna, ben = await registered(api, number), await registered(api)
        yield Town(api, departments, anna, ben, number)


async def reserved(town: Town, who: str, **said: Any) -> str:
    one = str((await town.hold(who, **said)).json["reservation_id"])
    answer = await town.step(who, one, "confirmation")
    assert (answer.status, answer.json["status"]) == (200, "paying")
    await town.until(who, one, "confirmed")
    return one


async def test_hold_confirm_and_cancel(town: Town) -> None:
    held = await town.hold(town.anna)
    assert held.status == 201
    one = held.json["reservation_id"]
    assert held.headers["Location"] == f"{RESERVATIONS}/{one}"
    assert (held.json["status"], held.json["deposit_fen"]) == ("held", 500)
    assert (await town.hold(town.ben, number="豫A8X800")).is_problem(409, "berth-taken")
    await town.step(town.anna, one, "confirmation")
    shown = await town.until(town.anna, one, "confirmed")
    assert (shown["plate"], shown["pseudonym"], shown["paid_fen"]) == ("豫A2W200", None, 500)
    assert town.balance() == 500
    answer = await town.step(town.anna, one, "cancellation")
    assert (answer.status, answer.json["status"], answer.json["kept_fen"]) == (200, "cancelled", 0)

    async def back() -> bool:
        return town.balance() == 0

    await eventually(back)
    assert (await town.hold(town.ben, number="豫A8X800")).status == 201


async def test_a_key_is_one_reservation(town: Town) -> None:
    key = {"Idempotency-Key": "once"}
    body = {"berth": BERTH, "plate": "豫A2W200"} | span(datetime.now(UTC), 2)
    first = await town.call("POST", RESERVATIONS, town.anna, json=body, headers=key)
    again = await town.call("POST", RESERVATIONS, town.anna, json=body, headers=key)
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await town.call(
        "POST", RESERVATIONS, town.anna, json=body | {"berth": NEXT_BERTH}, headers=key
    )
    assert other.is_problem(422, "idempotency-key-reused")


async def test_others_read_and_do_nothing(town: Town) -> None:
    one = await reserved(town, town.anna)
    assert (await town.call("GET", f"{RESERVATIONS}/{one}", town.ben)).is_problem(
        403, "reservation-not-yours"
    )
    nobodys = f"parking_reservation-{'0' * 32}"
    for who in (town.anna, town.ben):
        answer = await town.call("GET", f"{RESERVATIONS}/{nobodys}", who)
        assert answer.is_problem(403, "reservation-not-yours")
    for step, body in (
        ("confirmation", {}),
        ("cancellation", {}),
        ("move", {"berth": NEXT_BERTH}),
        ("obstruction", {}),
    ):
        answer = await town.step(town.ben, one, step, **body)
        assert answer.is_problem(403, "reservation-not-yours"), step
    head = await town.api.runtime.store.head()
    answer = await town.call("GET", f"{RESERVATIONS}?min_position={head}", town.ben)
    assert answer.json == {"reservations": [], "next": None}
    for role in ("camera", "gateway", "vehicle", "kiosk"):
        assert (await town.call("GET", f"{RESERVATIONS}/{one}", role=role)).status == 403


async def test_ones_own_in_pages(town: Town) -> None:
    ones = [await reserved(town, town.anna, hours=hours) for hours in (2, 4)]
    head = await town.api.runtime.store.head()
    first = await town.call("GET", f"{RESERVATIONS}?limit=1&min_position={head}", town.anna)
    (shown,) = first.json["reservations"]
    assert (shown["reservation_id"], shown["plate"]) == (ones[1], "豫A2W200")
    rest = await town.call("GET", f"{RESERVATIONS}?after={first.json['next']}", town.anna)
    assert [each["reservation_id"] for each in rest.json["reservations"]] == [ones[0]]
    assert rest.json["next"] is None


async def test_the_desk_sees_conflicts_and_every_look_is_on_the_record(town: Town) -> None:
    now = datetime.now(UTC)
    one = await reserved(town, town.anna, hours=0)
    services = town.api.runtime.services
    other = await PlateKeeper(services).seal(plate("豫A8X800"))
    assert isinstance(other, SealedPlate)
    at = now + timedelta(seconds=1)
    seen = Seen(berth=BERTH, occurred_at=at, plate=other, sure=True)
    assert await arrived(seen, sent(SYSTEM), services) == [one]
    answer = await town.office(f"{RESERVATIONS}/desk?conflicts=true")
    (row,) = answer.json["reservations"]
    assert (row["reservation_id"], row["conflict"]) == (one, "obstructed")
    assert (row["plate"], row["other_plate"]) == ("豫A2W200", "豫A8X800")
    for role in ("operator", "auditor"):
        (row,) = (await town.office(f"{RESERVATIONS}/desk", role, "")).json["reservations"]
        assert (row["plate"], row["other_plate"]) == (None, None)
        assert row["pseudonym"] != row["other_pseudonym"]
    answer = await town.office(f"{RESERVATIONS}/desk", department="sanitation")
    assert answer.is_problem(403, "role-not-allowed")
    shown = (await town.call("GET", f"{RESERVATIONS}/{one}", town.anna)).json
    assert (shown["conflict"], shown["other_plate"], shown["other_pseudonym"]) == (
        "obstructed",
        None,
        None,
    )
    began = city_day(datetime.fromisoformat(shown["starts_at"]))
    day = await town.office(f"/v1/parking/berths/{BERTH}/calendar?day={began}")
    assert [each["reservation_id"] for each in day.json["reservations"]] == [one]
    looks = [each["what"] for each in await accesses(town.api, town.anna)]
    assert looks.count("parking-reservation") == 4  # the desk three times, and the berth's day
    moved = await town.step(town.anna, one, "move", berth=NEXT_BERTH)
    assert (moved.json["status"], moved.json["berth"]) == ("securing", NEXT_BERTH)

    async def there() -> bool:
        now = (await town.call("GET", f"{RESERVATIONS}/{one}", town.anna)).json
        return (now["status"], now["berth"]) == ("confirmed", NEXT_BERTH)

    await eventually(there)


async def test_an_officer_settles_a_report_and_the_city_takes_back(town: Town) -> None:
    one = await reserved(town, town.anna, hours=0)
    answer = await town.step(town.anna, one, "obstruction")
    assert answer.json["conflict"] == "reported"
    body = {"outcome": "obstructed", "note": "a lorry stood there"}
    for department, status in (("sanitation", 403), ("parking", 200)):
        answer = await town.api.call(
            "POST", f"{RESERVATIONS}/{one}/settlement", "official", department=department, json=body
        )
        assert answer.status == status, answer.body
    assert answer.json["status"] == "given-back"
    two = await reserved(town, town.ben, hours=3, berth=NEXT_BERTH, number="豫A8X800")
    answer = await town.api.call(
        "POST",
        f"{RESERVATIONS}/{two}/cancellation",
        "official",
        department="parking",
        json={"reason": "works"},
    )
    assert (answer.status, answer.json["status"], answer.json["kept_fen"]) == (200, "cancelled", 0)


async def test_what_is_free_is_for_everybody_and_about_nobody(town: Town) -> None:
    held = (await town.hold(town.anna)).json
    head = await town.api.runtime.store.head()
    times = {"start": held["start"], "end": held["end"], "min_position": str(head)}

    async def asked(**said: str) -> Answer:
        return await town.api.call("GET", "/v1/parking/availability", params=times | said)

    (found,) = (await asked(berth=BERTH)).json["berths"]
    assert (found["berth"], found["free"]) == (BERTH, False)
    assert set(found["busy"][0]) == {"berth", "start", "end"}
    zone = await asked(zone="Z1", limit="2")
    assert len(zone.json["berths"]) == 2
    rest = await asked(zone="Z1", after=zone.json["next"])
    berths = [*zone.json["berths"], *rest.json["berths"]]
    assert [each["berth"] for each in berths if not each["free"]] == [BERTH]
    assert (await asked(berth="nowhere")).is_problem(404, "stream-not-found")
    assert (await asked(berth="G-1")).is_problem(404, "stream-not-found")
    for said in (
        {},
        {"berth": BERTH, "zone": "Z1"},
        {"berth": BERTH, "end": held["start"]},
        {"berth": BERTH, "start": "2026-09-14T14:00:00"},
        {"berth": BERTH, "end": "9998-01-01T00:00:00Z"},
    ):
        assert (await asked(**said)).is_problem(400, "malformed-request"), said


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": "2026-09-14T14:00:00"},
        {"start": 1789365600},
        {"start": None},
        {"end": "soon"},
        {"berth": ""},
        {"berth": "Z1/020"},
        {"berth": None},
        {"plate": ""},
        {"plate": None},
        {"plate": "\x00"},
        {"plate": ["豫A2W200"]},
        {"plate_country": "china"},
        {"deposit_fen": 0},
        {"citizen_id": "citizen-1"},
    ],
)
async def test_hostile_bodies_leave_nothing(town: Town, wrong: dict[str, Any]) -> None:
    before = await town.api.runtime.store.head()
    body = {"berth": BERTH, "plate": "豫A2W200"} | span(datetime.now(UTC), 2) | wrong
    answer = await town.call("POST", RESERVATIONS, town.anna, json=body)
    assert answer.status == 422, answer.body
    assert await town.api.runtime.store.head() == before


async def test_limits_say_what_they_are_in_both_languages(town: Town) -> None:
    chinese = {"Accept-Language": "zh"}
    far = await town.hold(town.anna, hours=24 * 9, headers=chinese)
    assert far.is_problem(422, "reservation-span-invalid")
    assert (far.json["rule"], far.json["limit"]) == ("too-far-ahead", 7)
    assert far.json["title"] == "该时段无法预约"
    unknown = await town.hold(town.anna, berth="nowhere")
    assert unknown.is_problem(422, "parking-place-unknown")
    part = await town.hold(town.anna, number="A2W200")
    assert part.is_problem(422, "reservation-plate-incomplete")
    for berth in (BERTH, NEXT_BERTH):
        assert (await town.hold(town.anna, berth=berth)).status == 201
    third = await town.hold(town.anna, berth="Z1-022")
    assert third.is_problem(409, "too-many-reservations")
    assert third.json["limit_reservations"] == 2
    assert "豫" not in third.body.decode()
