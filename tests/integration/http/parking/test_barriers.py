"""What a barrier is told (P15, P17), as the gate of a garage asks over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from citybrain.settings import Settings
from tests.given.accesses import accesses
from tests.given.api import Answer
from tests.given.logs import every_log
from tests.given.parking.city import GARAGE, at
from tests.given.parking.town import ParkingTown, open_town

SIGNS_ARE_LATE = timedelta(days=365 * 9)  # signs are recorded by the real clock
DECISIONS = "/v1/parking/barriers/decisions"
STAYS, SESSIONS = "/v1/parking/stays/search", "/v1/parking/sessions"


@pytest.fixture
async def town(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParkingTown]:
    async with open_town(settings, monkeypatch, at("12:00")) as found:
        yield found


async def ask(
    town: ParkingTown, way: str, when: str, plate: str | None, role: str = "gateway", **said: Any
) -> Answer:
    """Somebody stands before the barrier; all that follows from it is done."""
    sign = town.sign("", GARAGE, at(when), plate=plate, **said)
    body = {key: value for key, value in sign.items() if key != "sign"} | {"way": way}
    answer = await town.api.call("POST", DECISIONS, role, json=body)
    await town.quiet()
    return answer


async def why(town: ParkingTown, way: str, when: str, plate: str | None, **said: Any) -> str:
    """It is opened, and this is why."""
    answer = await ask(town, way, when, plate, **said)
    assert (answer.status, answer.json["decision"]) == (201, "open"), answer.body
    assert plate is None or plate not in answer.body.decode()
    return str(answer.json["reason"])


async def exits_without_entry(town: ParkingTown) -> list[dict[str, Any]]:
    """What the list of anomalies has of them."""
    answer = await town.office("GET", "/v1/parking/anomalies?kind=exit-without-entry")
    return list(answer.json["anomalies"])


async def test_p15_exit_without_entry_is_let_out_and_owes_nothing(town: ParkingTown) -> None:
    with every_log() as logs:
        answer = await ask(town, "out", "12:00:00", "豫A0E555", confidence=98)
    assert (answer.status, answer.json["decision"], answer.json["reason"]) == (
        201,
        "open",
        "no-entry-seen",
    )
    assert "0E555" not in repr(logs) + answer.body.decode()
    detection_id = answer.json["detection_id"]
    (decided,) = await town.said(detection_id, "barrier_decided")
    assert (decided["decision"], decided["reason"]) == ("open", "no-entry-seen")
    town.clock(at("12:00") + SIGNS_ARE_LATE)
    await town.tick()
    assert (await town.sessions(), town.moved()) == ([], [])
    (found,) = await exits_without_entry(town)
    assert (found["place_id"], found["evidence"]) == (GARAGE, detection_id)


async def test_p15_asked_again_the_barrier_is_told_the_same(town: ParkingTown) -> None:
    """Also where what is known has changed meanwhile; another read is another reference."""
    said = {"ref": "gate-1", "plate": "豫A0E556", "when": "11:59:00"}
    first = await ask(town, "out", **said)
    await town.say(town.sign("arrived", GARAGE, at("10:00"), plate="豫A0E556"))
    again = await ask(town, "out", **said)
    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json | {"known": True}
    assert again.json["reason"] == "no-entry-seen"
    assert len(await town.said(first.json["detection_id"], "barrier_decided")) == 1
    other = await ask(town, "out", **said | {"when": "11:59:30"})
    assert other.is_problem(409, "parking-detection-ref-reused")


async def test_a_barrier_is_asked_by_its_own_device_and_of_a_facility(town: ParkingTown) -> None:
    before = await town.api.runtime.store.head()
    for role, status in (("citizen", 403), ("kiosk", 403), ("official", 403)):
        assert (await ask(town, "out", "12:00", None, role)).status == status
    of_others = await ask(town, "out", "12:00", None, device_id="c-2")
    assert of_others.is_problem(403, "not-your-device")
    of_a_berth = await ask(town, "out", "12:00", None, place_id="Z1-001")
    assert of_a_berth.is_problem(422, "parking-place-unknown")
    assert await town.api.runtime.store.head() == before


async def test_why_a_barrier_is_opened(town: ParkingTown) -> None:
    bound, unbound, short = "豫A1B001", "豫A1B002", "豫A1B003"
    citizen = await town.driver(bound)
    town.clock(at("10:00"))
    for plate in (bound, unbound):
        assert await why(town, "in", "10:00", plate) == "entering"
    assert await why(town, "in", "10:00", None) == "plate-not-read"
    town.clock(at("10:30"))
    assert await why(town, "out", "10:30", None) == "plate-not-read"
    assert await why(town, "out", "10:30", "A1B001") == "plate-incomplete"
    assert await why(town, "out", "10:30", "豫A0582挂") == "trailer-read"
    assert await why(town, "in", "10:30", unbound) == "exit-not-seen"
    assert await why(town, "in", "10:30:00", short) == "entering"
    assert await why(town, "out", "10:30:30", short) == "free"  # not a whole minute
    town.clock(at("10:40"))
    assert await why(town, "out", "10:40", unbound) == "pay-later"
    assert await why(town, "out", "10:40", bound) == "debit"
    seen, *_ = await accesses(town.api, citizen, "zh", "gateway-1")
    assert (seen["what"], seen["role"]) == ("parking-barrier", "gateway")
    assert town.spent(citizen) == 400


async def pay_before(town: ParkingTown, plate: str) -> None:
    """Whoever stands at the kiosk pays what the stay comes to so far."""
    found = await town.api.call("POST", STAYS, "kiosk", json={"plate": plate})
    (stay,) = found.json["stays"]
    path = f"{SESSIONS}/{stay['session_id']}/payment"
    asked = await town.api.call("POST", path, "kiosk", json={"plate": plate})
    assert asked.json["amount_fen"] == 400
    await town.pay([asked.json["order"]])


async def test_p46_what_the_barrier_says_to_who_has_paid(town: ParkingTown) -> None:
    """It goes by when the vehicle stood there, however late the gate asks."""
    leaving = {
        "豫A4K046": ("10:59:30", "paid"),
        "豫A4K047": ("11:03:00", "in-grace"),
        "豫A4K048": ("11:03:01", "pay-later"),
    }
    town.clock(at("10:00"))
    for plate in leaving:
        await why(town, "in", "10:00", plate)
    town.clock(at("10:58"))
    for plate in leaving:
        await pay_before(town, plate)
    town.clock(at("11:03:30"))
    for plate, (leaves, reason) in leaving.items():
        assert await why(town, "out", leaves, plate) == reason
    assert sorted(each["price_fen"] for each in await town.sessions()) == [400, 400, 600]


async def test_p17_two_cars_one_opening_as_the_gate_asks(town: ParkingTown) -> None:
    paid, unpaid = "豫A1C100", "豫A1C101"
    town.clock(at("17:10"))
    for plate in (paid, unpaid):
        await why(town, "in", "17:10", plate)
    town.clock(at("17:58"))
    await pay_before(town, paid)
    town.clock(at("18:00:10"))
    one = {"opening": "o-1", "evidence_sha256": ["ab" * 32]}
    assert await why(town, "out", "18:00:00.200", paid, **one) == "paid"
    assert await why(town, "out", "18:00:01.400", unpaid, **one) == "pay-later"
    found = {each["left_at"][-8:]: each for each in await town.sessions()}
    assert [(key, found[key]["status"], found[key]["deferred"]) for key in sorted(found)] == [
        (".200000Z", "settled", None),
        (".400000Z", "deferred", "departed-unpaid"),
    ]
